"""What a roster says and what a draft changes, in words, for who signs it.

Every difference makes a line: `+` comes, `-` goes, `~` becomes. What has no
words of its own is shown by its place and both values, so nothing that an
admin signs is hidden.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from syncd.cli import grid
from syncd.messages.catalogue import t
from syncd.roster.changes import Change, between
from syncd.roster.roster import Epoch, Roster
from syncd.tlog import note


def changes(current: Roster, draft: Roster) -> list[str]:
    """Return what the draft changes, a line each."""
    return [line for one in between(current, draft) for line in _of(one)]


def to_json(current: Roster, draft: Roster) -> list[dict[str, Any]]:
    """Return what the draft changes, for a program."""
    return [
        {"at": list(c.path), "new": c.new, "old": c.old}
        for c in between(current, draft)
    ]


def _of(change: Change) -> Iterable[str]:
    words = _WORDS.get(change.path[0], _plain)(change)
    mark = "+" if change.old is None else "-" if change.new is None else "~"
    for line in words:
        yield f"{mark} {grid.clean(line)}"


def _plain(change: Change) -> list[str]:
    where = " ".join(change.path)
    if change.old is None:
        return [f"{where}: {_show(change.new)}"]
    if change.new is None:
        return [f"{where}: {_show(change.old)}"]
    return [
        t(
            "{what}: {new}, was {old}",
            what=where,
            new=_show(change.new),
            old=_show(change.old),
        )
    ]


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


def _expires(change: Change) -> list[str]:
    return [
        t("expires {new}, was {old}", new=day(change.new), old=day(change.old))
    ]


def _threshold(change: Change) -> list[str]:
    return [
        t(
            "admins that must sign: {new}, were {old}",
            new=change.new,
            old=change.old,
        )
    ]


def _admin(change: Change) -> list[str]:
    name = change.path[1].rpartition("/")[2]
    if change.old is None:
        return [t("admin {name}, key {key}", name=name, key=_key(change.new))]
    if change.new is None:
        return [t("{name} is an admin no more", name=name)]
    return [
        t(
            "{name} has another key: {new}, was {old}",
            name=name,
            new=_key(change.new),
            old=_key(change.old),
        )
    ]


def _key(vkey: str) -> str:
    return note.parse_vkey(vkey).key_id.hex()


def _holder(change: Change) -> list[str]:
    if change.old is None:
        return [t("{member} answers as a holder", member=change.path[1])]
    return [t("{member} answers as a holder no more", member=change.path[1])]


def _member(change: Change) -> list[str]:
    _, member, *rest = change.path
    if not rest:
        return _newcomer(change.new) if change.old is None else _plain(change)
    old, new = change.old, change.new
    match rest:
        case ["status"]:
            return [
                t(
                    "{member} is {new}, was {old}",
                    member=member,
                    new=new,
                    old=old,
                )
            ]
        case ["past"] if new == "annul":
            return [t("all that {member} ever said is void", member=member)]
        case ["past"] if new == "keep":
            return [
                t("what {member} said until its end counts", member=member)
            ]
        case ["certificate"]:
            return [t("{member} has another certificate", member=member)]
        case ["keys", "tls"]:
            return [
                t(
                    "{member} has another TLS key: {new}…, was {old}…",
                    member=member,
                    new=new[:16],
                    old=old[:16],
                )
            ]
        case ["urls", url] if old is None:
            return [t("{member} is reached at {url}", member=member, url=url)]
        case ["urls", url]:
            return [
                t("{member} is not reached at {url}", member=member, url=url)
            ]
        case ["generations", origin, *more]:
            return _generation(member, origin, more, change)
    return _plain(change)


def _newcomer(new: Mapping[str, Any]) -> list[str]:
    names = new["names"]
    return [
        t(
            "member {member}: {zh} / {en}, sector {sector}",
            member=new["id"],
            zh=names["zh"],
            en=names["en"],
            sector=new["sector"],
        ),
        *(
            f"    {name} {_show(new[name])}"
            for name in ("group", "via", "info", "urls")
            if new.get(name)
        ),
        *(
            f"    {t('log')} {g['log'].partition('+')[0]}"
            for g in new["generations"]
        ),
        f"    TLS {new['keys']['tls'][:16]}…",
    ]


def _generation(
    member: str, origin: str, more: Sequence[str], change: Change
) -> list[str]:
    match more:
        case [] if change.old is None and change.new is not None:
            before = change.new.get("predecessor")
            said = [t("{member} writes {log}", member=member, log=origin)]
            if before:
                said.append(_end(before["origin"], before))
            return said
        case ["cuts", _] if change.old is None:
            return [
                t(
                    "{log} goes through size {size}, root {root}…",
                    log=origin,
                    size=change.new["size"],
                    root=change.new["root"][:16],
                )
            ]
        case ["ended"] if change.old is None:
            return [t("{log} ends there", log=origin)]
    return _plain(change)


def _end(origin: str, end: Mapping[str, Any]) -> str:
    return t(
        "{log} ends at size {size}, root {root}…",
        log=origin,
        size=end["size"],
        root=end["root"][:16],
    )


def _auditor(change: Change) -> list[str]:
    id_ = change.path[1]
    if len(change.path) > 2:
        return _plain(change)
    if change.old is None:
        names = change.new["names"]
        return [
            t(
                "auditor {id}: {zh} / {en}, TLS {key}…",
                id=id_,
                zh=names["zh"],
                en=names["en"],
                key=change.new["tls"][:16],
            )
        ]
    return [t("{id} is an auditor no more", id=id_)]


def _epoch(change: Change) -> list[str]:
    match change.path:
        case (_, name, "retired"):
            return [
                t("all entries of epoch {epoch} count as erased", epoch=name)
            ]
        case (_, name) if change.old is None:
            new = change.new
            held = ", ".join(m for _, m, _ in new.get("shares", ()))
            said = [t("epoch {epoch}", epoch=name)]
            if held:
                said = [
                    t(
                        "epoch {epoch}: {needed} of {holders}",
                        epoch=name,
                        needed=new["t"],
                        holders=held,
                    )
                ]
            return said
    return _plain(change)


def _erased(change: Change) -> list[str]:
    if change.old is not None:
        return _plain(change)
    row = change.new
    return [
        t(
            "erased of {log} at size {size}: {ranges} ({reason})",
            log=row["origin"],
            size=row["size"],
            ranges=" ".join(f"[{a}, {b})" for a, b in row["ranges"]),
            reason=row["reason"],
        )
    ]


def _never(change: Change) -> list[str]:
    if len(change.path) > 2:
        return _plain(change)
    # In its normal form and in full: an admin sees what he signs, and every
    # member reads it in the roster.
    if change.old is None:
        return [
            t(
                "never listed: {what} ({why})",
                what=change.path[1],
                why=change.new["note"],
            )
        ]
    return [t("may be listed again: {what}", what=change.path[1])]


def _quota(change: Change) -> list[str]:
    whose, _, purpose = change.path[1].partition(" ")
    if len(change.path) > 2:
        return _plain(change)
    row = change.new or change.old
    said = {
        "whose": t("everybody") if whose == "all" else whose,
        "purpose": purpose,
        "hour": row["hour"],
        "day": row["day"],
    }
    if change.new is None:
        return [
            t(
                "no quota of its own: {whose} for {purpose}"
                " ({hour} an hour, {day} a day)",
                **said,
            )
        ]
    return [
        t(
            "quota of {whose} for {purpose}: {hour} an hour, {day} a day",
            **said,
        )
    ]


def _cap(change: Change) -> list[str]:
    what = change.path[1]
    if len(change.path) > 2:
        return [
            t(
                "reports of {what} count for {new} days, were {old}",
                what=what,
                new=change.new,
                old=change.old,
            )
        ]
    if change.new is None:
        return [t("no cap of its own: {what}", what=what)]
    days = change.new["days"]
    return [t("reports of {what} count for {days} days", what=what, days=days)]


_WORDS: Mapping[str, Callable[[Change], list[str]]] = {
    "admins": _admin,
    "auditors": _auditor,
    "caps": _cap,
    "epochs": _epoch,
    "erased": _erased,
    "expires": _expires,
    "holders": _holder,
    "members": _member,
    "never": _never,
    "quotas": _quota,
    "threshold": _threshold,
}


def day(moment: int) -> str:
    """Return a moment as a day and time, UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))


def whole(roster: Roster) -> list[str]:
    """Return what a roster says, as lines."""
    rows = [
        (t("alliance"), f"{roster.alliance} ({roster.id})"),
        (t("version"), f"{roster.version} ({roster.hash})"),
        (t("expires"), day(roster.expires)),
    ]
    names = ", ".join(sorted(roster.admins))
    rows.append(
        (t("admins"), t("{n} of {names}", n=roster.threshold, names=names))
    )
    rows += [(t("key"), _key_line(e)) for e in roster.epochs if e.shares]
    rows += [
        (t("member"), f"{m.id:16} {m.sector:10} {m.status:9} {m.origin}")
        for m in roster.members
    ]
    rows += [
        (t("auditor"), f"{a.id:16} {a.names.zh} / {a.names.en}")
        for a in roster.auditors
    ]
    rows += [
        (
            t("quota"),
            f"{q.member or '*':16} {q.purpose:10} {q.hour}/h {q.day}/d",
        )
        for q in roster.quotas
    ]
    rows += [
        (t("cap"), f"{f'{c.kind} {c.evidence}'.strip():27} {c.days} d")
        for c in roster.caps
    ]
    limits, policy = roster.limits, roster.policy.to_json()
    rows += [
        (t("policy"), ", ".join(f"{k} {v}" for k, v in policy.items())),
        (
            t("limits"),
            t(
                "{entries} entries, {bytes} bytes, of a log in a day",
                entries=limits.entries,
                bytes=limits.bytes,
            ),
        ),
        (t("never"), t("{n} values", n=len(roster.never))),
    ]
    return [
        name + " " * (9 - grid.width(name)) + grid.clean(said)
        for name, said in rows
    ]


def _key_line(epoch: Epoch) -> str:
    held = ", ".join(member for member, _ in epoch.shares.values())
    said = f"{epoch.kind} epoch {epoch.epoch}: {epoch.t} of {held}"
    if epoch.dealt:
        said += f" ({t('dealt')})"
    return f"{said} ({t('retired')})" if epoch.retired else said
