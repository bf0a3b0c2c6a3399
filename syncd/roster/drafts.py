"""Drafts: the next version of the roster, on its way to its signatures.

    current ── begin ──> draft ── admit, remove, … ──> draft ── write ──> file
    file ── sign (each admin, anywhere) ──> file ── is_complete ──> publish

An edit takes a roster and returns one; edits compose. A draft file is the
note that will be published: its text never changes after `write`, admins add
lines under it, so it may go round by mail or memory stick. What no single
edit can see is checked by `write`: it reads its own text back, as every
member will.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from syncd.errors import MalformedError, RefusedError
from syncd.roster import certificate, roster, trust
from syncd.roster.join import Applicant, Request
from syncd.roster.members import ADMIN_NAME, PASTS, Cut
from syncd.roster.roster import (
    FORMAT,
    MAX_LIFE_S,
    MAX_SIZE,
    Auditor,
    Cap,
    Epoch,
    Erased,
    Generation,
    Limits,
    Member,
    Names,
    Never,
    Policy,
    Predecessor,
    Quota,
    Roster,
)
from syncd.tlog import note
from syncd.tlog.note import Note, SigningKey, VerifierKey

DAY_S = 86_400
LIFE_DAYS = MAX_LIFE_S // DAY_S

# ---------------------------------------------------------------- beginning


def found(
    alliance: str,
    founders: Iterable[Applicant],
    admins: Iterable[VerifierKey],
    threshold: int,
    *,
    now: int,
    days: int = LIFE_DAYS,
    zone: str = "Asia/Shanghai",
    never: Iterable[Never] = (),
    url_normal: int = 1,
) -> Roster:
    """Return version 1: founders, admins, default rules, url epoch 1.

    Token keys are added by `add_epoch`.
    """
    draft = Roster(
        id="",
        alliance=alliance,
        version=1,
        previous="",
        issued=now,
        expires=now + days * DAY_S,
        format=FORMAT,
        zone=zone,
        admins={},
        threshold=threshold,
        members=(),
        epochs=(Epoch("url", 1, url_normal),),
    )
    for key in admins:
        draft = add_admin(draft, key)
    for founder in founders:
        draft = _add_member(draft, founder.request.member)
    return add_never(draft, *never)


def begin(current: Roster, *, now: int, days: int = LIFE_DAYS) -> Roster:
    """Return the version after `current`, renewed and otherwise the same.

    Raises:
        RefusedError: `now` is before `current` was issued.
    """
    if now < current.issued:
        raise RefusedError(
            f"roster: the clock says {now}, version {current.version} was"
            f" issued at {current.issued}",
            hint="set this machine's clock",
        )
    return replace(
        current,
        version=current.version + 1,
        previous=current.hash,
        issued=now,
        expires=now + days * DAY_S,
    )


# ------------------------------------------------------------------ members


def admit(draft: Roster, applicant: Applicant) -> Roster:
    """Return the draft with the applicant as an active member.

    Raises:
        RefusedError: its seal key is unproven, its id or domain is taken, or
            it asked another alliance.
    """
    asked = applicant.request
    if not applicant.seal_proven:
        raise RefusedError(
            f"roster: {asked.id} has not shown its seal key",
            hint="send it a challenge and read its answer",
        )
    if asked.alliance_id != draft.id:
        raise RefusedError(
            f"roster: {asked.id} asks to join {asked.alliance_id[:16]}…,"
            f" not {draft.id[:16]}…",
            hint="it must ask again: syncd join request OUT --alliance-id"
            f" {draft.id}",
        )
    return _add_member(draft, asked.member)


def _add_member(draft: Roster, member: Member) -> Roster:
    for other in draft.members:
        if other.id == member.id or other.domain == member.domain:
            raise RefusedError(
                f"roster: {other.id} ({other.domain}, {other.status}) is"
                " already in it"
            )
    if member.alliance != draft.alliance:
        raise RefusedError(
            f"roster: {member.id}'s keys are named for {member.alliance},"
            f" not {draft.alliance}"
        )
    return _with_member(draft, member)


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
        RefusedError: no such member, removed already, or too few holders.
    """
    member = _member(draft, id)
    if past not in PASTS:
        raise RefusedError(f"roster: past is {past!r}, want keep or annul")
    if member.status == "removed" and member.past == past:
        raise RefusedError(f"roster: {id} is removed already")
    gone = replace(member, status="removed", past=past, suspended_until=0)
    if end is not None and not gone.generation.ended:
        gone = _cut(gone, gone.generation, end, ended=True)
    after = replace(
        _with_member(draft, gone),
        holders=tuple(h for h in draft.holders if h != id),
    )
    for epoch in after.epochs:
        left = len(after.holders_of(epoch))
        if not epoch.retired and left < epoch.t and not force:
            raise RefusedError(
                f"roster: without {id} {left} holders are left for"
                f" {epoch.kind} epoch {epoch.epoch}, which needs {epoch.t}",
                hint="force it, and found a new epoch",
            )
    return after


def cut(draft: Roster, origin: str, at: Cut, *, ended: bool = False) -> Roster:
    """Return the draft that says through which point a log goes.

    After a fork that is how a branch is chosen. A cut of the same size is
    replaced. `ended` says that nothing after it counts.

    Raises:
        RefusedError: nobody's log, one that was cut at a larger size or has
            ended, or one whose successor says where.
    """
    found = draft.by_origin(origin)
    if found is None:
        raise RefusedError(f"roster: {origin} is nobody's log")
    return _with_member(draft, _cut(found[0], found[1], at, ended=ended))


def _cut(member: Member, log: Generation, at: Cut, *, ended: bool) -> Member:
    *earlier, last = member.generations
    if log != last:
        raise RefusedError(
            f"roster: {last.origin} says where {log.origin} ended"
        )
    if last.cuts and last.cuts[-1].size > at.size:
        raise RefusedError(
            f"roster: {last.origin} cannot {'end' if ended else 'be cut'} at"
            f" {at.size}, it was cut at {last.cuts[-1].size}"
        )
    if last.ended and not ended:
        raise RefusedError(f"roster: {last.origin} has ended")
    cuts = (*(c for c in last.cuts if c.size != at.size), at)
    return replace(
        member, generations=(*earlier, replace(last, cuts=cuts, ended=ended))
    )


def set_urls(draft: Roster, id: str, *urls: str) -> Roster:  # noqa: A002
    """Return the draft with a member's peer doors, best first."""
    return _with_member(draft, replace(_member(draft, id), urls=urls))


def set_certificate(draft: Roster, id: str, der: bytes) -> Roster:  # noqa: A002
    """Return the draft with a member's new certificate, and its pin."""
    member = _member(draft, id)
    keys = replace(member.keys, tls=certificate.pin(der))
    return _with_member(draft, replace(member, certificate=der, keys=keys))


def set_member(draft: Roster, id: str, **changes: Any) -> Roster:  # noqa: A002
    """Return the draft with other names, sector, group, via or info.

    Raises:
        RefusedError: a field with an edit of its own.
    """
    for name in changes:
        if name not in {"names", "sector", "group", "via", "info"}:
            raise RefusedError(f"roster: {name} is not edited in place")
    return _with_member(draft, replace(_member(draft, id), **changes))


def next_generation(
    draft: Roster,
    id: str,  # noqa: A002
    log: VerifierKey,
    predecessor: Predecessor,
) -> Roster:
    """Return the draft in which a member goes on in a new log.

    Raises:
        RefusedError: the last one has ended elsewhere.
    """
    member = _member(draft, id)
    *earlier, last = member.generations
    if last.ended:
        end = last.cuts[-1]
        if (predecessor.size, predecessor.root) != (end.size, end.root):
            raise RefusedError(
                f"roster: {last.origin} has ended at {end.size}, not at"
                f" {predecessor.size}"
            )
        last = replace(last, ended=False)  # its successor says where
    after = Generation(log, predecessor=predecessor)
    return _with_member(
        draft, replace(member, generations=(*earlier, last, after))
    )


def update(draft: Roster, asked: Request, end: Cut | None) -> Roster:
    """Return the draft with a member as it now describes itself.

    Its member key signed the request, so what may change is what that key
    may say: how it is reached and called, its TLS key and certificate, and
    in which log it goes on. `end` is where its present log ends, needed with
    a new one.

    Raises:
        RefusedError: it is not that member's, or changes what it may not.
    """
    member = _member(draft, asked.id)
    if asked.alliance_id != draft.id:
        raise RefusedError(
            f"roster: {asked.id} asks alliance {asked.alliance_id[:16]}…,"
            f" not {draft.id[:16]}…"
        )
    if member.status == "removed":
        raise RefusedError(f"roster: {asked.id} is removed")
    for role in ("member", "seen", "merged", "seal"):
        if getattr(asked.keys, role) != getattr(member.keys, role):
            raise RefusedError(
                f"roster: the request has another {role} key than {asked.id}",
                hint="a member is known by its keys: one that lost them joins"
                " under another id",
            )
    draft = set_member(
        draft,
        asked.id,
        names=asked.names,
        sector=asked.sector,
        group=asked.group,
        via=asked.via,
        info=asked.info,
    )
    draft = set_urls(draft, asked.id, *asked.urls)
    draft = set_certificate(draft, asked.id, asked.certificate)
    if asked.log == member.generation.log:
        return draft
    if asked.log.name in {g.origin for g in member.generations}:
        raise RefusedError(
            f"roster: the request is of {asked.log.name}, which is not the"
            " log that it writes now",
            hint="it is an old request: ask for a new one",
        )
    if end is None:
        raise RefusedError(f"roster: where {member.origin} ends is not known")
    after = Predecessor(member.origin, end.size, end.root)
    return next_generation(draft, asked.id, asked.log, after)


def _member(draft: Roster, id: str) -> Member:  # noqa: A002
    member = draft.member(id)
    if member is None:
        raise RefusedError(f"roster: no member {id}")
    return member


def _with_member(draft: Roster, member: Member) -> Roster:
    others = [m for m in draft.members if m.id != member.id]
    return replace(draft, members=_by_id([*others, member]))


def _by_id(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda m: m.id))


# ------------------------------------------------------------------- admins


def add_admin(draft: Roster, key: VerifierKey) -> Roster:
    """Return the draft with one more admin, or another key for one.

    Raises:
        MalformedError: the key is not named `<alliance>/admin/<name>`.
    """
    prefix, _, name = key.name.rpartition("/")
    if prefix != f"{draft.alliance}/admin" or not ADMIN_NAME.fullmatch(name):
        raise MalformedError(
            f"roster: an admin's key is named {draft.alliance}/admin/<name>,"
            f" not {key.name}"
        )
    return replace(draft, admins={**draft.admins, name: key})


def remove_admin(draft: Roster, name: str) -> Roster:
    """Return the draft with one admin less."""
    if name not in draft.admins:
        raise RefusedError(f"roster: no admin {name}")
    rest = {n: key for n, key in draft.admins.items() if n != name}
    if len(rest) < draft.threshold:
        raise RefusedError(
            f"roster: {len(rest)} admins would be left for a threshold of"
            f" {draft.threshold}",
            hint="lower the threshold first, or name another admin",
        )
    return replace(draft, admins=rest)


def set_threshold(draft: Roster, threshold: int) -> Roster:
    """Return the draft that needs that many admins from now on."""
    if not 1 <= threshold <= len(draft.admins):
        raise RefusedError(
            f"roster: a threshold of {threshold} with {len(draft.admins)}"
            " admins"
        )
    return replace(draft, threshold=threshold)


def add_auditor(draft: Roster, id: str, names: Names, der: bytes) -> Roster:  # noqa: A002
    """Return the draft with an auditor, known by its certificate."""
    one = Auditor(id, names, certificate.pin(der), der)
    others = [a for a in draft.auditors if a.id != id]
    auditors = sorted([*others, one], key=lambda a: a.id)
    return replace(draft, auditors=tuple(auditors))


def remove_auditor(draft: Roster, id: str) -> Roster:  # noqa: A002
    """Return the draft without that auditor."""
    rest = tuple(a for a in draft.auditors if a.id != id)
    if len(rest) == len(draft.auditors):
        raise RefusedError(f"roster: no auditor {id}")
    return replace(draft, auditors=rest)


# -------------------------------------------------------------------- rules


def add_epoch(draft: Roster, epoch: Epoch) -> Roster:
    """Return the draft with one more token key; who shares it, holds it."""
    epochs = sorted([*draft.epochs, epoch], key=lambda e: (e.kind, e.epoch))
    sharing = {member for member, _ in epoch.shares.values()}
    holders = sorted(sharing | set(draft.holders))
    return replace(draft, epochs=tuple(epochs), holders=tuple(holders))


def retire_epoch(draft: Roster, kind: str, number: int) -> Roster:
    """Return the draft in which all entries of an epoch are erased."""
    epoch = draft.epoch(kind, number)
    if epoch is None:
        raise RefusedError(f"roster: no {kind} epoch {number}")
    epochs = [e for e in draft.epochs if e != epoch]
    epochs.append(replace(epoch, retired=True))
    epochs.sort(key=lambda e: (e.kind, e.epoch))
    return replace(draft, epochs=tuple(epochs))


def add_never(draft: Roster, *values: Never) -> Roster:
    """Return the draft with values that are never listed."""
    rows = {(n.kind, n.value): n for n in (*draft.never, *values)}
    return replace(draft, never=tuple(rows[key] for key in sorted(rows)))


def remove_never(draft: Roster, kind: str, value: str) -> Roster:
    """Return the draft in which a value may be listed again."""
    rest = tuple(n for n in draft.never if (n.kind, n.value) != (kind, value))
    if len(rest) == len(draft.never):
        raise RefusedError(f"roster: no such {kind} on the never-list")
    return replace(draft, never=rest)


def set_quota(draft: Roster, quota: Quota) -> Roster:
    """Return the draft with a row for everybody, or for one member."""
    rows = {(q.member, q.purpose): q for q in (*draft.quotas, quota)}
    return replace(draft, quotas=tuple(rows[key] for key in sorted(rows)))


def set_cap(draft: Roster, cap: Cap) -> Roster:
    """Return the draft with a row by kind, by evidence, or by both."""
    rows = {(c.kind, c.evidence): c for c in (*draft.caps, cap)}
    return replace(draft, caps=tuple(rows[key] for key in sorted(rows)))


def drop_quota(draft: Roster, member: str, purpose: str) -> Roster:
    """Return the draft without a row: what is everybody's applies then.

    Raises:
        RefusedError: no such row.
    """
    rest = tuple(
        q for q in draft.quotas if (q.member, q.purpose) != (member, purpose)
    )
    if len(rest) == len(draft.quotas):
        raise RefusedError(
            f"roster: no quota of {member or 'everybody'} for {purpose}"
        )
    return replace(draft, quotas=rest)


def drop_cap(draft: Roster, kind: str, evidence: str) -> Roster:
    """Return the draft without a row: the next closest applies then.

    Raises:
        RefusedError: no such row.
    """
    rest = tuple(
        c for c in draft.caps if (c.kind, c.evidence) != (kind, evidence)
    )
    if len(rest) == len(draft.caps):
        raise RefusedError(f"roster: no cap for {kind or evidence}")
    return replace(draft, caps=rest)


def set_limits(draft: Roster, limits: Limits) -> Roster:
    """Return the draft with what an origin may bring in a day."""
    return replace(draft, limits=limits)


def set_policy(draft: Roster, **actions: str) -> Roster:
    """Return the draft with other actions for some findings.

    Raises:
        RefusedError: no such finding.
    """
    known = {f.name for f in dataclasses.fields(Policy)}
    for name in actions:
        if name not in known:
            raise RefusedError(f"roster: the policy has no {name}")
    return replace(draft, policy=replace(draft.policy, **actions))


def add_erased(draft: Roster, erased: Erased) -> Roster:
    """Return the draft that erases for a log which cannot speak."""
    rows = sorted(
        {*draft.erased, erased}, key=lambda e: (e.origin, e.size, e.ranges)
    )
    return replace(draft, erased=tuple(rows))


# --------------------------------------------------------------- signatures


@dataclass(frozen=True, slots=True)
class Signed:
    """How far one version's admins have signed."""

    version: int  # whose admins these are
    threshold: int
    have: tuple[str, ...]  # names
    missing: tuple[str, ...]  # names; `wanted` of them are enough

    @property
    def wanted(self) -> int:
        """How many more must sign."""
        return max(0, self.threshold - len(self.have))


def write(draft: Roster, current: Roster | None = None) -> bytes:
    """Return the draft as a file without signatures.

    Raises:
        MalformedError: what no reader would take; names the part.
        UntrustedError: what cannot follow `current`; names the change.
    """
    checked = roster.from_json(draft.to_json(), draft.id)
    if current is not None:
        trust.check_succession(current, checked)
    return bytes(Note(checked.text, ()))


def read(raw: bytes) -> tuple[Note, Roster]:
    """Read a draft file, with or without signatures.

    Raises:
        MalformedError, NewerError: not a draft.
    """
    if raw.endswith(b"\n\n"):  # no line yet, which `note.parse` refuses
        try:
            text = raw[:-1].decode()
        except UnicodeDecodeError as e:
            raise MalformedError("roster: the draft is not UTF-8") from e
        signed = Note(text, ())
    else:
        signed = note.parse(raw, max_size=MAX_SIZE)
    return signed, trust.read(signed)


def sign(raw: bytes, key: SigningKey, current: Roster | None = None) -> bytes:
    """Return the draft file with one more signature.

    Raises:
        RefusedError: `key` is no admin's of the draft or of `current`, or
            the draft does not follow `current`.
    """
    signed, draft = read(raw)
    _check_follows(draft, current)
    known = set(draft.admins.values())
    if current is not None:
        known |= set(current.admins.values())
    if key.verifier not in known:
        raise RefusedError(
            f"roster: {key.name} is no admin of version {draft.version} or of"
            " the one before",
            hint="sign with a key that the roster lists under admins",
        )
    return bytes(note.add(signed, key.sign(signed.text)))


def merge(*raws: bytes) -> bytes:
    """Return one file with the signatures of several copies of a draft.

    Raises:
        RefusedError: they are not copies of one draft.
    """
    first, *others = [read(raw)[0] for raw in raws]
    for other in others:
        if other.text != first.text:
            raise RefusedError("roster: these are drafts of different texts")
        first = note.add(first, *other.signatures)
    return bytes(first)


def signatures(raw: bytes, current: Roster | None = None) -> Sequence[Signed]:
    """Return who signed and who may, for the draft and for `current`.

    Raises:
        UntrustedError: an admin's line that does not verify.
        RefusedError: the draft does not follow `current`.
    """
    signed, draft = read(raw)
    _check_follows(draft, current)
    bodies = [draft] if current is None else [current, draft]
    keys = {key for body in bodies for key in body.admins.values()}
    known = {(key.name, key.key_id) for key in keys}
    have: set[bytes] = set()
    if any((s.name, s.key_id) in known for s in signed.signatures):
        have = {key.public for key, _ in note.verify(signed, keys)}
    return tuple(_signed(body, have) for body in bodies)


def _signed(body: Roster, have: set[bytes]) -> Signed:
    names: Mapping[bool, list[str]] = {True: [], False: []}
    for name, key in sorted(body.admins.items()):
        names[key.public in have].append(name)
    return Signed(
        body.version, body.threshold, tuple(names[True]), tuple(names[False])
    )


def signers(raw: bytes) -> Signed:
    """Return which of the admins that a roster or draft names signed it.

    So much can be said of a file alone: whether *these* admins are ours, only
    the chain from the pinned version tells.

    Raises:
        UntrustedError: a line does not verify, or none is of those admins.
    """
    signed, found = read(raw)
    keys = {*found.admins.values()}
    have = (
        {key.public for key, _ in note.verify(signed, keys)}
        if (signed.signatures)
        else set()
    )
    return _signed(found, have)


def is_complete(raw: bytes, current: Roster | None = None) -> bool:
    """Whether both thresholds have signed: it can be published."""
    return all(not signed.wanted for signed in signatures(raw, current))


def _check_follows(draft: Roster, current: Roster | None) -> None:
    if current is None:
        if draft.version != 1:
            raise RefusedError(
                f"roster: version {draft.version} needs the one before it"
            )
    elif (draft.id, draft.version, draft.previous) != (
        current.id,
        current.version + 1,
        current.hash,
    ):
        raise RefusedError(
            f"roster: the draft does not follow version {current.version}",
            hint="begin again from the newest version",
        )


# -------------------------------------------------------------------- review


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions: where, and both JSON values."""

    path: tuple[str, ...]  # field names and what identifies a list's item
    old: Any  # None: was not there
    new: Any  # None: is not there any more

    def __str__(self) -> str:
        name, *rest = self.path
        where = name + "".join(f"[{part}]" for part in rest)
        if self.old is None:
            return f"+ {where}{_brief(self.new)}"
        if self.new is None:
            return f"- {where}{_brief(self.old)}"
        return f"~ {where}{_brief(self.old)} →{_brief(self.new)}"


def changes(current: Roster, draft: Roster) -> list[Change]:
    """Return what the draft changes, for who is to sign it.

    Every difference is named, down to the smallest part that differs.
    """
    found: list[Change] = []
    old, new = current.to_json(), draft.to_json()
    for name in sorted({*old, *new} - {"version", "previous", "issued"}):
        found += _differences((name,), old.get(name), new.get(name))
    return found


def _differences(path: tuple[str, ...], old: Any, new: Any) -> list[Change]:
    if old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        return _by_part(path, old, new)
    if isinstance(old, list | None) and isinstance(new, list | None):
        before, after = _labelled(old or []), _labelled(new or [])
        if before != after:
            return _by_part(path, before, after)
        # The same items: what changed is their order.
    return [Change(path, old, new)]


def _by_part(
    path: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]
) -> list[Change]:
    return [
        change
        for part in sorted({*old, *new})
        for change in _differences((*path, part), old.get(part), new.get(part))
    ]


def _labelled(items: Sequence[Any]) -> dict[str, Any]:
    """Return list items by what identifies them, so that moves are none."""
    return {_label(item): item for item in items}


def _label(item: Any) -> str:
    match item:
        case {"id": str(id_)}:
            return id_
        case {"kind": str(kind), "epoch": int(number)}:
            return f"{kind}/{number}"
        case {"kind": str(kind), "value": str(value)}:
            return f"{kind} {value}"
        case {"purpose": str(purpose)}:
            return f"{item.get('member', 'all')} {purpose}"
        case {"days": int()}:
            return f"{item.get('kind', '')} {item.get('evidence', '')}".strip()
        case {"log": str(key)}:
            return key.partition("+")[0]  # the origin
        case {"origin": str(origin), "size": int(size)}:
            return f"{origin} {size} {item['ranges']}"
        case {"size": int(size)}:
            return str(size)
        case str() if "+" in item:
            return item.partition("+")[0]  # a key's name
        case _:
            return str(item)


def _brief(value: Any) -> str:
    match value:
        case str() if len(value) > 64:
            return f" {value[:64]}…"
        case str() | int():
            return f" {value}"
        case _:
            return ""
