"""Membership: who comes, goes, and goes on in another log, in a draft."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import asdict, replace

from syncd import shape
from syncd.errors import RefusedError
from syncd.roster import certificate, join, members, terms
from syncd.roster.drafts import DAY_S, LIFE_DAYS, add_admin, named, put
from syncd.roster.join import NO_ALLIANCE, Applicant, Request
from syncd.roster.members import Cut, Described, Generation, Member
from syncd.roster.roster import FORMAT, Roster
from syncd.roster.row import Base64
from syncd.tlog.note import VerifierKey


class Founding(NamedTuple):
    """What version 1 is made of."""

    alliance: str
    founders: Sequence[Request]
    admins: Sequence[VerifierKey]
    threshold: int  # of the admins
    days: int = LIFE_DAYS
    zone: str = "Asia/Shanghai"
    never: Sequence[terms.Never] = ()


def found(plan: Founding, *, now: int) -> Roster:
    """Return version 1: founders, admins, default rules, url epoch 1.

    It has no token keys: its holders draw them (`flows.ceremony`).

    Raises:
        RefusedError: a request is for an alliance that exists, or of a
            founder that is there already.
    """
    draft = Roster(
        id="",
        alliance=plan.alliance,
        version=1,
        issued=now,
        expires=now + plan.days * DAY_S,
        format=FORMAT,
        zone=plan.zone,
        admin_keys=(),
        threshold=plan.threshold,
        members=(),
        epochs=(terms.Epoch("url", 1, normal=1),),
        quotas=terms.DEFAULT_QUOTAS,
        limits=terms.DEFAULT_LIMITS,
        caps=terms.DEFAULT_CAPS,
        policy=terms.DEFAULT_POLICY,
    )
    for key in plan.admins:
        draft = add_admin(draft, key)
    for founder in plan.founders:  # the ceremony will prove its seal key
        if founder.alliance_id != NO_ALLIANCE:
            raise RefusedError(
                "join: {member} joins an alliance and must be challenged",
                member=founder.id,
            )
        draft = _add_member(draft, founder.member)
    return put(draft, ("never",), *plan.never)


def applicant(
    request: str, answer: str, roster: Roster, secret: bytes | None = None
) -> Applicant:
    """Return who asks, whom a roster could take in: see `join.proven`.

    Raises:
        MalformedError, UntrustedError: it does not prove itself.
        RefusedError: another alliance's, or its id or domain is taken.
    """
    asked = join.parse(request.encode())
    add(roster, asked)
    return join.proven(asked, secret, answer.encode())


def add(draft: Roster, asked: Request) -> Roster:
    """Return the draft with who asks, whose seal key may be another's.

    That is an active member; or, if it is one that lost its keys, the notice
    that it wants to return with these, to go on in another log.

    Raises:
        RefusedError: its id or domain is taken, or it asked another alliance.
    """
    _check_alliance(draft, asked)
    old, new = draft.member(asked.id), asked.member
    if (
        old is None
        or old.status == "removed"
        or (old.domain, old.number + 1) != (new.domain, new.number)
    ):
        return _add_member(draft, new)
    wanted = asdict(shape.part(members.Wanted, asked))
    back = members.Returning(**wanted, since=draft.issued)
    return put(draft, ("members", old.id, "returning"), back)


def bring_back(
    draft: Roster,
    id: str,  # noqa: A002  the field's name
    end: Callable[[Generation], Cut],
) -> Roster:
    """Return the draft with a member as it was announced to return.

    `end` says where its log ends. That it is time, `trust` checks.

    Raises:
        RefusedError: none was announced, or its last log ended elsewhere.
    """
    member: Member = named(draft, "member", id)
    back = member.returning
    if back is None:
        raise RefusedError(
            "roster: no return of {member} is announced", member=id
        )
    said = asdict(shape.part(Described, back))
    member = replace(member, **said, returning=None)
    logs = _gone_on(member, back.log, end)
    return put(draft, ("members",), replace(member, generations=logs))


def _check_alliance(draft: Roster, asked: Request) -> None:
    if asked.alliance_id != draft.id:
        raise RefusedError(
            "roster: {member} asks alliance {asked}…, not {ours}…",
            member=asked.id,
            asked=asked.alliance_id[:16],
            ours=draft.id[:16],
            id_=draft.id,
        )


def _add_member(draft: Roster, member: Member) -> Roster:
    for other in draft.members:
        if other.id == member.id or other.domain == member.domain:
            raise RefusedError(
                "roster: {member} ({domain}, {status}) is already in it",
                other,
                member=other.id,
            )
    return put(draft, ("members",), member)


def remove(
    draft: Roster,
    id: str,  # noqa: A002  the field's name
    *,
    past: str = "keep",
    end: Cut | None = None,
    force: bool = False,
) -> Roster:
    """Return the draft without that member's rights.

    `past` says what becomes of what it reported: keep, or annul. `end` is
    where its log ends: what its key signs later counts for nobody. A removed
    holder answers no more; with fewer than t left, phones or accounts can
    be neither published nor looked up, so that needs `force`.

    Raises:
        UsageError: no such member.
        RefusedError: too few holders would be left.
    """
    member: Member = named(draft, "member", id)
    gone = replace(member, status="removed", past=past, suspended_until=0)
    if end is not None and not gone.generation.ended:
        gone = _cut(gone, gone.generation, end, ended=True)
    after = replace(
        put(draft, ("members",), gone),
        holders=tuple(h for h in draft.holders if h != id),
    )
    for epoch in after.epochs:
        left = len(after.holders_of(epoch))
        if not epoch.retired and left < epoch.t and not force:
            raise RefusedError(
                "roster: without {member} {left} holders are left for {kind} "
                "epoch {epoch}, which needs {t}",
                epoch,
                member=id,
                left=left,
            )
    return after


def cut(draft: Roster, origin: str, at: Cut, *, ended: bool = False) -> Roster:
    """Return the draft that says through which point a log goes.

    After a fork that is how a branch is chosen. A cut of the same size is
    replaced. `ended` says that nothing after it counts.

    Raises:
        UsageError: nobody's log.
        RefusedError: one that was cut at a larger size or has ended, or one
            whose successor says where.
    """
    member, log = named(draft, "log", origin)
    member = _cut(member, log, at, ended=ended)
    return put(draft, ("members",), member)


def _cut(member: Member, log: Generation, at: Cut, *, ended: bool) -> Member:
    *earlier, last = member.generations
    if log != last:
        raise RefusedError(
            "roster: {origin} says where {log_origin} ended",
            last,
            log_origin=log.origin,
        )
    if last.cuts and last.cuts[-1].size > at.size:
        raise RefusedError(
            "roster: {origin} cannot be cut at {size}, it was at {ours}",
            last,
            size=at.size,
            ours=last.cuts[-1].size,
        )
    if last.ended and not ended:
        raise RefusedError("roster: {origin} has ended", last)
    cuts = (*(c for c in last.cuts if c.size != at.size), at)
    return replace(
        member, generations=(*earlier, replace(last, cuts=cuts, ended=ended))
    )


def set_certificate(draft: Roster, id: str, der: bytes) -> Roster:  # noqa: A002
    """Return the draft with a member's new certificate, and its pin."""
    at = ("members", id)
    draft = put(draft, (*at, "certificate"), Base64(der))
    return put(draft, (*at, "keys", "tls"), certificate.pin(der))


def update(
    draft: Roster, asked: Request, end: Callable[[Generation], Cut]
) -> Roster:
    """Return the draft with a member as it now describes itself.

    Its member key signed the request, or vouches for the one that did, so
    what may change is what that key may say: how it is reached and called,
    its keys and certificate, and in which log it goes on. `end` says where
    its present log ends, and is asked if there is a new one.

    Raises:
        RefusedError: it is not that member's, changes what it may not, or
            its last log has ended elsewhere.
    """
    member: Member = named(draft, "member", asked.id)
    _check_alliance(draft, asked)
    if member.status == "removed":
        raise RefusedError("roster: {member} is removed", member=asked.id)
    if not asked.follows(member.keys, draft.id):
        raise RefusedError(
            "roster: the request has other keys than {member}, which the old"
            " ones do not vouch for",
            member=asked.id,
        )
    member = replace(member, **asdict(shape.part(Described, asked)))
    if asked.log != member.generation.log:
        member = replace(member, generations=_gone_on(member, asked.log, end))
    return put(draft, ("members",), member)


def _gone_on(
    member: Member, log: VerifierKey, end: Callable[[Generation], Cut]
) -> tuple[Generation, ...]:
    """Return a member's logs, and one that goes on where the last one ends."""
    if log.name in {g.origin for g in member.generations}:
        raise RefusedError(
            "roster: the request is of {name}, which is not the log "
            "that it writes now",
            log,
        )
    *earlier, last = member.generations
    at = end(last)
    if last.ended:
        if at != last.cuts[-1]:
            raise RefusedError(
                "roster: {origin} has ended at {size}, not at "
                "{predecessor_size}",
                last,
                size=last.cuts[-1].size,
                predecessor_size=at.size,
            )
        last = replace(last, ended=False)  # its successor says where
    after = members.Predecessor(last.origin, at.size, at.root)
    return (*earlier, last, Generation(log, predecessor=after))
