"""Nothing is appended before the others said how much they hold of us."""

import asyncio

import pytest

from syncd.errors import AbsentError, UnavailableError
from syncd.flows import held, ports
from syncd.flows.startup_check import StartupCheck
from syncd.tlog import checkpoint, note
from tests.cases import tried
from tests.flows.growing import KEY, ORIGIN, Log
from tests.refusals import refused

OTHER = note.SigningKey(ORIGIN, note.ED25519, b"\2" * 32)


def signed(size: int, salt: bytes = b"s") -> bytes:
    return Log().reports(size, salt).signed


class Peer:
    """A member that answers, now or later or never."""

    def __init__(self, name: str, *answers: bytes | Exception | None) -> None:
        self.name = name
        self._answers = list(answers)
        self.asked = 0

    async def checkpoint(self) -> bytes:
        self.asked += 1
        answer = self._answers[min(self.asked, len(self._answers)) - 1]
        if answer is None:
            await asyncio.sleep(60)
        if isinstance(answer, Exception):
            raise answer
        return answer or b""


class FakeOverride:
    """What is laid into the home."""

    def __init__(self, given: bool, brought: dict[str, bytes]) -> None:
        self._given = given
        self._brought = brought
        self.looked = 0

    async def brought(self) -> dict[str, bytes]:
        self.looked += 1
        return self._brought if self.looked > 2 else {}

    async def overridden(self, head: ports.OwnHead) -> bool:
        return self._given and self.looked > 2


async def wake(
    size: int, *peers: Peer, given: bool = False, **brought: bytes
) -> StartupCheck:
    ours, override = Log().reports(size), FakeOverride(given, brought)
    head = await ours.head()
    by_name = {peer.name: peer for peer in peers}
    check = StartupCheck(
        head=head,
        log_key=KEY.verifier,
        others=[*by_name],
        ask=lambda name: by_name[name].checkpoint(),
        root_at=held.own(ours, head).root_at,
        brought=override.brought,
        allowed=override.overridden,
        rest_s=0.05,
        pause_s=0.001,
    )
    await check.run()
    return check


def counted(check: StartupCheck) -> tuple[int, int, int, int]:
    """Return how many were asked, answered, hold of ours, by network."""
    heard, live = len(check.heard), len(check.answers)
    return len(check.others), heard, check.largest, live


ABSENT = AbsentError("no such log")
DOWN = UnavailableError("down")


async def test_alone() -> None:
    """With no others none is needed."""
    assert counted(await wake(3)) == (0, 0, 0, 0)


async def test_unknown_origin_is_an_answer() -> None:
    """A newcomer's log is nowhere yet: that is fine."""
    check = await wake(0, Peer("a", ABSENT), Peer("b", ABSENT))
    assert counted(check) == (2, 2, 0, 2)


async def test_they_hold_what_we_have() -> None:
    """Equal or less is what mirrors hold of a sound log."""
    awake = await wake(9, Peer("a", signed(9)), Peer("b", signed(4)))
    assert awake.largest == 9


async def test_a_majority_and_the_rest() -> None:
    """The rest gets its time, then we go on without it."""
    silent = Peer("c", None)
    awake = await wake(9, Peer("a", signed(9)), Peer("b", ABSENT), silent)
    assert counted(awake) == (3, 2, 9, 2)
    assert silent.asked == 1


async def test_no_majority_no_append() -> None:
    """With half of them silent we go on waiting."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await wake(9, Peer("a", signed(9)), Peer("b", DOWN))


async def test_asked_again() -> None:
    """Who was down when we started may answer later."""
    late = Peer("b", DOWN, DOWN, signed(9))
    assert len((await wake(9, Peer("a", ABSENT), late)).heard) == 2
    assert late.asked == 3


@tried(
    "theirs, why",
    [(signed(12), "holds 12 entries"), (signed(5, b"t"), "cannot go on")],
)
async def test_rolled_back(theirs: bytes, why: str) -> None:
    """Somebody holds more than we have, or another log: ours cannot go on."""
    with refused(why) as error:
        await wake(9, Peer("a", theirs), Peer("b", ABSENT))
    assert "generation" in error.value.hint


async def test_what_we_never_signed() -> None:
    """A checkpoint by another key accuses nobody and stops nothing."""
    head = Log().reports(99).head_at(99)
    forged = Peer("a", bytes(checkpoint.sign(head, OTHER)))
    assert (await wake(9, forged, Peer("b", b"junk"))).largest == 0


async def test_a_line_that_was_carried_is_an_answer() -> None:
    """Of whom we ask, and once for each; a stranger's is none."""
    peers = Peer("a", signed(9)), Peer("b", DOWN), Peer("c", DOWN)
    check = await wake(9, *peers, b=signed(7), x=signed(9))
    assert counted(check) == (3, 2, 9, 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await wake(9, *peers, a=signed(7), x=signed(9))


async def test_a_line_that_was_carried_may_show_more() -> None:
    """Then this home was rolled back, whoever brought it."""
    peers = Peer("a", signed(9)), Peer("b", DOWN), Peer("c", DOWN)
    with refused("b holds 12 entries"):
        await wake(9, *peers, b=signed(12))


async def test_the_operator_may_do_without_a_majority() -> None:
    """Not without what was answered: that is held against us all the same."""
    down = Peer("b", DOWN), Peer("c", DOWN)
    awake = await wake(9, *down, given=True)
    assert (counted(awake), awake.overridden) == ((2, 0, 0, 0), True)
    with refused("holds 12 entries"):
        await wake(9, Peer("a", signed(12)), *down, given=True)
