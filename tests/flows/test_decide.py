"""Whatever we hold of a log, we end on the branch that the roster pins."""

import pytest

from syncd.errors import Message
from syncd.flows import ports, pull, stretch_queue
from syncd.flows.decide import decide
from syncd.roster.members import Cut
from tests.cases import tried
from tests.flows.growing import ORIGIN, FakeSource, Log, Pull
from tests.refusals import unavailable


class World:
    """One mirror, and a roster that pins."""

    def __init__(self) -> None:
        self.to = Pull()
        self.mirror = self.to.mirror

    async def pin(
        self, at: Cut, *sources: FakeSource, ended: bool = False
    ) -> str:
        context = self.to.context(*sources)
        return str(await decide(ORIGIN, at, context, ended=ended, signed=()))

    def head(self) -> ports.MirrorHead:
        return self.mirror.held

    async def fork(self, *notes: bytes) -> None:
        found = ports.Finding("fork", ORIGIN, None, Message("two"))
        await self.mirror.contest(ORIGIN, [self.head().note, *notes], found)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "RUN", 2)
    monkeypatch.setattr(stretch_queue, "MOST", 2)


def branches(common: int, one: int, other: int) -> tuple[Log, Log]:
    base = Log().reports(common)
    return base.copy().reports(one, b"a"), base.reports(other, b"b")


def point(log: Log) -> Cut:
    return Cut(log.frontier.size, log.frontier.root())


async def test_a_pin_ahead_is_pulled_without_a_signature(world: World) -> None:
    """And the note of just that size is kept when it is heard of."""
    log = Log().reports(300)
    assert await world.pin(point(log), FakeSource(log)) == ""
    assert (world.head().merged, world.head().note) == (300, b"")
    await world.to(log)
    assert world.head().note == log.signed


@tried("common", [0, 1, 255, 256, 257, 511, 600])
@tried("heard", [False, True])
async def test_another_branch_is_left(
    world: World, common: int, heard: bool
) -> None:
    """Whether the fork was known or not; what was common is not fetched."""
    mine, theirs = branches(common, 70, 90)
    await world.to(mine)
    if heard:
        await world.fork(theirs.signed)
    sources = FakeSource(mine, "stale"), FakeSource(theirs)
    why = await world.pin(point(theirs), *sources)
    if not heard:  # by the pull that found out
        assert "on another branch" in why
        assert world.head().contested
        why = await world.pin(point(theirs), *sources)
    assert why == ""
    assert not world.head().contested
    assert world.to.root == theirs.frontier.root()
    assert world.head().merged == common + 90
    assert mine.signed in world.mirror.left
    assert theirs.signed not in world.mirror.left
    whole = {f"payload/{n}" for n in range(common // 256)}
    assert not whole & {*sources[1].asked}


@tried("theirs_size", [20, 256, 512])
async def test_a_known_fork_is_left_below_what_we_hold(
    world: World, theirs_size: int
) -> None:
    """It was told of when it was found: the cut is no finding then."""
    mine, theirs = branches(10, 600, theirs_size - 10)
    await world.to(mine)
    await world.fork(theirs.signed)
    assert await world.pin(point(theirs), FakeSource(theirs)) == ""
    assert (world.head().merged, world.to.root) == (
        theirs_size,
        theirs.frontier.root(),
    )
    assert [f.code for f in world.mirror.found] == ["fork"]


async def test_a_fork_above_the_pin_stays_one(world: World) -> None:
    """Both histories have what the roster cuts at."""
    mine, theirs = branches(10, 300, 200)
    await world.to(mine)
    await world.fork(theirs.signed)
    assert "are proven at 210" in await world.pin(point(Log().reports(10)))
    assert world.head().contested


async def test_an_end_below_a_pin_that_nobody_signed(world: World) -> None:
    """There is no note to take back, only entries."""
    log = Log().reports(200)
    end = point(log)
    assert await world.pin(point(log.reports(100)), FakeSource(log)) == ""
    assert await world.pin(end, ended=True) == ""
    assert (world.head().merged, world.to.root) == (200, end.root)
    assert world.mirror.left == []


async def test_ours_was_chosen(world: World) -> None:
    """Where the fork is proven no higher than the pin, it counts again."""
    mine, theirs = branches(10, 5, 9)  # theirs, larger, does not extend ours
    await world.to(mine)
    await world.fork(theirs.signed)
    assert "does not decide" in await world.pin(point(Log().reports(10)))
    assert world.head().contested
    assert await world.pin(point(mine)) == ""
    assert not world.head().contested
    assert world.mirror.left == [theirs.signed]


async def test_two_roots_of_a_size_that_we_never_had(world: World) -> None:
    """They may differ above the pin only: a larger one is needed."""
    one, other = branches(20, 5, 5)
    await world.to(Log().reports(10))
    await world.fork(one.signed, other.signed)
    at = point(Log().reports(20))
    assert "proven at 25" in await world.pin(at, FakeSource(one))
    assert await world.pin(point(one), FakeSource(one)) == ""
    assert world.head().merged == 25


async def test_the_end_is_the_end(world: World) -> None:
    """What is beyond goes, whether there was a fork or not."""
    log = Log().reports(300)
    at = point(log)
    await world.to(log.reports(200))
    assert await world.pin(at, ended=True) == ""
    assert (world.head().merged, world.to.root) == (300, at.root)
    assert world.mirror.left == [log.signed]


async def test_a_branch_that_nobody_has(world: World) -> None:
    """A finding, contested, and nothing is dropped."""
    mine, theirs = branches(256, 50, 50)
    await world.to(mine)
    liar = FakeSource(theirs, tamper=lambda path, raw: raw[:-1])
    with unavailable("nobody has shown"):
        await world.pin(point(theirs), FakeSource(mine), liar)
    assert [f.code for f in world.mirror.found] == ["cut"]
    assert world.head().contested
    assert world.head().merged == 306


async def test_a_bundle_of_no_root(world: World) -> None:
    """A source that shows the tree must show the bundle that differs too."""
    mine, theirs = branches(10, 290, 290)
    await world.to(mine)

    def spoil(path: str, raw: bytes) -> bytes:
        return bytes(len(raw)) if path == "tile/0/000" else raw

    with unavailable() as e:
        await world.pin(point(theirs), FakeSource(theirs, tamper=spoil))
    assert "bundle 0 has no root" in str(e.value.__cause__)
