"""How fast a member pulls, verifies, decodes and merges another's log.

One member has published 1,000,000 statements; another pulls them over
loopback mutual TLS into an empty mirror.db. Beside it, in the same run: a raw
driver-level load of the very same rows into the same tables with the same
pragmas, sorted, in one go. The ratio of the two is what counts; rates move
with the machine.

    python bench/sync.py [--entries N]

Prints entries/s of both, their ratio, peak memory of all processes, bytes on
the wire per statement, and that verified leaves = entries.
"""

import argparse
import asyncio
import concurrent.futures
import datetime
import multiprocessing
import os
import platform
import resource
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import web

from syncd import pinning
from syncd.flows import publish, pull, serve
from syncd.flows.ports import Bundle, Finding
from syncd.flows.serve import LogFiles
from syncd.indicator import statement, token
from syncd.indicator.statement import Report
from syncd.node.offload import InPool
from syncd.peer.client import PeerClient
from syncd.roster import certificate, keys
from syncd.store.home import open_mirror
from syncd.tlog import checkpoint
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import Frontier
from syncd.web import peer_door

STEP = 65_536
LABELS = ("fake_invest", "task_rebate", "phish_notice", "refund_cs")


def statements(count: int, origin: str) -> list[tuple[int, bytes]]:
    """Return `count` reports such as a bank would write."""
    found = []
    for i in range(count):
        output = secrets.token_bytes(64)
        said = Report(
            on="2026-11-21",
            kind="url" if i % 2 else "phone",
            epoch=1,
            token=token.encode(token.token(output)),
            label=LABELS[i % 4],
            role="phishing_host" if i % 2 else "caller",
            evidence="bank_detection",
            confidence=50 + i % 50,
            seen=f"2026-{1 + i % 11:02}-{1 + i % 28:02}",
            expires="2027-05-20",
            know=token.know(output, origin).hex(),
            handling="open",
        )
        found.append((1, statement.encode(said)))
    return found


def build(count: int, origin: str) -> tuple[Frontier, list[Bundle]]:
    """Return a log of that many entries, as its writer keeps it."""
    frontier, bundles = Frontier.EMPTY, []
    for at in range(0, count, STEP):
        payloads = statements(min(STEP, count - at), origin)
        frontier, more = publish.grow(
            origin, frontier, [], payloads, secrets.token_bytes(16 * STEP)
        )
        bundles += more
    return frontier, bundles


class _Desk:
    """A peer door with nothing but one log behind it."""

    def __init__(self, files: LogFiles) -> None:
        self.files = files

    def caller(self, request_pin: str) -> tuple[str, str]:
        return "puller", "member"

    async def own_log(self) -> LogFiles:
        return self.files


def publisher(directory: Path, count: int) -> None:
    """Build a log on disk, then serve it until standard input closes."""
    now = int(time.time())
    mine = keys.generate("bank.example", "bench", secrets.token_bytes, now=now)
    frontier, bundles = build(count, mine.origin)
    head = Checkpoint(mine.origin, frontier.size, frontier.root())
    note = bytes(checkpoint.sign(head, mine.log))
    database = directory / "own.db"
    store = sqlite3.connect(database)
    store.execute(
        "CREATE TABLE bundle (n INTEGER PRIMARY KEY, width, gz BLOB, root)"
    )
    store.executemany(
        "INSERT INTO bundle VALUES (?, ?, ?, ?)",
        [(b.n, b.width, b.gz, b.root) for b in bundles],
    )
    store.commit()
    del bundles

    async def bundle(n: int) -> Bundle | None:
        row = store.execute("SELECT * FROM bundle WHERE n = ?", (n,))
        return Bundle(*row.fetchone())

    async def roots(first: int, last: int) -> list[bytes]:
        rows = store.execute(
            "SELECT root FROM bundle WHERE n >= ? AND n < ? ORDER BY n",
            (first, last),
        )
        return [root for (root,) in rows]

    async def run() -> None:
        files = LogFiles(mine.origin, frontier.size, note, bundle, roots)
        theirs = (directory / "puller.der").read_bytes()
        tls = pinning.ServerTls(mine.certificate, mine.tls_pem)
        tls.update([theirs])
        app = peer_door.app(_Desk(files), lambda _: "pin")  # type: ignore[arg-type]
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.context)
        await site.start()
        port = runner.addresses[0][1]
        pin = certificate.pin(mine.certificate)
        print(port, pin, mine.log.verifier, flush=True)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, sys.stdin.read)
        await runner.cleanup()

    asyncio.run(run())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(usage.ru_maxrss, flush=True)


class Counting:
    """A source that counts what came over the wire."""

    def __init__(self, client: PeerClient) -> None:
        self.client = client
        self.name = client.name
        self.wire = 0

    async def checkpoint(self, origin: str) -> bytes:
        return await self.client.checkpoint(origin)

    async def hash_tiles(self, origin: str, paths: list[str]) -> list[bytes]:
        got = await self.client.hash_tiles(origin, paths)
        self.wire += sum(map(len, got))
        return list(got)

    async def payloads(
        self, origin: str, wanted: list[tuple[int, int]]
    ) -> list[bytes]:
        got = await self.client.payloads(origin, wanted)
        self.wire += sum(map(len, got))
        return list(got)

    async def entries(self, origin: str, n: int, width: int) -> bytes:
        return await self.client.entries(origin, n, width)


async def puller(directory: Path, answer: str, mine: keys.MemberKeys) -> dict:
    port, pin, vkey = answer.split()
    origin = vkey.split("+")[0]
    from syncd.tlog import note as notes

    log_key = notes.parse_vkey(vkey)
    client = PeerClient(
        "bank",
        [f"https://127.0.0.1:{port}"],
        tls=pinning.client_context(mine.certificate, mine.tls_pem, pin),
        own_origins=frozenset({origin}),
    )
    source = Counting(client)
    mirror = open_mirror(directory, clock=lambda: int(time.time()))
    pool = concurrent.futures.ProcessPoolExecutor(
        1, multiprocessing.get_context("spawn")
    )

    async def report(finding: Finding) -> None:
        raise SystemExit(f"unexpected finding: {finding}")

    began = time.perf_counter()
    raw = await client.checkpoint(origin)
    done = await pull.pull(
        raw,
        log_key=log_key,
        sources=[source],
        mirror=mirror,
        offload=InPool(pool),
        report=report,
    )
    took = time.perf_counter() - began
    head = await mirror.head(origin)
    worker = sum(_peak(pid) for pid in pool._processes)
    await client.close()
    mirror.close()
    pool.shutdown()
    return {
        "worker": worker,
        "seconds": took,
        "mirrored": done.after,
        "merged": head.merged,
        "wire": source.wire,
    }


def raw_load(directory: Path, target: Path) -> tuple[int, float]:
    """Load the same rows with the driver alone; return (rows, seconds)."""
    source = sqlite3.connect(directory / "mirror.db")
    tables = {
        name: sql
        for name, sql in source.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
            " AND name IN ('bundle', 'claim', 'log')"
        )
    }
    rows = source.execute(
        "SELECT * FROM claim ORDER BY token, kind_epoch, log_id, idx"
    ).fetchall()
    bundles = source.execute("SELECT * FROM bundle ORDER BY n").fetchall()
    into = sqlite3.connect(target, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        into.execute(f"PRAGMA {pragma}")
    for sql in tables.values():
        into.execute(sql)
    began = time.perf_counter()
    into.execute("BEGIN IMMEDIATE")
    for name, data in (("bundle", bundles), ("claim", rows)):
        marks = ", ".join("?" * len(data[0]))
        into.executemany(f"INSERT INTO {name} VALUES ({marks})", data)
    into.execute("COMMIT")
    took = time.perf_counter() - began
    into.close()
    return len(rows), took


def main() -> None:
    """Run both and print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.serve:
        publisher(chosen.serve, chosen.entries)
        return
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        measure(Path(name), chosen.entries)


def measure(directory: Path, entries: int) -> None:
    now = int(time.time())
    mine = keys.generate("pull.example", "bench", secrets.token_bytes, now=now)
    (directory / "puller.der").write_bytes(mine.certificate)
    with subprocess.Popen(
        [
            sys.executable,
            __file__,
            "--serve",
            str(directory),
            "--entries",
            str(entries),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        answer = child.stdout.readline()
        got = asyncio.run(puller(directory, answer, mine))
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        served = _peak(child.pid)
        child.stdin.close()
        child.stdout.read()
    loaded, raw_s = raw_load(directory, directory / "raw.db")
    rate = got["merged"] / got["seconds"]
    raw_rate = loaded / raw_s
    print(f"machine            {platform.machine()}, {os.cpu_count()} cores,")
    print(f"                   Python {platform.python_version()}")
    print(f"when               {datetime.date.today()}")  # noqa: DTZ011
    print(f"entries            {entries:,}")
    print(f"pull and merge     {rate:,.0f} entries/s ({got['seconds']:.1f} s)")
    print(f"raw load           {raw_rate:,.0f} rows/s ({raw_s:.1f} s)")
    print(f"ratio              {rate / raw_rate:.2f}   (aim 0.5)")
    parts = {
        "puller": own / 1024,
        "its worker": got["worker"],
        "publisher": served,
    }
    total = sum(parts.values())
    print(f"peak memory        {total:.0f} MB in all (aim 256 MB):", end=" ")
    print(", ".join(f"{name} {mb:.0f}" for name, mb in parts.items()))
    print(f"wire               {got['wire'] / entries:.1f} bytes/statement")
    print(f"verified leaves    {got['mirrored']:,} = entries: ", end="")
    print(got["mirrored"] == entries == got["merged"])
    if not got["mirrored"] == entries == got["merged"] == loaded:
        raise SystemExit("sync: not every leaf was verified and merged")


def _peak(pid: int) -> float:
    """Return the most memory that a running process had, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
