"""Logs for those who cannot ask for them, or cannot be asked.

Whom nobody can reach pushes its log to the member that the roster names as
its relay (`via`). A push holds a log's newest checkpoint,
and as many of its files as there is room for after what the relay mirrors;
it is pulled from there as from any source, and verified as ever. Behind a gap
files are laid out, all that we hold, to be copied into others' homes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from syncd.errors import (
    AbsentError,
    MalformedError,
    RefusedError,
    UnavailableError,
    at_path,
)
from syncd.flows import log_files, serve
from syncd.flows.serve import LogFiles
from syncd.node.context import Context
from syncd.node.follow.peers import Peers
from syncd.node.follow.pulls import Pulls
from syncd.peer.client import PAYLOAD
from syncd.store import durable
from syncd.tlog import growth, tiles
from syncd.tlog.merkle import BUNDLE

Laid = dict[str, Sequence[tuple[int, int, int]]]
"""what was erased of each log (by origin) when it was laid out"""
ROOM = 700_000  # bytes after which no more files go into a push


class Pushed(msgspec.Struct):
    """Files of a log that came by themselves; implements `ports.Source`."""

    name: str  # of the member
    held: Mapping[str, bytes]

    async def files(
        self, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        """Return what is here of them."""
        got = [self.held[path] for path in paths if path in self.held]
        if not got:
            raise AbsentError("push: {origin}: no such file", origin=origin)
        return got


async def push(
    ctx: Context, peers: Peers, own: Callable[[], Awaitable[LogFiles]]
) -> None:
    """Bring our relay up to our log, if we have one.

    Raises:
        UnavailableError, RefusedError: it does not answer, or will not.
    """
    if ctx.us is None or not ctx.us.via:
        return
    log, relay = await own(), peers.get(ctx.us.via)
    was, at = -1, await relay.push(_encode(log, {}))
    while was < at < log.size:
        files = dict[str, bytes]()
        for path in _paths(at, log.size):
            files[path] = await serve.file(log, path) or b""
            if sum(map(len, files.values())) > ROOM:
                break
        was, at = at, await relay.push(_encode(log, files))


async def lay_out(
    ctx: Context, logs: Callable[[str], Awaitable[LogFiles | None]], laid: Laid
) -> None:
    """Keep all logs that we hold as files in the outbox, if there is one.

    What is there is not written again, and what is erased since goes.

    Raises:
        UnavailableError: that directory does not let us.
    """
    outbox = ctx.config.exchange.outbox
    for origin in ctx.roster.origins() if outbox else ():
        name = tiles.origin_hash(origin)
        log, erased = await logs(name), await ctx.mirror.erased(origin)
        if log is not None:
            keep = laid.get(origin) == erased
            await _lay(Path(f"{outbox}/{name}"), log, keep=keep)
            laid[origin] = erased


async def _lay(root: Path, log: LogFiles, *, keep: bool) -> None:
    """Write what a directory lacks of a log, its checkpoint last."""
    signed = await asyncio.to_thread(durable.read, root / "checkpoint")
    if keep and signed == log.checkpoint:
        return
    old = await asyncio.to_thread(_paths_in, root)
    have = {p for p in old if keep or not p.startswith(PAYLOAD)}
    async for path, raw in log_files.files(log, have=have):
        await asyncio.to_thread(write, root / path, raw)
    for path in old - {*log_files.layout(log.size), "checkpoint"}:
        await asyncio.to_thread((root / path).unlink)


def _paths_in(root: Path) -> set[str]:
    files = (f for f in root.rglob("*") if f.is_file())
    return {f.relative_to(root).as_posix() for f in files}


def write(path: Path, raw: bytes) -> None:
    """Write a file durably, in whatever directories it lacks.

    Raises:
        UnavailableError: the disk does not let us.
    """
    with at_path(path, UnavailableError):
        path.parent.mkdir(parents=True, exist_ok=True)
    durable.write(path, raw)


async def take(ctx: Context, pulls: Pulls, caller: str, raw: bytes) -> int:
    """Pull a member's log from what it pushed; return what we mirror.

    Raises:
        RefusedError: it is not we whom the roster has relay for it.
        MalformedError: that is no push.
    """
    member = ctx.roster.member(caller)
    if member is None or member.via != ctx.me:
        raise RefusedError(
            "push: the roster names another relay for {member}", member=caller
        )
    try:
        files = msgspec.msgpack.decode(raw, type=dict[str, bytes])
    except msgspec.DecodeError as e:
        raise MalformedError("push: {why}", why=e) from e
    note = files.get("checkpoint", b"")
    await pulls.take(member.origin, Pushed(caller, files), note)
    return (await ctx.mirror.head(member.origin)).mirrored


def _paths(old: int, new: int) -> list[str]:
    """Return which files of a log show how it grew, the proof first."""
    plan, (n, width) = growth.plan(old, new), divmod(new, BUNDLE)
    tails = [*plan.tiles, *([tiles.tile_tail(0, n, width)] if width else [])]
    ends = [tiles.path(*place) for place in plan.bundles]
    return [f"tile/{tail}" for tail in tails] + [
        f"{start}{end}" for end in ends for start in (PAYLOAD, "tile/entries/")
    ]


def _encode(log: LogFiles, files: Mapping[str, bytes]) -> bytes:
    return msgspec.msgpack.encode({"checkpoint": log.checkpoint, **files})
