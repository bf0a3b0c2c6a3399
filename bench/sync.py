"""How fast a member pulls, verifies, decodes and merges another's log.

One member has published 1,000,000 statements; another pulls them over
loopback mutual TLS into an empty mirror.db, by the code that its daemon
runs. Beside it, in the same run: a raw driver-level load of the very same
rows into the same tables with the same pragmas, sorted, in one transaction.
The ratio of the two is what counts; rates move with the machine.

    python bench/sync.py [--entries N] [--into N]

`--into` pulls into a mirror that has so many claims of another already.

Prints entries/s of both and their ratio, the CPU time of each process, the
peak memory (the puller and its worker count), bytes on the wire per statement, and that verified leaves
= entries. Anything else than that ends with exit code 1.
"""

import asyncio
import concurrent.futures
import os
import platform
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import beside  # type: ignore[import-not-found]
import msgspec
from beside import Process, said

from syncd import pinning
from syncd.flows import publish, pull
from syncd.flows.merge import PullContext
from syncd.flows.ports import Bundle, Finding
from syncd.flows.serve import LogFiles
from syncd.indicator import statement
from syncd.indicator.claims import Claim
from syncd.indicator.folding import Batch, Rows
from syncd.indicator.statement import Report
from syncd.node.daemon import read_pin
from syncd.node.offload import InPool, InWorker
from syncd.peer.client import PeerClient
from syncd.roster import certificate, keys
from syncd.store.home_stores import open_mirror
from syncd.store.mirror import MirrorStore
from syncd.store.sqlite import PRAGMAS
from syncd.tlog import checkpoint, note
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import Frontier
from syncd.web import peer_api

STEP = 65_536
AIM_RATIO, AIM_MB, AIM_WIRE = 0.6, 250, 80


def main() -> None:
    """Run both and print what was measured."""
    chosen = beside.options(
        __doc__,
        lambda one: (
            asyncio.run(serve(Path(one.play)))
            if one.serve
            else build(Path(one.play), one.entries)
        ),
        entries=1_000_000,
        into=0,
        serve=False,
    )
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        measure(Path(name), chosen.entries, chosen.into)


# ------------------------------------------------------------ publishing


def build(directory: Path, count: int) -> None:
    """Write a log of that many entries, as its member keeps it."""
    now = int(time.time())
    mine = keys.generate("bank.example", "bench", secrets.token_bytes, now=now)
    (directory / "publisher.der").write_bytes(mine.certificate)
    (directory / "publisher.pem").write_bytes(mine.tls_pem)
    (directory / "vkey").write_text(str(mine.log.verifier))
    store = sqlite3.connect(directory / "own.db")
    store.execute(
        "CREATE TABLE bundle (n INTEGER PRIMARY KEY, width, gz BLOB, root)"
    )
    frontier = Frontier.EMPTY
    for at in range(0, count, STEP):
        payloads = [
            said(n, secrets.token_bytes(64), mine.origin)
            for n in range(min(STEP, count - at))
        ]
        salts = secrets.token_bytes(16 * len(payloads))
        frontier, made = publish.grow(
            mine.origin, frontier, [], payloads, salts
        )
        store.executemany(
            "INSERT INTO bundle VALUES (?, ?, ?, ?)",
            [(b.n, b.width, b.gz, b.root) for b in made],
        )
    store.commit()
    head = Checkpoint(mine.origin, frontier.size, frontier.root())
    signed = bytes(checkpoint.sign(head, mine.log))
    (directory / "checkpoint").write_bytes(signed)


class LogService:
    """Knows one caller and one log."""

    def __init__(self, directory: Path) -> None:
        self._store = sqlite3.connect(directory / "own.db")
        self._note = (directory / "checkpoint").read_bytes()

    def caller(self, _: str) -> tuple[str, str]:
        return "puller", "member"

    async def settled(self) -> None:
        """No roster is on its way."""

    async def own_log(self) -> LogFiles:
        origin, size = self._note.decode().split("\n")[:2]
        of = origin, int(size), self._note
        return LogFiles(*of, self._bundle, self._roots)

    async def _bundle(self, n: int) -> Bundle | None:
        asked = "SELECT * FROM bundle WHERE n = ?"
        return Bundle(*self._store.execute(asked, (n,)).fetchone())

    async def _roots(self, first: int, last: int) -> list[bytes]:
        asked = "SELECT root FROM bundle WHERE n >= ? AND n < ? ORDER BY n"
        return [root for (root,) in self._store.execute(asked, (first, last))]


async def serve(directory: Path) -> None:
    """Serve that log as a member does, until standard input ends."""
    names = "publisher.der", "publisher.pem", "puller.der"
    shown, key, puller = ((directory / one).read_bytes() for one in names)
    tls = pinning.ServerTls(shown, key)
    tls.update([puller])
    app = peer_api.app(LogService(directory), read_pin)
    await beside.serve(app, tls.context)


# --------------------------------------------------------------- pulling


class Counting(PeerClient):
    """A peer whose bytes are counted."""

    wire = 0

    async def files(self, origin: str, paths: Sequence[str]) -> list[bytes]:
        got = await super().files(origin, paths)
        self.wire += sum(map(len, got))
        return got


class Measured(NamedTuple):
    """What one pull took."""

    seconds: float
    mirrored: int
    merged: int
    wire: int  # bytes
    cpu_s: float  # of this process
    worker: Process


async def fill(mirror: MirrorStore, count: int) -> None:
    """Merge that many claims of another's log, as a mirror does.

    Their tokens ascend, evenly: at random the filling would take longest.
    """
    origin = "other.example/syncd/abcd/1"
    content = statement.decode(said(0, bytes(64), origin)[1], 1)
    assert isinstance(content, Report)
    _, _, number, record = Claim("", 0, content).row()
    head = await mirror.head(origin)
    for at in range(0, count, 3 * STEP):
        stop = min(at + 3 * STEP, count)
        batch = Batch(origin=head.origin, start=at, stop=stop)
        batch.adds = Rows.pack(
            ((i * 2**128 // count).to_bytes(16, "big"), i, number, record)
            for i in range(at, stop)
        )
        grown = head.frontier.extend([bytes(32)] * (stop - at))
        after = msgspec.structs.replace(head, frontier=grown, merged=stop)
        await mirror.advance(head, after, (), batch)
        head = after


async def pulled(
    directory: Path, port: int, mine: keys.MemberKeys, into: int
) -> Measured:
    """Pull the whole log into a mirror.db that has so much of another's."""
    log_key = note.parse_vkey((directory / "vkey").read_text())
    pin = certificate.pin((directory / "publisher.der").read_bytes())
    source = Counting(
        "bank",
        [f"https://127.0.0.1:{port}"],
        tls=pinning.client_context(mine.certificate, mine.tls_pem, pin),
        own_origins=frozenset({log_key.name}),
    )
    mirror = open_mirror(directory, clock=lambda: int(time.time()))
    await fill(mirror, into)
    pool = concurrent.futures.ThreadPoolExecutor(2)
    offload = InWorker(InPool(pool))

    async def report(finding: Finding) -> None:
        raise SystemExit(f"unexpected finding: {finding}")

    began, cpu_s = time.perf_counter(), time.process_time()
    (raw,) = await source.files(log_key.name, ["checkpoint"])
    context = PullContext(
        sources=[source], mirror=mirror, offload=offload, report=report
    )
    done = await pull.pull(raw, log_key, context)
    took = time.perf_counter() - began
    cpu_s = time.process_time() - cpu_s
    child = offload.child
    worker = Process.of(child.pid) if child else Process(0, 0)
    await source.close()
    mirror.close()
    offload.close()
    pool.shutdown()
    return Measured(took, done.after, done.merged, source.wire, cpu_s, worker)


def raw_load(directory: Path) -> tuple[int, float, float]:
    """Load the same rows with the driver alone.

    Returns (rows, seconds, seconds of CPU time).
    """
    source = sqlite3.connect(directory / "mirror.db")
    tables = dict(
        source.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
            " AND name IN ('bundle', 'claim', 'log')"
        ).fetchall()
    )
    logs = source.execute("SELECT * FROM log").fetchall()
    bundles = source.execute("SELECT * FROM bundle ORDER BY n").fetchall()
    rows = source.execute(
        "SELECT * FROM claim WHERE log_id IN (SELECT log_id FROM bundle) ORDER BY token, kind_epoch, log_id, idx"
    ).fetchall()
    into = sqlite3.connect(directory / "raw.db", isolation_level=None)
    for pragma in PRAGMAS:
        into.execute(f"PRAGMA {pragma}")
    for sql in tables.values():
        into.execute(sql)
    began, cpu = time.perf_counter(), time.process_time()
    into.execute("BEGIN IMMEDIATE")
    for name, data in (("log", logs), ("bundle", bundles), ("claim", rows)):
        marks = ", ".join("?" * len(data[0]))
        into.executemany(f"INSERT INTO {name} VALUES ({marks})", data)
    into.execute("COMMIT")
    took = time.perf_counter() - began
    cpu = time.process_time() - cpu
    into.close()
    return len(rows), took, cpu


# ------------------------------------------------------------- measuring


def measure(directory: Path, entries: int, into: int) -> None:
    """Build, pull and load; print what came out.

    Raises:
        SystemExit: not every entry was verified and merged.
    """
    now = int(time.time())
    mine = keys.generate("pull.example", "bench", secrets.token_bytes, now=now)
    (directory / "puller.der").write_bytes(mine.certificate)
    beside.asked(beside.HERE, directory, "--entries", entries)
    with beside.serving("sync.py", "--play", directory, "--serve") as (
        pid,
        port,
    ):
        before = Process.of(pid).cpu_s
        got = asyncio.run(pulled(directory, port, mine, into))
        puller, served = Process.of(os.getpid()), Process.of(pid)
    took = {
        "puller": Process(got.cpu_s, puller.peak_mb),
        "its worker": got.worker,
        "publisher": Process(served.cpu_s - before, served.peak_mb),
    }
    loaded, raw_s, cpu_s = raw_load(directory)
    took["raw load"] = Process(cpu_s, 0)
    rate, raw_rate = got.merged / got.seconds, loaded / raw_s
    each = ", ".join(
        f"{name} {one.cpu_s / entries * 1e6:.1f}" for name, one in took.items()
    )
    own = puller.peak_mb + got.worker.peak_mb
    whole = got.mirrored == entries == got.merged == loaded
    print(
        f"machine          {platform.machine()}, {os.cpu_count()} cores\n"
        f"load             {beside.load()}\n"
        f"software         Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}\n"
        f"entries          {entries:,} into {into:,} claims\n"
        f"pull and merge   {rate:,.0f} entries/s ({got.seconds:.1f} s)\n"
        f"raw load         {raw_rate:,.0f} rows/s ({raw_s:.1f} s)\n"
        f"ratio            {rate / raw_rate:.2f} (aim {AIM_RATIO})\n"
        f"CPU, µs/entry    {each}\n"
        f"peak memory, MB  {own:.0f} (aim {AIM_MB});"
        f" publisher {served.peak_mb:.0f}\n"
        f"wire, B/entry    {got.wire / entries:.1f} (aim {AIM_WIRE})\n"
        f"verified leaves  {got.mirrored:,} = entries: {whole}"
    )
    if not whole:
        raise SystemExit("sync: not every leaf was verified and merged")


if __name__ == "__main__":
    main()
