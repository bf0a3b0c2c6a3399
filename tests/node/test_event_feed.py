"""Whoever follows misses nothing, or is told that it did."""

from typing import Any

import pytest

from syncd.node.serve import event_feed
from syncd.store import events as rows
from syncd.store.home_stores import OwnStore
from syncd.web.event_stream import Event
from tests.cases import tried
from tests.refusals import over_quota
from tests.store.conftest import NOW, Reopen


class Ring:
    """Events over a database of their own."""

    def __init__(self, own: OwnStore) -> None:
        self.database = own.database
        self.events = event_feed.Events(own.events)

    async def put(self, name: str, **data: Any) -> None:
        await self.database.write(lambda c: rows.tell(c, NOW, name, data))

    async def take(self, cursor: str, n: int) -> list[Event]:
        """Return the next `n` events behind a cursor."""
        found: list[Event] = []
        stream = self.events.follow(cursor)
        async for event in stream:
            assert event is not None
            found.append(event)
            if len(found) == n:
                break
        await stream.aclose()
        return found


@pytest.fixture
def it(own: OwnStore) -> Ring:
    """Return events of which there are none yet."""
    return Ring(own)


async def test_without_a_cursor_it_begins_now(it: Ring) -> None:
    [first] = await it.take("", 1)  # before anything happened
    await it.put("old")
    assert [e.name for e in await it.take(first.cursor, 2)] == ["hello", "old"]
    stream = it.events.follow("")
    hello = await anext(stream)
    await it.put("new", n=1)
    new = await anext(stream)
    await stream.aclose()
    assert hello == Event(f"1.{NOW}", "hello")
    assert new == Event(f"2.{NOW}", "new", {"n": 1, "at": NOW})


async def test_a_cursor_goes_on_right_behind_it(
    it: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many a page has."""
    monkeypatch.setattr(event_feed, "PAGE", 2)
    for n in range(8):
        await it.put("e", n=n)
    found = await it.take(f"3.{NOW}", 6)
    assert [e.cursor for e in found] == [f"{n}.{NOW}" for n in range(3, 9)]


async def test_a_cursor_outlives_a_restart(
    it: Ring, own: OwnStore, reopen: Reopen
) -> None:
    await it.put("e", n=1)
    await it.put("e", n=2)
    own.close()
    hello, second = await Ring(reopen()).take(f"1.{NOW}", 2)
    assert (hello.name, second.data["n"]) == ("hello", 2)


@tried(
    "cursor",
    [
        *("9.1800000000", "1", "x", "1.", "-1.0", "１.1800000000", "01.0"),
        "1.1799999999",  # of a database that a backup has replaced
        "9" * 5000,
    ],
)
async def test_a_cursor_nobody_gave_is_reset(it: Ring, cursor: str) -> None:
    await it.put("e")
    reset, event = await it.take(cursor, 2)
    assert (reset, event.name) == (Event("0.0", "reset"), "e")


async def test_what_is_not_kept_any_more_is_reset_to_what_is(
    it: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own cursor is where it goes on: known, and without a gap."""
    monkeypatch.setattr(rows, "KEPT", 10)
    for n in range(25):
        await it.put("e", n=n)
    reset, event = await it.take(f"5.{NOW}", 2)
    assert (reset.name, reset.cursor, event.data["n"]) == ("reset", "15.0", 15)
    hello, again = await it.take(reset.cursor, 2)
    assert (hello.name, again) == ("hello", event)


async def test_a_reader_that_falls_behind_what_is_kept_gets_a_gap(
    it: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "KEPT", 10)
    stream = it.events.follow("")
    await anext(stream)
    for n in range(13):
        await it.put("e", n=n)
    reset, first = await anext(stream), await anext(stream)
    assert reset is not None
    assert first is not None
    assert (reset.name, first.data["n"]) == ("reset", 3)
    await stream.aclose()


async def test_silence_is_filled_with_heartbeats(
    it: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "BEAT_S", 0.01)
    stream = it.events.follow("")
    await anext(stream)
    assert await anext(stream) is None
    assert await anext(stream) is None
    await stream.aclose()


async def test_whoever_writes_wakes_who_waits(it: Ring) -> None:
    """The commit of an event does, and that of nothing else."""
    news = it.events.listen()
    await it.put("late")
    assert news.is_set()
    news.clear()
    await it.database.write(lambda c: None)
    assert not news.is_set()


async def test_closing_ends_every_reader_after_what_is_there(it: Ring) -> None:
    await it.put("last")
    it.events.close()
    names = [e.name async for e in it.events.follow("0.0") if e is not None]
    assert names == ["hello", "last"]


async def test_too_many_followers_get_retry_after(it: Ring) -> None:
    streams = [it.events.follow("") for _ in range(event_feed.FOLLOWERS)]
    for stream in streams:
        await anext(stream)
    with over_quota("follow already") as e:
        await anext(it.events.follow(""))
    assert e.value.retry_after_s == event_feed.BUSY_S
    await streams[0].aclose()
    more = it.events.follow("")
    await anext(more)
    for stream in [*streams[1:], more]:
        await stream.aclose()


def test_an_event_has_one_spelling() -> None:
    assert bytes(Event("7.1", "log", {"b": 2, "a": "x\ny"})) == (
        b'id: 7.1\nevent: log\ndata: {"a":"x\\ny","b":2}\n\n'
    )
