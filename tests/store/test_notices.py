"""What a target is still to be told outlives a restart, within bounds."""

import msgspec

from syncd.store import notices
from syncd.store.events import StoredEvent
from syncd.store.home_stores import OwnStore
from syncd.store.notices import Queued
from tests.store.conftest import Clock, Reopen


async def happen(own: OwnStore, *numbers: int) -> None:
    for n in numbers:
        await own.events.now("n", str(n), "e", {"n": n})


def odd(event: StoredEvent) -> bytes | None:
    """A target that is told of what is odd."""
    return msgspec.json.encode(event.data) if event.data["n"] % 2 else None


async def bodies(own: OwnStore, target: str) -> list[bytes]:
    """Take all that a target is to be told."""
    found = []
    while notice := await own.notices.next(target):
        found.append(notice.body)
        await own.notices.done(notice, taken=True)
    return found


async def test_each_is_told_once_and_of_its_own(own: OwnStore) -> None:
    await happen(own, 1)
    await own.notices.keep(["a", "b"])  # both are new: of what comes
    await happen(own, 2, 3, 4, 5)
    assert await own.notices.queue("a", odd) == 2
    assert await own.notices.queue("a", odd) == 0
    assert await own.notices.queue("b", lambda _: b"{}") == 4
    assert await bodies(own, "a") == [b'{"n":3}', b'{"n":5}']
    assert len(await bodies(own, "b")) == 4


async def test_a_restart_loses_and_doubles_nothing(
    own: OwnStore, reopen: Reopen
) -> None:
    await own.notices.keep(["a"])
    await happen(own, 1, 3)
    await own.notices.queue("a", odd)
    first = await own.notices.next("a")
    assert first is not None
    await own.notices.done(first, taken=True)
    await happen(own, 5)  # and dies before it is queued
    own.close()
    again = reopen()
    await again.notices.keep(["a"])
    await again.notices.queue("a", odd)
    assert await bodies(again, "a") == [b'{"n":3}', b'{"n":5}']


async def test_one_that_is_refused_lets_others_pass(own: OwnStore) -> None:
    await own.notices.keep(["a"])
    await happen(own, 1, 3)
    await own.notices.queue("a", odd)
    first = await own.notices.next("a")
    assert first is not None
    await own.notices.done(first, taken=False)
    assert await bodies(own, "a") == [b'{"n":3}', b'{"n":1}']


async def test_of_many_the_newest_are_kept(own: OwnStore) -> None:
    await own.notices.keep(["a"])
    numbers = range(notices.MOST + 3)
    data = [{"n": n} for n in numbers]
    await own.events.now("n", "", "e", *data)
    await own.events.now("n", "x", "e", *data)
    await own.notices.queue("a", lambda e: str(e.number).encode())
    assert await own.notices.queued() == {
        "a": Queued(notices.MOST, notices.MOST + 6)
    }
    found = await bodies(own, "a")
    assert found[0] == str(notices.MOST + 7).encode()


async def test_what_is_old_is_dropped(own: OwnStore, clock: Clock) -> None:
    await own.notices.keep(["a"])
    await happen(own, 1)
    await own.notices.queue("a", odd)
    clock.now += notices.KEPT_S + 1
    await happen(own, 3)
    await own.notices.queue("a", odd)
    assert await own.notices.queued() == {"a": Queued(1, 1)}
    assert await bodies(own, "a") == [b'{"n":3}']


async def test_a_target_that_is_gone_is_forgotten(own: OwnStore) -> None:
    await own.notices.keep(["a", "b"])
    await happen(own, 1)
    await own.notices.queue("a", odd)
    await own.notices.keep(["b"])
    assert await own.notices.queued() == {"b": Queued()}
    await own.notices.keep(["a", "b"])
    assert await bodies(own, "a") == []
