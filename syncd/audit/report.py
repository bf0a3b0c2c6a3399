"""What an auditor takes home: one set of facts, as text, JSON or a page.

The facts are made of an audit alone: the same bundle gives the same bytes on
any machine, at any time. Whoever shows them says in which language.
"""

import html
import itertools
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import msgspec

from syncd.audit.result import MERGED, Audit, AuditedLog, Line, kinds
from syncd.indicator import statement
from syncd.indicator.statement import Dispute, Report, Retract, Usage, day
from syncd.indicator.vocabulary import ABOUT_THE_VALUE
from syncd.messages import catalogue, wire
from syncd.messages.catalogue import t
from syncd.roster import drafts
from syncd.roster.roster import Roster
from syncd.tlog import strict

RETRACT, DISPUTE, ERASE = 2, 3, 18
BRIEF = '<h2 id="members"'  # all before it says how a bundle is
SEEN = 2000  # entries followed one by one; the rest is counted
OVERTURNED = ABOUT_THE_VALUE - {"reassigned"}  # it was right once
FIGURES = {  # what, of how many
    "first": "values",
    "unique": "values",
    "overturned": "reports",
    "hours": "retracted",
}
_LAST = 250_000_000_000  # a clock's time, in year 9892
Facts = dict[str, Any]
Rows = Iterator[Facts]
Moments = Callable[[int], str]
"""unix seconds → date and time; a dash for 0"""


def facts(audit: Audit) -> Facts:
    """Return all that a report says, for programs: schemas/audit-report.json."""
    newest = audit.rosters[0] if audit.rosters else None
    return {
        "bundle": audit.bundle.name,
        "alliance": audit.about.alliance,
        "name": newest.alliance if newest else "",
        "zone": newest.zone if newest else "UTC",
        "at": audit.about.at,
        "sources": list(audit.about.sources),
        "reason": audit.about.reason,
        "members": [*_members(newest)] if newest else [],
        "rosters": [*_rosters(audit.rosters[::-1])],
        "logs": [_log(log) for log in audit.logs.values()],
        "exchange": [*_exchange(audit.logs.values())],
        "retractions": [*_followed(audit, RETRACT)],
        "erasures": [*_followed(audit, ERASE)],
        "disputes": [*_followed(audit, DISPUTE)],
        "evaluations": [*_evaluations(audit.logs.values())],
        "statements": [*_statements(audit)],
        "contribution": [*_contribution(audit)],
        "findings": [
            {
                **found._asdict(),
                "severity": kinds()[found.code].severity,
                "text": msgspec.to_builtins(wire.of(found.text)),
            }
            for found in audit.found
        ],
        "unseen": [str(text) for text in audit.unseen],
        "exit_code": audit.exit_code,
    }


def _members(roster: Roster) -> Rows:
    for member in roster.members:
        yield {
            "id": member.id,
            "zh": member.names.zh,
            "en": member.names.en,
            "sector": member.sector,
            "status": member.status,
            "keys": [str(g.log) for g in member.generations],
        }


def _rosters(rosters: Sequence[Roster]) -> Rows:
    """Yield each version, the oldest first, and what it changed."""
    for before, roster in zip((None, *rosters), rosters, strict=False):
        changed = drafts.between(before, roster) if before else []
        yield {
            "version": roster.version,
            "hash": roster.hash,
            "issued": roster.issued,
            "expires": roster.expires,
            "changed": sorted({".".join(c.path) for c in changed}),
        }


def _log(log: AuditedLog) -> Facts:
    return {
        "origin": log.origin,
        "member": log.member,
        "size": log.head.size,
        "root": strict.encode(log.head.root),
        "types": {str(k): n for k, n in sorted(log.types.items())},
        "lines": len(log.lines),
        "newest": max((line.at for line in log.lines), default=0),
    }


def _exchange(logs: Iterable[AuditedLog]) -> Rows:
    """Yield who has merged whose log, up to where, and each step of it."""
    for log in logs:
        by = defaultdict[str, list[Line]](list)
        for (signer, role), said in log.steps().items():
            if role in MERGED:
                by[signer] += said
        for holder, lines in sorted(by.items()):
            last = max(lines, key=lambda line: (line.size, -line.at))
            yield {
                "origin": log.origin,
                "holder": holder,
                "size": last.size,
                "at": last.at,
                "steps": sorted([line.at, line.size] for line in lines),
            }


def _followed(audit: Audit, type_: int) -> Rows:
    """Yield when each member had merged an entry of a type.

    Hours are from the first time at which anybody can be shown to have had
    it: the author's own clock signs no time.
    """
    active = {m.id for r in audit.rosters[:1] for m in r.active()}
    for log in audit.logs.values():
        for index in itertools.islice(log.positions[type_], SEEN):
            first = log.first_seen(index)
            had = log.followed(index)
            said = log.opened.get(index)
            yield {
                "origin": log.origin,
                "index": index,
                "first": first,
                "due": said.due if isinstance(said, Dispute) else "",
                "followed": [
                    {
                        "member": member,
                        "at": line.at,
                        "hours": round((line.at - first) / 3600, 2),
                        "by": line.role,
                        "place": line.place,
                    }
                    for member, line in sorted(had.items())
                ],
                "not_shown": sorted(active - {*had, log.member}),
            }


def _evaluations(logs: Iterable[AuditedLog]) -> Rows:
    """Yield what each holder evaluated for whom, and for which purpose."""
    rows = sorted(
        (log.member, *row)
        for log in logs
        for said in log.opened.values()
        if isinstance(said, Usage)
        for row in said.rows
    )
    names = "holder", "member", "purpose", "evaluated", "denied"
    for at, same in itertools.groupby(rows, itemgetter(0, 1, 2)):
        sums = map(sum, zip(*(row[3:] for row in same), strict=True))
        yield dict(zip(names, (*at, *sums), strict=True))


def _statements(audit: Audit) -> Rows:
    """Yield how many there are of a month, sector, type and label.

    The month is that of the day in it; of what is closed that of the first
    time at which anybody can be shown to have had it.
    """
    when, found = moments(audit), Counter[Any]()
    sectors = {m.id: m.sector for r in audit.rosters[::-1] for m in r.members}
    for log in audit.logs.values():
        months, sector = list[str](), sectors[log.member]
        for line in sorted(log.lines, key=attrgetter("at")):
            months += [when(line.at)[:7]] * (line.size - len(months))
        rows = itertools.zip_longest(log.kinds, months, fillvalue="")
        for index, (type_, shown) in enumerate(rows):
            said = log.opened.get(index)
            month = getattr(said, "on", shown)[:7]
            found[month, sector, type_, getattr(said, "label", "")] += 1
    names = "month", "sector", "type", "label"
    for one, n in sorted(found.items()):
        yield dict(zip(names, one, strict=True), n=n)


def _contribution(audit: Audit) -> Rows:
    """Yield figures of whose bundle it is; of leaves alone there are none.

    First is who said it on the earliest day. Hours go from day to day.
    """
    days = defaultdict[Any, dict[str, str]](dict)
    sums = defaultdict[str, Counter[str]](Counter)
    for log in audit.logs.values():
        by = sums[log.member]
        for index, said in log.opened.items():
            for at in getattr(said, "ends", (index,)):
                one = log.opened.get(at)
                if not isinstance(one, Report) or one.test:
                    continue
                if isinstance(said, Retract):
                    hours = 24 * (day(said.on) - day(one.on))
                    wrong = said.reason in OVERTURNED
                    by.update(retracted=1, overturned=wrong, hours=hours)
                else:
                    about = one.kind, one.epoch, one.token
                    days[about].setdefault(log.member, one.on)
                    by["reports"] += 1
    for on in days.values():
        for member, first in on.items():
            alone, was = len(on) == 1, first == min(on.values())
            sums[member].update(values=1, first=was, unique=alone)
    for what, of in FIGURES.items() if days else ():
        each = {m: round(s[what] / s[of], 3) for m, s in sums.items() if s[of]}
        # Of several sources it is nobody's.
        own, n = each.pop(" ".join(audit.about.sources), None), len(each)
        median = statistics.median(each.values()) if each else None
        yield {"what": what, "own": own, "median": median, "members": n}


# ------------------------------------------------------------------ for people


def lines(audit: Audit, upto: str = '<div class="sign"') -> Iterator[str]:
    """Yield what the page says, for a terminal: a line for each row of it."""
    body = page(audit).partition("<body>")[2].partition(upto)[0]
    rows = re.sub("</t[hd]>", "  ", body).replace("<br>", "\n")
    for line in rows.split("\n"):
        said = re.sub("<title>.*?</title>|<[^>]*>", "", line)
        if said := html.unescape(said).strip():
            yield said


def page(audit: Audit) -> str:
    """Return one HTML page, whole in itself, in the language that is spoken."""
    about = {"audit": audit, "kinds": kinds(), "names": statement.NAMES}
    about |= {"say": catalogue.say}
    return rendered("report.html", **facts(audit), **about)


def rendered(page: str, /, **values: Any) -> str:
    """Return a page of this room, on paper.html, in the language spoken.

    The times in it are those of the `zone` that is among the values.
    """
    words: Facts = {"t": t, "lang": catalogue.language()}
    words["when"] = partial(moment, zone=values["zone"])
    words |= {"word": catalogue.word, "phrase": catalogue.phrase}
    made = environment("syncd.audit", "").get_template(page)
    return made.render(values, **words)


def environment(*where: str, **how: Any) -> jinja2.Environment:
    """Return what makes pages of a package's templates."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(*where),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **how,
    )


def moments(audit: Audit) -> Moments:
    """Return what spells a time in the roster's zone."""
    zone = audit.rosters[0].zone if audit.rosters else "UTC"
    return partial(moment, zone=zone)


def moment(at: int, zone: str) -> str:
    """Return a moment as people read it, in a zone; a dash for 0."""
    if not 0 < at < _LAST:
        return f"{at or '–'}"
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    return local.strftime("%Y-%m-%d %H:%M:%S")
