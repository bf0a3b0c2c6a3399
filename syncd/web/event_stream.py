"""Server-sent events: what happens, as it happens.

    id: 17.1800000000
    event: receipt
    data: {"at":1800000000,"signer":"bank.example/syncd/txwz/merged","size":9}

`id` is a cursor: whoever sends it back as Last-Event-ID or `?cursor=` goes
on behind it. Where a cursor is not known any more, an event `reset` comes
first: read /v1/status, then go on.
"""

import contextlib
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

BEAT = b":\n\n"  # a comment
_CURSOR = re.compile(r"(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,14})", re.ASCII)


def read_cursor(text: str) -> tuple[int, int] | None:
    """Return the number and the time of a cursor, None if it is none."""
    match = _CURSOR.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


class Event(msgspec.Struct, frozen=True):
    """One thing that happened; never a raw value, never a token."""

    cursor: str
    name: str
    data: Mapping[str, Any] = {}

    def __bytes__(self) -> bytes:
        data = msgspec.json.encode(self.data, order="sorted").decode()
        text = f"id: {self.cursor}\nevent: {self.name}\ndata: {data}\n\n"
        return text.encode()


class Reader(msgspec.Struct, frozen=True):
    """A page of the console that shows events in its own way."""

    session: str  # its id
    write: Callable[[Event], bytes]


READER = web.RequestKey("reader", Reader)


async def stream(
    request: web.Request, happening: AsyncGenerator[Event | None, None]
) -> web.StreamResponse:
    """Send events until the caller or the daemon goes away.

    Raises:
        SyncdError: what the first event raises; nothing is sent then.
    """
    async with contextlib.aclosing(happening):
        first = await anext(happening)
        reader = request.get(READER)
        write = reader.write if reader else bytes
        answer = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        with contextlib.suppress(ConnectionResetError):
            await answer.prepare(request)
            await answer.write(write(first) if first else BEAT)
            async for event in happening:
                await answer.write(write(event) if event else BEAT)
    return answer
