"""Drafts: the next version of the roster, on its way to its signatures.

    current ── begin ──> draft ── put, drop, admit, … ──> draft ── write ──> file
    file ── sign (each admin, anywhere) ──> file ── is_complete ──> publish

An edit takes a roster and returns one; edits compose. Most are of a path, in
the words by which `changes` tells what differs: names in JSON, and the label
of a list's row.

    put(draft, ("members", "bank", "urls"), ("https://bank.example:8443",))
    put(draft, ("members", "bank", "info", "contact"), "noc@bank.example")
    put(draft, ("policy", "confirmed"), "hold")
    put(draft, ("epochs", "phone/1", "retired"), True)
    put(draft, ("quotas",), Quota("lookup", 10, 20))  a row finds its place
    put(draft, ("never",), *rows)                     and takes its twin's
    drop(draft, ("quotas", "bank lookup"))
    drop(draft, ("auditors", "court"))

What has a rule of its own is a function: admit, remove, cut, update, ….
What no single edit can see is checked by `write`: it reads its own text back,
as every member will. A draft file is the note that will be published: its
text never changes after `write`, admins add lines under it, so it may go
round by mail or memory stick.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import asdict, replace

from syncd.errors import MalformedError, RefusedError
from syncd.roster import certificate, roster, row, terms, trust
from syncd.roster.join import Applicant, Request
from syncd.roster.members import ADMIN_NAME, PASTS, Cut, Profile
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
    Predecessor,
    Quota,
    Roster,
)
from syncd.roster.row import Base64
from syncd.tlog import note
from syncd.tlog.note import Note, SigningKey, VerifierKey

DAY_S = 86_400
LIFE_DAYS = MAX_LIFE_S // DAY_S

# ---------------------------------------------------------------- beginning


@dataclass(frozen=True, slots=True)
class Founding:
    """What version 1 is made of."""

    alliance: str
    founders: Sequence[Applicant]
    admins: Sequence[VerifierKey]
    threshold: int  # of the admins
    days: int = LIFE_DAYS
    zone: str = "Asia/Shanghai"
    never: Sequence[Never] = ()
    normal: Mapping[str, int] = field(default_factory=dict)
    # versions of the normal forms by kind; 1 if absent


def found(plan: Founding, *, now: int) -> Roster:
    """Return version 1: founders, admins, default rules, url epoch 1.

    Token keys are added by `add_epoch`.
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
        epochs=(Epoch("url", 1, plan.normal.get("url", 1)),),
        quotas=terms.DEFAULT_QUOTAS,
        limits=terms.DEFAULT_LIMITS,
        caps=terms.DEFAULT_CAPS,
        policy=terms.DEFAULT_POLICY,
    )
    for key in plan.admins:
        draft = add_admin(draft, key)
    for founder in plan.founders:
        draft = _add_member(draft, founder.request.member)
    return put(draft, ("never",), *plan.never)


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


# -------------------------------------------------------------------- paths


def put(draft: Roster, path: Sequence[str], *values: Any) -> Roster:
    """Return the draft with a value at a path, or with rows in its list.

    Raises:
        RefusedError: there is no such place.
    """

    def change(old: Any) -> Any:
        if not isinstance(old, tuple) or isinstance(values[0], tuple):
            return values[0]
        rows = {row.key(item): item for item in (*old, *values)}
        return tuple(rows[key] for key in sorted(rows))

    return _edited(draft, path, path, change) if values else draft


def drop(draft: Roster, path: Sequence[str]) -> Roster:
    """Return the draft without what stands at a path.

    Raises:
        RefusedError: nothing does.
    """
    *where, last = path

    def change(old: Any) -> Any:
        left = dict(row.parts(old))
        del left[last]
        return left if isinstance(old, dict) else tuple(left.values())

    return _edited(draft, path, where, change)


def _edited(
    draft: Roster,
    named: Sequence[str],
    path: Sequence[str],
    change: Callable[[Any], Any],
) -> Roster:
    try:
        after: Roster = _changed(draft, path, change)
    except KeyError:
        # On the never-list stands what nobody's message should repeat.
        place = " ".join(named[:1] if named[0] == "never" else named)
        raise RefusedError(f"roster: nothing at {place}") from None
    return after


def _changed(
    value: Any, path: Sequence[str], change: Callable[[Any], Any]
) -> Any:
    if not path:
        return change(value)
    name, *rest = path
    if isinstance(value, tuple):
        labels = [row.label(item) for item in value]
        if name not in labels:
            raise KeyError(name)
        n = labels.index(name)
        item = _changed(value[n], rest, change)
        return (*value[:n], item, *value[n + 1 :])
    if isinstance(value, dict):
        return value | {name: _changed(value.get(name), rest, change)}
    field = row.field(type(value), name)
    part = _changed(getattr(value, field), rest, change)
    return replace(value, **{field: part})


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
        put(draft, ("members",), gone),
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
    member = _cut(*found, at, ended=ended)
    return put(draft, ("members",), member)


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
    return put(draft, ("members", id, "urls"), urls)


def set_certificate(draft: Roster, id: str, der: bytes) -> Roster:  # noqa: A002
    """Return the draft with a member's new certificate, and its pin."""
    at = ("members", id)
    draft = put(draft, (*at, "certificate"), Base64(der))
    return put(draft, (*at, "keys", "tls"), certificate.pin(der))


def set_member(draft: Roster, id: str, **changes: Any) -> Roster:  # noqa: A002
    """Return the draft with other names, sector, group, via or info."""
    for name, value in changes.items():
        draft = put(draft, ("members", id, name), value)
    return draft


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
    logs = (*earlier, last, after)
    return put(draft, ("members", id, "generations"), logs)


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
    member = replace(
        member,
        **asdict(row.part(Profile, asked)),
        keys=asked.keys,
        certificate=asked.certificate,
    )
    draft = put(draft, ("members",), member)
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
    keys = draft.admins | {name: key}
    return replace(draft, admin_keys=tuple(sorted(keys.values(), key=str)))


def remove_admin(draft: Roster, name: str) -> Roster:
    """Return the draft with one admin less."""
    if name not in draft.admins:
        raise RefusedError(f"roster: no admin {name}")
    left = len(draft.admins) - 1
    if left < draft.threshold:
        raise RefusedError(
            f"roster: {left} admins would be left for a threshold of"
            f" {draft.threshold}",
            hint="lower the threshold first, or name another admin",
        )
    return drop(draft, ("admins", draft.admins[name].name))


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
    one = Auditor(id, names, certificate.pin(der), Base64(der))
    return put(draft, ("auditors",), one)


def remove_auditor(draft: Roster, id: str) -> Roster:  # noqa: A002
    """Return the draft without that auditor."""
    return drop(draft, ("auditors", id))


# -------------------------------------------------------------------- rules


def add_epoch(draft: Roster, epoch: Epoch) -> Roster:
    """Return the draft with one more token key; who shares it, holds it."""
    sharing = {share.member for share in epoch.held}
    holders = tuple(sorted(sharing | set(draft.holders)))
    return put(replace(draft, holders=holders), ("epochs",), epoch)


def retire_epoch(draft: Roster, kind: str, number: int) -> Roster:
    """Return the draft in which all entries of an epoch are erased."""
    return put(draft, ("epochs", f"{kind}/{number}", "retired"), True)


def add_never(draft: Roster, *values: Never) -> Roster:
    """Return the draft with values that are never listed."""
    return put(draft, ("never",), *values)


def remove_never(draft: Roster, kind: str, value: str) -> Roster:
    """Return the draft in which a value may be listed again."""
    return drop(draft, ("never", f"{kind} {value}"))


def set_quota(draft: Roster, quota: Quota) -> Roster:
    """Return the draft with a row for everybody, or for one member."""
    return put(draft, ("quotas",), quota)


def set_cap(draft: Roster, cap: Cap) -> Roster:
    """Return the draft with a row by kind, by evidence, or by both."""
    return put(draft, ("caps",), cap)


def drop_quota(draft: Roster, member: str, purpose: str) -> Roster:
    """Return the draft without a row: what is everybody's applies then."""
    return drop(draft, ("quotas", f"{member or 'all'} {purpose}"))


def drop_cap(draft: Roster, kind: str, evidence: str) -> Roster:
    """Return the draft without a row: the next closest applies then."""
    return drop(draft, ("caps", f"{kind} {evidence}".strip()))


def set_limits(draft: Roster, limits: Limits) -> Roster:
    """Return the draft with what an origin may bring in a day."""
    return put(draft, ("limits",), limits)


def set_policy(draft: Roster, **actions: str) -> Roster:
    """Return the draft with other actions for some findings."""
    for name, action in actions.items():
        draft = put(draft, ("policy", name), action)
    return draft


def add_erased(draft: Roster, erased: Erased) -> Roster:
    """Return the draft that erases for a log which cannot speak."""
    return put(draft, ("erased",), erased)


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
