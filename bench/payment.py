"""How long a payment waits for a look-up whose holders are elsewhere.

    python bench/payment.py [--seconds 20] [--rate 50] [--trip 10]

Four daemons on this machine; the one that asks holds no share, and two of
three holders make a token. What goes to a holder and comes back is held up on
its way, half of `--trip` ms each way, by this program. Phones that nobody
has asked for come at a steady rate, one a look-up, by value; a late answer's
successors count as late too. Prints p50 and p99 in ms and the ratio of p99 to
the bound, the round trip and 15 ms; the same without delay stands beside it.
"""

import argparse
import asyncio
import contextlib
import tempfile
from pathlib import Path

import beside  # type: ignore[import-not-found]
from lookup import request, run  # type: ignore[import-not-found]

from syncd.config import editing
from tests.alliance import Alliance, Member, Process, free_port

ROOM_MS = 15  # above the round trip
CALLERS = 32
SETTINGS = {"lookup": {"token_share": 100}, "member": {"region": "CN"}}


class Wire:
    """What lies between members: all that passes is late by so much."""

    late_s = 0.0

    def __init__(self) -> None:
        self.ends = dict[str, int]()  # a member's port behind it

    def move(self, member: Member) -> None:
        """Have a member listen behind us, whom the roster has before us."""
        self.ends[member.id] = port = free_port()
        editing.change(member.home, "peer", "listen", f"127.0.0.1:{port}")

    async def open(self, member: Member) -> None:
        """Take connections in a member's place."""
        listener, member.listener = member.listener, None

        async def take(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            port = self.ends[member.id]
            back, on = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(
                self.pass_on(reader, on), self.pass_on(back, writer)
            )

        await asyncio.start_server(take, sock=listener)

    async def pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Write what is read, a while later and in order."""
        later = asyncio.get_running_loop().call_later
        with contextlib.suppress(OSError):
            while raw := await reader.read(1 << 16):
                later(self.late_s, writer.write, raw)
        later(self.late_s, writer.close)


async def main() -> None:
    """Measure without delay, then with it."""
    chosen = beside.options(__doc__, seconds=20.0, rate=50.0, trip=10.0)
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as place:
        wire, how = Wire(), {"start": False, "settings": SETTINGS}
        async with Alliance.found(
            Path(place), prepare=wire.move, **how
        ) as alliance:
            for member in alliance.members.values():
                await wire.open(member)
                process = await Process.start(member)
                if not await process.ready(60):
                    raise SystemExit(process.text)
            await asked(alliance.platform, wire, chosen)


async def asked(us: Member, wire: Wire, chosen: argparse.Namespace) -> None:
    """Look up at a steady rate; print what was measured."""
    load, head = beside.load(), f"Authorization: Bearer {us.token}\r\n"
    print(f"{chosen.rate:g} look-ups/s for {chosen.seconds:g} s; {load=}")
    for n, trip_ms in enumerate((0.0, chosen.trip)):
        wire.late_s, took = trip_ms / 2000, {}
        for first, seconds in (
            (n, 3.0),
            (n + 2, chosen.seconds),
        ):  # warm, then

            def phone(k: int, first: int = first * 10**7) -> bytes:
                return request(head, "phone", [first + k])

            took = await run(
                us.config.own.listen.port, phone, CALLERS, seconds, chosen.rate
            )
        bound = trip_ms + ROOM_MS
        print(
            f"round trip {trip_ms:4.1f} ms: p50 {took['p50']:.1f},"
            f" p99 {took['p99']:.1f} ms, {took['p99'] / bound:.2f} of the"
            f" bound of {bound:g} ms"
        )


if __name__ == "__main__":
    asyncio.run(main())
