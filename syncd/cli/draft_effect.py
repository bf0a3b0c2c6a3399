"""Whose verdicts a draft of the roster moves, and what it does for good.

Each token that a home has merged is judged twice, by the roster and by its
draft, on the day on which the draft was made: wherever as much is merged the
figures are the same. Not in them is what files do not tell (the never-list's
tokens), and what `roster erase` takes out of a log.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator
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
from syncd.messages.catalogue import later, t
from syncd.node.pinned import clock, trusted_roster
from syncd.roster.changes import between
from syncd.roster.roster import Roster
from syncd.store.home_stores import open_mirror
from syncd.store.mirror import MirrorStore

_JUDGED = {"caps", "epochs", "members", "policy"}
_FINAL = {"cuts", "ended", "erased", "retired"}  # parts of a change's path
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
        "moves {moved} of {values} verdicts, by {entries} merged entries"
        " ({state}) on {day}",
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
    today, forked = statement.day(f"{day}"), await mirror.contested()
    sides: list[Any] = []
    for roster in (before, after):
        at = {o: min(n, _end(roster, o)) for o, n in merged.items()}
        its = SimpleNamespace(
            claims=partial(mirror.claims, at=at),
            claims_at=partial(mirror.claims_at, at=at),
        )
        world = World(roster, today, forked, frozenset(), "")
        sides.append((roster.retired, Counter[Any](), world, its))
    changed = {change.path[0] for change in between(before, after)}
    values, moved, last = 0, 0, (b"", 0)
    while page := changed & _JUDGED and await mirror.page(last, _PAGE):
        keys, last = [basis.key(group[0]) for *_, group in page], page[-1][:2]
        pair = []
        for retired, count, world, claims in sides:
            asked = [
                Question(k, token=short * ((k, e) not in retired), epoch=e)
                for k, e, short in keys
            ]
            found: Any
            found, _ = await judged_by_token(asked, world, claims, at_once)
            pair.append([(one.verdict.verdict, one.action) for one in found])
            for (kind, *_), one in zip(keys, found, strict=True):
                count.update(_cells(kind, one.verdict))
        moved += sum(a != b for a, b in zip(*pair, strict=True))
        values += len(page)
        if values % _TOLD == 0:
            terminal.tell("{n} values are judged", n=f"{values:,}")
    old, new = (count for _, count, *_ in sides)
    return {
        "day": f"{day}",
        "entries": sum(merged.values()),
        "state": hashlib.sha256(repr(merged).encode()).hexdigest()[:16],
        "values": values,
        "moved": moved,
        "counts": sorted(
            (*cell, old[cell], new[cell])
            for cell in old | new
            if old[cell] != new[cell]
        ),
    }


def _end(roster: Roster, origin: str) -> int:
    """Return how many entries of a log may count by a roster."""
    known = roster.by_origin(origin)
    end = known and known[0].end(known[1])
    return end.size if end else 2**53


def _cells(kind: str, found: Any) -> Iterator[tuple[str, ...]]:
    """Yield where a verdict counts: by kind, and by each label and sector."""
    facets = {
        later("kind"): [kind],
        later("label"): found.labels,
        later("sector"): found.sectors,
    }
    for facet, codes in facets.items():
        for code in codes:
            yield facet, code, found.verdict, found.action


def final(current: Roster, draft: Roster) -> list[str]:
    """Return to whom or what a draft does what no later one undoes."""
    names = (
        change.path[1].partition(" ")[0]
        for change in between(current, draft)
        if change.new in ("annul", "removed")
        or (change.new and not _FINAL.isdisjoint(change.path))
    )
    return [*dict.fromkeys(names)]
