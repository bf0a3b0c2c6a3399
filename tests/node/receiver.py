"""Somebody with a webhook: keeps what came, and answers as a test wishes."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from syncd.config import Target

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


class Receiver:
    """Keeps whose signature holds; answers as told."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.bodies: list[bytes] = []
        self.status: Callable[[Any], int] = lambda _: 204
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        found = Webhook(SECRET).verify(body, dict(request.headers))
        assert found["id"] == request.headers["webhook-id"]
        self.ids.append(found["id"])
        self.bodies.append(body)
        there = {"Location": "/"}  # where nobody is to be led
        return web.Response(status=self.status(found), headers=there)

    def came(self, n: int) -> Callable[[], bool]:
        return lambda: len(self.ids) >= n


@asynccontextmanager
async def listening() -> AsyncIterator[Receiver]:
    """Give one that listens, on this machine, until the block ends."""
    found = Receiver()
    app = web.Application()
    app.router.add_post("/", found.take)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/"))
        yield found


@pytest.fixture
async def serving() -> AsyncIterator[Receiver]:
    """A fixture: the same for one test."""
    async with listening() as found:
        yield found


def hook(path: Path, url: str, *roles: Any, name: str = "soc") -> Target:
    secret = path / "soc.whsec"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    return Target(name, roles or ("duty",), url=url, secret=str(secret))
