"""An expired roster: what is merged a week later has no effect."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.flows.ports import MirrorHead, Position
from syncd.indicator.claims import Claim
from syncd.indicator.statement import ClaimStatement, Vouch
from syncd.node.serve.lookups import Claims
from syncd.node.upkeep.lapse import FILE, Lapse
from syncd.tlog.merkle import Frontier
from tests.flows.founders import FOUNDED
from tests.node.stand_in import Home
from tests.refusals import damaged
from tests.sample_statements import ABOUT, REPORT, dispute

DAY = 86_400
WEEK = 7 * DAY


class World(Home):
    """A clock, a roster and a mirror that move when told to."""

    now: int

    def __init__(self, home: Path) -> None:
        roster = replace(FOUNDED.roster, expires=1000 * DAY)
        super().__init__(home, roster, now=1000 * DAY, mirror=self)
        self.merged = 10
        self.lapse = self.open()

    def open(self) -> Lapse:
        return Lapse(ctx=self.context)

    async def heads(self) -> list[MirrorHead]:
        return [MirrorHead("a/syncd/t/1", Frontier.EMPTY, self.merged)]

    async def claims_at(self, positions: list[Position], at: Any) -> Any:
        return {(o, i): claim(i, origin=o) for o, i in positions}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


VOUCH = Vouch(**ABOUT, role="hotline", expires="2027-01-01", know=REPORT.know)


def claim(
    index: int, content: ClaimStatement = REPORT, origin: str = "a/syncd/t/1"
) -> Claim:
    return Claim(origin, index, content)


async def test_a_week_later(world: World) -> None:
    """Nothing lapses in the week; then what is merged from there on does."""
    world.now += WEEK - 1
    await world.lapse.check()
    assert world.lapse.effective(claim(99))
    assert not (world.path / FILE).exists()
    world.now += 1
    await world.lapse.check()
    world.merged = 50
    await world.lapse.check()
    assert world.lapse.effective(claim(9))
    assert not world.lapse.effective(claim(10))
    assert not world.lapse.effective(claim(10, VOUCH))
    assert world.lapse.effective(claim(10, dispute(**ABOUT)))
    assert not world.lapse.effective(claim(0, origin="new/syncd/t/1"))


async def test_it_survives_a_restart(world: World) -> None:
    """The sizes written down first hold, whatever was merged since."""
    world.now += WEEK
    await world.lapse.check()
    world.merged = 50
    again = world.open()
    await again.check()
    assert not again.effective(claim(10))


async def test_a_newer_roster_ends_it(world: World) -> None:
    """With the next version everything has effect again."""
    world.now += WEEK
    await world.lapse.check()
    world.trusted.current = replace(
        world.trusted.current, version=2, expires=2000 * DAY
    )
    assert world.lapse.effective(claim(10))
    await world.lapse.check()
    assert world.lapse.effective(claim(10))


async def test_what_lapsed_is_no_basis(world: World) -> None:
    """A report that rests on it rests on nothing; it is shown all the same."""
    world.now += WEEK
    await world.lapse.check()

    claims = Claims(world.context, world.lapse)
    asked = [("a/syncd/t/1", 9), ("a/syncd/t/1", 10)]
    assert [*await claims.claims_at(asked)] == asked[:1]
    assert [*await claims.in_force_at(asked)] == asked


def test_a_broken_file(world: World) -> None:
    """What does not parse is said, not ignored."""
    (world.path / FILE).write_text("{")
    with damaged("does not parse"):
        world.open()
