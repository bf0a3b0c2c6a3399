"""The examples tell a mailbox, syslog and an SMS gateway."""

import asyncio
import email
import json
import os
import shutil
import socket
import tomllib
from email.policy import default
from pathlib import Path

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from syncd import config
from syncd.node.notify import notifier
from syncd.store.events import StoredEvent
from tests.cases import ROOT
from tests.refusals import unavailable

NOTIFY = ROOT / "examples" / "notify"
US = '[member]\nid = "bank"\ndomain = "bank.example"\nalliance = "txwz"\n'


def notice() -> bytes:
    data = {"origin": "police.example/syncd/txwz/1", "index": 812}
    event = StoredEvent(17, 1_800_000_000, "urgent", data)
    found = notifier.compose(event, ["duty"], "txwz", "bank")
    assert found is not None
    return found


TEXT = json.loads(notice())["text"]


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not shutil.which(tool) and not os.environ.get("CI"),
        reason=f"no {tool} on this machine",
    )


class Relay:
    """An SMTP server that takes one mail."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.mail = b""

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"220 relay\r\n")
        while line := await reader.readline():
            word = line.split()[0].upper()
            self.said.append(line.decode().strip())
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                self.mail = raw.removesuffix(b".\r\n")
            writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                break
        writer.close()


async def test_mail() -> None:
    relay = Relay()
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    at = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    people = ["syncd@bank.example", "duty@bank.example"]
    async with server:
        await notifier.run([str(NOTIFY / "mail.py"), at, *people], notice())
    found = email.message_from_bytes(relay.mail, policy=default)
    assert found["Subject"] == f"syncd bank: {TEXT}"
    assert found["Message-ID"] == "<txwz-bank-17-1800000000@syncd.invalid>"
    assert json.loads(found.get_content()) == json.loads(notice())
    assert "rcpt TO:<duty@bank.example>" in relay.said
    with unavailable("exit code 1"):
        await notifier.run([str(NOTIFY / "mail.py"), at, *people], notice())


@needs("logger")
async def test_syslog() -> None:
    text = (NOTIFY / "syslog.toml").read_text()
    assert config.parse((US + text).encode(), Path("/nowhere")).notify.targets
    [target] = tomllib.loads(text)["notify"]["targets"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        port = str(server.getsockname()[1])
        there = ["--server", "127.0.0.1", "--udp", "--port", port]
        await notifier.run([*target["command"], *there], notice())
        line = server.recv(65_536).decode()
    assert line.startswith("<28>")  # daemon.warning
    assert " syncd " in line
    assert json.loads(line[line.index("{") :]) == json.loads(notice())


@needs("curl")
async def test_sms(aiohttp_server: AiohttpServer, tmp_path: Path) -> None:
    came: list[dict[str, object]] = []
    key = ["Bearer hunter2"]

    async def take(request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == key[0]
        came.append(dict(await request.post()))
        return web.Response(status=200 if known else 403)

    app = web.Application()
    app.router.add_post("/send", take)
    url = (await aiohttp_server(app)).make_url("/send")
    (curlrc := tmp_path / "sms.curl").write_text(
        f'url = "{url}"\nheader = "Authorization: Bearer hunter2"\n'
        'data-urlencode = "to=the officer on duty"\n'
    )
    argv = [str(NOTIFY / "sms.sh"), str(curlrc)]
    await notifier.run(argv, notice())
    assert came == [{"to": "the officer on duty", "text": TEXT}]
    key[0] = "another"
    with unavailable("exit code 22"):
        await notifier.run(argv, notice())
