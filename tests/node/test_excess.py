"""A holder's finding on who asks to publish, and does not."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest

from syncd.flows.excess import FACTOR, FLOOR
from syncd.flows.ports import Finding
from syncd.indicator import statement
from syncd.node.upkeep import daily
from syncd.roster.quotas import share
from syncd.store.home_stores import OwnStore
from syncd.store.quota import ALL
from tests.alliance import Member, until
from tests.cases import tried
from tests.node.stand_in import Home
from tests.store.conftest import NOW
from tests.store.test_books import debit

ORIGIN, EARLIER = "bank.example/syncd/txwz/2", "bank.example/syncd/txwz/1"
DAY_S = 86_400
DAY = "2027-01-15"  # of NOW
BANK = SimpleNamespace(
    id="bank",
    origin=ORIGIN,
    generations=[SimpleNamespace(origin=o) for o in (EARLIER, ORIGIN)],
)
PHONE = SimpleNamespace(label="phone/1", kind="phone", epoch=1)


class World:
    """A holder, its book, and what it finds."""

    def __init__(self, own: OwnStore) -> None:
        self.found: list[Finding] = []
        self.known: dict[str, int] = {}

        async def report(*findings: Finding, once: bool = False) -> None:
            assert once
            self.found += await own.record(findings, once=once)

        self.home = Home(
            own=own,
            mirror=AsyncMock(**{"sizes.return_value": {ORIGIN: (9, 9)}}),
            shares={("phone", 1, 1): object()},
            report=report,
            now=NOW,
            roster=SimpleNamespace(
                zone="UTC", epochs=[PHONE], member={"bank": BANK}.get
            ),
        )
        self.logs: Any = SimpleNamespace(
            state=lambda o: SimpleNamespace(known=self.known.get(o, 0))
        )

    async def said(self, n: int, origin: str = ORIGIN, day: str = DAY) -> None:
        await self.home.own.published.add({(day, origin, ALL): n})

    async def judged(self, days: int = 2) -> None:
        """Judge who asks, some days after."""
        self.home.now = NOW + days * DAY_S
        await daily.look_for_excess(self.home.context, self.logs)

    async def evaluated(self, n: int, **other: Any) -> None:
        await self.home.own.quotas.debit(
            debit(n, n, limits=(), day=DAY, **other)
        )


@pytest.fixture
def world(own: OwnStore) -> World:
    return World(own)


@tried("over", [0, 1])
async def test_a_factor_and_a_floor_above_what_was_published(
    world: World, over: int
) -> None:
    """In all generations of its log; told once, two days after."""
    await world.said(3)
    await world.said(2, EARLIER)
    await world.said(10**6, "carrier.example/syncd/txwz/1")
    await world.evaluated(FACTOR * 5 + FLOOR + over)
    for days in (0, 1, 2, 2, 3, 7, 8):
        await world.judged(days)
        assert len(world.found) == over * (days >= 2)
    if over:
        assert world.found[0].code == "excess"
        assert world.found[0].origin == ORIGIN


@tried("day, found", [("2027-01-14", 1), ("2027-01-17", 0)])
async def test_what_was_said_before_does_not_count(
    world: World, day: str, found: int
) -> None:
    """What was said since does."""
    await world.said(10**6, day=day)
    await world.evaluated(FLOOR + 1)
    await world.judged()
    assert len(world.found) == found


async def test_we_do_not_judge_ourselves(world: World) -> None:
    """Our own log is not counted."""
    world.home.config.member = SimpleNamespace(id="bank")
    await world.evaluated(FLOOR + 1)
    await world.judged()
    assert world.found == []


async def test_a_log_that_lags_is_waited_for(world: World) -> None:
    """A week, and no longer: who holds its log back is judged by it."""
    await world.evaluated(FLOOR + 1)
    world.known = {ORIGIN: 10}
    await world.judged()
    assert world.found == []
    await world.judged(7)
    assert len(world.found) == 1


async def test_the_daily_job_judges(bank: Member, police: Member) -> None:
    """Of an alliance at work: what merging brought counts, and is given back."""
    await bank.tell("phone", "+12025550177", "+12025550178")
    node = police.node
    own = police.own
    await until(lambda: own.published.newest(bank.origin))
    wanted: Any = SimpleNamespace(purpose="publish", counted=1, digest=b"")
    epoch = node.ctx.roster.epoch("phone")
    assert epoch is not None
    with patch.object(own.quotas, "debit", AsyncMock()) as debited:
        await node.peer_service.debit(bank.id, wanted, epoch)
    (asked,) = debited.call_args.args
    given = {limit.most for limit in asked.limits if limit.covers("publish")}
    assert share(200_000, node.ctx.roster, epoch) in given  # of an hour
    assert share(200_002, node.ctx.roster, epoch) in given  # of a day
    day = statement.day_text(statement.day(node.ctx.today()) - 2)
    await own.quotas.debit(debit(9999, 1, limits=(), day=day))
    await node.daily.run()
    (found,) = await own.findings()
    assert found.finding.code == "excess"
    assert found.finding.origin == bank.origin
