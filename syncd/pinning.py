"""TLS for both ends of the peer API: mutual TLS 1.3, and the pin.

A member is known by its *pin*, SHA-256 of its certificate's public key. TLS
1.3 proves in the handshake that the other end holds the private key, so a
connection whose certificate bears a pinned key is that member's; names,
dates and issuers in the certificate decide nothing.

OpenSSL can check a client's certificate only against certificates that it
has been given. Hence the roster carries each member's certificate beside the
pin, and the server trusts exactly these:

    server   trusts the roster's certificates, then compares the pin
    client   trusts no certificate, compares the pin

Both compare inside `do_handshake`: where it fails there is no connection,
and not one byte of HTTP was read or sent. That a member leaves the roster
while it is connected, this module cannot see: the APIs compare `peer_pin`
with the roster on every request.
"""

import contextlib
import functools
import os
import ssl
from collections.abc import Callable, Iterable, Iterator
from ssl import (
    CERT_NONE,
    CERT_REQUIRED,
    PROTOCOL_TLS_SERVER,
    MemoryBIO,
    SSLCertVerificationError,
    SSLContext,
    SSLError,
    SSLObject,
    SSLSocket,
    TLSVersion,
)
from typing import Any

from syncd.errors import DamagedError, MalformedError, UsageError
from syncd.roster import certificate

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which `ssl` does not name: a roster
# says until when a key is good, and an expired certificate or a wrong clock
# must not shut a member out.
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)


class _Object(SSLObject):
    """A connection over memory buffers, as asyncio makes them."""

    def do_handshake(self) -> None:
        super().do_handshake()
        _admit(self)


class _Socket(SSLSocket):
    """A connection over a blocking socket."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        _admit(self)


class _Context(SSLContext):
    """A context whose handshakes end with a look at the pin."""

    sslobject_class = _Object
    sslsocket_class = _Socket
    admits: Callable[[str | None], bool]


class ServerTls:
    """The server's TLS: `context` stays the same while the roster moves.

    An `SSLContext` learns to trust, but never forgets. So each `update` makes
    a new one, which every later handshake is switched to as it begins.
    """

    def __init__(self, own: bytes, key_pem: bytes) -> None:
        """Admit nobody yet.

        Args:
            own: the certificate we present, DER; or PEM, with others behind it
                that lead to one that clients trust.
            key_pem: its private key, PKCS #8, not encrypted.

        Raises:
            DamagedError: the two do not go together, or are too weak.
        """
        self._own = own
        self._key_pem = key_pem
        self._pins: frozenset[str] = frozenset()
        self.strangers = False
        self._current = self._build()
        # Verify mode, flags, versions and tickets are read from the context
        # that the listener was given, so it is built like the others.
        self.context: SSLContext = self._build()
        self.context.sni_callback = self._switch

    def open(self, strangers: bool) -> None:
        """Admit also who shows no certificate, or do so no more."""
        self.strangers = strangers
        mode = ssl.CERT_OPTIONAL if strangers else CERT_REQUIRED
        self.context.verify_mode = mode  # the one that handshakes go by

    async def admit(self) -> None:
        """Before each handshake: learn whom to admit, if it is to be asked."""

    def present(self, own: bytes, key_pem: bytes) -> None:
        """Show another certificate, from the next `update` on.

        Raises:
            DamagedError: the two do not go together, or are too weak.
        """
        _context(PROTOCOL_TLS_SERVER, own, key_pem)
        self._own, self._key_pem = own, key_pem

    def update(self, certificates: Iterable[bytes]) -> tuple[str, ...]:
        """Admit the bearers of these certificates (DER), and nobody else.

        Returns the pins of those that OpenSSL cannot use, who are left out:
        one odd certificate must not shut out the others.

        Raises:
            MalformedError: one of them is no certificate at all.
        """
        current, pins, odd = self._build(), set[str](), list[str]()
        for der in certificates:
            pin = certificate.pin(der)
            try:
                current.load_verify_locations(cadata=der)
                pins.add(pin)
            except SSLError:
                odd.append(pin)
        self._current, self._pins = current, frozenset(pins)
        return tuple(odd)

    def _build(self) -> _Context:
        context = _context(PROTOCOL_TLS_SERVER, self._own, self._key_pem)
        context.verify_mode = CERT_REQUIRED
        # A member's certificate is its own anchor, whoever signed it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
        # A ticket would let its holder in again after a removal.
        context.num_tickets = 0
        context.admits = lambda pin: (
            pin in self._pins or (self.strangers and pin is None)
        )
        return context

    def _switch(
        self,
        connection: SSLObject,
        name: str | None,
        context: SSLContext,
    ) -> None:
        connection.context = self._current


class OpenTls(ServerTls):
    """TLS for whoever comes: nobody is asked for a certificate."""

    def _build(self) -> _Context:
        context = super()._build()
        context.verify_mode = CERT_NONE
        context.admits = lambda _: True
        return context


def client_context(
    own: bytes = b"",
    key_pem: bytes = b"",
    pin: str = "",
    admits: Callable[[str | None], bool] | None = None,
) -> SSLContext:
    """Return a context that connects to the bearer of `pin`, or not at all.

    Or to whom `admits` lets in: who has no roster yet asks afterwards who
    that was.

    `own` is the certificate we present, DER: the one that the roster has of
    us, since the other end knows no newer one. `key_pem` is its private key,
    PKCS #8, not encrypted. Without, we show none. What address was dialled
    does not matter.

    Raises:
        DamagedError: the two do not go together, or are too weak.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT, own, key_pem)
    context.check_hostname = False
    context.verify_mode = CERT_NONE  # the pin is all, see _admit
    context.admits = admits or (lambda found: found == pin)
    return context


def peer_pin(connection: SSLObject | SSLSocket | None) -> str | None:
    """Return the pin of the other end; None without TLS or a certificate.

    Cheap enough for every request.
    """
    der = connection.getpeercert(binary_form=True) if connection else None
    return _pin(der) if der else None


def rehearse(own: bytes, key_pem: bytes) -> None:
    """A handshake in memory shows that peers will accept this certificate.

    OpenSSL refuses, for example, one whose extended key usages do not name
    client authentication.

    Raises:
        DamagedError: certificate and key do not go together, or are too weak.
        UsageError: no peer could accept it.
    """
    server = ServerTls(own, key_pem)
    server.update([own])
    context = client_context(own, key_pem, certificate.pin(own))
    up, down = MemoryBIO(), MemoryBIO()
    ends = (
        context.wrap_bio(down, up),
        server.context.wrap_bio(up, down, server_side=True),
    )
    try:
        for _ in range(3):  # hello; certificates; the server's last word
            for end in ends:
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
    except SSLError as e:
        raise UsageError(
            "tls: no peer would accept this certificate: {reason}",
            reason=_reason(e),
        ) from e


def _context(protocol: int, own: bytes, key_pem: bytes) -> _Context:
    context = _Context(protocol)
    context.minimum_version = TLSVersion.TLSv1_3
    context.maximum_version = TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    if not own:
        return context
    try:
        with _as_file(own, key_pem) as path:
            context.load_cert_chain(path, password="")  # asks nobody for one
    except (SSLError, ValueError) as e:
        raise DamagedError(
            "tls: our certificate and key: {reason}", reason=_reason(e)
        ) from e
    return context


@contextlib.contextmanager
def _as_file(own: bytes, key_pem: bytes) -> Iterator[str]:
    """Lend certificate and key as the file that `ssl` insists on.

    It is in memory: the key never lies on a disk in the clear.
    """
    pem = own
    if b"-----BEGIN" not in own:
        pem = ssl.DER_cert_to_PEM_cert(own).encode()
    with os.fdopen(os.memfd_create("syncd-tls"), "wb") as file:
        file.write(pem + b"\n" + key_pem)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


def _admit(connection: Any) -> None:
    """End the handshake here unless the other end bears an admitted pin."""
    if not connection.context.admits(peer_pin(connection)):
        raise SSLCertVerificationError(
            1, "tls: the other end's public key is not the pinned one"
        )


@functools.lru_cache(maxsize=4096)
def _pin(der: bytes) -> str | None:
    try:
        return certificate.pin(der)
    except MalformedError:  # OpenSSL reads certificates that we do not
        return None


def _reason(error: Exception) -> str:
    """Return OpenSSL's own words, such as "key values mismatch"."""
    if isinstance(error, SSLCertVerificationError):
        return getattr(error, "verify_message", "") or str(error)
    reason = error.reason if isinstance(error, SSLError) else ""
    return (reason or str(error)).replace("_", " ").lower()
