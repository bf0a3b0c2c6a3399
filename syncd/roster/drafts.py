"""Drafts: the next version of the roster, on its way to its signatures.

    current ── begin ──> draft ── put, drop, add, … ──> draft ── write ──> file
    file ── sign (each admin, anywhere) ──> complete ──> publish

An edit takes a roster and returns one; edits compose. Most are of a path, in
the words by which `between` tells what differs, down to its smallest part:
names in JSON, and the label of a list's row.

    put(draft, ("members", "bank", "urls"), ("https://bank.example:8443",))
    put(draft, ("members", "bank", "info", "contact"), "noc@bank.example")
    put(draft, ("policy", "confirmed"), "hold")
    put(draft, ("epochs", "phone/1", "retired"), True)
    put(draft, ("quotas",), Quota("lookup", 10, 20))  a row finds its place
    put(draft, ("never",), *rows)                     and takes its twin's
    drop(draft, ("quotas", "bank lookup"))
    drop(draft, ("auditors", "court"))

What has a rule of its own is a function: add, remove, cut, update, ….
What no single edit can see is checked by `write`: it reads its own text back,
as every member will. A draft file is the note that will be published: its
text never changes after `write`, admins add lines under it, so it may go
round by mail or memory stick.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from syncd.errors import RefusedError, UsageError
from syncd.roster import roster, row, trust
from syncd.roster.roster import MAX_LIFE_S, MAX_SIZE, Roster
from syncd.roster.terms import Epoch
from syncd.tlog import note

DAY_S = 86_400
REPLACED_DAYS = 30  # for which a token key is asked beside the next one
LIFE_DAYS = MAX_LIFE_S // DAY_S


def begin(current: Roster, *, now: int, days: int = LIFE_DAYS) -> Roster:
    """Return the version after `current`, renewed and otherwise the same.

    Raises:
        RefusedError: `now` is before `current` was issued.
    """
    if now < current.issued:
        raise RefusedError(
            "roster: the clock says {now}, version {version} was "
            "issued at {issued}",
            current,
            now=now,
        )
    return replace(
        current,
        version=current.version + 1,
        previous=current.hash,
        issued=now,
        expires=now + days * DAY_S,
    )


_ROWS: Mapping[str, Callable[[Roster], Mapping[str, Any]]] = {
    "admin": lambda roster: roster.admins,
    "auditor": lambda roster: {a.id: a for a in roster.auditors},
    "epoch": lambda roster: {f"{e.kind} {e.epoch}": e for e in roster.epochs},
    "log": lambda roster: {o: roster.by_origin(o) for o in roster.origins()},
    "member": lambda roster: {m.id: m for m in roster.members},
}


def named(draft: Roster, what: str, name: str) -> Any:
    """Return what a roster has under a name; of a log, its member as well.

    Raises:
        UsageError: nothing; says what there is.
    """
    known = _ROWS[what](draft)
    if name not in known:
        raise UsageError(
            "roster: no {what} {name}",
            names=", ".join(known) or "-",
            what=what,
            name=name,
        )
    return known[name]


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
        raise RefusedError("roster: nothing at {place}", place=place) from None
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


def add_admin(draft: Roster, key: note.VerifierKey) -> Roster:
    """Return the draft with one more admin, or another key for one."""
    keys = draft.admins | {key.name.rpartition("/")[2]: key}
    return replace(draft, admin_keys=tuple(sorted(keys.values(), key=str)))


def remove_admin(draft: Roster, name: str) -> Roster:
    """Return the draft with one admin less."""
    key = named(draft, "admin", name)
    left = len(draft.admins) - 1
    if left < draft.threshold:
        raise RefusedError(
            "roster: {left} admins would be left for a threshold of "
            "{threshold}",
            draft,
            left=left,
        )
    return drop(draft, ("admins", key.name))


def add_epoch(draft: Roster, epoch: Epoch) -> Roster:
    """Return the draft with another token key, or new shares of one.

    Who shares it, holds it; who has no share of any key left, does not. A key
    that it replaces gets a deadline.
    """
    until = draft.issued + REPLACED_DAYS * DAY_S
    for old in draft.epochs if epoch.t else ():
        older = old.kind == epoch.kind and old.epoch < epoch.epoch
        if older and not (old.until or old.retired):
            draft = put(draft, ("epochs", old.label, "until"), until)
    draft = put(draft, ("epochs",), epoch)
    left = {s.member for e in draft.epochs for s in e.held}
    sharing = {share.member for share in epoch.held}
    holders = sharing | (left & set(draft.holders))
    return replace(draft, holders=tuple(sorted(holders)))


def write(draft: Roster, current: Roster | None = None) -> bytes:
    """Return the draft as a file without signatures.

    Raises:
        MalformedError: what no reader would take; names the part.
        UntrustedError: what cannot follow `current`; names the change.
    """
    checked = roster.from_json(draft.to_json(), draft.id)
    if current is not None:
        trust.check_succession(current, checked)
    return bytes(note.Note(checked.text, ()))


def read(raw: bytes) -> tuple[note.Note, Roster]:
    """Read a draft file, with or without signatures.

    Raises:
        MalformedError, NewerError: not a draft.
    """
    signed = note.parse(raw, max_size=MAX_SIZE, unsigned=True)
    return signed, trust.read(signed)


class Change(NamedTuple):
    """One difference between two versions: where, and both JSON values."""

    path: tuple[str, ...]  # names in JSON and labels of a list's rows
    old: Any  # None: was not there
    new: Any  # None: is not there any more


def between(current: Roster, draft: Roster) -> list[Change]:
    """Return what the draft changes."""
    return [
        change
        for change in _differences((), current, draft)
        if change.path[0] not in {"id", "version", "previous", "issued"}
    ]


def _differences(path: tuple[str, ...], old: Any, new: Any) -> list[Change]:
    if old == new:
        return []
    before, after = row.parts(old), row.parts(new)
    both = old is not None and new is not None
    if before == after or not (both or isinstance(old or new, tuple)):
        return [Change(path, row.plain(old), row.plain(new))]
    return [
        change
        for part in sorted({*before, *after})
        for change in _differences(
            (*path, part), before.get(part), after.get(part)
        )
    ]
