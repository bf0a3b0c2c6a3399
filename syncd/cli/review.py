"""What a roster says and what a draft changes, in words, for who signs it.

Every difference makes a line: `+` comes, `-` goes, `~` becomes. review.tsv has
words for some places; what has none is shown by its place and both values, so
nothing that an admin signs is hidden.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import structs
from rich.cells import set_cell_size

from syncd import tsv
from syncd.cli import grid
from syncd.messages.catalogue import language, t
from syncd.roster.changes import Change, between
from syncd.roster.roster import Roster
from syncd.tlog import note

Words = Mapping[str, Any]

_HASH = re.compile("[0-9a-f]{64}|[A-Za-z0-9+/]{43}=", re.ASCII)


def changes(current: Roster, draft: Roster) -> list[str]:
    """Return what the draft changes, a line each."""
    return [
        f"{_mark(change)} {grid.clean(line)}"
        for change in between(current, draft)
        for line in _words(change)
    ]


def to_json(current: Roster, draft: Roster) -> list[dict[str, Any]]:
    """Return what the draft changes, for a program."""
    return [
        {"at": c.path, "new": c.new, "old": c.old}
        for c in between(current, draft)
    ]


def _mark(change: Change) -> str:
    return "+" if change.old is None else "-" if change.new is None else "~"


def _words(change: Change) -> list[str]:
    """Return a change in words of its own, if there are some."""
    row = change.old if change.new is None else change.new
    known = {"new": change.new, "old": change.old}
    if isinstance(row, dict):
        known = {**row, **known}
    for name, value in known.items():  # words say that it is a hash
        if isinstance(value, str) and _HASH.fullmatch(value):
            known[name] = value[:16]
    for place, mark, *texts in SAYINGS:
        named = _matched(place, change.path)
        # What something becomes may have words of its own.
        if named is not None and mark in (str(change.new), _mark(change)):
            known |= named
            if place in MORE:
                known |= MORE[place](known)
            below = BELOW[place](known) if place in BELOW else []
            zh, en = (text.format(**known) for text in texts)
            return [zh if language() == "zh" else en, *below]
    where = " ".join(change.path)
    if _mark(change) != "~":
        return [f"{where}: {_show(row)}"]
    both = {"new": _show(change.new), "old": _show(change.old)}
    return [t("{what}: {new}, was {old}", what=where, **both)]


def _matched(place: str, path: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the parts of a path that a place has names for, if it is that."""
    form = re.sub(r"{(\w+)}", r"(?P<\1>[^\0]*)", place.replace(" ", "\0"))
    found = re.fullmatch(form, "\0".join(path))
    return found and found.groupdict()


def _show(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{k} {_show(v)}" for k, v in value.items())
        case list():
            return " ".join(map(_show, value))
        case bool():
            return str(value).lower()
        case _:
            return str(value)


# ------------------------------------------------------------------ the words


def _admin(known: Words) -> Words:
    keys = {
        name: note.parse_vkey(known[name]).key_id.hex()
        for name in ("new", "old")
        if known[name]
    }
    return {"name": known["name"].rpartition("/")[2], **keys}


def _newcomer(row: Words) -> list[str]:
    return [
        *(
            f"    {name} {_show(row[name])}"
            for name in ("group", "via", "info", "urls")
            if row.get(name)
        ),
        *(
            f"    {t('log')} {g['log'].partition('+')[0]}"
            for g in row["generations"]
        ),
        f"    TLS {row['keys']['tls'][:16]}…",
    ]


def _earlier(row: Words) -> list[str]:
    """Return where the log before a new one ends."""
    if not (end := row.get("predecessor")):
        return []
    brief = {**end, "root": end["root"][:16]}
    return [t("{origin} ends at size {size}, root {root}…", **brief)]


def _held(known: Words) -> Words:
    held = ", ".join(member for _, member, _ in known.get("shares", ()))
    text = t(": {needed} of {holders}", needed=known.get("t"), holders=held)
    return {"held": text if held else ""}


def _quota(known: Words) -> Words:
    whose, _, purpose = known["quota"].partition(" ")
    if whose == "all":
        whose = t("everybody")
    return {"whose": whose, "purpose": purpose}


SAYINGS = [*tsv.rows("cli/review.tsv")]
# What is named otherwise than it stands there, and lines of more.
MORE: Mapping[str, Callable[[Words], Words]] = {
    "expires": lambda known: {n: day(known[n]) for n in ("new", "old")},
    "admins {name}": _admin,
    "epochs {epoch}": _held,
    "epochs {epoch} until": lambda known: {"new": day(known["new"])},
    "erased {row}": lambda known: {
        "ranges": " ".join(f"[{a}, {b})" for a, b in known["ranges"])
    },
    "quotas {quota}": _quota,
}
BELOW: Mapping[str, Callable[[Words], list[str]]] = {
    "members {member}": _newcomer,
    "members {member} generations {log}": _earlier,
}


def day(moment: int) -> str:
    """Return a moment as a day and time, UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))


def whole(roster: Roster) -> list[str]:
    """Return what a roster says, as lines."""
    return [
        set_cell_size(name, 9) + grid.clean(text)
        for name, text in _parts(roster)
    ]


def _parts(roster: Roster) -> Iterator[tuple[str, str]]:
    yield t("alliance"), f"{roster.alliance} ({roster.id})"
    yield t("version"), f"{roster.version} ({roster.hash})"
    yield t("expires"), day(roster.expires)
    names = ", ".join(sorted(roster.admins))
    yield t("admins"), t("{n} of {names}", n=roster.threshold, names=names)
    for e in roster.epochs:
        if e.shares:
            held = ", ".join(member for member, _ in e.shares.values())
            line = f"{e.kind} epoch {e.epoch}: {e.t} of {held}"
            line += f" ({t('retired')})" if e.retired else ""
            yield t("key"), line
    for m in roster.members:
        yield t("member"), f"{m.id:16} {m.sector:10} {m.status:9} {m.origin}"
    for a in roster.auditors:
        yield t("auditor"), f"{a.id:16} {a.names.zh} / {a.names.en}"
    for q in roster.quotas:
        line = f"{q.member or '*':16} {q.purpose:10} {q.hour}/h {q.day}/d"
        yield t("quota"), line
    for c in roster.caps:
        yield t("cap"), f"{c.label:27} {c.days} d"
    policy = roster.policy.to_json()
    yield t("policy"), ", ".join(f"{k} {v}" for k, v in policy.items())
    yield (
        t("limits"),
        t(
            "{entries} entries, {bytes} bytes, of a log in a day; {lifts}"
            " lifts of a member in a week, or {lift_percent} %",
            **structs.asdict(roster.limits),
        ),
    )
    yield t("never"), t("{n} values", n=len(roster.never))
