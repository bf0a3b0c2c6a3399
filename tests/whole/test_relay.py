"""A log comes through others when its owner is out of reach.

The police (A) and the carrier (C) cannot talk. C gets A's log through the
bank (B); then B misbehaves in every way, and C ends right through the
platform (D), without fetching again what it has verified.
"""

import asyncio
import contextlib
import gzip
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from aiohttp.typedefs import Handler
from aiohttp.web import HTTPFound, Request, Response, StreamResponse

from tests.alliance import Alliance, shared
from tests.cases import slow, tried

pytestmark = slow

BOMB = gzip.compress(bytes(64 << 20), 9)  # 64 kB that are 64 MB


async def apart(alliance: Alliance) -> None:
    """A and C cannot talk, and everybody has everything."""
    alliance.cut("police", "carrier")
    await grow(alliance, 300)


alliance = shared(apart)


async def grow(alliance: Alliance, entries: int) -> int:
    """Have A write, and B and D merge; return A's size."""
    police, size = alliance.police, await alliance.police.size()
    await police.fill(*range(size, size + entries))
    for member in (alliance.bank, alliance.platform):
        await member.round()
        assert await member.has(police)
    return await police.size()


async def assert_right(alliance: Alliance) -> None:
    """Assert that C holds A's log as A does."""
    police, carrier = alliance.police, alliance.carrier
    head = await carrier.head(police.origin)
    own = await police.own.log.head()
    assert head.merged == head.mirrored == own.frontier.size
    assert head.frontier == own.frontier


async def test_through_a_relay(alliance: Alliance) -> None:
    """C has all of A's log, and never had a byte from A."""
    alliance.cut("platform", "carrier")
    alliance.network.asked.clear()
    await alliance.carrier.round()
    await assert_right(alliance)
    asked = alliance.network.asked
    assert {a.server for a in asked if a.client == "carrier"} == {"bank"}
    state = alliance.carrier.node.logs.state(alliance.police.origin)
    assert state.source == "bank"
    alliance.heal()
    alliance.cut("police", "carrier")


# ------------------------------------------------------------ misbehaviour


async def _truncate(request: Request, right: Response) -> StreamResponse:
    body = _body(right)
    answer = StreamResponse(headers={"Content-Encoding": "gzip"})
    answer.content_length = len(body)
    await answer.prepare(request)
    await answer.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.close()
    return answer


async def _forever(request: Request, right: Response) -> StreamResponse:
    answer = StreamResponse()
    await answer.prepare(request)
    for _ in range(20_000):
        await answer.write(bytes(1 << 16))
    return answer


async def _huge(request: Request, right: Response) -> StreamResponse:
    answer = StreamResponse()
    answer.content_length = 1 << 40
    await answer.prepare(request)
    await answer.write(b"x")
    return answer


def _flip(right: Response) -> Response:
    raw = bytearray(gzip.decompress(_body(right)))
    raw[len(raw) // 2] ^= 1
    return _encoded(gzip.compress(raw))


def _status(code: int, _: Response) -> Response:
    return Response(status=code, headers={"Retry-After": "９"})


def _instead(make: Callable[[Response], Response]) -> "Misbehave":
    async def answer(request: Request, right: Response) -> StreamResponse:
        return make(right)

    return answer


async def _hang_up(request: Request, right: Response) -> StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return right


def _body(right: Response) -> bytes:
    assert isinstance(right.body, bytes)
    return right.body


def _encoded(raw: bytes, name: str = "gzip") -> Response:
    return Response(body=raw, headers={"Content-Encoding": name})


Misbehave = Callable[[Request, Response], Awaitable[StreamResponse]]

ANSWERS: dict[str, Callable[[Response], Response]] = {
    "flips a bit": _flip,
    "adds a byte": lambda right: _encoded(
        gzip.compress(gzip.decompress(_body(right)) + b"x")
    ),
    "sends no gzip": lambda _: _encoded(b"x" * 99),
    "sends a bomb": lambda _: _encoded(BOMB),
    "names another encoding": lambda right: _encoded(_body(right), "zstd"),
    "answers HTML": lambda _: Response(
        text="<html>busy</html>", content_type="text/html"
    ),
    "redirects": lambda _: HTTPFound("https://127.0.0.1:1/elsewhere"),
    "answers nothing": lambda _: Response(body=b""),
    **{
        f"answers {code}": partial(_status, code)
        for code in (204, 400, 401, 404, 409, 418, 422, 429, 500, 503)
    },
}
WAYS = {
    "truncates": _truncate,
    "sends forever": _forever,
    "announces a terabyte": _huge,
    "hangs up": _hang_up,
    **{name: _instead(make) for name, make in ANSWERS.items()},
}


@contextlib.contextmanager
def relaying(
    alliance: Alliance, way: "Misbehave", begin: int
) -> Iterator[None]:
    """Have B do its worst to C from a bundle on meanwhile, at least once."""
    done = 0

    async def gate(
        request: Request, caller: str, handler: Handler
    ) -> StreamResponse:
        nonlocal done
        right = await handler(request)
        if caller != "carrier" or "/payload/" not in request.path:
            return right
        if _bundle(request.path) < begin:
            return right
        done += 1
        assert isinstance(right, Response)
        return await way(request, right)

    alliance.bank.node.gate = gate
    try:
        yield
    finally:
        alliance.bank.node.gate = None
    assert done


def _bundle(path: str) -> int:
    """Return the number of the bundle of a payload path."""
    tail = path.partition("/payload/")[2].partition(".p")[0]
    return int(tail.replace("/", "").replace("x", ""))


async def pull_from_bank(alliance: Alliance) -> None:
    """Have C hear of A's newest checkpoint from B, and pull it."""
    node = alliance.carrier.node
    for state in node.peer_choice.states.values():
        state.retry_at = state.lost_s = 0  # else D would be asked first
    note = alliance.police.own.log.released()
    alliance.network.asked.clear()
    await node.logs.offer("bank", note)
    node.pulls.begin(alliance.police.origin)
    await node.pulls.idle()


@tried("way", WAYS.values(), ids=WAYS)
async def test_ends_right_whatever_the_relay_does(
    alliance: Alliance, way: Misbehave
) -> None:
    """What B gave rightly is kept; the rest comes from D."""
    before = (await alliance.carrier.head(alliance.police.origin)).mirrored
    await grow(alliance, 600)
    bad_from = before // 256 + 1
    with relaying(alliance, way, bad_from):
        async with asyncio.timeout(30):
            await pull_from_bank(alliance)
    await assert_right(alliance)
    # From D comes only what B did not give rightly.
    others = [
        _bundle(a.path)
        for a in alliance.network.asked
        if "/payload/" in a.path and a.server != "bank"
    ]
    assert others
    assert min(others) == bad_from
    assert len(others) == len(set(others))
    assert not (await alliance.carrier.head(alliance.police.origin)).contested
