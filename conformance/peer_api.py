"""Another member's peer API, asked with our keys: protocol.md 12."""

import gzip
import http.client
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from .notes import Json, need
from .roster import spki_hash


class PeerApi:
    """What a member of the roster serves."""

    def __init__(self, member: Json, certificate: Path, key: Path) -> None:
        """`certificate` and `key` are our own, PEM."""
        self._at = urlsplit(member["urls"][0])
        self._pin = member["keys"]["tls"]
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._context.set_alpn_protocols(["http/1.1"])
        # Names, dates and issuers decide nothing; the pin does, below.
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._context.load_cert_chain(certificate, key)

    def ask(self, path: str, body: bytes | None = None) -> bytes:
        """What it answers to GET, or to POST where there is a body."""
        peer = http.client.HTTPSConnection(
            self._at.netloc, context=self._context, timeout=9
        )
        try:
            peer.connect()
            shown = peer.sock.getpeercert(binary_form=True)
            need(spki_hash(shown or b"") == self._pin, "peer: another key")
            peer.request("POST" if body else "GET", path, body)
            answer = peer.getresponse()
            data = answer.read()
        finally:
            peer.close()
        need(answer.status == 200, f"{path}: {answer.status}")
        zipped = answer.headers.get("Content-Encoding") == "gzip"
        return gzip.decompress(data) if zipped else data
