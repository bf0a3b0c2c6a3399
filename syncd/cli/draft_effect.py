"""Whose verdicts a draft of the roster moves, and what it does for good.

Each token that a home has merged is judged twice, by the roster and by its
draft, on the day on which the draft was made: wherever as much is merged the
figures are the same. Not in them is what files do not tell (the never-list's
tokens), and what `roster erase` takes out of a log.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from itertools import starmap
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from syncd.cli import terminal
from syncd.cli.command import Options
from syncd.config import server
from syncd.errors import SyncdError
from syncd.flows import basis
from syncd.flows.judge import Question, World, judged_by_token
from syncd.flows.ports import at_once
from syncd.indicator import statement
from syncd.messages import catalogue
from syncd.messages.catalogue import t
from syncd.node.pinned import clock, trusted_roster
from syncd.roster.changes import between
from syncd.roster.roster import Roster
from syncd.store.home_stores import open_mirror
from syncd.store.mirror import MirrorStore

_JUDGED = {"caps", "epochs", "members", "policy"}
# Parts of the path of a change.
_FINAL = {"cuts", "ended", "erased", "member", "retired"}
Count = Counter[tuple[str, ...]]
_PAGE, _TOLD = 1000, 100_000  # tokens in memory; how often it is told


def effect(
    args: Options, draft: Roster, current: Roster | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Return whose verdicts a draft moves, for programs and in words."""
    try:
        settings = args.settings()
        before = current or trusted_roster(settings).current
        where: Any = {"clock": clock, "server": server(settings)}
        mirror = open_mirror(settings.home, read_only=True, **where)
        with closing(mirror):
            found = asyncio.run(_moves(mirror, before, draft))
    except SyncdError as e:
        why = catalogue.of(e)
        return {}, [t("whose verdicts it moves, a home says: {why}", why=why)]
    head = t(
        "of {entries} merged entries ({state}), on {day}, it moves verdicts on"
        " {values} values:",
        **found,
    )
    return found, [head, *starmap(_line, found["counts"])]


def _line(facet: str, code: str, *of: Any) -> str:
    *said, old, new = filter(lambda part: part != "", of)
    return f"  {t(facet)} {code}: {' '.join(said)} {old} → {new}"


async def _moves(
    mirror: MirrorStore, before: Roster, after: Roster
) -> dict[str, Any]:
    merged = {o: n for o, (_, n) in sorted((await mirror.sizes()).items())}
    day = datetime.fromtimestamp(after.issued, ZoneInfo(after.zone)).date()
    judged = not _JUDGED.isdisjoint(c.path[0] for c in between(before, after))
    old, new = [
        await _count(mirror, roster, merged, f"{day}") if judged else Count()
        for roster in (before, after)
    ]
    differ = sorted(cell for cell in old | new if old[cell] != new[cell])
    more = (new[cell] - old[cell] for cell in differ if cell[0] == "kind")
    return {
        "day": f"{day}",
        "entries": sum(merged.values()),
        "state": hashlib.sha256(repr(merged).encode()).hexdigest()[:16],
        "values": sum(n for n in more if n > 0),
        "counts": [(*cell, old[cell], new[cell]) for cell in differ],
    }


async def _count(
    mirror: MirrorStore, roster: Roster, merged: Mapping[str, int], day: str
) -> Count:
    """Count verdicts by kind, label and sector, as a roster has them."""
    known = {o: k for o in merged if (k := roster.by_origin(o))}
    ends = {o: end.size for o, (m, g) in known.items() if (end := m.end(g))}
    at = {o: min(n, ends.get(o, n)) for o, n in merged.items()}
    claims: Any = SimpleNamespace(
        claims=partial(mirror.claims, at=at),
        claims_at=partial(mirror.claims_at, at=at),
    )
    forked = await mirror.contested()
    world = World(roster, statement.day(day), forked, frozenset(), "")
    found, n, last = Count(), 0, (b"", 0)
    while page := await mirror.page(last, _PAGE):
        last, n = page[-1][:2], n + len(page)
        keys = (basis.key(group[0]) for *_, group in page)
        asked = [
            Question(k, token=short * ((k, e) not in roster.retired), epoch=e)
            for k, e, short in keys
        ]
        answers, _ = await judged_by_token(asked, world, claims, at_once)
        for question, answer in zip(asked, answers, strict=True):
            one: Any = answer.verdict
            facets = {"kind": [question.kind]}
            facets |= {"label": one.labels, "sector": one.sectors}
            found.update(
                (facet, code, one.verdict, one.action)
                for facet, codes in facets.items()
                for code in codes
            )
        if n % _TOLD == 0:
            terminal.tell("{n} values are judged", n=f"{n:,}")
    return found


def final(current: Roster, draft: Roster) -> list[str]:
    """Return to whom or what a draft does what no later one undoes."""
    names = (
        change.path[1].partition(" ")[0]
        for change in between(current, draft)
        if change.new in ("annul", "removed")
        or (change.new and not _FINAL.isdisjoint(change.path))
    )
    return [*dict.fromkeys(names)]
