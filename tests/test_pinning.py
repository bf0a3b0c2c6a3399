"""A connection is a member's because of its key, and of nothing else.

OpenSSL's own handshakes: in memory, and over loopback what depends on sockets.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncd import pinning
from syncd.errors import DamagedError, UsageError
from syncd.pinning import ServerTls
from syncd.roster import certificate
from tests.cases import tried
from tests.refusals import damaged

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

SERVER_ONLY = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Identity(NamedTuple):
    """One end: a certificate and its key."""

    der: bytes
    pem: bytes

    @property
    def pin(self) -> str:
        return certificate.pin(self.der)

    def server(self, *admitted: "Identity") -> ServerTls:
        tls = ServerTls(self.der, self.pem)
        assert tls.update(who.der for who in admitted) == ()
        return tls

    def client(self, pin: str) -> ssl.SSLContext:
        return pinning.client_context(self.der, self.pem, pin)


def issue(
    key: Key | rsa.RSAPrivateKey,
    *,
    issuer: Key | None = None,
    ca: bool = False,
    usage: x509.ExtendedKeyUsage | None = None,
    start: datetime = NOW,
    name: str = "member.example",
) -> Identity:
    """Make a certificate: self-signed, or signed by `issuer`."""
    signer = issuer or key
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("CA of the institution" if issuer else name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=397))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
    )
    if usage:
        builder = builder.add_extension(usage, critical=False)
    is_ed = isinstance(signer, ed25519.Ed25519PrivateKey)
    signed = builder.sign(signer, None if is_ed else hashes.SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identity(signed.public_bytes(Encoding.DER), pem)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


ed = ed25519.Ed25519PrivateKey.generate


@pytest.fixture
def bank() -> Identity:
    """The one that serves."""
    return issue(ed(), name="bank.example")


@pytest.fixture
def police() -> Identity:
    """The one who comes."""
    return issue(ed(), name="police.example")


def meet(
    client: ssl.SSLContext,
    tls: ServerTls,
    session: ssl.SSLSession | None = None,
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Shake hands in memory and hear a word; return the client's end first.

    Raises:
        ssl.SSLError: one of them does not want the other.
    """
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(down, up, session=session)
    far = tls.context.wrap_bio(up, down, server_side=True)
    for _ in range(3):
        for end in (near, far):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    far.write(b"word")  # tickets, if any, came before it
    assert near.read() == b"word"
    return near, far


def seen(client: ssl.SSLContext, tls: ServerTls) -> str | None:
    """Return by which pin the server knows who comes; None if not admitted."""
    try:
        return pinning.peer_pin(meet(client, tls)[1])
    except ssl.SSLError:
        return None


@contextlib.asynccontextmanager
async def serving(tls: ServerTls) -> AsyncIterator[tuple[int, list[str]]]:
    """Answer each line with the pin of who says it; keep all of them."""
    heard: list[str] = []

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        pin = pinning.peer_pin(writer.get_extra_info("ssl_object"))
        with contextlib.suppress(OSError):
            while await reader.readline():
                heard.append(f"{pin}\n")
                writer.write(heard[-1].encode())
        writer.close()

    server = await asyncio.start_server(
        answer, "127.0.0.1", 0, ssl=tls.context
    )
    async with server:
        yield server.sockets[0].getsockname()[1], heard


DECADE = timedelta(days=4000)
LISTED: dict[str, Callable[[], Identity]] = {
    "ed25519": lambda: issue(ed()),
    "p256": lambda: issue(p256()),
    "ed25519 by a CA": lambda: issue(ed(), issuer=p256()),
    "p256 by a CA": lambda: issue(p256(), issuer=p256()),
    "expired": lambda: issue(ed(), start=NOW - DECADE),
    "future": lambda: issue(ed(), start=NOW + DECADE),
}


@tried("make", LISTED.values(), ids=LISTED)
def test_listed_certificate_is_admitted(make: Callable[[], Identity]) -> None:
    """By its pin, at both ends: nobody asks for its CA or its dates."""
    member = make()
    assert seen(member.client(member.pin), member.server(member)) == member.pin


def test_unlisted_certificate_is_refused(
    bank: Identity, police: Identity
) -> None:
    """Another key with the same names, a colleague by the same CA, or none."""
    impostor = issue(ed(), name="police.example")
    authority = p256()
    member, colleague = (issue(ed(), issuer=authority) for _ in range(2))
    anonymous = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anonymous.check_hostname = False
    anonymous.verify_mode = ssl.CERT_NONE
    tls = bank.server(police, member)
    for listed in (police, member):
        assert seen(listed.client(bank.pin), tls)
    for other in (impostor, colleague):
        assert not seen(other.client(bank.pin), tls)
    assert not seen(anonymous, tls)
    nobody = ServerTls(bank.der, bank.pem)  # no roster yet
    assert not seen(police.client(bank.pin), nobody)


def test_member_cannot_admit_others(bank: Identity) -> None:
    """What a listed certificate has signed passes OpenSSL, not the pin."""
    key = p256()
    authority = issue(key, ca=True, name="CA of the institution")
    issued = issue(ed(), issuer=key)
    tls = bank.server(authority)
    assert not seen(issued.client(bank.pin), tls)
    assert seen(authority.client(bank.pin), tls)


def test_stolen_certificate_is_refused(
    bank: Identity, police: Identity
) -> None:
    """The certificate is public: without its key it opens nothing."""
    with damaged("mismatch"):
        pinning.client_context(police.der, issue(ed()).pem, bank.pin)


def test_removed_cannot_come_back(bank: Identity, police: Identity) -> None:
    """After `update` the server knows only who is in the new list."""
    carrier = issue(ed())
    tls = bank.server(police)
    for listed in ([police], [carrier], []):
        tls.update(who.der for who in listed)
        for who in (police, carrier):
            pin = who.pin if who in listed else None
            assert seen(who.client(bank.pin), tls) == pin


def test_odd_certificate_shuts_out_nobody_else(
    bank: Identity, police: Identity
) -> None:
    """What OpenSSL cannot read is named and left out; the others come in."""
    member = issue(ed(), name="member.example")
    not_utf8 = member.der.replace(b"member.example", b"\xff" * 14)
    assert certificate.pin(not_utf8) == member.pin
    tls = bank.server()
    assert tls.update([not_utf8, police.der]) == (member.pin,)
    assert seen(police.client(bank.pin), tls) == police.pin
    assert not seen(member.client(bank.pin), tls)


async def test_kept_connection_still_shows_its_pin(
    bank: Identity, police: Identity
) -> None:
    """A removal does not cut a connection: the pin is there to be asked."""
    tls = bank.server(police)
    async with serving(tls) as (port, _):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=police.client(bank.pin)
        )
        for _ in range(2):
            writer.write(b"\n")
            assert (await reader.readline()).decode().strip() == police.pin
            tls.update([])
        writer.close()
        await writer.wait_closed()


async def test_wrong_server_hears_nothing(
    bank: Identity, police: Identity
) -> None:
    """A server with another key is left before a byte is sent."""
    impostor = issue(ed(), name="bank.example")
    async with serving(impostor.server(police)) as (port, heard):
        with pytest.raises(ssl.SSLCertVerificationError, match="not the pin"):
            await asyncio.open_connection(
                "127.0.0.1", port, ssl=police.client(bank.pin)
            )
        await asyncio.sleep(0.05)
    assert heard == []


def test_renewed_certificate_of_a_server(police: Identity) -> None:
    """A server may show any certificate that bears its pinned key."""
    key, authority = p256(), p256()
    old, new = (issue(key, issuer=authority) for _ in range(2))
    assert old.der != new.der
    assert seen(police.client(old.pin), new.server(police)) == police.pin


def test_tls_1_2_is_refused(bank: Identity, police: Identity) -> None:
    """In both directions."""
    for old in (0, 1):
        tls = bank.server(police)
        ends = police.client(bank.pin), tls.context
        ends[old].minimum_version = ssl.TLSVersion.TLSv1_2
        ends[old].maximum_version = ssl.TLSVersion.TLSv1_2
        assert not seen(ends[0], tls)


def test_no_session_is_resumed(bank: Identity, police: Identity) -> None:
    """There is no ticket, so none outlives a removal."""
    client, tls = police.client(bank.pin), bank.server(police)
    session = meet(client, tls)[0].session
    assert session is None or not session.has_ticket
    assert not meet(client, tls, session)[0].session_reused


def test_one_protocol_is_spoken(bank: Identity, police: Identity) -> None:
    """Both ends agree on TLS 1.3 and HTTP/1.1."""
    near, _ = meet(police.client(bank.pin), bank.server(police))
    assert near.version() == "TLSv1.3"
    assert near.selected_alpn_protocol() == "http/1.1"


def test_unreadable_certificate_has_no_pin() -> None:
    """OpenSSL may read a certificate that we do not: then nobody is known."""

    class Odd(ssl.SSLObject):
        def __init__(self) -> None:
            pass

        def getpeercert(self, binary_form: bool = False) -> Any:
            return b"no certificate"

    assert pinning.peer_pin(Odd()) is None
    assert pinning.peer_pin(None) is None  # nor without TLS


async def test_blocking_sockets_keep_to_the_pin(
    bank: Identity, police: Identity
) -> None:
    """The context cannot be used without the pin, by whatever client."""

    def dial(port: int, pin: str) -> str | None:
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            police.client(pin).wrap_socket(plain) as end,
        ):
            return pinning.peer_pin(end)

    async with serving(bank.server(police)) as (port, _):
        assert await asyncio.to_thread(dial, port, bank.pin) == bank.pin
        with pytest.raises(ssl.SSLCertVerificationError, match="pinned"):
            await asyncio.to_thread(dial, port, police.pin)


@tried(
    "own, reason",
    [
        (issue(ed(), usage=SERVER_ONLY), "purpose"),
        (issue(rsa.generate_private_key(65537, 1024)), "key too small"),
    ],
    ids=["server only", "small key"],
)
def test_rehearsal_says_why_not(own: Identity, reason: str) -> None:
    """What peers would refuse is known before it enters a roster."""
    with pytest.raises((UsageError, DamagedError), match=reason):
        pinning.rehearse(own.der, own.pem)


def test_key_is_never_on_disk(
    police: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = ssl.SSLContext.load_cert_chain

    def loaded(context: ssl.SSLContext, path: str, password: str) -> None:
        assert path.startswith("/proc/self/fd/")
        load(context, path, password=password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", loaded)
    pinning.rehearse(police.der, police.pem)
