"""What attackers cost a member, today's build beside an older one.

    python bench/hostile.py [--old COMMIT] [--seconds 6] [--only deaf,files]
    python bench/hostile.py --soak SECONDS

Each build founds an alliance of four daemons on loopback by its own commands.
One member, or a stranger, attacks another's daemon (`attacks.py`) while its
operator looks up phones, 30 ms apart. Per attack: the attacker's bytes, the
victim's CPU seconds and peak memory, and the look-ups' p50 and p99, with
their ratios to those without an attack.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
ATTACKER = Path(__file__).with_name("attacks.py")
ATTACKS = (
    *("silent", "hello", "garbage", "idle", "files", "deaf", "pokes", "junk"),
    *("debits", "repeats", "encoded", "commas"),
)
SOAK = ("garbage", "silent", "hello", "idle", "deaf", "pokes")
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--old", default="57ce1da")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--only", default=",".join(ATTACKS))
    parser.add_argument("--soak", type=float, help="seconds; this build alone")
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.soak:
        sys.exit(not soak(args.soak))
    if args.play:
        print(json.dumps(play(args.seconds, args.only.split(","))))
        return
    with tempfile.TemporaryDirectory() as tmp:
        old = Path(tmp, "old")
        git("worktree", "add", "--quiet", "--detach", str(old), args.old)
        try:
            found = {
                name: measured(tree, args)
                for name, tree in (("old", old), ("new", HERE))
            }
        finally:
            git("worktree", "remove", "--force", str(old))
    show(args, found)


def git(*words: str) -> None:
    subprocess.run(["git", "-C", str(HERE), *words], check=True)


def measured(tree: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Return what one build measured of itself."""
    words = ["--play", "--seconds", str(args.seconds)]
    done = subprocess.run(
        [sys.executable, __file__, *words, "--only", args.only],
        cwd=tree,  # which `python -m` looks in first
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# ------------------------------------------------------------ in the build


class Victim:
    """A member's daemon, and its operator's look-ups."""

    def __init__(self, member: Any) -> None:
        self.member = member
        self.token = member.token_file.read_text().strip()
        self._next = 10_000_000
        self.memory(reset=True)

    @property
    def up(self) -> bool:
        return self.member.process.poll() is None

    def cpu_s(self) -> float:
        raw = Path(f"/proc/{self.member.process.pid}/stat").read_text()
        fields = raw.rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS

    def memory(self, *, reset: bool = False) -> int:
        """Return the peak in MB since the last reset."""
        proc = Path(f"/proc/{self.member.process.pid}")
        if reset:
            (proc / "clear_refs").write_text("5")
        text = (proc / "status").read_text()
        return int(text.partition("VmHWM:")[2].split()[0]) // 1024

    def wait_for(self, origin: str) -> None:
        """Wait until it has merged the heavy log."""
        while any(
            log["merged"] < 256
            for log in self.member.ask("/v1/status")["logs"]
            if log["origin"] == origin
        ):
            time.sleep(0.5)

    def rest(self) -> None:
        """Wait until it has nothing to do any more, at most 6 s."""
        until = time.monotonic() + 6
        while self.up and time.monotonic() < until:
            before = self.cpu_s()
            time.sleep(2)
            if self.cpu_s() - before < 0.2:
                return

    def look_up(self, seconds: float) -> list[float]:
        """Return how long each look-up took, in ms; a failed one, for ever."""
        port = port_of(self.member.own)
        until, took = time.monotonic() + seconds, []
        api = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < until:
            self._next += 1
            items = [{"kind": "phone", "value": f"139{self._next}"}]
            body = {"purpose": "case_work", "items": items}
            began = time.monotonic()
            try:
                api.request(
                    "POST",
                    "/v1/lookups",
                    json.dumps(body),
                    {
                        "Authorization": f"Bearer {self.token}",
                        "Content-Type": "application/json",
                    },
                )
                answer = json.loads(api.getresponse().read())
                good = answer["items"][0]["verdict"] == "none"
            except (OSError, http.client.HTTPException, KeyError, IndexError):
                good = False
                api.close()
            passed = time.monotonic() - began
            took.append(passed * 1000 if good else float("inf"))
            time.sleep(max(0.0, 0.03 - passed))
        return took


@contextlib.contextmanager
def alliance() -> Iterator[tuple[Victim, Path]]:
    """Found an alliance with this build; yield whom to attack, and where."""
    from syncd.demo.play import Demo

    with tempfile.TemporaryDirectory() as tmp:
        where = Path(tmp)
        demo = Demo(where, [])
        with contextlib.redirect_stdout(sys.stderr):
            demo.found()
            police, platform = demo.members[0], demo.members[3]
            target = prepare(demo, platform, police)
            demo.start()
        try:
            victim = Victim(police)
            target["token"] = victim.token
            (where / "target.json").write_text(json.dumps(target))
            victim.wait_for(platform.origin)
            victim.look_up(2)
            yield victim, where
        finally:
            for member in demo.members:
                if getattr(member, "process", None) is not None:
                    member.process.kill()
                    member.process.wait()


def play(seconds: float, only: list[str]) -> dict[str, Any]:
    """Attack this build in each way, one after the other."""
    with alliance() as (victim, where):
        found = {"none": outcome(victim, "", where, 2 * seconds)}
        for name in only:
            if victim.up:
                found[name] = outcome(victim, name, where, seconds)
                print(name, found[name], file=sys.stderr, flush=True)
                victim.rest()
    return found


def soak(seconds: float) -> bool:
    """Hold this build under strangers, deaf readers and junk; tell if it held."""
    with alliance() as (victim, where):
        victim.memory(reset=True)
        many = [attacker(name, where, seconds) for name in SOAK]
        took = victim.look_up(seconds)
        up, peak = victim.up, victim.memory() if victim.up else 0
        for one in many:
            one.communicate()
    answered = sum(ms < float("inf") for ms in took)
    print(
        f"{seconds:g} s of {', '.join(SOAK)}: {'up' if up else 'DOWN'},"
        f" peak {peak} MB (aim 400), {answered} of {len(took)} look-ups"
        f" answered, p50 {statistics.median(took):.0f} ms"
    )
    return up and peak <= 400 and answered == len(took)


def attacker(
    name: str, where: Path, seconds: float
) -> "subprocess.Popen[str]":
    words = [str(ATTACKER), name, str(where), str(seconds)]
    return subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, text=True
    )


def outcome(
    victim: Victim, name: str, where: Path, seconds: float
) -> dict[str, Any]:
    """Attack once; return what it cost."""
    cpu_s = victim.cpu_s()
    victim.memory(reset=True)
    bad = attacker(name, where, seconds) if name else None
    if bad is not None and bad.stdout is not None:
        bad.stdout.readline()  # it begins
    took = victim.look_up(seconds)
    done: dict[str, Any] = {"up": victim.up, "bytes": 0, "lookups": len(took)}
    if bad is not None:
        try:
            done["bytes"] = int(bad.communicate(timeout=8)[0] or 0)
        except subprocess.TimeoutExpired:
            bad.kill()
            bad.wait()
    if victim.up:
        done["cpu_s"] = victim.cpu_s() - cpu_s
        done["peak"] = victim.memory()
    cuts = statistics.quantiles(took, n=100) if len(took) > 1 else took * 99
    return {**done, "p50": cuts[49], "p99": cuts[98]}


def port_of(address: object) -> int:
    return int(str(address).rsplit(":", 1)[1])


def prepare(demo: Any, bad: Any, victim: Any) -> dict[str, Any]:
    """Give a member a heavy log, and its victim a full quota book."""
    from syncd import config
    from syncd.flows import publish
    from syncd.flows.ports import OwnHead
    from syncd.node.home import Home
    from syncd.tlog import checkpoint, tiles
    from syncd.tlog.checkpoint import Checkpoint

    def opened(member: Any) -> Home:
        settings = config.load(member.home)
        secret = {"SYNCD_SECRET_FILE": str(demo.where / "secrets" / member.id)}
        here = config.environment(secret)
        return Home.open(settings, config.passphrase(settings, here, None))

    async def fill(home: Home) -> None:
        old = await home.own.log.head()
        heavy = [
            (
                20,
                b'{"junk":"%s","type":20}'
                % secrets.token_hex(30_000).encode(),
            )
            for _ in range(256)
        ]
        origin, key = home.config.origin, home.keys.log
        salts = secrets.token_bytes(16 * 256)
        grown, bundles = publish.grow(origin, old.frontier, (), heavy, salts)
        head = Checkpoint(origin, grown.size, grown.root())
        note = bytes(checkpoint.sign(head, key))
        await home.own.log.append(
            old, OwnHead(origin, grown, note), bundles, []
        )

    home = opened(bad)
    asyncio.run(fill(home))
    roster = home.trusted.current
    epoch, them = roster.epoch("phone", 1), roster.member(victim.id)
    assert epoch is not None and them is not None  # noqa: PT018
    mine = epoch.index(victim.id) or 0
    other = next(i for i in epoch.shares if i != mine)
    target = {
        "port": port_of(victim.peer),
        "own_port": port_of(victim.own),
        "pin": them.keys.tls,
        "der": home.keys.certificate.hex(),
        "pem": home.keys.tls_pem.hex(),
        "seed": home.keys.log.seed.hex(),
        "origin": bad.origin,
        "log": f"/mirror/{tiles.origin_hash(bad.origin)}",
        "quorum": sorted((mine, other)),
    }
    home.close()
    opened(victim).close()  # makes its database
    minute = int(time.time()) // 60
    with (
        contextlib.closing(sqlite3.connect(victim.home / "own.db")) as own,
        own,
    ):
        own.executemany(
            "INSERT INTO quota (member, key, minute, purpose, n)"
            " VALUES (?, 'phone/1', ?, ?, 1)",
            [
                (bad.id, minute - 1 - at, purpose)
                for at in range(1430)
                for purpose in "abcdefghijkl"
            ],
        )
    return target


# ------------------------------------------------------------------ table


def show(args: argparse.Namespace, found: dict[str, Any]) -> None:
    """Print the table that bench/RESULTS.md has."""
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    print(f"{args.old} and now, {args.seconds:g} s each, load {load}\n")
    print(
        "| attack | build | bytes sent | CPU s | peak MB | look-up p50, p99 ms"
        " | × p50, × p99 |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in ("none", *args.only.split(",")):
        for build, rows in found.items():
            row = rows.get(name)
            if row is None:
                print(f"| {name} | {build} | | | | | |")
                continue
            base = rows["none"]
            ratios = ", ".join(
                f"{row[x] / base[x]:.1f}" for x in ("p50", "p99")
            )
            print(
                f"| {name} | {build} | {row['bytes']:,} |"
                f" {row.get('cpu_s', 0):.1f} | {row.get('peak', 0)} |"
                f" {row['p50']:.0f}, {row['p99']:.0f} | {ratios} |"
                f"{'' if row['up'] else ' DOWN'}"
            )


if __name__ == "__main__":
    main()
