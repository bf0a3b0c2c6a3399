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
import itertools
import json
import secrets
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attacks import ATTACKS  # type: ignore[import-not-found]
from beside import (  # type: ignore[import-not-found]
    Process,
    append,
    builds,
    load,
    merged,
    opened,
    options,
    played,
    rest,
    start,
)

ATTACKER = Path(__file__).with_name("attacks.py")
SOAK = ("garbage", "silent", "hello", "idle", "deaf", "pokes")


def main() -> None:
    given = {"old": "57ce1da", "seconds": 6.0, "only": ",".join(ATTACKS)}
    args = options(__doc__, play, **given, soak=0.0)
    if args.soak:
        sys.exit(not soak(args.soak))
    show(args, builds(args.old))


# ------------------------------------------------------------ in the build


class Victim:
    """A member's daemon, and its operator's look-ups."""

    def __init__(self, member: Any) -> None:
        self.member = member
        self.token = member.token_file.read_text().strip()
        self._next = 10_000_000
        self.forget_peak()

    @property
    def up(self) -> bool:
        return self.member.process.poll() is None

    def taken(self) -> Process:
        return Process.of(self.member.process.pid)

    def forget_peak(self) -> None:
        Path(f"/proc/{self.member.process.pid}/clear_refs").write_text("5")

    def look_up(self, seconds: float) -> list[float]:
        """Return how long each look-up took, in ms; a failed one, for ever."""
        port = port_of(self.member.own)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
        }
        until, took = time.monotonic() + seconds, []
        api = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < until:
            self._next += 1
            items = [{"kind": "phone", "value": f"139{self._next}"}]
            body = {"purpose": "case_work", "items": items}
            began = time.monotonic()
            try:
                api.request("POST", "/v1/lookups", json.dumps(body), headers)
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
    with played() as demo:
        police, platform = demo.members[0], demo.members[3]
        target = prepare(demo, platform, police)
        start(demo)
        victim = Victim(police)
        target["token"] = victim.token
        (demo.where / "target.json").write_text(json.dumps(target))
        merged(police, 256)
        victim.look_up(2)
        yield victim, demo.where


def play(args: argparse.Namespace) -> dict[str, Any]:
    """Attack this build in each way, one after the other."""
    seconds = args.seconds
    with alliance() as (victim, where):
        found = {"none": outcome(victim, (), where, 2 * seconds)}
        for name in args.only.split(","):
            if victim.up:
                found[name] = outcome(victim, [name], where, seconds)
                print(name, found[name], file=sys.stderr, flush=True)
                rest(victim.member.process.pid, 6)
    return found


def soak(seconds: float) -> bool:
    """Hold this build under several at once; tell if it held."""
    with alliance() as (victim, where):
        found = outcome(victim, SOAK, where, seconds)
    print(f"{seconds:g} s of {', '.join(SOAK)}, aim 400 MB: {found}")
    return bool(found["up"] and found["peak"] <= 400 and not found["failed"])


def outcome(
    victim: Victim, names: Sequence[str], where: Path, seconds: float
) -> dict[str, Any]:
    """Attack once, in some ways at the same time; return what it cost."""
    cpu_s = victim.taken().cpu_s
    victim.forget_peak()
    many = [
        subprocess.Popen(
            [sys.executable, ATTACKER, name, where, str(seconds)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for bad in many:
        assert bad.stdout is not None
        bad.stdout.readline()  # it begins
    took = victim.look_up(seconds)
    done: dict[str, Any] = {"up": victim.up, "bytes": 0, "lookups": len(took)}
    done["failed"] = sum(ms == float("inf") for ms in took)
    for bad in many:
        try:
            done["bytes"] += int(bad.communicate(timeout=8)[0] or 0)
        except subprocess.TimeoutExpired:
            bad.kill()
            bad.wait()
    if victim.up:
        now = victim.taken()
        done |= {"cpu_s": now.cpu_s - cpu_s, "peak": now.peak_mb}
    cuts = statistics.quantiles(took, n=100) if len(took) > 1 else took * 99
    return {**done, "p50": cuts[49], "p99": cuts[98]}


def port_of(address: object) -> int:
    return int(str(address).rsplit(":", 1)[1])


def prepare(demo: Any, bad: Any, victim: Any) -> dict[str, Any]:
    """Give a member a heavy log, and its victim a full quota book."""
    from syncd.tlog import tiles

    junk = b'{"junk":"%s","type":20}'
    heavy = [
        (20, junk % secrets.token_hex(30_000).encode()) for _ in range(256)
    ]
    home = opened(demo, bad)
    asyncio.run(append(home, heavy))
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
    opened(demo, victim).close()  # makes its database
    minute = int(time.time()) // 60
    rows = itertools.product(range(minute - 1430, minute), "abcdefghijkl")
    db = sqlite3.connect(victim.home / "own.db")
    with contextlib.closing(db) as own, own:
        own.executemany(
            "INSERT INTO quota (member, key, minute, purpose, n)"
            " VALUES (?, 'phone/1', ?, ?, 1)",
            [(bad.id, *row) for row in rows],
        )
    return target


# ------------------------------------------------------------------ table


def show(args: argparse.Namespace, found: dict[str, Any]) -> None:
    """Print the table that bench/RESULTS.md has."""
    print(f"{args.old} and now, {args.seconds:g} s each, load {load()}\n")
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
                f" {row.get('cpu_s', 0):.1f} | {row.get('peak', 0):.0f} |"
                f" {row['p50']:.0f}, {row['p99']:.0f} | {ratios} |"
                f"{'' if row['up'] else ' DOWN'}"
            )


if __name__ == "__main__":
    main()
