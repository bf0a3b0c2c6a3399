"""What a large alliance costs one member, beside a small one.

    python bench/members.py [--members 200] [--admins 30]

One daemon in a process whose processor time counts; another process answers
for all other members, each with a port and a key of its own, and closes each
connection after its answer, as idle ones are between rounds a minute apart.
The same with 4 members and 2 admins. Prints ms of CPU, and the ratios, for a
round in which nothing is new, a check of the signed roster, the TLS context
for all members, a connection to our port (both ends) and `status`; and
whether the quiet round costs at most 3 times as much.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from inspect import isawaitable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import beside  # type: ignore[import-not-found]
from aiohttp import web
from msgspec import structs

from syncd.flows.ports import Heads, RosterHead
from syncd.indicator.folding import Batch
from syncd.node.daemon import read_pin
from syncd.pinning import ServerTls
from syncd.roster.trust import TrustedRoster
from syncd.tlog import cosignature, note
from syncd.tlog.merkle import Frontier
from syncd.web import peer_api
from tests.alliance import Alliance, Member

FEW, MOST = 4, 3.0
ROUND = "a quiet round"


class Others:
    """What a peer API asks of a member that has nothing to say."""

    def __init__(self, alliance: Alliance) -> None:
        roster = RosterHead(len(alliance.notes), alliance.newest.hash)
        self.told = Heads("1", (), (), roster, int(time.time()))

    def caller(self, _: str) -> tuple[str, str]:
        return "m0", "member"

    async def nothing(self, *_: Any, **__: Any) -> None:
        """No roster is on its way, there are no logs; pokes are no news."""

    settled = held = mirror_log = poke = nothing

    async def heads(self, *_: str) -> Heads:
        return structs.replace(self.told, time=int(time.time()))


async def answer(alliance: Alliance) -> None:
    """Answer for all members but the first until somebody ends us."""
    first, *others = alliance.members.values()
    app = peer_api.app(Others(alliance), read_pin)

    async def close(_: web.Request, response: web.StreamResponse) -> None:
        response.force_close()

    app.on_response_prepare.append(close)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    for one in others:
        tls = ServerTls(one.keys.certificate, one.keys.tls_pem)
        tls.update([first.keys.certificate])
        assert one.listener is not None
        site = web.SockSite(runner, one.listener, ssl_context=tls.context)
        await site.start()
    await asyncio.Event().wait()


async def settled(us: Member, others: Sequence[Member]) -> None:
    """Have it hold a log of one entry, and a receipt of its own, of each."""
    signed = note.parse(us.own.log.released())
    one_leaf = Frontier.EMPTY.extend([bytes(32)])
    for one in others:
        head = await us.head(one.origin)
        full = structs.replace(head, frontier=one_leaf, merged=1)
        batch = Batch(origin=one.origin, start=0, stop=1)
        await us.mirror.advance(head, full, (), batch)
        key = one.keys.merged
        line = cosignature.cosign(signed.text, key, int(time.time()))
        given = bytes(note.add(signed, line))
        await us.node.receipts.take(one.id, given)


async def measured(alliance: Alliance) -> dict[str, float]:
    """Return ms of this process for each thing that a member does."""
    us, *others = alliance.members.values()
    await alliance.furnish(us)
    await alliance.start(us.id)
    await settled(us, others)
    node, n = us.node, len(others)
    rounds = -(-n // node.peer_choice.share(n)) + 10
    took: dict[str, float] = {}

    async def each(what: str, work: Callable[[], object], times: int) -> None:
        began = time.process_time()
        for _ in range(times):
            if isawaitable(done := work()):
                await done
        took[what] = (time.process_time() - began) / times * 1000

    def check() -> object:
        return TrustedRoster(alliance.fingerprint, *alliance.notes)

    async def connect() -> None:
        host, port = us.address
        tls = others[-1].tls_to(us)
        _, writer = await asyncio.open_connection(host, port, ssl=tls)
        writer.close()

    await each("", node.round, rounds)  # until it has met everybody
    await each(ROUND, node.round, rounds)
    await each("a roster checked", check, 5)
    anchors = node.peers.anchors()
    await each("TLS for all members", lambda: node.tls.update(anchors), 5)
    await each("a connection to us", connect, 50)
    await each("status", us.status, 20)
    await us.stop()
    del took[""]
    return took


def play(chosen: argparse.Namespace) -> dict[str, float]:
    """Found an alliance of so many, and measure its first member."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as place:
        alliance = beside.institutions(
            Path(place), chosen.members, chosen.admins
        )
        vars(alliance)["_settings"] = {
            "exchange": {"interval_s": 60, "fanout": 3}
        }
        other = get_context("fork").Process(
            target=lambda: asyncio.run(answer(alliance))
        )
        other.start()
        try:
            return asyncio.run(measured(alliance))
        finally:
            other.kill()


def main() -> None:
    """Measure both alliances, one after the other."""
    chosen = beside.options(__doc__, play, members=200, admins=30)
    few, many = (
        beside.asked(beside.HERE, "--members", n, "--admins", admins)
        for n, admins in ((FEW, 2), (chosen.members, chosen.admins))
    )
    load = beside.load()
    print(
        f"{FEW} members, {chosen.members} with {chosen.admins} admins; {load=}"
    )
    for what, ms in few.items():
        print(f"{what:20}{ms:8.2f}{many[what]:8.2f} ms{many[what] / ms:7.1f}")
    ratio = many[ROUND] / few[ROUND]
    held = "holds" if ratio <= MOST else "does NOT hold"
    print(f"{ROUND}: {ratio:.1f} times; at most {MOST} {held}")


if __name__ == "__main__":
    main()
