"""What a roster says and what a draft changes, in words, for who signs it.

Every difference makes a line: `+` comes, `-` goes, `~` becomes. review.tsv has
words for some places; what has none is shown by its place and both values, so
nothing that an admin signs is hidden.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import starmap
from typing import Any

from msgspec import structs
from rich.cells import set_cell_size

from syncd import tsv
from syncd.messages import answers
from syncd.messages.catalogue import language, t
from syncd.roster import drafts, row, signing
from syncd.roster.drafts import Change, between
from syncd.roster.roster import Roster
from syncd.tlog import note

Words = Mapping[str, Any]

NAME = 8  # digits of its hash by which a draft is called
# Parts of the path of a change.
_SHARED = {"agreed", "generation", "shares", "t", "transcript"}
_FINAL = {"cuts", "ended", "erased", "member", "retired"}
_HASH = re.compile("[0-9a-f]{64}|[A-Za-z0-9+/]{43}=", re.ASCII)


def changes(current: Roster, draft: Roster) -> list[str]:
    """Return what the draft changes, a line each."""
    return [
        f"{_mark(change)} {answers.clean(line)}"
        for change in _told(current, draft)
        for line in _words(change)
    ]


def _told(current: Roster, draft: Roster) -> Iterator[Change]:
    """Yield what changes; what is shared out anew is one change of its key."""
    old, new = ({e.label: e for e in r.epochs} for r in (current, draft))
    anew = {
        n for n in old.keys() & new if old[n].generation < new[n].generation
    }
    for change in between(current, draft):
        place, name, field, *_ = *change.path, "", ""
        if name not in anew or field not in _SHARED:
            yield change
        elif field == "generation":
            was, now = row.plain(old[name]), row.plain(new[name])
            yield Change((place, name, "shares"), was, now)


def signed(raw: bytes, current: Roster) -> str:
    """Return who signed a draft that waits, and for whom it waits."""
    found = signing.signatures(raw, current)
    return t(
        "draft {id}: signed by {have}, waiting for {names}",
        id=drafts.read(raw)[1].hash[:NAME],
        have=", ".join({n: 0 for s in found for n in s.have}),
        names=", ".join({n: 0 for s in found for n in s.missing}),
    )


def moves(found: Any) -> list[str]:
    """Return whose verdicts a draft moves, as it was counted."""
    head = t(
        "of {entries} merged entries ({state}), on {day}, it moves verdicts on"
        " {values} values:",
        **structs.asdict(found),
    )
    return [head, *starmap(_moved, found.counts)]


def _moved(
    facet: str, code: str, verdict: str, action: str, old: int, new: int
) -> str:
    codes = {facet: code, "verdict": verdict, "action": action}
    what, *said = (answers.name(f, c) for f, c in codes.items() if c)
    return f"  {t(facet)} {what}: {' '.join(said)} {old} → {new}"


def final(current: Roster, draft: Roster) -> list[str]:
    """Return to whom or what a draft does what no later one undoes."""
    names = (
        change.path[1].partition(" ")[0]
        for change in between(current, draft)
        if change.new in ("annul", "removed")
        or (change.new and not _FINAL.isdisjoint(change.path))
    )
    return [*dict.fromkeys(names)]


def to_json(current: Roster, draft: Roster) -> list[dict[str, Any]]:
    """Return what the draft changes, for a program."""
    found = between(current, draft)
    return [{"at": c.path, "new": c.new, "old": c.old} for c in found]


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
            for g in row.get("generations", ())
        ),
        f"    TLS {row['keys']['tls'][:16]}…",
    ]


def _earlier(row: Words) -> list[str]:
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
    until = known.get("until")
    end = t(", until {day}", day=until) if until else ""
    return {"whose": whose, "purpose": purpose, "until": end}


SAYINGS = [*tsv.rows("messages/review.tsv")]
# What is named otherwise than it stands there, and lines of more.
MORE: Mapping[str, Callable[[Words], Words]] = {
    "expires": lambda known: {n: day(known[n]) for n in ("new", "old")},
    "admins {name}": _admin,
    "epochs {epoch}": _held,
    "epochs {epoch} shares": _held,
    "epochs {epoch} until": lambda known: {"new": day(known["new"])},
    "erased {row}": lambda known: {
        "ranges": " ".join(f"[{a}, {b})" for a, b in known["ranges"])
    },
    "quotas {quota}": _quota,
}
BELOW: Mapping[str, Callable[[Words], list[str]]] = {
    "members {member}": _newcomer,
    "members {member} returning": _newcomer,
    "members {member} generations {log}": _earlier,
}


def day(moment: int) -> str:
    """Return a moment as a day and time, UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))


def whole(roster: Roster) -> list[str]:
    """Return what a roster says, as lines."""
    parts = _parts(roster)
    return [set_cell_size(name, 9) + answers.clean(x) for name, x in parts]


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
        line += f" ≤ {q.until}" if q.until else ""
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
