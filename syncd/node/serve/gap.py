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

from syncd.errors import MalformedError, SyncdError, UnavailableError
from syncd.flows import evaluation, ports
from syncd.flows.quorums import SAME_S
from syncd.node.context import Context, log
from syncd.node.serve import pushing
from syncd.peer.directory import DirectorySource
from syncd.roster.roster import Roster
from syncd.tlog import document, note

WHAT = "oprf-request"
FOLDER = "evaluations"
LINE = b"syncd/"  # how a document begins, and no other request
MOST = 256  # requests of a holder in a round, the newest
TIMEOUT_S = 20.0  # for a round


@dataclass(frozen=True)
class Holder:
    """A holder, asked by a file if it cannot be called; a `ports.Holder`."""

    ctx: Context
    called: Callable[[str], ports.Holder]
    member: str

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        """Return the answer that has come, or that it gives when called.

        Raises:
            UnavailableError: it is asked by a file, since now or before.
        """
        ctx, member = self.ctx, self.member
        name = f"{hashlib.sha256(body).hexdigest()}.{member}"
        # Half of a copy, or what it did not sign, proves nothing against it.
        with contextlib.suppress(SyncdError):
            raw = await _came(ctx, f"{name}.answer")
            evaluation.open_reply(raw, body, ctx.roster, member)
            return raw
        path = _outbox(ctx) / f"{name}.request"
        if not path.exists():
            with contextlib.suppress(UnavailableError):
                return await self.called(member).evaluate(body, timeout_s)
            said: dict[str, object] = {"holder": member}
            said |= {"request": body.decode(), "until": ctx.now() + SAME_S}
            key = ctx.home.keys.member
            signed = document.sign(WHAT, ctx.roster.id, said, key)
            await asyncio.to_thread(pushing.write, path, bytes(signed))
        raise UnavailableError("asked by files: no answer yet")


def read(raw: bytes, roster: Roster, me: str, now: int) -> tuple[str, bytes]:
    """Return which active member asks, and its request to us.

    Raises:
        MalformedError: no request that is carried to us, or no more one.
        UntrustedError: no active member signed it.
    """
    by = roster.by_key_name(note.parse(raw).signatures[0].name)
    keys = [by.keys.member] if by and by.active else []
    match document.open_(raw, WHAT, roster.id, keys):
        case {"holder": holder, "request": str(text), "until": int(until)}:
            if by and holder == me and now < until:
                return by.id, text.encode()
    raise MalformedError("oprf: not a request that is carried to us")


async def answer(ctx: Context, holder: Callable[[str], ports.Holder]) -> None:
    """Have what is asked in the inbox answered, once; drop what is old.

    A holder that is silent holds up its own requests alone, and not for long.
    """
    if ctx.config.exchange.outbox is None:
        return
    outbox, inbox = _outbox(ctx), ctx.home.path / "inbox" / FOLDER
    await asyncio.to_thread(_requests, outbox, ctx.now())
    there = await asyncio.to_thread(_requests, inbox, ctx.now())
    lacking = {n: outbox / f"{n[:-8]}.answer" for n in there}
    wanted = [name for name in there if not lacking[name].exists()]

    async def ask(member: str) -> None:
        for name in [n for n in wanted if n.split(".")[1] == member][-MOST:]:
            try:
                raw = await _came(ctx, name)
                if raw.startswith(LINE):  # else it would be asked for us
                    got = await holder(member).evaluate(raw, TIMEOUT_S)
                    await asyncio.to_thread(pushing.write, lacking[name], got)
            except SyncdError as e:  # half of a copy, for example
                log.warning("request not answered", file=name, why=str(e))

    members = {name.split(".")[1] for name in wanted}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.gather(*map(ask, members))


def behind(ctx: Context) -> bool:
    """Tell whether holders are asked by files: nobody can call us."""
    us = ctx.us
    called = us and (us.urls or us.via)
    return bool(ctx.config.exchange.outbox and not called)


def _outbox(ctx: Context) -> Path:
    return Path(f"{ctx.config.exchange.outbox}/{FOLDER}")


async def _came(ctx: Context, name: str) -> bytes:
    """Return a file of the inbox, or raise UnavailableError."""
    source = DirectorySource(ctx.home.path / "inbox")
    [raw] = await source.files("", [f"{FOLDER}/{name}"])
    return raw


def _requests(folder: Path, now: int) -> list[str]:
    """Return what is asked there, the newest last; what is old goes."""
    found = dict[str, float]()
    for path in folder.glob("*.*.*"):
        with contextlib.suppress(OSError):
            at = path.lstat().st_mtime
            if at + SAME_S < now:
                path.unlink()
            elif path.suffix == ".request":
                found[path.name] = at
    return sorted(found, key=found.__getitem__)
