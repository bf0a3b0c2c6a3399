"""Requests to holders and their answers as files, for who is behind a gap.

    evaluations/<sha256 of a request>.<holder>.request    signed by who asks
                                               .answer    the holder's reply

Both are written into the outbox and looked for in the inbox, where what
copies them may leave anything. Whoever finds a request there has its holder
answer it: that may be another one, which it can call.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from syncd.errors import MalformedError, SyncdError, UnavailableError
from syncd.flows import evaluation, ports
from syncd.flows.quorums import SAME_S
from syncd.node.context import Context
from syncd.node.serve import pushing
from syncd.roster.roster import Roster
from syncd.tlog import document, note

WHAT = "oprf-request"
LINE = b"syncd/"  # how a document begins, and no other request
MOST = 256  # requests answered in a round, the newest
MAX_SIZE = 1 << 19  # bytes of a file; 4,096 elements in hex are 262 kB
TIMEOUT_S = 60.0

log = structlog.get_logger("syncd.node")


@dataclass(frozen=True)
class Holder:
    """A holder, asked by a file if it cannot be called; a `ports.Holder`."""

    member: str
    ctx: Context
    called: ports.Holder

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        """Return the answer that has come, or that it gives when called.

        Raises:
            UnavailableError: it is asked by a file, since now or before.
        """
        ctx, (inbox, outbox) = self.ctx, _folders(self.ctx)
        name = f"{hashlib.sha256(body).hexdigest()}.{self.member}"
        raw = await asyncio.to_thread(_read, inbox / f"{name}.answer")
        # Half of a copy, or what it did not sign, proves nothing against it.
        with contextlib.suppress(SyncdError):
            evaluation.open_reply(raw, body, ctx.roster, self.member)
            return raw
        path = outbox / f"{name}.request"
        if not path.exists():
            with contextlib.suppress(UnavailableError):
                return await self.called.evaluate(body, timeout_s)
            said = {"holder": self.member, "request": body.decode()}
            key = ctx.home.keys.member
            signed = document.sign(WHAT, ctx.roster.id, said, key)
            await asyncio.to_thread(pushing.write, path, bytes(signed))
        raise UnavailableError("asked by files: no answer yet")


def read(raw: bytes, roster: Roster, me: str) -> tuple[str, bytes]:
    """Return which active member asks, and its request to us.

    Raises:
        MalformedError: no request that is carried to us.
        UntrustedError: no active member signed it.
    """
    by = roster.by_key_name(note.parse(raw).signatures[0].name)
    keys = [by.keys.member] if by and by.active else []
    match document.open_(raw, WHAT, roster.id, keys):
        case {"holder": holder, "request": str(text)} if by and holder == me:
            return by.id, text.encode()
    raise MalformedError("oprf: not a request that is carried to us")


async def answer(ctx: Context, holder: Callable[[str], ports.Holder]) -> None:
    """Have what is asked in the inbox answered, once; drop what is old."""
    if ctx.config.exchange.outbox is None:
        return
    inbox, outbox = _folders(ctx)
    await asyncio.to_thread(_files, outbox, ctx.now())
    for path in await asyncio.to_thread(_files, inbox, ctx.now()):
        there = outbox / path.with_suffix(".answer").name
        if path.suffix != ".request" or there.exists():
            continue
        raw = await asyncio.to_thread(_read, path)
        if raw.startswith(LINE):  # else it would be asked for us
            try:
                asked = holder(path.stem.rpartition(".")[2])
                reply = await asked.evaluate(raw, TIMEOUT_S)
                await asyncio.to_thread(pushing.write, there, reply)
            except SyncdError as e:  # half of a copy, for example
                log.warning("request not answered", path=path, why=str(e))


def _folders(ctx: Context) -> tuple[Path, Path]:
    """Return where files come, and where they are laid."""
    outbox = Path(f"{ctx.config.exchange.outbox}")
    return ctx.home.path / "inbox/evaluations", outbox / "evaluations"


def _files(folder: Path, now: int) -> list[Path]:
    """Return what lies there, the newest of it; what is old goes."""
    found = dict[Path, float]()
    for path in folder.glob("*.*"):
        with contextlib.suppress(OSError):
            found[path] = path.lstat().st_mtime
            if found[path] + SAME_S < now:
                path.unlink()
    return sorted(found, key=found.__getitem__)[-MOST:]


def _read(path: Path) -> bytes:
    """Return what a file has, as far as there may be more; none of no file."""
    with contextlib.suppress(OSError):
        if path.is_file():
            with path.open("rb") as file:
                return file.read(MAX_SIZE)
    return b""
