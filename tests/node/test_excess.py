"""A holder's finding on who asks to publish, and does not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from syncd.flows.excess import FACTOR, FLOOR
from syncd.flows.ports import Finding
from syncd.indicator.statement import Retract, Sighting
from syncd.node.upkeep.arrivals import Arrival
from syncd.node.upkeep.excess import Excess
from syncd.store.home_stores import OwnStore
from tests.alliance import Alliance, until
from tests.node.stand_in import Home
from tests.sample_statements import about, report, retract, sighting
from tests.store.conftest import NOW, Reopen
from tests.store.conftest import clock as clock
from tests.store.conftest import fresh as fresh
from tests.store.conftest import own as own
from tests.store.conftest import reopen as reopen
from tests.store.test_books import debit

ORIGIN, EARLIER = "bank.example/syncd/txwz/2", "bank.example/syncd/txwz/1"
DAY_S = 86_400
DAY = "2027-01-15"  # of NOW
BANK = SimpleNamespace(
    origin=ORIGIN,
    generations=[SimpleNamespace(origin=o) for o in (EARLIER, ORIGIN)],
)
PHONE = SimpleNamespace(label="phone/1", kind="phone", epoch=1)


class World:
    """A holder, its book, and what it finds."""

    def __init__(self, own: OwnStore) -> None:
        self.found: list[Finding] = []
        self.known: dict[str, int] = {}
        self.merged = {ORIGIN: (9, 9)}

        async def report(*findings: Finding, once: bool = False) -> None:
            self.found += findings

        async def sizes() -> dict[str, tuple[int, int]]:
            return self.merged

        self.home = Home(
            own=own,
            mirror=SimpleNamespace(sizes=sizes),
            shares={("phone", 1, 1): object()},
            report=report,
            now=NOW,
        )
        self.home.trusted.current = SimpleNamespace(
            zone="UTC",
            epochs=[PHONE],
            member={"bank": BANK}.get,
        )
        logs: Any = SimpleNamespace(
            state=lambda o: SimpleNamespace(known=self.known.get(o, 0))
        )
        self.excess = Excess(self.home.context, logs)

    async def published(
        self, n: int, origin: str = ORIGIN, **other: Any
    ) -> None:
        said = {"on": DAY, "kind": "phone", "epoch": 1, **other}
        await self.excess.arrived(
            [
                Arrival((origin, i), report(**about(i, **said)))
                for i in range(n)
            ]
        )

    async def evaluated(self, n: int, **other: Any) -> None:
        await self.home.own.quotas.debit(
            debit(n, n, limits=(), day=DAY, **other)
        )


@pytest.fixture
def world(own: OwnStore) -> World:
    return World(own)


@pytest.mark.parametrize("over", [0, 1])
async def test_a_factor_and_a_floor_above_what_was_published(
    world: World, over: int
) -> None:
    """Of all generations of its log; told once, two days after."""
    await world.published(3)
    await world.published(2, EARLIER)
    await world.evaluated(FACTOR * 5 + FLOOR + over)
    for days in (0, 1, 2, 2, 3, 8):
        world.home.now = NOW + days * DAY_S
        await world.excess.run()
        assert len(world.found) == over * (days >= 2)
    if over:
        assert world.found[0].code == "excess"
        assert world.found[0].origin == ORIGIN
        assert "and its log has 5 of that day" in str(world.found[0].detail)


async def test_look_ups_need_no_reports(world: World) -> None:
    await world.evaluated(10**6, purpose="call_check")
    world.home.now = NOW + 2 * DAY_S
    await world.excess.run()
    assert world.found == []


async def test_other_days_keys_and_statements_do_not_count(
    world: World,
) -> None:
    """Nor what is long past, of which a first sync brings millions."""
    await world.published(50, epoch=2)
    await world.published(50, kind="account")
    await world.published(50, on="2027-01-14")
    await world.published(50, on="2026-01-14")
    others: list[Retract | Sighting]
    others = [retract(0, on=DAY), sighting(on=DAY)]
    await world.excess.arrived(
        [Arrival((ORIGIN, n), one) for n, one in enumerate(others)]
    )
    counts = await world.home.own.published.of(DAY)
    assert counts == {(ORIGIN, "phone/2"): 50, (ORIGIN, "account/1"): 50}
    assert await world.home.own.published.of("2026-01-14") == {}
    await world.evaluated(FLOOR + 1)
    world.home.now = NOW + 2 * DAY_S
    await world.excess.run()
    assert len(world.found) == 1


async def test_a_log_that_lags_is_waited_for(world: World) -> None:
    """A week, and no longer: who holds its log back is judged by it."""
    await world.evaluated(FLOOR + 1)
    world.known = {ORIGIN: 10}
    world.home.now = NOW + 2 * DAY_S
    await world.excess.run()
    assert world.found == []
    world.home.now = NOW + 7 * DAY_S
    await world.excess.run()
    assert len(world.found) == 1


async def test_a_restart_judges_no_day_twice(
    world: World, reopen: Reopen
) -> None:
    await world.evaluated(FLOOR + 1)
    world.home.now = NOW + 2 * DAY_S
    await world.excess.run()
    world.home.own.close()
    again = World(reopen())
    again.home.now = world.home.now
    await again.excess.run()
    assert (len(world.found), again.found) == (1, [])


async def test_who_holds_no_share_counts_nothing(world: World) -> None:
    world.home.shares = {}
    await world.published(3)
    assert await world.home.own.published.of(DAY) == {}


async def test_the_daily_job_judges_what_came_in(tmp_path: Path) -> None:
    """Of an alliance at work: a report that came in by merging counts."""
    async with Alliance.found(
        tmp_path, ("bank", "carrier", "police")
    ) as alliance:
        await alliance.bank.report("phone", "+12025550177")
        await alliance.settle()
        node = alliance.police.node
        today, own = node.ctx.today(), node.home.own

        async def counted() -> bool:
            counts = await own.published.of(today)
            return counts == {(alliance.bank.origin, "phone/1"): 1}

        await until(counted)
        await node.daily.run()
        assert "2" < await own.events.reported("excess") < today
