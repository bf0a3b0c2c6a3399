"""What a local worker asks the daemon, over a connection for each question.

    the worker    msgpack of one of the forms below, and nothing else
    the daemon    pickle: the worker believes all that it says

For a worker meets strangers' bytes, and the daemon has the keys.
"""

import asyncio
import contextlib
import pickle
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from syncd.config import Config
from syncd.errors import SyncdError, UnavailableError
from syncd.flows.ports import Position
from syncd.indicator.identifier import Identifier
from syncd.node.serve.lookups import Unanswered
from syncd.store.server import Server
from syncd.store.sightings import SightedToken

RELAYED = Path("local") / "daemon"  # in the home: the daemon's own local API
ASKED = Path("local") / "link"  # where it answers what is asked here
ASK_S = 10.0
MOST = 64 << 20  # bytes of a question


class _Said(msgspec.Struct, array_like=True, tag=True):
    pass


class Beat(_Said):
    """What happened in a worker since the last one; answered by `News`."""

    number: int  # of the worker
    known: int = 0  # the newest news that are in force there
    looked_up: list[tuple[dict[str, int], str, float]] = []
    # what was answered how often, the purpose, seconds
    denied: list[tuple[str, int]] = []  # kind, and items over a budget
    suspected: list[Position] = []
    # claims whose author did not show that it had the value
    unanswered: list[Unanswered] = []  # by holders: to be asked again


class WantOutputs(_Said):
    """Outputs of values are needed; answered by them, and why some lack."""

    wanted: tuple[Identifier, ...]  # of one kind
    epoch: int  # of which they must be
    purpose: str
    timeout_s: float


class Sighted(_Said):
    """Tokens were met; answered once that is kept."""

    met: tuple[SightedToken, ...]


Said = Beat | WantOutputs | Sighted
_decode = msgspec.msgpack.Decoder(Said).decode


class News(NamedTuple):
    """What answers rest on, as far as it has changed."""

    number: int  # these are the newest
    parts: Mapping[str, Any]  # by names of `LocalWorkers.tell`


class Start(NamedTuple):
    """What a worker begins with; comes through its standard input.

    Which ends when it is to answer what has come, and end.
    """

    number: int
    config: Config
    server: Server | None  # that has the databases
    access_key: bytes
    lists_key: bytes
    listening: Sequence[Sequence[int]]  # descriptors of the sockets that it
    # serves: without TLS, and with it
    tls: tuple[bytes, bytes] | None  # what is shown there, and its key
    counts: int  # descriptor of what each token had


async def ask(home: Path, what: Said, timeout_s: float = ASK_S) -> Any:
    """Return what the daemon answers, or raise what it raises.

    Raises:
        UnavailableError: it does not answer, for so long.
    """
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_unix_connection(home / ASKED)
            with contextlib.closing(writer):
                writer.write(msgspec.msgpack.encode(what))
                writer.write_eof()
                raw = await reader.read()
        answer = pickle.loads(raw)  # noqa: S301 (the daemon's)
    except (OSError, EOFError, pickle.UnpicklingError):
        raise UnavailableError("the daemon does not answer") from None
    if isinstance(answer, SyncdError):
        raise answer
    return answer


async def answering(
    home: Path, answer: Callable[[Said], Awaitable[Any]]
) -> asyncio.Server:
    """Answer what workers ask, in a folder that only we may enter."""

    async def asked(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        came: Any
        with contextlib.closing(writer):
            raw = bytearray()
            while piece := await reader.read(1 << 16):
                raw += piece
                if len(raw) > MOST:
                    return
            try:
                came = await answer(_decode(raw))
            except SyncdError as e:
                came = e
            writer.write(pickle.dumps(came, pickle.HIGHEST_PROTOCOL))

    return await asyncio.start_unix_server(asked, home / ASKED)
