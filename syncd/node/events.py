"""What happened lately, for whoever follows `/v1/events`.

The newest thousand events, in memory. A cursor is `<boot>.<number>`: one of
another boot, or older than what is kept, gets an event `reset` first, which
says that /v1/status is to be read again. What must never be lost (findings)
is kept by the store as well.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from syncd.errors import RefusedError
from syncd.web.events import Event

KEPT = 1000  # events
FOLLOWERS = 64  # at the same time
BEAT_S = 15.0  # without an event until a heartbeat


class Events:
    """A ring of events, with any number of readers behind it."""

    def __init__(self, boot: str, *, beat_s: float = BEAT_S) -> None:
        self._boot = boot
        self._beat_s = beat_s
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._last = 0  # number of the newest event
        self._followers: set[asyncio.Event] = set()
        self._closed = False

    def put(self, name: str, data: Mapping[str, Any]) -> None:
        """Tell everybody who follows."""
        self._last += 1
        self._kept.append(Event(self._cursor(self._last), name, data))
        self._wake()

    def close(self) -> None:
        """End every reader after what is there."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        for follower in self._followers:
            follower.set()

    def _cursor(self, number: int) -> str:
        return f"{self._boot}.{number}"

    def _since(self, cursor: str) -> int | None:
        """Return the number behind a cursor, None if it is unknown."""
        if not cursor:
            return self._last
        boot, _, text = cursor.partition(".")
        if boot != self._boot or not (text.isascii() and text.isdecimal()):
            return None
        number = int(text[:18])
        oldest = self._last - len(self._kept)
        return number if oldest <= number <= self._last else None

    async def follow(self, cursor: str) -> AsyncGenerator[Event | None, None]:
        """Yield what comes after a cursor; None for a heartbeat.

        Without a cursor: what comes from now on, after one `hello` whose
        cursor is where that begins.

        Raises:
            RefusedError: too many follow already.
        """
        if len(self._followers) >= FOLLOWERS:
            raise RefusedError(f"events: {FOLLOWERS} follow already")
        news = asyncio.Event()
        self._followers.add(news)
        try:
            since = self._since(cursor)
            if since is None:
                since = self._last - len(self._kept)
                yield Event(self._cursor(since), "reset")
            else:
                yield Event(self._cursor(since), "hello")
            while True:
                news.clear()
                # The ring may have turned past a slow reader.
                oldest = self._last - len(self._kept)
                if since < oldest:
                    since = oldest
                    yield Event(self._cursor(since), "reset")
                for event in [*self._kept][since - oldest :]:
                    since += 1
                    yield event
                if news.is_set():
                    continue
                if self._closed:
                    return
                try:
                    async with asyncio.timeout(self._beat_s):
                        await news.wait()
                except TimeoutError:
                    yield None
        finally:
            self._followers.discard(news)
