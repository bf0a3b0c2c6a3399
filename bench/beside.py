"""What several benchmarks need: another build, a demo to play in, a process.

A program that is also run by another build asks for it by `checked_out`, and
for what that build measures of itself by `asked`: it is run there with
`--play`. What is imported of syncd is then that build's.
"""

import argparse
import asyncio
import contextlib
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

HERE = Path(__file__).resolve().parent.parent
sys.path.append(str(HERE))  # a program finds `tests`, too
LABELS = ("fake_invest", "task_rebate", "phish_notice", "refund_cs")


def options(
    doc: str | None,
    play: Callable[[argparse.Namespace], object] | None = None,
    **defaults: Any,
) -> argparse.Namespace:
    """Read `--name VALUE` for each default, of its type; False is a switch.

    Asked by `asked`, print what `play` returns, and end.
    """
    parser = argparse.ArgumentParser(description=doc)
    for name, value in defaults.items():
        how: Any = {"type": type(value), "default": value}
        if value is False:
            how = {"action": "store_true"}
        parser.add_argument(f"--{name}", **how)
    parser.add_argument("--play", nargs="?", const="-", help=argparse.SUPPRESS)
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )
    chosen = parser.parse_args()
    if chosen.play and play:
        print(json.dumps(play(chosen)))
        sys.exit()
    return chosen


def load() -> str:
    """Return how busy the machine has been."""
    return ", ".join(f"{n:.1f}" for n in os.getloadavg())


@contextlib.contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Yield where the files of a commit are."""
    git = ["git", "-C", str(HERE), "worktree"]
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place, "base")
        words = ["add", "--detach", "--quiet", str(tree), commit]
        subprocess.run([*git, *words], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def asked(tree: Path, *words: object) -> Any:
    """Return what a build measured of itself, in a process of its own."""
    program = str(Path(sys.argv[0]).resolve())
    done = subprocess.check_output(
        [sys.executable, program, "--play", *map(str, words)],
        cwd=tree,  # which `python -m` looks in first
        env={**os.environ, "PYTHONPATH": str(tree)},
    )
    return json.loads(done.splitlines()[-1])


def builds(old: str) -> dict[str, Any]:
    """Return what another build, if one is named, and this measured."""
    found, words = {}, sys.argv[1:]
    if old:
        with checked_out(old) as tree:
            found["old"] = asked(tree, *words)
    return {**found, "new": asked(HERE, *words)}


def turns(base: str, rounds: int) -> Iterator[dict[str, float]]:
    """Yield the least that this build, then another one, took for each."""
    with checked_out(base) as tree:
        done = [(asked(HERE), asked(tree)) for _ in range(rounds)]
    for some in zip(*done, strict=True):
        yield {name: min(one[name] for one in some) for name in some[0]}


@dataclass(frozen=True, slots=True)
class Process:
    """What one process has taken so far."""

    cpu_s: float  # with its children that have ended
    peak_mb: float

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Read it; also of a process that is not ours to wait for."""
        proc = Path(f"/proc/{pid}")
        fields = (proc / "stat").read_text().rpartition(")")[2].split()
        _, _, peak = (proc / "status").read_text().partition("VmHWM:")
        ticks = sum(map(int, fields[11:15]))
        return cls(
            ticks / os.sysconf("SC_CLK_TCK"), int(peak.split()[0]) / 1024
        )


@contextlib.contextmanager
def serving(program: str, *words: object) -> Iterator[tuple[int, int]]:
    """Give (process, port) of a program that serves until its input ends."""
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name(program), *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        yield child.pid, int(child.stdout.readline())
        child.stdin.close()


async def serve(app: web.Application, tls: ssl.SSLContext | None) -> None:
    """Serve at a port that is printed; end with standard input."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    sys.exit()


def rest(pid: int, most_s: float = 600) -> None:
    """Wait until a process has nothing to do any more."""
    until, before, now = time.monotonic() + most_s, -1.0, 0.0
    while now - before > 0.2 and time.monotonic() < until:
        time.sleep(2)
        before, now = now, Process.of(pid).cpu_s


def rates(took: Sequence[float], seconds: float) -> dict[str, float]:
    """Return how often a second, and in how many milliseconds."""
    cuts = statistics.quantiles([*took, *took], n=100)
    return {
        "rate": len(took) / seconds,
        "p50": cuts[49] * 1000,
        "p99": cuts[98] * 1000,
    }


# ------------------------------------------------------------ in the build


@contextlib.contextmanager
def played() -> Iterator[Any]:
    """Yield the demo with four founders; its daemons end with it."""
    from syncd.demo.play import Demo

    with (
        tempfile.TemporaryDirectory() as tmp,
        contextlib.redirect_stdout(sys.stderr),
    ):
        demo = Demo(Path(tmp), [])
        demo.found()
        try:
            yield demo
        finally:
            for member in demo.members:
                if getattr(member, "process", None) is not None:
                    member.process.kill()
                    member.process.wait()


def start(demo: Any) -> None:
    """Start the demo's daemons; where no founder dealt keys, they draw them."""
    demo.start()
    if hasattr(demo, "draw"):  # an older build has none
        demo.draw()


def merged(member: Any, size: int) -> None:
    """Wait until a daemon has merged so much of some log, and all it knows."""
    while True:
        logs = member.ask("/v1/status")["logs"]
        most = max(log["merged"] for log in logs)
        if most >= size and not any(log["lag"] for log in logs):
            return
        time.sleep(0.5)


def opened(demo: Any, member: Any) -> Any:
    """Return the home of a member whose daemon does not run."""
    from syncd import config
    from syncd.node.home import Home

    settings = config.load(member.home)
    secret = {"SYNCD_SECRET_FILE": str(demo.where / "secrets" / member.id)}
    here = config.environment(secret)
    return Home.open(settings, config.passphrase(settings, here, None))


def said(n: int, output: bytes, origin: str) -> tuple[int, bytes]:
    """Return a report such as a bank would write: an URL, if `n` is odd."""
    from syncd.indicator import statement, token
    from syncd.indicator.statement import Report

    report = Report(
        on="2026-11-21",
        kind="url" if n % 2 else "phone",
        epoch=1,
        token=token.encode(token.token(output)),
        label=LABELS[n % 4],
        role="phishing_host" if n % 2 else "caller",
        evidence="bank_detection",
        confidence=50 + n % 50,
        seen=f"2026-{1 + n % 11:02}-{1 + n % 28:02}",
        expires="2027-05-20",
        know=token.know(output, origin).hex(),
        handling="open",
    )
    return 1, statement.encode(report)


def institutions(place: Path, count: int, admins: int = 2) -> Any:
    """Return an alliance of so many: keys, rosters and ports, no homes."""
    from syncd.roster import keys
    from tests.alliance import ADMINS, NAME, SECTORS, Alliance

    ids = [f"m{n}" for n in range(count)]
    SECTORS.update(dict.fromkeys(ids, "bank"))
    ADMINS[:] = [
        keys.admin(NAME, f"a{n}", os.urandom(32)) for n in range(admins)
    ]
    alliance = Alliance(place)
    alliance._make(ids)
    return alliance


async def append(home: Any, payloads: Sequence[tuple[int, bytes]]) -> None:
    """Have a log say so much, as if its member had published it."""
    from syncd.flows import publish
    from syncd.flows.ports import OwnHead
    from syncd.indicator import codec
    from syncd.tlog import checkpoint
    from syncd.tlog.checkpoint import Checkpoint

    origin, log = home.config.origin, home.own.log
    old = await log.head()
    last = await log.bundle(old.frontier.size // 256)
    before = codec.records(origin, last) if last else ()
    salts = os.urandom(16 * len(payloads))
    grown, bundles = publish.grow(
        origin, old.frontier, before, payloads, salts
    )
    head = Checkpoint(origin, grown.size, grown.root())
    note = bytes(checkpoint.sign(head, home.keys.log))
    await log.append(old, OwnHead(origin, grown, note), bundles, [])
