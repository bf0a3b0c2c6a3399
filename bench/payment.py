"""How long a payment waits for a look-up whose holders are elsewhere.

    python bench/payment.py [--seconds 20] [--rate 50] [--trip 10]

Four daemons on this machine; the one that asks holds no share, and two of
three holders make a token. What goes to a holder and comes back is held up on
its way, half of `--trip` ms each way, by this program. Phones that nobody
has asked for come at a steady rate, one a look-up, by value; a late answer's
successors count as late too. Prints p50 and p99 in ms and the ratio of p99 to
the bound, the round trip and 15 ms. Beside it stand the same without delay,
and `/healthz` of the same daemon, which shows what the machine is busy with.
"""

import argparse
import asyncio
import contextlib
import tempfile
from pathlib import Path

import beside  # type: ignore[import-not-found]
from lookup import HEALTH, request, run  # type: ignore[import-not-found]

from syncd.config import editing
from tests.alliance import Alliance, Member, Process, free_port

ROOM_MS = 15  # above the round trip
CALLERS = 32
SETTINGS: dict[str, dict[str, object]] = {
    "lookup": {"token_share": 100},
    "member": {"region": "CN"},
}


def move(member: Member) -> None:
    """Have a member listen elsewhere than the roster says."""
    where = f"127.0.0.1:{free_port()}"
    editing.change(member.home, "peer", "listen", where)


async def stand_before(member: Member, chosen: argparse.Namespace) -> None:
    """Pass on what comes to the roster's address, and what comes back."""
    listener, member.listener = member.listener, None
    port = member.config.peer.listen.port

    async def pass_on(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        later = asyncio.get_running_loop().call_later
        with contextlib.suppress(OSError):
            while raw := await reader.read(1 << 16):
                later(chosen.late_s, writer.write, raw)
        later(chosen.late_s, writer.close)

    async def take(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            back, on = await asyncio.open_connection("127.0.0.1", port)
        except OSError:  # it does not listen yet
            writer.close()
            return
        await asyncio.gather(pass_on(reader, on), pass_on(back, writer))

    await asyncio.start_server(take, sock=listener)


async def main() -> None:
    """Found an alliance, start its daemons, and ask one of them."""
    chosen = beside.options(__doc__, seconds=20.0, rate=50.0, trip=10.0)
    chosen.late_s = 0.0
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as place:
        async with Alliance.found(
            Path(place), start=False, prepare=move, settings=SETTINGS
        ) as alliance:
            for member in alliance.members.values():
                await stand_before(member, chosen)
                process = await Process.start(member)
                if not await process.ready(60):
                    raise SystemExit(process.text)
            await ask(alliance.platform, chosen)


async def ask(us: Member, chosen: argparse.Namespace) -> None:
    """Look up at a steady rate; print what was measured."""
    port, load = us.config.own.listen.port, beside.load()
    head = f"Authorization: Bearer {us.token}\r\n"
    print(f"{chosen.rate:g} look-ups/s for {chosen.seconds:g} s; {load=}")

    async def asked(first: int, seconds: float) -> dict[str, float]:
        def body(n: int) -> bytes:
            made: bytes = request(head, "phone", [first + n])
            return made if first else HEALTH

        return dict(await run(port, body, CALLERS, seconds, chosen.rate))

    took = await asked(0, chosen.seconds)
    print(f"/healthz: p50 {took['p50']:.1f}, p99 {took['p99']:.1f} ms")
    for n, trip_ms in enumerate((0.0, chosen.trip), 1):
        chosen.late_s = trip_ms / 2000
        await asked(n * 10**7, 3.0)  # connections are open then
        took = await asked(n * 10**7 + 10**6, chosen.seconds)
        bound = trip_ms + ROOM_MS
        print(
            f"round trip {trip_ms:g} ms: p50 {took['p50']:.1f},"
            f" p99 {took['p99']:.1f} ms, {took['p99'] / bound:.2f} of the"
            f" bound of {bound:g} ms"
        )


if __name__ == "__main__":
    asyncio.run(main())
