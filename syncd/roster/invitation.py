r"""Invitations: one line with which a newcomer may knock at a member.

    syncd-join1.<base64 of canonical JSON ‖ first 4 bytes of its SHA-256>

Two things are derived from its one-time secret and all that it says: an id,
which travels, and a key, which does not. Every answer bears a MAC by the key:

    <hex HMAC-SHA256(key, path ‖ 0x00 ‖ SHA-256(request) ‖ answer)>\\n<answer>

So an answer is of who made the invitation, in reply to this request, and who
has changed a letter of the line knocks in vain. See docs/adr/0046-joining.md.
"""

import hashlib
import hmac
from typing import Annotated

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta

from syncd import canonical
from syncd.errors import MalformedError, RefusedError, UntrustedError
from syncd.roster import row
from syncd.roster.members import Url
from syncd.roster.row import Code, Hash, Hex32, Id, Natural, Row
from syncd.tlog import strict

PREFIX = "syncd-join1."
MAX_SIZE = 4096  # characters of a line
_SUM = 4  # bytes that show a slip of the keyboard
_INFO = b"syncd-invitation-v1\0"


class Invitation(Row, frozen=True, kw_only=True):
    """What the line says."""

    alliance: Hash  # its id
    fingerprint: Hash  # of roster version 1
    inviter: Id  # the member at whose addresses one knocks
    urls: Annotated[tuple[Url, ...], Meta(min_length=1, max_length=3)]
    pin: Hash  # of the inviter's TLS key
    sector: Code  # for which alone it is good
    secret: Hex32
    expires: Natural  # unix seconds

    LISTS = frozenset({"urls"})

    def __str__(self) -> str:
        raw = canonical.dumps(self.to_json())
        return PREFIX + strict.encode(raw + _sum(raw))

    @property
    def id(self) -> str:
        """What names it on the wire."""
        return self._derived(b"id", 16).hex()

    def check(self, sector: str, now: int) -> None:
        """Pass if it is good for a sector, and still is.

        Raises:
            RefusedError: it is not.
        """
        if now >= self.expires:
            raise RefusedError("invitation: it has expired")
        if sector != self.sector:
            raise RefusedError(
                "invitation: it is for sector {want}, not for {sector}",
                want=self.sector,
                sector=sector,
            )

    def bearing(self, path: str, asked: bytes, answer: bytes) -> bytes:
        """Return an answer with its MAC."""
        return self._mac(path, asked, answer).encode() + b"\n" + answer

    def borne(self, path: str, asked: bytes, raw: bytes) -> bytes:
        """Return the answer that bears its MAC.

        Raises:
            UntrustedError: this one bears none, or of something else.
        """
        mac, _, answer = raw.partition(b"\n")
        right = self._mac(path, asked, answer).encode()
        if not hmac.compare_digest(mac, right):
            raise UntrustedError(
                "invitation: an answer without the MAC of its secret: it is"
                " not of {member}",
                member=self.inviter,
            )
        return answer

    def _mac(self, path: str, asked: bytes, answer: bytes) -> str:
        said = path.encode() + b"\0" + hashlib.sha256(asked).digest() + answer
        return hmac.digest(self._derived(b"mac", 32), said, "sha256").hex()

    def _derived(self, use: bytes, n: int) -> bytes:
        says = {**self.to_json(), "secret": ""}
        info = _INFO + use + b"\0" + canonical.dumps(says)
        return HKDF(hashes.SHA256(), n, None, info).derive(self.secret)


def parse(text: str) -> Invitation:
    """Read the line that `roster invite` printed.

    Raises:
        MalformedError: it is none, or was mistyped.
    """
    if not text.startswith(PREFIX) or len(text) > MAX_SIZE:
        raise MalformedError(
            "invitation: want the line that syncd roster invite printed"
        )
    raw = strict.decode(text.removeprefix(PREFIX), "invitation")
    if raw[-_SUM:] != _sum(raw := raw[:-_SUM]):
        raise MalformedError(
            "invitation: mistyped, or not whole: its check sum is wrong"
        )
    return row.read(Invitation, canonical.loads(raw), "invitation")


def _sum(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()[:_SUM]
