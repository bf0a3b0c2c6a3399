"""Read the reports that other reports rest on, and theirs in turn.

A report with a `basis` counts while one that it rests on counts, so its
verdict needs these, and whatever else is said on their tokens. But a basis
is a position, and only the entry there names its token: each one costs
reading a bundle, and who writes a report chooses how many. So they are read
step by step, while there is time, and each report's first ones before any
report's second. Of what could not be read in time the caller is told.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from syncd.flows.ports import Position
from syncd.indicator.claims import Claim
from syncd.indicator.statement import Report, day_text
from syncd.indicator.token import KIND_CODES

MOST = 256  # reports that one may rest on, in turn; further ones are not read
STEP = 64  # positions read between two looks at the clock

Key = tuple[str, int, bytes]  # (kind, epoch, token)
Found = dict[Key, Sequence[Claim]]


class ClaimSource(Protocol):
    """Where everybody's claims are."""

    async def claims(
        self, tokens: Sequence[bytes], kind: int, epoch: int
    ) -> Mapping[bytes, Sequence[Claim]]:
        """Return the claims in force of each token that has any."""

    async def claims_at(
        self, positions: Sequence[Position]
    ) -> Mapping[Position, Claim]:
        """Return the claims in force at some positions."""


class _Trail(Struct):
    """What one report rests on, as far as it was followed.

    It ends at reports on the same token: those are in hand, and have trails
    of their own.
    """

    on: Key  # the report's token
    edge: list[Position]  # to be followed next
    seen: set[Position] = set()

    def follow(self, at: Mapping[Position, Claim], day: str) -> None:
        """Go one step on from what was read."""
        self.seen.update(self.edge)
        wanted = {
            p
            for position in self.edge
            if (claim := at.get(position)) and key(claim) != self.on
            for p in _rests_on(claim, day)
        }
        self.edge = sorted(wanted - self.seen)[: MOST - len(self.seen)]


class Basis:
    """What the claims that were found rest on."""

    def __init__(self, found: Found, day: int) -> None:
        """Take the claims on the tokens asked for; nothing is read yet."""
        self._day = day_text(day)
        self._on = found
        self._at = {c.position: c for group in found.values() for c in group}
        self._trails = {
            claim.position: _Trail(key(claim), [*basis])
            for claim in self._at.values()
            if (basis := _rests_on(claim, self._day))
        }

    async def read(
        self, claims: ClaimSource, in_time: Callable[[], bool]
    ) -> None:
        """Follow all trails to their ends, or until time is up.

        The first step is taken whatever the clock says: it costs no more
        than finding the claims did.
        """
        if not self._trails:  # nor is anything read beside them
            return
        asked = set(self._at)
        left = True
        rounds = steps = 0
        while left and any(trail.edge for trail in self._trails.values()):
            if rounds:  # where all is in hand nothing else looks at the clock
                await asyncio.sleep(0)
                if not in_time():
                    break
            rounds += 1
            edges = (trail.edge for trail in self._trails.values())
            turns = itertools.chain.from_iterable(
                itertools.zip_longest(*edges)
            )
            wanted = [*dict.fromkeys(p for p in turns if p and p not in asked)]
            for start in range(0, len(wanted), STEP):
                left = not steps or in_time()
                if not left:
                    break
                steps += 1
                part = wanted[start : start + STEP]
                self._at.update(await claims.claims_at(part))
                asked.update(part)
            for trail in self._trails.values():
                if asked.issuperset(trail.edge):
                    trail.follow(self._at, self._day)
        # What else is said on the tokens of what was read.
        keys = map(key, self._at.values())
        beside = [one for one in keys if one not in self._on]
        self._on = {**self._on, **await claims_on(beside, claims)}

    def of(
        self, groups: Sequence[Sequence[Claim]]
    ) -> tuple[list[Claim], bool]:
        """Return what the claims rest on, and whether that is all of it."""
        if not self._trails:
            return [], True
        claims = itertools.chain.from_iterable(groups)
        trails = [t for c in claims if (t := self._trails.get(c.position))]
        there = set[Position]()
        for trail in trails:
            there.update(trail.seen, trail.edge)
        keys = {key(self._at[p]) for p in there if p in self._at}
        behind = {c.position: c for k in keys for c in self._on.get(k, ())}
        return list(behind.values()), not any(t.edge for t in trails)


async def claims_on(keys: Iterable[Key], claims: ClaimSource) -> Found:
    """Return all claims on some tokens."""
    wanted = dict[tuple[str, int], dict[bytes, None]]()
    for kind, epoch, short in keys:
        wanted.setdefault((kind, epoch), {})[short] = None
    found: Found = {}
    for (kind, epoch), tokens in wanted.items():
        rows = await claims.claims([*tokens], KIND_CODES[kind], epoch)
        for short, group in rows.items():
            found[kind, epoch, short] = group
    return found


def key(claim: Claim) -> Key:
    """Return what the claims beside one are found by."""
    return claim.statement.kind, claim.statement.epoch, claim.token


def _rests_on(claim: Claim, day: str) -> tuple[Position, ...]:
    """Return the basis of a report that may count: of no other it is read."""
    statement = claim.statement
    if not isinstance(statement, Report) or statement.test:
        return ()
    return statement.basis if statement.seen <= day < statement.expires else ()
