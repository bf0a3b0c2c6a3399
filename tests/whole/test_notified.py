"""A webhook is told what the status says, and when that is over."""

import base64
from typing import Any

import msgspec
from aiohttp import web
from pytest_aiohttp import AiohttpServer
from standardwebhooks import Webhook

from tests.alliance import Alliance, Member, as_founded, shared, until

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
alliance = shared(as_founded, "bank", "police", "carrier", scope="function")


class Desk:
    """Somebody on duty, with a webhook."""

    def __init__(self) -> None:
        self.notices: list[dict[str, Any]] = []

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        Webhook(SECRET).verify(body, dict(request.headers))
        self.notices.append(msgspec.json.decode(body))
        return web.Response()

    def texts(self, type_: str) -> list[str]:
        return [n["text"] for n in self.notices if n["type"] == type_]


async def restart(member: Member, url: str) -> None:
    """Have a member tell a webhook."""
    (secret := member.home.parent / "whsec").touch(mode=0o600)
    secret.write_text(SECRET)
    with (member.home / "config.toml").open("a") as config:
        config.write(
            '[[notify.targets]]\nname = "desk"\nroles = ["duty"]\n'
            f'url = "{url}"\nsecret = "{secret}"\n'
        )
    await member.stop()
    await member.start()


async def test_two_of_three_holders_fall_and_come_back(
    alliance: Alliance, aiohttp_server: AiohttpServer
) -> None:
    desk, app = Desk(), web.Application()
    app.router.add_post("/", desk.take)
    server = await aiohttp_server(app)
    bank = alliance.bank
    await restart(bank, str(server.make_url("/")))
    await alliance.settle()

    async def round_() -> None:
        await bank.round()
        await bank.node.alerts.look()

    async def todo() -> bool:
        return any("peers: none of" in t for t in desk.texts("syncd.todo"))

    async def done() -> bool:
        return any("peers: none of" in t for t in desk.texts("syncd.done"))

    await round_()
    alliance.network.cut("bank", "police", "carrier")
    for _ in range(3):
        await round_()
    await until(todo)
    status = await bank.node.status_reader.status()
    lines = [str(item) for item in status.todo]
    found = desk.texts("syncd.todo")
    assert [line for line in lines if f"to do: {line}" in found]
    [target] = status.notify
    assert (target.target, target.failures) == ("desk", 0)
    alliance.network.heal()
    for _ in range(3):
        await round_()
    await until(done)
