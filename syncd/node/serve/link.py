"""What the daemon and a local worker say to each other, over a socket pair.

    4 bytes, big endian   how many follow
    from the daemon       pickle: the worker believes all that it says
    from the worker       msgpack of one of the forms below, and nothing else

For a worker meets strangers' bytes, and the daemon has the keys.
"""

import asyncio
import pickle
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from syncd.config import Config
from syncd.flows.ports import Position
from syncd.indicator.identifier import Identifier
from syncd.node.serve.lookups import Unanswered
from syncd.store.server import Server
from syncd.store.sightings import SightedToken

SOCKET = Path("local") / "daemon"  # in the home: the daemon's own local API
_HEAD = 4  # bytes
_MOST = 64 << 20  # bytes of a frame; a roster has 16 MiB at most


class _Said(msgspec.Struct, frozen=True, array_like=True, tag=True):
    pass


class Opened(_Said, frozen=True):
    """It has the databases open, and waits for the first state."""


class InForce(_Said, frozen=True):
    """A state is in force here: all answers from now on rest on it."""

    number: int


class WantOutputs(_Said, frozen=True):
    """Outputs of values are needed; answered by `Done`."""

    id: int
    wanted: tuple[Identifier, ...]  # of one kind
    epoch: tuple[int, int]  # and generation, of which they must be
    purpose: str
    timeout_s: float


class Sighted(_Said, frozen=True):
    """Tokens were met; answered by `Done` once that is kept."""

    id: int
    met: tuple[SightedToken, ...]


class Suspected(_Said, frozen=True):
    """Claims whose author did not show that it had the value."""

    positions: tuple[Position, ...]


class AskAgain(_Said, frozen=True):
    """A question that holders could not answer."""

    one: Unanswered


class LookedUp(_Said, frozen=True):
    """A look-up, for `/metrics`."""

    verdicts: Mapping[str, int]
    purpose: str
    seconds: float


class Denied(_Said, frozen=True):
    """Items that a budget did not allow, for `/metrics`."""

    kind: str
    n: int


Said = (
    Opened
    | InForce
    | WantOutputs
    | Sighted
    | Suspected
    | AskAgain
    | LookedUp
    | Denied
)
_decode = msgspec.msgpack.Decoder(Said).decode


@dataclass(frozen=True, slots=True)
class Start:
    """What a worker begins with."""

    number: int
    config: Config
    server: Server | None  # that has the databases
    access_key: bytes
    lists_key: bytes
    listening: Sequence[Sequence[int]]  # descriptors of the sockets that it
    # serves: without TLS, and with it
    tls: tuple[bytes, bytes] | None  # what is shown there, and its key
    counts: int  # descriptor of what each token had


@dataclass(frozen=True, slots=True)
class State:
    """What answers rest on, as far as it has changed."""

    number: int
    news: Mapping[str, Any]  # of `local_worker.Known`


@dataclass(frozen=True, slots=True)
class Done:
    """What came of what a worker wanted."""

    id: int
    value: Any
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Take nothing new, answer what has come, end."""


class Link:
    """One end of the socket pair."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def of(cls, sock: socket.socket) -> Self:
        """Return the end that a connected socket is."""
        return cls(*await asyncio.open_unix_connection(sock=sock))

    def tell(self, what: Start | State | Done | Stop) -> None:
        """Send, as the daemon."""
        self._send(pickle.dumps(what, pickle.HIGHEST_PROTOCOL))

    def say(self, what: Said) -> None:
        """Send, as a worker."""
        self._send(msgspec.msgpack.encode(what))

    async def told(self) -> Any:
        """Return what the daemon sent next.

        Raises:
            EOFError: it has gone, or has shut its end: stop.
        """
        return pickle.loads(await self._receive())  # noqa: S301 (the daemon's)

    async def said(self) -> Said:
        """Return what the worker sent next.

        Raises:
            EOFError: it has gone.
            msgspec.DecodeError: it is none of the forms.
        """
        said: Said = _decode(await self._receive())
        return said

    def close(self) -> None:
        """Close this end."""
        self._writer.close()

    def _send(self, raw: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(len(raw).to_bytes(_HEAD, "big") + raw)

    async def _receive(self) -> bytes:
        try:
            head = await self._reader.readexactly(_HEAD)
            if (size := int.from_bytes(head, "big")) > _MOST:
                raise EOFError("no frame of ours")
            return await self._reader.readexactly(size)
        except OSError as e:
            raise EOFError from e
