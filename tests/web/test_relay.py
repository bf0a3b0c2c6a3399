"""Requests that are passed on whole to a server behind a unix socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, make_mocked_request
from yarl import URL

from syncd.web.relay import Relay
from tests.cases import tried
from tests.refusals import unavailable

LARGE = bytes(range(256)) * 4096


async def echo(request: web.Request) -> web.StreamResponse:
    """Answer with what came, in the way in which it came."""
    said = {"Echo": f"{request.method} {request.raw_path}", "ETag": '"x"'}
    for name in ("Host", "Content-Type", "Expect", "Accept-Encoding"):
        said[f"X-{name}"] = request.headers.get(name, "none")
    said["X-Came"] = ", ".join(request.headers.getall("X-Forwarded-For"))
    body = await request.read()
    if request.content_length is not None or not body:
        return web.Response(status=207, body=body, headers=said)
    answer = web.StreamResponse(status=207, headers=said)
    await answer.prepare(request)
    await answer.write(body)
    return answer


async def breaks(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": "1000"})
    await answer.prepare(request)
    await answer.write(b"half of it")
    assert request.transport is not None
    request.transport.close()
    return answer


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """Where a relay listens, before an `echo` and what `breaks`."""
    behind = web.Application(client_max_size=1 << 24)
    behind.router.add_get("/breaks", breaks)
    behind.router.add_route("*", "/{path:.*}", echo)
    runner = web.AppRunner(behind, shutdown_timeout=0)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "sock")).start()
    relay = Relay(tmp_path / "sock")
    front = web.Application()
    front.router.add_route("*", "/{path:.*}", relay.answer)
    async with TestServer(front) as server:
        yield f"http://127.0.0.1:{server.port}"
    await relay.close()
    await runner.cleanup()


@tried("method", ["GET", "POST", "DELETE"])
async def test_a_request_and_its_answer_stay_as_they_are(
    url: str, method: str
) -> None:
    """Target, host, status, headers; from where it came alone is added."""
    target = "/a%2Fb/c?d=%20e&&f"
    async with (
        aiohttp.ClientSession(
            skip_auto_headers=["Accept-Encoding"]
        ) as session,
        session.request(
            method,
            URL(url + target, encoded=True),
            headers={"Host": "bank.example", "X-Forwarded-For": "elsewhere"},
        ) as got,
    ):
        assert (got.status, await got.read()) == (207, b"")
        assert got.headers["Echo"] == f"{method} {target}"
        assert got.headers["X-Host"] == "bank.example"
        assert got.headers["X-Came"] == "elsewhere, 127.0.0.1"
        assert got.headers["X-Accept-Encoding"] == "none"
        assert got.headers["ETag"] == '"x"'


@tried("chunked", [False, True])
async def test_bodies_of_any_size_get_through(url: str, chunked: bool) -> None:
    """With their length, or in chunks if that is how they came."""

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(LARGE), 100_000):
            yield LARGE[at : at + 100_000]

    async with (
        aiohttp.ClientSession() as session,
        session.put(
            url,
            data=pieces() if chunked else LARGE,
            headers={"Content-Type": "a/b"},
            expect100=True,
        ) as got,
    ):
        assert await got.read() == LARGE
        assert ("Transfer-Encoding" in got.headers) is chunked
        assert got.headers["X-Content-Type"] == "a/b"
        assert got.headers["X-Expect"] == "none"  # it was answered here


async def test_half_an_answer_does_not_look_whole(url: str) -> None:
    """The connection ends instead."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            async with session.get(f"{url}/breaks") as got:
                await got.read()


async def test_nobody_behind_it(tmp_path: Path) -> None:
    """It says so, and is no use until somebody is there."""
    relay = Relay(tmp_path / "sock")
    request = make_mocked_request("GET", "/")
    with unavailable("does not answer"):
        await relay.answer(request)
    await relay.close()
