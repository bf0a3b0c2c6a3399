"""Whoever follows misses nothing, or is told that it did."""

import asyncio

import pytest

from syncd.errors import RefusedError
from syncd.node import events
from syncd.node.events import Events
from syncd.web.events import Event


def ring(beat_s: float = 5.0) -> Events:
    return Events("boot", beat_s=beat_s)


async def take(ring: Events, cursor: str, n: int) -> list[Event]:
    """Return the next `n` events behind a cursor."""
    found: list[Event] = []
    stream = ring.follow(cursor)
    async for event in stream:
        assert event is not None
        found.append(event)
        if len(found) == n:
            break
    await stream.aclose()
    return found


async def test_without_a_cursor_it_begins_now() -> None:
    it = ring()
    it.put("old", {})
    task = asyncio.create_task(take(it, "", 2))
    await asyncio.sleep(0)
    it.put("new", {"n": 1})
    hello, new = await task
    assert (hello.name, hello.cursor) == ("hello", "boot.1")
    assert (new.name, new.cursor, new.data) == ("new", "boot.2", {"n": 1})


async def test_a_cursor_goes_on_right_behind_it() -> None:
    it = ring()
    for n in range(5):
        it.put("e", {"n": n})
    found = await take(it, "boot.3", 3)
    assert [e.cursor for e in found] == ["boot.3", "boot.4", "boot.5"]


@pytest.mark.parametrize(
    "cursor", ["other.1", "boot.9", "boot.x", "boot.", "boot.-1", "boot.１"]
)
async def test_a_cursor_that_nobody_gave_is_reset(cursor: str) -> None:
    it = ring()
    it.put("e", {})
    reset, event = await take(it, cursor, 2)
    assert (reset.name, reset.cursor, event.cursor) == (
        "reset",
        "boot.0",
        "boot.1",
    )


async def test_what_the_ring_forgot_is_reset() -> None:
    it = ring()
    for n in range(events.KEPT + 10):
        it.put("e", {"n": n})
    reset, event = await take(it, "boot.5", 2)
    assert (reset.name, event.data) == ("reset", {"n": 10})


async def test_a_reader_that_the_ring_overtakes_is_told() -> None:
    it = ring()
    stream = it.follow("")
    hello = await anext(stream)
    assert hello is not None
    for n in range(events.KEPT + 3):
        it.put("e", {"n": n})
    reset, first = await anext(stream), await anext(stream)
    assert reset is not None
    assert first is not None
    assert (reset.name, first.data) == ("reset", {"n": 3})
    await stream.aclose()


async def test_silence_is_filled_with_heartbeats() -> None:
    it = ring(beat_s=0.01)
    stream = it.follow("")
    await anext(stream)
    assert await anext(stream) is None
    assert await anext(stream) is None
    await stream.aclose()


async def test_closing_ends_every_reader_after_what_is_there() -> None:
    it = ring()
    it.put("last", {})
    it.close()
    names = [e.name async for e in it.follow("boot.0") if e is not None]
    assert names == ["hello", "last"]


async def test_too_many_followers_are_refused() -> None:
    it = ring()
    streams = [it.follow("") for _ in range(events.FOLLOWERS)]
    for stream in streams:
        await anext(stream)
    with pytest.raises(RefusedError, match="follow already"):
        await anext(it.follow(""))
    await streams[0].aclose()
    more = it.follow("")
    await anext(more)
    for stream in [*streams[1:], more]:
        await stream.aclose()


def test_an_event_has_one_spelling() -> None:
    assert bytes(Event("b.1", "log", {"b": 2, "a": "x\ny"})) == (
        b'id: b.1\nevent: log\ndata: {"a":"x\\ny","b":2}\n\n'
    )
