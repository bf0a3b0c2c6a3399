"""How fast a daemon answers look-ups, today's build beside an older one.

    python bench/lookup.py [--old COMMIT] [--seconds 4] [--claims 20000] [--workers N]
        [--mtls]

Each build founds an alliance of four daemons on loopback by its own commands;
one has reported so many URLs, which the others have pulled and merged. Callers
on kept-alive connections then ask the bank's local API, `/healthz` of the same
daemon, and `floor.py`, which does the least that an answer needs. Prints
answers per second (items, where a request has many), milliseconds, and the
ratio to the floor. With `--mtls` the local API is called over mutual TLS, the
floor is not.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from beside import (  # type: ignore[import-not-found]
    append,
    builds,
    load,
    merged,
    opened,
    options,
    played,
    rates,
    rest,
    said,
    serving,
    start,
)

FRESH = Path(__file__).with_name("fresh.py")
FRESH_FLOOR = "floor, fresh phone, one caller"
CALLERS = (8, 64)
MANY = 1000  # items of a bulk request
SETTINGS = {"cache": True, "token_urls": 10**7, "token_share": 100}
STEP = 65_536  # entries appended at once
TLS: dict[int, ssl.SSLContext] = {}  # by port, where there is any
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
KINDS = {"url": "http://h{}.example/", "phone": "139{:08}"}


def main() -> None:
    """Run both builds, one after the other, and print the table."""
    given = {"old": "", "seconds": 4.0, "claims": 20_000, "workers": 0}
    args = options(__doc__, play, **given, mtls=False)
    show(args, builds(args.old))


# ------------------------------------------------------------ in the build


def play(args: argparse.Namespace) -> dict[str, Any]:
    """Measure this build."""
    seconds, claims = args.seconds, args.claims
    with (
        alliance(args) as (port, token),
        tempfile.TemporaryDirectory() as tmp,
        serving("floor.py", tmp) as (_, bare),
    ):
        head = f"Authorization: Bearer {token}\r\n"
        found: dict[str, Any] = {}

        def take(
            name: str,
            body: Callable[[int], bytes],
            callers: int = 8,
            at: int = port,
            rate: float = 0,
            most: int = 10**9,
        ) -> dict[str, float]:
            took = asyncio.run(run(at, body, callers, seconds, rate, most))
            found[name] = took
            print(name, took, file=sys.stderr, flush=True)
            return took

        def url(n: int) -> bytes:
            return request(head, "url", [n * 7919 % claims])

        take("/healthz", lambda _: HEALTH)
        for callers in CALLERS:
            take(f"floor, {callers} callers", url, callers, bare)
            reached = take(f"one URL, {callers} callers", url, callers)
            take(
                f"one URL, {callers} callers, half of that rate",
                *(url, callers, port, reached["rate"] / 2),
            )
        all_phones = request(head, "phone", range(MANY))
        asyncio.run(run(port, lambda _: all_phones, 1, 0.01))  # asked before

        def phone(first: int) -> Callable[[int], bytes]:
            return lambda n: request(head, "phone", [first + n])

        take(
            "one phone asked before",
            lambda n: request(head, "phone", [n * 7919 % MANY]),
            most=4_000,  # of the 10,000 that a token has in an hour
        )
        take("one phone, fresh, one caller", phone(1_000_000), 1, most=500)
        found[FRESH_FLOOR] = json.loads(
            subprocess.check_output([sys.executable, FRESH, str(seconds)])
        )

        def many(n: int) -> bytes:
            return request(
                head, "url", [(n * MANY + i) % claims for i in range(MANY)]
            )

        take(f"{MANY} URLs in a request", many, 2)
        name = f"{MANY} phones asked before in a request"
        take(name, lambda _: all_phones, 2, most=4)
        take(f"floor, {MANY} in a request", many, 2, bare)
    return found


def request(head: str, kind: str, numbers: Any) -> bytes:
    """Return a look-up as it goes over the wire."""
    items = [{"kind": kind, "value": KINDS[kind].format(n)} for n in numbers]
    body = json.dumps({"purpose": "case_work", "items": items}).encode()
    return (
        "POST /v1/lookups HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: application/json\r\n"
        f"{head}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@contextlib.contextmanager
def alliance(args: argparse.Namespace) -> Iterator[tuple[int, str]]:
    """Found an alliance; yield a member's local port and an operator's token."""
    from syncd.config import editing
    from syncd.errors import SyncdError

    claims = args.claims
    with played() as demo:
        _, bank, _, platform = demo.members
        for member in demo.members:
            for key, value in SETTINGS.items():
                with contextlib.suppress(SyncdError):  # an older build
                    editing.change(member.home, "lookup", key, value)
        with contextlib.suppress(SyncdError):
            editing.change(bank.home, "own", "workers", args.workers)
        port = int(str(bank.own).rsplit(":", 1)[1])
        if args.mtls:
            port = mutual_tls(bank.home)
        report(demo, platform, claims)
        start(demo)
        merged(bank, claims)
        for member in demo.members:  # all know the never-list by then
            rest(member.process.pid)
        yield port, bank.token_file.read_text().strip()


def mutual_tls(home: Path) -> int:
    """Have a member serve mutual TLS; return at which port we may call."""
    from syncd import pinning
    from syncd.config import editing
    from syncd.roster import certificate, keys

    both = keys.generate("bench.example", "bench", os.urandom, now=0)
    shown, key = home.parent / "tls.der", home.parent / "tls.key"
    key.touch(mode=0o600)
    shown.write_bytes(both.certificate)
    key.write_bytes(both.tls_pem)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    given = {"tls_certificate": shown, "tls_key": key}
    for name, value in {**given, "tls_listen": f"127.0.0.1:{port}"}.items():
        editing.change(home, "own", name, value)
    words = ["token", "add", "bench", "--role", "operator", "--certificate"]
    subprocess.run(
        [sys.executable, "-m", "syncd", "--home", home, *words, shown],
        check=True,
    )
    TLS[port] = pinning.client_context(
        both.certificate, both.tls_pem, certificate.pin(both.certificate)
    )
    return port


def report(demo: Any, member: Any, claims: int) -> None:
    """Have a member's log say so many URLs, as if it had published them."""
    from syncd.indicator import identifier, token

    home = opened(demo, member)

    def payload(n: int) -> tuple[int, bytes]:
        value = identifier.for_report("url", KINDS["url"].format(n))
        output, origin = token.url_output(value), home.config.origin
        report: tuple[int, bytes] = said(2 * n + 1, output, origin)
        return report

    async def grow() -> None:
        for at in range(0, claims, STEP):
            numbers = range(at, min(at + STEP, claims))
            await append(home, [payload(n) for n in numbers])

    asyncio.run(grow())
    home.close()


# ------------------------------------------------------------------ callers


async def run(
    port: int,
    body: Callable[[int], bytes],
    callers: int,
    seconds: float,
    rate: float = 0,
    most: int = 10**9,
) -> dict[str, float]:
    """Ask for some seconds, at `most` so often; at once, or at a rate.

    At a rate, a late answer's successors are late too, and count so.
    """
    took: list[float] = []
    began = time.perf_counter()
    end = began + seconds

    async def call(me: int) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=TLS.get(port)
        )
        n = me
        while True:
            due = time.perf_counter()
            if rate:
                due = began + n / rate
                await asyncio.sleep(due - time.perf_counter())
            if n >= most or (due >= end and n > me):
                break
            writer.write(body(n))
            head = await reader.readuntil(b"\r\n\r\n")
            _, _, length = head.lower().partition(b"content-length:")
            answer = await reader.readexactly(int(length.split(b"\r\n")[0]))
            good = head.startswith(b"HTTP/1.1 200")
            if not good or b'"verdict":"unknown"' in answer:
                raise SystemExit(answer.decode())
            took.append(time.perf_counter() - due)
            n += callers
        writer.close()

    await asyncio.gather(*map(call, range(callers)))
    passed = time.perf_counter() - began
    return dict(rates(took, passed))


# -------------------------------------------------------------------- table


def show(args: argparse.Namespace, found: dict[str, Any]) -> None:
    """Print the table that bench/RESULTS.md has."""
    print(f"{args.claims:,} claims, {args.seconds:g} s each, load {load()}\n")
    print("| | build | answers/s | p50, p99 ms | of the floor |")
    print("|---|---|---|---|---|")
    for name in found["new"]:
        for build, rows in found.items():
            row, many = rows[name], MANY if f"{MANY}" in name else 1
            callers = name.partition(", ")[2][:2].strip() or "8"
            floor_name = f"floor, {callers} callers"
            if many > 1:
                floor_name = f"floor, {MANY} in a request"
            if "fresh" in name:
                floor_name = FRESH_FLOOR
            least = rows.get(floor_name, rows["floor, 8 callers"])
            print(
                f"| {name} | {build} | {row['rate'] * many:,.0f} |"
                f" {row['p50']:.1f}, {row['p99']:.1f} |"
                f" {row['rate'] / least['rate']:.2f} |"
            )


if __name__ == "__main__":
    main()
