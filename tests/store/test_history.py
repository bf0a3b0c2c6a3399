"""A day of a member is as the worst that was seen of it, for 90 days."""

from syncd.errors import NOTHING, Message
from syncd.store.history import KEPT_DAYS, History
from syncd.store.home_stores import OwnStore


async def states(
    history: History, since: int = 0
) -> list[tuple[str, int, int]]:
    return [seen[:3] for seen in await history.since(since)]


async def test_the_worst_of_a_day_stays(own: OwnStore) -> None:
    history = own.history
    await history.add(100, [("bank", 0, NOTHING), ("police", 0, NOTHING)])
    await history.add(100, [("bank", 1, Message("{n} days", n=7))])
    await history.add(100, [("bank", 0, NOTHING), ("police", 0, NOTHING)])
    await history.add(101, [("bank", 0, NOTHING)])
    assert await states(history) == [
        ("bank", 100, 1),
        ("bank", 101, 0),
        ("police", 100, 0),
    ]
    [worst, *_] = await history.since(100)
    assert b'"n":7' in worst[3]
    await history.add(100 + KEPT_DAYS, [("bank", 0, NOTHING)])
    days = [day for _, day, _ in await states(history)]
    assert days == [101, 190]  # what is over 90 days old goes
