"""The recipes of operations.md, run as they stand there but for the places."""

import asyncio
import os
import re
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.alliance import Member, free_port
from tests.cases import once, tried
from tests.console.test_tls import PROXY, browser, founded, log_in
from tests.test_docs import section
from tests.test_pinning import p256

NGINX, INSTEAD, CADDY, CADDY_SSO = re.findall(
    r"```(?:nginx|caddy)\n(.*?)```",
    section("operations.md", "The console over TLS"),
    re.DOTALL,
)
LOCATION = re.compile(r"    location / \{.*?\n    \}\n", re.DOTALL)
NGINX_SSO = LOCATION.sub(lambda _: INSTEAD, NGINX)
RECIPES = {"nginx": (NGINX, NGINX_SSO), "caddy": (CADDY, CADDY_SSO)}
AROUND = {
    "nginx": """daemon off; pid pid; error_log stderr; events {{}} http {{
access_log off; client_body_temp_path b; proxy_temp_path p;
fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; {} }}""",
    "caddy": "{{\nadmin off\nauto_https disable_redirects\n}}\n{}",
}
RUN = {
    "nginx": ("-e", "stderr", "-p", ".", "-c", "recipe"),
    "caddy": ("run", "--adapter", "caddyfile", "--config", "recipe"),
}
HOST = "localhost"  # for syncd.bank.example


@dataclass
class House:
    """A member, its proxy's place, and a single sign-on."""

    bank: Member
    root: Path
    port: int
    sso: int  # its port
    staff: str | None = None  # whom it knows; "": nobody; None: it refuses

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def placed(self, recipe: str) -> str:
        """Return a recipe with the places of this house."""
        own = self.bank.config.own
        for old, new in (
            ("listen 443", f"listen {self.port}"),
            ("syncd.bank.example {", f"{self.url} {{"),
            ("syncd.bank.example", HOST),
            ("127.0.0.1:8480", str(own.listen)),
            ("127.0.0.1:8481", str(own.tls_listen)),
            ("127.0.0.1:4180", f"127.0.0.1:{self.sso}"),
            ("/etc/nginx", str(self.root)),
            ("/etc/caddy", str(self.root)),
        ):
            recipe = recipe.replace(old, new)
        return recipe

    @asynccontextmanager
    async def proxy(
        self, name: str, recipe: str
    ) -> AsyncIterator[aiohttp.ClientSession]:
        """Run a proxy by a recipe; yield a browser before it."""
        if not shutil.which(name) and not os.environ.get("CI"):
            pytest.skip(f"no {name} on this machine: Debian has it")
        at = self.root / f"proxy-{free_port()}"
        at.mkdir()
        (at / "recipe").write_text(AROUND[name].format(self.placed(recipe)))
        running = await asyncio.create_subprocess_exec(
            name, *RUN[name], cwd=at, env={**os.environ, "HOME": str(at)}
        )
        try:
            for _ in range(200):
                assert running.returncode is None
                with socket.socket() as tried:
                    if not tried.connect_ex(("127.0.0.1", self.port)):
                        break
                await asyncio.sleep(0.05)
            async with browser() as one:
                yield one
        finally:
            if running.returncode is None:
                running.terminate()
            await running.wait()


def write_certificates(root: Path) -> None:
    """Write those of house, daemon and proxy: the first two are one."""
    key = p256()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    for name in ("syncd.pem", "ca.pem"):
        (root / name).write_bytes(made.public_bytes(Encoding.PEM))
    (root / "proxy.pem").write_text(ssl.DER_cert_to_PEM_cert(PROXY.der))
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, pem in ("syncd", own), ("proxy", PROXY.pem):
        (root / f"{name}.key").touch(mode=0o600)
        (root / f"{name}.key").write_bytes(pem)


@once
async def house(root: Path) -> AsyncIterator[House]:
    write_certificates(root)
    port = free_port()
    own = {
        "tls_certificate": root / "syncd.pem",
        "tls_key": root / "syncd.key",
        "tls_listen": f"127.0.0.1:{free_port()}",
    }
    pages = {"url": f"https://{HOST}:{port}", "staff_header": "X-Staff"}

    async def verify(request: web.Request) -> web.Response:
        if made.staff is None:
            return web.Response(status=401)
        headers = {"X-Staff": made.staff} if made.staff else {}
        return web.Response(headers=headers)

    async with founded(root, own=own, console=pages) as found:
        bearers = found.bank.own.bearers
        await bearers.add("proxy", "proxy", PROXY.der)
        await bearers.add("wang", "operator", None, "0042", "Wang")
        app = web.Application()
        app.router.add_get("/auth", verify)
        runner = web.AppRunner(app)
        await runner.setup()
        sso = free_port()
        await web.TCPSite(runner, "127.0.0.1", sso).start()
        made = House(found.bank, root, port, sso)
        yield made
        await runner.cleanup()


async def seen(one: aiohttp.ClientSession, url: str) -> str:
    """Return the first page, once all that must hold of a proxy does."""
    assert (await one.get(f"{url}/v1/status")).status == 404
    async with one.get(f"{url}/events") as events:
        assert events.content_type == "text/event-stream"
        async with asyncio.timeout(20):
            assert (await events.content.readany()).startswith(b"id: ")
    page = await one.get(url)
    assert page.status == 200
    assert page.url.path == "/"
    return await page.text()


@tried("name", RECIPES)
async def test_people_come_with_their_tokens(house: House, name: str) -> None:
    """At the address that they type; whatever they say of their number."""
    plain, _ = RECIPES[name]
    async with house.proxy(name, plain) as one:
        assert (await log_in(one, house.url, X_Staff="0042")).status == 401
        answer = await log_in(one, house.url, token=house.bank.token)
        assert answer.status == 303
        assert answer.headers["Set-Cookie"].startswith("__Host-syncd-")
        assert "operator" in await seen(one, house.url)


@tried("name", RECIPES)
async def test_the_sign_on_says_who_it_is(house: House, name: str) -> None:
    """And nobody else: what a browser says under that name is lost."""
    _, sso = RECIPES[name]
    async with house.proxy(name, sso) as one:
        for staff, status in (None, 401), ("", 401), ("0042", 303):
            house.staff = staff
            answer = await log_in(one, house.url, X_Staff="0042")
            assert answer.status == status, staff
        assert "Wang" in await seen(one, house.url)
