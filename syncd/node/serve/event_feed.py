"""Serve events to whoever follows `/v1/events`.

The events lie in own.db (`store.events`), so a cursor outlives a restart. It
is `<number>.<at>`: the time tells an event of this database from one of the
same number that a restored backup has forgotten. A cursor that is not known
(any more) gets an event `reset` first, whose own cursor is where it goes on:
right before the oldest event that is kept.
"""

import asyncio
from collections.abc import AsyncGenerator

from syncd.errors import QuotaError
from syncd.store.events import EventBook
from syncd.web.event_stream import Event, read_cursor

PAGE = 256  # events read at a time
FOLLOWERS = 64  # at the same time
BUSY_S = 60  # when to try again, if there are as many
BEAT_S = 15.0  # without an event until a heartbeat


class Events:
    """The events, with any number of readers behind them."""

    def __init__(self, book: EventBook) -> None:
        self._book = book
        self._followers = set[asyncio.Event]()
        self._listeners = list[asyncio.Event]()
        self._closed = False
        book.on_news(self.wake)

    def wake(self) -> None:
        """Let everybody who follows look for what is new."""
        for news in (*self._followers, *self._listeners):
            news.set()

    def listen(self) -> asyncio.Event:
        """Return what is set whenever something may be new."""
        self._listeners.append(news := asyncio.Event())
        return news

    def close(self) -> None:
        """End every reader after what is there."""
        self._closed = True
        self.wake()

    async def follow(self, cursor: str) -> AsyncGenerator[Event | None, None]:
        """Yield what comes after a cursor; None for a heartbeat.

        Without a cursor: what comes from now on, after one `hello` whose
        cursor is where that begins.

        Raises:
            QuotaError: too many follow already.
        """
        if len(self._followers) >= FOLLOWERS:
            raise QuotaError(
                "events: {file} follow already",
                retry_after_s=BUSY_S,
                file=FOLLOWERS,
            )
        news = asyncio.Event()
        self._followers.add(news)
        try:
            name, first = "hello", await self._after(cursor)
            if first is None:
                name, (first, _) = "reset", await self._book.bounds()
            yield await self._at(name, first)
            while True:
                news.clear()
                closed = self._closed
                page = await self._book.page(first, PAGE)
                if page and page[0].number > first:  # pruned past a slow one
                    first = page[0].number
                    yield await self._at("reset", first)
                for event in page:
                    cursor = f"{event.number}.{event.at}"
                    data = {**event.data, "at": event.at}
                    yield Event(cursor, event.name, data)
                    first = event.number + 1
                if page:
                    continue
                if closed:
                    return
                try:
                    async with asyncio.timeout(BEAT_S):
                        await news.wait()
                except TimeoutError:
                    yield None
        finally:
            self._followers.discard(news)

    async def _after(self, cursor: str) -> int | None:
        """Return the number behind a cursor, None if that is not known."""
        oldest, newest = await self._book.bounds()
        if not cursor:
            return newest + 1
        known = read_cursor(cursor)
        if known is None or not oldest - 1 <= known[0] <= newest:
            return None
        if known[0] == oldest - 1:
            return oldest
        [event] = await self._book.page(known[0], 1)
        return event.number + 1 if event[:2] == known else None

    async def _at(self, name: str, first: int) -> Event:
        """Return an event whose cursor is right before a number."""
        found = await self._book.page(first - 1, 1)
        at = found[0].at if found and found[0].number == first - 1 else 0
        return Event(f"{first - 1}.{at}", name)
