"""What a newcomer's addresses answer is told in a few sentences, and no more."""

import asyncio
import time
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import pytest

from syncd.node.audit import checkup
from syncd.pinning import OpenTls
from syncd.roster import certificate, keys
from tests.cases import tried

HERE = keys.generate("here.example", "txwz", bytes, now=1_790_000_000)
PIN, URL = certificate.pin(HERE.certificate), "https://127.0.0.1:{port}"
OK = "HTTP/1.1 404 Not Found\r\nDate: {date}\r\n\r\n"
MOVED = "HTTP/1.1 302 Found\r\nLocation: {url}\r\nDate: {date}\r\n\r\n"
WELL = "answers with its certificate's key; its clock is 0 s ahead of ours"
LATE = WELL.replace("0 s", "-300 s")
OTHER = "answers with another key than its certificate's"
SILENT, NOWHERE = "does not answer as syncd does", "resolves to no address"
PRIVATE = "is not public: not asked without --private"


@tried(
    "seen, url, answer",
    [
        (WELL, URL, OK),
        (WELL, URL + "/at/syncd", OK),
        (WELL, URL, MOVED),
        (LATE, URL, OK),
        (OTHER, URL, OK),
        (SILENT, URL, ""),  # it never says a word
        (SILENT, URL, "x" * 5000 + OK),
        (SILENT, URL, OK.replace("{date}", "\x1b[2J")),
        (SILENT, "https://127.0.0.1:1", OK),
        (NOWHERE, "https://a..b:{port}", OK),
        (NOWHERE, "https://127.0.0.1:99999", OK),
        (PRIVATE, URL, OK),
        (PRIVATE, "https://localhost:{port}", OK),
        (PRIVATE, "https://[::ffff:7f00:1]:{port}", OK),
        (PRIVATE, "https://2130706433:{port}", OK),
    ],
)
async def test_what_is_seen_from_outside(
    monkeypatch: pytest.MonkeyPatch, seen: str, url: str, answer: str
) -> None:
    """An address is asked once, if at all, and nothing that it says is shown."""
    monkeypatch.setattr(checkup, "PATIENCE_S", 5.0 if answer else 0.2)
    at, asked = time.time() - 300 * (seen == LATE), list[str]()

    async def served(reader: Any, writer: Any) -> None:
        asked.append(url)
        await reader.readuntil(b"\r\n\r\n")
        date = formatdate(at, usegmt=True)
        writer.write(answer.format(date=date, url=url).encode())
        await reader.read()
        writer.close()

    context = OpenTls(HERE.certificate, HERE.tls_pem).context
    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=context)
    async with server:
        url = url.format(port=server.sockets[0].getsockname()[1])
        pinned = SimpleNamespace(tls="" if seen == OTHER else PIN)
        one: Any = SimpleNamespace(urls=(url,), keys=pinned)
        private = seen != PRIVATE
        found = await asyncio.to_thread(checkup.outside, one, private)
    assert [*map(str, found)] == [f"outside  {url}: {seen}"]
    assert len(asked) <= private


@tried(
    "public, addresses",
    [
        (True, "8.8.8.8 2606:4700::1 ::ffff:8.8.8.8 64:ff9b::808:808"),
        (False, "127.0.0.1 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254"),
        (False, "0.0.0.0 100.64.0.1 224.0.0.1 240.0.0.1 255.255.255.255"),
        (False, "::1 :: fe80::1%2 fd00:ec2::254 fec0::1 ff0e::1 2001:db8::1"),
        (False, "::ffff:127.0.0.1 ::7f00:1 64:ff9b::a00:1 2002:7f00:1::"),
        (False, "64:ff9b:1::1 2001::1 ::ffff:0:808:808 4000::1"),
    ],
)
def test_which_addresses_are_public(public: bool, addresses: str) -> None:
    """Also those of IPv6 that lead to an IPv4 address."""
    for address in addresses.split():
        assert checkup.is_public(address) is public, address
