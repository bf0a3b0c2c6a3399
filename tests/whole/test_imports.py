"""A long list, imported through kills, ends as one that had none.

`make test-slow` runs it with 40,000 rows, `make soak-import` with a million.
"""

import asyncio
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from syncd.indicator import statement
from syncd.node.home import Home
from tests.alliance import SECRET, Alliance, Member, Process, records_of, until

pytestmark = pytest.mark.slow

KILLS = 3  # of the importer, and as many of the daemon
FAILPOINT = "import.rows:1"  # where the daemon dies once more, by itself
# Resident, whatever the list: docs/cli.md.
MOST_IMPORTER_MB = 100
MOST_DAEMON_MB = 300  # likewise, while it publishes what comes in
FAR_S = 3600
UNREACHED = 3  # exit code
Said = asyncio.Task[tuple[bytes, bytes]]
# Holders get time on a busy machine, and are asked again if it was too little.
PATIENT = {"interval_s": 60, "request_timeout_s": 120, "read_timeout_s": 60}


# ---------------------------------------------------------------- the list


def card(n: int) -> str:
    """Return the n-th card number, with its check digit."""
    digits = f"622202{n:012}"
    total = sum(
        sum(divmod(int(d) * (1 + i % 2), 10))
        for i, d in enumerate(reversed(digits + "0"))
    )
    return f"{digits}{-total % 10}"


def good(n: int) -> str:
    """Return the n-th row: 94 URLs, 4 phones and 2 accounts of 100."""
    rest = f"refund_cs,{{}},test_call,{50 + n % 40},2026-10-{1 + n % 28}"
    match n % 100:
        case 7 | 31 | 62 | 90:
            kind, value, role = "电话", f"+86139{n:08}", "caller"
        case 15 | 77:
            kind, value, role = "账号", card(n), "collecting_account"
        case _:
            kind, role = "网址", "phishing_host"
            value = f"http://h{n}.shop{n % 997}.example/{n % 13}/a"
    return f"{kind},{value},{rest.format(role)},第 {n} 行\n"


BAD = (  # one in a thousand; the first two by the importer, three by the daemon
    "网址,a.example,refund_cs\n",
    "网址,a.example,refund_cs,phishing_host,test_call,x,2026-10-01,\n",
    "网址,com,refund_cs,phishing_host,test_call,50,2026-10-01,\n",
    "电话,12,refund_cs,caller,test_call,50,2026-10-01,\n",
    "网址,a.example,no_such,phishing_host,test_call,50,2026-10-01,\n",
)


def listed(rows: int) -> Iterator[str]:
    """Yield the rows: 0.1 % bad, and 0.5 % that were there before."""
    dice = random.Random(2026)
    for n in range(rows):
        luck = dice.random()
        if luck < 0.001:
            yield BAD[n % len(BAD)]
        else:
            yield good(dice.randrange(n) if n and luck < 0.006 else n)


# --------------------------------------------------------------- processes


@dataclass
class Peaks:
    """The most that each process has had resident."""

    mb: dict[int, float] = field(default_factory=dict)

    def look(self, pid: int) -> None:
        """Read it, if the process is there."""
        try:
            text = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        for line in text.splitlines():
            if line.startswith("VmHWM:"):
                self.mb[pid] = int(line.split()[1]) / 1024

    @property
    def most(self) -> float:
        return max(self.mb.values())


@dataclass
class Run:
    """One import of the list, and what it took."""

    member: Member
    path: Path
    importer: Peaks = field(default_factory=Peaks)
    daemon: Peaks = field(default_factory=Peaks)
    process: Process = field(init=False)
    counts: Any = None
    kills: Counter[str] = field(default_factory=Counter)
    rows_s: float = 0.0

    @property
    def refused(self) -> Path:
        return self.path.with_name(f"{self.member.id}.refused.csv")

    async def row(self) -> int:
        """How far the daemon says that the import is."""
        _, body = await self.member.call("GET", "/v1/imports")
        return int(body["items"][0]["row"]) if body and body["items"] else 0

    async def start_daemon(self, failpoints: str = "") -> None:
        self.process = await Process.start(self.member, failpoints=failpoints)

    async def start_importer(self) -> asyncio.subprocess.Process:
        token = self.path.with_name(f"{self.member.id}.token")
        token.touch(0o600)
        token.write_text(self.member.token)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "syncd", "--home", self.member.home),
            *("report", "import", self.path, "--refused", self.refused),
            *("--json", "--token-file", token),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def go(self, kills: list[tuple[int, str]]) -> None:
        """Import all of it, and kill (at a row, whom) on the way."""
        dice = random.Random(7)
        began = time.monotonic()
        child = await self.start_importer()
        output = asyncio.create_task(child.communicate())
        while not output.done() or child.returncode == UNREACHED:
            if output.done():  # it began while there was no daemon
                child, output = await self.again()
            await asyncio.sleep(0.05)
            self.importer.look(child.pid)
            self.daemon.look(self.process.child.pid)
            if not self.process.alive:
                assert "failpoint: import.rows" in self.process.text
                self.kills["daemon"] += 1
                await self.start_daemon()
            if not kills or await self.row() < kills[0][0]:
                continue
            _, whom = kills.pop(0)
            await asyncio.sleep(dice.random() / 5)
            if child.returncode is not None:
                continue
            self.kills[whom] += 1
            if whom == "daemon":
                await self.process.stop(signal.SIGKILL)
                await self.start_daemon()
            else:
                child.kill()
                await output
                child, output = await self.again()
        out, _ = output.result()
        assert child.returncode == 1, "not one row refused"
        self.counts = json.loads(out)
        taken = sum(self.counts[k] for k in ("accepted", "known", "refused"))
        self.rows_s = taken / (time.monotonic() - began)

    async def again(self) -> tuple[asyncio.subprocess.Process, Said]:
        """Run the importer again, as its operator does."""
        assert await self.process.ready(FAR_S)
        child = await self.start_importer()
        return child, asyncio.create_task(child.communicate())

    async def published(self) -> None:
        """Wait until nothing waits in the vault."""

        async def done() -> bool:
            await asyncio.sleep(0.5)
            self.daemon.look(self.process.child.pid)
            _, body = await self.member.call("GET", "/v1/status")
            return bool(body) and not sum(body["vault"]["waiting"].values())

        await until(done, FAR_S)

    async def log(self) -> Counter[tuple[str, str]]:
        """Return what its log says, read from the disk."""
        found: Counter[tuple[str, str]] = Counter()
        home = Home.open(self.member.config, SECRET)
        try:
            for made, _, text in await records_of(home.own.log):
                content = statement.decode(text, made[1])
                if isinstance(content, statement.Report):
                    found[content.kind, content.token] += 1
        finally:
            home.close()
        return found

    def figures(self) -> str:
        killed = ", ".join(f"{n} × {w}" for w, n in self.kills.items())
        return (
            f"{self.member.id}: {self.counts['accepted']:,} accepted,"
            f" {self.counts['known']:,} known,"
            f" {self.counts['refused']:,} refused; {self.rows_s:,.0f} rows/s;"
            f" importer {self.importer.most:.0f} MB,"
            f" daemon {self.daemon.most:.0f} MB; killed: {killed or 'none'}"
        )


async def test_killed_imports_end_as_quiet_ones(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The same counts, refused rows and log; and memory is bounded.

    The importer and the daemon are killed in turn, at random rows. Two
    members of one alliance import the same list, so that the same values
    have the same tokens in both logs.
    """
    rows = request.config.getoption("--import-rows")
    path = tmp_path / "list.csv"
    with path.open("w", encoding="gb18030") as file:
        file.write("种类,号码,标签,角色,证据,置信度,发现日期,备注\n")
        file.writelines(listed(rows))
    dice = random.Random(rows)
    at = sorted(dice.sample(range(rows // 50, rows * 17 // 20), 2 * KILLS))
    kills = [(n, ("daemon", "importer")[i % 2]) for i, n in enumerate(at)]
    async with Alliance.found(
        tmp_path / "alliance",
        ("police", "bank", "carrier"),
        start=False,
        settings={"exchange": PATIENT},
    ) as alliance:
        carrier = await Process.start(alliance.carrier)
        killed = Run(alliance.police, path)
        quiet = Run(alliance.bank, path)
        for run, plan in ((killed, FAILPOINT), (quiet, "")):
            await run.start_daemon(plan)
            assert await run.process.ready(FAR_S)
        assert await carrier.ready(FAR_S)
        for run, at_rows in ((killed, kills), (quiet, [])):
            await run.go(at_rows)
            await run.published()
            print(f"\n{run.figures()}", flush=True)
        for process in (killed.process, quiet.process, carrier):
            assert await process.stop() == 0
        logs = [await killed.log(), await quiet.log()]
    assert killed.kills == {"daemon": KILLS + 1, "importer": KILLS}
    for name in ("accepted", "known", "refused"):
        assert killed.counts[name] == quiet.counts[name] > 0
    assert killed.refused.read_bytes() == quiet.refused.read_bytes()
    assert logs[0] == logs[1]
    assert set(logs[0].values()) == {1}
    assert len(logs[0]) == killed.counts["accepted"]
    for run in (killed, quiet):
        assert run.importer.most < MOST_IMPORTER_MB
        assert run.daemon.most < MOST_DAEMON_MB
