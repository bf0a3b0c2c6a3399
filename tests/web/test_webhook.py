"""A webhook takes what is signed, and no more is given to it than that."""

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp
import pytest
import resend
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from syncd.web import webhook
from tests.cases import tried
from tests.node.receiver import SECRET, Receiver, serving
from tests.refusals import unavailable
from tests.test_pinning import issue, p256

KEY = bytes(32)
NAME = "txwz-bank-17-1"
BODY = f'{{"id":"{NAME}","text":"紧急"}}'.encode()
receiver = serving


def by_resend(body: bytes, headers: Mapping[str, str]) -> object:
    """Theirs are the same three headers under a prefix of their own."""
    given = {n: headers[f"webhook-{n}"] for n in ("id", "timestamp")}
    given["signature"] = headers["webhook-signature"]
    return resend.Webhooks.verify(
        {
            "payload": body.decode(),
            "headers": given,  # type: ignore[typeddict-item]
            "webhook_secret": SECRET,
        }
    )


async def post(url: str) -> None:
    signed = webhook.headers(KEY, NAME, int(time.time()), BODY)
    await webhook.post(url, BODY, signed)


@tried("verify", [Webhook(SECRET).verify, by_resend])
@tried("what", ["", "body", "id", "timestamp", "key", "age"])
def test_receivers_of_two_makers_believe_it_and_nothing_changed(
    verify: Callable[[bytes, Mapping[str, str]], object], what: str
) -> None:
    """Nor what is older than their five minutes."""
    at = int(time.time()) - 3600 * (what == "age")
    key = bytes([1]) if what == "key" else KEY
    headers = {**webhook.headers(key, NAME, at, BODY)}
    assert headers["Content-Type"] == "application/json"
    if not what:
        verify(BODY, headers)
        return
    if what == "id":
        headers["webhook-id"] += "0"
    if what == "timestamp":
        headers["webhook-timestamp"] = str(at + 1)
    with pytest.raises(Exception, match=r"(?i)signature|timestamp"):
        verify(BODY + b" " * (what == "body"), headers)


@tried("status", [304, 307, 410, 503])
async def test_another_answer_is_none_and_a_redirect_leads_nowhere(
    receiver: Receiver, status: int
) -> None:
    receiver.status = lambda _: status
    with unavailable(f"answered {status}"):
        await post(receiver.url)
    assert len(receiver.ids) == 1


async def test_who_does_not_answer_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert webhook.TIME.total == 10
    monkeypatch.setattr(webhook, "TIME", aiohttp.ClientTimeout(total=0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/?key=hunter2"
        with unavailable("no answer in time"):
            await post(url)


async def test_a_certificate_of_no_ca_is_not_believed(tmp_path: Path) -> None:
    own = issue(p256(), name="127.0.0.1")
    (pem := tmp_path / "own.pem").write_bytes(
        own.pem + ssl.DER_cert_to_PEM_cert(own.der).encode()
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    server = TestServer(web.Application(), scheme="https")
    await server.start_server(ssl=tls)
    with unavailable("Certificate"):
        await post(str(server.make_url("/")))
    await server.close()


@tried(
    "url",
    [
        "http://127.0.0.1:9/?key=hunter2",  # nobody listens
        "https://127.0.0.1:{port}/?key=hunter2",  # no TLS is spoken
        "http://127.0.0.1:{port}:/?key=hunter2",
    ],
)
async def test_its_address_is_not_quoted(receiver: Receiver, url: str) -> None:
    port = receiver.url.split(":")[2].partition("/")[0]
    with unavailable("webhook: ") as caught:
        await post(url.format(port=port))
    assert "hunter2" not in str(caught.value)
