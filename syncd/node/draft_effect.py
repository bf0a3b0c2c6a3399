"""Whose verdicts a draft of the roster moves.

Each token that a home has merged is judged twice, by the roster and by its
draft, on the day on which the draft was made: wherever as much is merged the
figures are the same. Not in them is what files do not tell (the never-list's
tokens), and what `roster erase` takes out of a log.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from syncd.config import Config, server
from syncd.flows import basis
from syncd.flows.judge import Question, World, judged_by_token
from syncd.flows.ports import at_once
from syncd.indicator import statement
from syncd.messages.catalogue import t
from syncd.node.pinned import clock
from syncd.roster.changes import between
from syncd.roster.roster import Roster
from syncd.store.home_stores import open_mirror
from syncd.store.mirror import MirrorStore
from syncd.web.forms import Effect

_JUDGED = {"caps", "epochs", "members", "policy"}
Count = Counter[tuple[str, str, str, str]]
Tell = Callable[..., object]
_PAGE, _TOLD = 1000, 100_000  # tokens in memory; how often it is told


def effect(
    settings: Config,
    before: Roster,
    draft: Roster,
    tell: Tell = t,
) -> Effect:
    """Return whose verdicts a draft moves; tell how far counting is.

    Raises:
        SyncdError: the home's databases cannot be read.
    """
    where: Any = {"clock": clock, "server": server(settings)}
    mirror = open_mirror(settings.home, read_only=True, **where)
    with closing(mirror):
        return asyncio.run(_moves(mirror, before, draft, tell))


async def _moves(
    mirror: MirrorStore, before: Roster, after: Roster, tell: Tell
) -> Effect:
    merged = {o: n for o, (_, n) in sorted((await mirror.sizes()).items())}
    day = datetime.fromtimestamp(after.issued, ZoneInfo(after.zone)).date()
    judged = not _JUDGED.isdisjoint(c.path[0] for c in between(before, after))
    old, new = [
        await _count(mirror, roster, merged, f"{day}", tell)
        if judged
        else Count()
        for roster in (before, after)
    ]
    differ = sorted(cell for cell in old | new if old[cell] != new[cell])
    more = (new[cell] - old[cell] for cell in differ if cell[0] == "kind")
    return Effect(
        day=f"{day}",
        entries=sum(merged.values()),
        state=hashlib.sha256(repr(merged).encode()).hexdigest()[:16],
        values=sum(n for n in more if n > 0),
        counts=tuple((*cell, old[cell], new[cell]) for cell in differ),
    )


async def _count(
    mirror: MirrorStore,
    roster: Roster,
    merged: Mapping[str, int],
    day: str,
    tell: Tell,
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
            tell("{n} values are judged", n=f"{n:,}")
    return found
