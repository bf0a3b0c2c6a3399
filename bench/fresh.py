"""The least that a fresh look-up of one phone costs, with two holders.

    python bench/fresh.py SECONDS

The curve operations of an asker and of two holders, of this build, and a bare
POST over mutual TLS 1.3 to two servers, at once, that each commit one row
(synchronous=FULL) before they answer. Prints how often a second, and in
how many milliseconds, as JSON. With three arguments it is one of the servers.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path
from secrets import token_bytes

import aiohttp
import beside  # type: ignore[import-not-found]
from aiohttp import web
from floor import Commits  # type: ignore[import-not-found]

from syncd import pinning
from syncd.oprf import dealing, group, threshold
from syncd.roster import certificate, keys

QUORUM = (1, 2)
CONTEXT = b"bench"


async def serve(where: Path, index: int, share: bytes) -> None:
    """Answer as a holder until standard input ends."""
    commits = Commits(where / f"{index}.db")

    async def evaluate(request: web.Request) -> web.Response:
        element = await request.read()
        await commits.commit(b"y" * 50)
        found = threshold.evaluate(
            *(share, index, QUORUM, [element], token_bytes, CONTEXT)
        )
        return web.Response(body=found.elements[0] + found.proof)

    app = web.Application()
    app.router.add_post("/", evaluate)
    cert, key = ((where / name).read_bytes() for name in ("cert", "key"))
    tls = pinning.ServerTls(cert, key)
    tls.update([cert])
    await beside.serve(app, tls.context)


async def ask(
    where: Path, ports: list[int], publics: list[bytes], seconds: float
) -> dict[str, float]:
    """Ask one after the other; return what `lookup.py` wants of it."""
    cert, key = ((where / name).read_bytes() for name in ("cert", "key"))
    context = pinning.client_context(cert, key, certificate.pin(cert))
    took = list[float]()
    async with aiohttp.ClientSession() as session:

        async def post(port: int, element: bytes) -> bytes:
            url = f"https://127.0.0.1:{port}/"
            async with session.post(url, data=element, ssl=context) as reply:
                return await reply.read()

        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            blinded = threshold.blind([b"+8613800138000"], token_bytes)
            sent = blinded.elements
            raw = await asyncio.gather(
                *(post(port, sent[0]) for port in ports)
            )
            found = [threshold.Evaluation([r[:32]], r[32:]) for r in raw]
            for i, public, reply in zip(QUORUM, publics, found, strict=True):
                threshold.check(public, i, QUORUM, sent, reply, CONTEXT)
            threshold.finish(blinded, [one.elements for one in found])
            took.append(time.perf_counter() - began)
    return dict(beside.rates(took, seconds))


def main() -> None:
    if len(sys.argv) > 2:
        home, index, share = sys.argv[1:]
        asyncio.run(serve(Path(home), int(index), bytes.fromhex(share)))
        return
    with tempfile.TemporaryDirectory() as tmp:
        where, now = Path(tmp), int(time.time())
        mine = keys.generate("bench.example", "bench", token_bytes, now=now)
        (where / "key").write_bytes(mine.tls_pem)
        (where / "cert").write_bytes(mine.certificate)
        dealt = dealing.deal(2, 3, token_bytes)
        publics = [group.multiply_base(dealt.shares[i]) for i in QUORUM]
        with contextlib.ExitStack() as stack:
            ports = []
            for i in QUORUM:
                one = beside.serving("fresh.py", tmp, i, dealt.shares[i].hex())
                ports.append(stack.enter_context(one)[1])
            found = asyncio.run(ask(where, ports, publics, float(sys.argv[1])))
        print(json.dumps(found))


if __name__ == "__main__":
    main()
