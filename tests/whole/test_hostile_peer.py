"""A member gone bad, over its API and ours, harms nobody else."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from syncd.tlog import checkpoint, merkle
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.note import ED25519, SigningKey
from tests.alliance import Alliance, payload, shared

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


LIMITS = {"read_timeout_s": 1, "request_timeout_s": 1}
alliance = shared(settings={"exchange": LIMITS})  # the platform is the bad one


def heads(**other: Any) -> str:
    """Return an answer of /heads with something changed."""
    right = {
        "cursor": "00000000.1",
        "notes": [],
        "receipts": [],
        "roster": {"hash": "", "version": 1},
        "time": 0,
    }
    return json.dumps(
        {**right, **other},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )


def signed(key: SigningKey, size: int, origin: str = "") -> str:
    """Return a checkpoint as somebody may have signed it."""
    head = Checkpoint(origin or key.name, size, merkle.EMPTY_ROOT)
    return bytes(checkpoint.sign(head, key)).decode()


STRANGER = SigningKey("police.example/syncd/txwz/1", ED25519, b"?" * 32)
HEADS = {
    "no JSON": "nonsense",
    "nothing": "",
    "a list": "[]",
    "white space": heads().replace(":", ": "),
    "twice the same key": heads()[:-1] + ',"time":1}',
    "another shape": heads(notes="x"),
    "notes that are numbers": heads(notes=[1]),
    "a lone surrogate": heads(notes=["\ud800"]),
    "a number too large": heads(time=10**30),
    "a far future": heads(time=2**52),
    "a negative version": heads(roster={"hash": "", "version": -5}),
    "a roster that nobody has": heads(
        roster={"hash": "f" * 64, "version": 10**12}
    ),
    "a cursor without end": heads(cursor="9" * 100_000),
    "garbage notes": heads(notes=["garbage"] * 50_000),
    "a stranger's checkpoint": heads(notes=[signed(STRANGER, 10**9)]),
    "garbage receipts": heads(receipts=["garbage"] * 50_000),
    "deep nesting": "[" * 100_000 + "]" * 100_000,
    "too much": heads(notes=["x" * (5 << 20)]),
}


@pytest.mark.parametrize("answer", HEADS.values(), ids=HEADS)
async def test_whatever_it_says_the_others_go_on(
    alliance: Alliance, answer: str
) -> None:
    """A round with its nonsense brings the others' news all the same."""

    async def lie(_: web.Request) -> web.StreamResponse:
        return web.Response(body=answer.encode("utf-8", "surrogatepass"))

    with alliance.platform.lying_at("/heads", lie):
        await alliance.police.write(
            payload(abs(hash(answer)) % 10**6, alliance.police.origin)
        )
        async with asyncio.timeout(30):
            await alliance.bank.round()
    held = await alliance.bank.head(alliance.police.origin)
    assert held.merged == await alliance.police.size()
    assert not held.contested
    alliance.bank.node.our_clock.healthy()


@pytest.mark.parametrize("how", ["never answers", "drips"])
async def test_one_that_takes_for_ever(alliance: Alliance, how: str) -> None:
    """It costs a time limit, and is left alone for a while."""
    over = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        if how == "drips":
            await answer.prepare(request)
            while not over.is_set():
                await answer.write(b" ")
                await asyncio.sleep(0.2)
        await over.wait()
        return answer

    with alliance.platform.lying_at("", stall):
        await alliance.police.write(payload(8, alliance.police.origin))
        async with asyncio.timeout(20):
            await alliance.bank.round()
    over.set()
    held = await alliance.bank.head(alliance.police.origin)
    assert held.merged == await alliance.police.size()
    state = alliance.bank.node.peer_choice.states["platform"]
    assert state.retry_at > time.monotonic()


# -------------------------------------------------------------- at our API


REQUESTS = {
    "no path": ("GET", "/", b"", {404}),
    "up": ("GET", "/log/tile/../../../own.db", b"", {404}),
    "up, encoded": ("GET", "/log/tile/%2e%2e/%2e%2e/own.db", b"", {404}),
    "beyond the end": ("GET", "/log/payload/x999/999", b"", {404}),
    "a width of none": ("GET", "/log/payload/000.p/0", b"", {404}),
    "other digits": ("GET", "/log/payload/００１", b"", {404}),
    "a wrong level": ("GET", "/log/tile/99/000", b"", {404}),
    "a strange log": ("GET", f"/mirror/{'0' * 64}/checkpoint", b"", {404}),
    "half a hash": ("GET", "/mirror/abc/checkpoint", b"", {404}),
    "an old roster": ("GET", "/roster/0", b"", {200, 404}),
    "a roster to come": ("GET", "/roster/999999", b"", {404}),
    "a strange cursor": ("GET", "/heads?cursor=%00%ff..9", b"", {200}),
    "another method": ("DELETE", "/log/checkpoint", b"", {405}),
    "an empty poke": ("POST", "/poke", b"", {400}),
    "garbage as a poke": ("POST", "/poke", b"\xff" * 99, {400}),
    "no OPRF request": ("POST", "/oprf/v1/evaluate", b"{}", {400}),
    "too much": ("POST", "/oprf/v1/evaluate", bytes(3 << 20), {413}),
    "no witness request": ("POST", "/witness/add-checkpoint", b"x", {400}),
    "the local API": ("GET", "/v1/status", b"", {404}),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_bad_requests_get_a_status(
    alliance: Alliance, request_: tuple[str, str, bytes, set[int]]
) -> None:
    """Never a 500, never another's bytes."""
    method, path, body, expected = request_
    answer = await alliance.platform.ask(alliance.police, method, path, body)
    assert answer.status in expected
    assert "Traceback" not in answer.text
    assert "SQLite" not in answer.text


POKES: dict[str, Callable[[Alliance], str]] = {
    "another's log": lambda a: signed(a.bank.keys.log, 10**6),
    "its own, by another key": lambda a: signed(
        SigningKey(a.platform.origin, ED25519, b"!" * 32), 10**6
    ),
    "a log of no roster": lambda _: signed(
        SigningKey("x.example/log", ED25519, b"!" * 32), 1
    ),
    "nothing new": lambda a: signed(a.platform.keys.log, 0),
}


@pytest.mark.parametrize("make", POKES.values(), ids=POKES)
async def test_pokes_that_move_nothing(
    alliance: Alliance, make: Callable[[Alliance], str]
) -> None:
    """Only the caller's own log, signed and larger, is worth a pull."""
    police, platform = alliance.police, alliance.platform
    before = [await police.head(m.origin) for m in alliance.up]
    alliance.network.asked.clear()
    answer = await platform.ask(
        police, "POST", "/poke", make(alliance).encode()
    )
    assert answer.status in (202, 400, 403, 422)
    await police.node.pulls.idle()
    assert [await police.head(m.origin) for m in alliance.up] == before
    asked = [a for a in alliance.network.asked if a.client == "police"]
    assert not asked
