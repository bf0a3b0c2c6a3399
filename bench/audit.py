"""How fast an auditor proves a bundle, beside the bare hashes.

    python bench/audit.py [--logs 10] [--entries 100000]

Makes a bundle of so many logs, and one of logs a tenth as long. Each is
verified in a process of its own, as `syncd audit verify` does, and an entry
is traced in it. Beside that, in the same process: a Python loop that makes as
many SHA-256 calls over the same records, by a leaf and a node for each entry
and one for each file. Prints entries/s of both and their ratio, the time of
the trace, and the peak memory of both sizes. Ends with exit code 1 if
anything is found in a bundle.
"""

import asyncio
import hashlib
import os
import secrets
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from beside import (  # type: ignore[import-not-found]
    HERE,
    Process,
    asked,
    institutions,
    options,
)

from syncd.audit import bundle as bundles
from syncd.audit.bundle import About, Bundle, Writer
from syncd.audit.trace import trace
from syncd.audit.verify import verify
from syncd.flows import log_files, publish
from syncd.flows.ports import at_once
from syncd.flows.serve import LogFiles
from syncd.node.audit import stored
from syncd.roster import drafts
from syncd.roster.keys import MemberKeys
from syncd.tlog import checkpoint, cosignature, note
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import Frontier

NOW = int(time.time())


def main() -> None:
    """Make both bundles, have each verified, and print what came out."""
    chosen = options(
        __doc__, lambda one: measure(Path(one.play)), logs=10, entries=100_000
    )
    found = []
    for entries in (chosen.entries // 10, chosen.entries):
        with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
            write(Path(name), chosen.logs, entries)
            found.append(asked(HERE, name))
    small, whole = found
    n = chosen.logs * chosen.entries
    ours, bare = n / whole["verify"], n / whole["bare"]
    print(
        f"bundle           {chosen.logs} logs × {chosen.entries:,} entries\n"
        f"verify           {ours:,.0f} entries/s ({whole['verify']:.1f} s)\n"
        f"bare SHA-256     {bare:,.0f} entries/s ({whole['bare']:.1f} s)\n"
        f"ratio            {ours / bare:.2f} (aim 0.3)\n"
        f"trace            {whole['trace']:.3f} s (aim 1)\n"
        f"peak memory, MB  {whole['peak']:.0f}; of a tenth"
        f" {small['peak']:.0f}\n"
        f"entries proven   {whole['proven']:,}"
    )
    if whole["found"] or whole["proven"] != n:
        raise SystemExit(f"audit: {whole}")


# ---------------------------------------------------------------- a bundle


def write(where: Path, logs: int, entries: int) -> None:
    """Write a bundle of members' logs, each cosigned by all others."""
    made, alliance = Writer(where), institutions(where, logs)
    members = [one.keys for one in alliance.members.values()]
    roster = alliance.newest
    stored.rosters(made, roster, alliance.notes)
    for mine in members:
        asyncio.run(write_log(made, mine, members, entries))
    made.finish(About(alliance=roster.id, at=NOW + logs, sources=("m0",)))


async def write_log(
    made: Writer, mine: MemberKeys, members: list[MemberKeys], size: int
) -> None:
    """Write a log of which there are leaves alone, and others' lines on it."""
    origin, start = mine.origin, Frontier.EMPTY
    said = [(1 + (n % 50 == 0), b"{}") for n in range(size)]  # 2: retracts
    salts = secrets.token_bytes(16 * size)
    grown, built = publish.grow(origin, start, (), said, salts)
    head = Checkpoint(origin, size, grown.root())
    signed = checkpoint.sign(head, mine.log)
    log = LogFiles(
        *(origin, size, bytes(signed)),
        partial(at_once, built.__getitem__),
        lambda a, b: at_once(lambda: [one.root for one in built[a:b]]),
    )
    where = bundles.log_directory(origin)
    async for path, raw in log_files.files(log, audit=True):
        made.add(f"{where}/{path}", raw)
    for n, other in enumerate(members):
        line = cosignature.cosign(str(head), other.merged, NOW + n)
        raw = bytes(note.add(signed, line))
        made.add(bundles.note_path(origin, size, raw), raw)


# -------------------------------------------------------------- an auditor


def measure(where: Path) -> dict[str, Any]:
    """Verify a bundle and trace an entry; hash its records in a bare loop."""
    given = Bundle(where)
    fingerprint = drafts.read(given.rosters()[0])[1].hash
    began = time.perf_counter()
    audit = verify(given, fingerprint)
    took = {"verify": time.perf_counter() - began}
    origin, log = next(iter(audit.logs.items()))
    began = time.perf_counter()
    trace(audit, origin, log.head.size // 3)
    took["trace"] = time.perf_counter() - began
    peak = Process.of(os.getpid()).peak_mb  # the loop's own records come after
    took["bare"] = sum(bare(given, one) for one in audit.logs)
    return took | {
        "peak": peak,
        "proven": sum(one.head.size for one in audit.logs.values()),
        "found": [f"{f.code} {f.place}: {f.text}" for f in audit.found],
    }


def bare(given: Bundle, origin: str) -> float:
    """Return how long the loop takes for one log, without reading it."""
    where, sha256 = bundles.log_directory(origin), hashlib.sha256
    files = [given.read(path) for path in given.below(f"{where}/")]
    records = [
        raw[at + 2 : at + 36]
        for raw in map(given.read, given.below(f"{where}/tile/entries/"))
        for at in range(0, len(raw), 36)  # a length and a leaf
    ]
    began = time.perf_counter()
    for raw in files:
        sha256(raw).digest()
    left = b"\1" + bytes(32)
    for record in records:
        right = sha256(b"\0" + record).digest()
        sha256(left + right).digest()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
