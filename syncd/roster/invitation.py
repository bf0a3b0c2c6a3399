r"""Invitations: one line with which a newcomer may knock at a member.

    syncd-join1.<base64 of canonical JSON>

Two things are derived from its one-time secret and all that it says: an id,
which travels, and a key, which does not. Every answer bears a MAC by the key:

    <hex HMAC-SHA256(key, path ‖ 0x00 ‖ SHA-256(request) ‖ answer)>\\n<answer>

So an answer is of who made the invitation, in reply to this request, and who
has changed a letter of the line knocks in vain. See docs/adr/0046-joining.md.
"""

import hashlib
import hmac
from typing import Annotated

from msgspec import Meta

from syncd import canonical
from syncd.errors import MalformedError, UntrustedError, becoming
from syncd.roster import row
from syncd.roster.members import Url
from syncd.tlog import strict

PREFIX = "syncd-join1."


class Invitation(row.Row, frozen=True, kw_only=True):
    """What the line says."""

    alliance: row.Hash  # its id
    fingerprint: row.Hash  # of roster version 1
    inviter: row.Id  # the member at whose addresses one knocks
    urls: Annotated[tuple[Url, ...], Meta(min_length=1, max_length=3)]
    pin: row.Hash  # of the inviter's TLS key
    sector: row.Code  # for which alone it is good
    secret: row.Hex32
    expires: row.Natural  # unix seconds

    LISTS = frozenset({"urls"})

    def __str__(self) -> str:
        return PREFIX + strict.encode(canonical.dumps(self.to_json()))

    @property
    def id(self) -> str:
        """What names it on the wire."""
        return self._derived(b"id").hex()[:32]

    def bearing(self, path: str, asked: bytes, answer: bytes) -> bytes:
        """Return an answer with its MAC."""
        said = path.encode() + b"\0" + hashlib.sha256(asked).digest() + answer
        mac = hmac.digest(self._derived(b"mac"), said, "sha256")
        return mac.hex().encode() + b"\n" + answer

    def borne(self, path: str, asked: bytes, raw: bytes) -> bytes:
        """Return the answer that bears its MAC.

        Raises:
            UntrustedError: this one bears none, or of something else.
        """
        _, _, answer = raw.partition(b"\n")
        if not hmac.compare_digest(raw, self.bearing(path, asked, answer)):
            raise UntrustedError(
                "invitation: an answer without the MAC of its secret: it is"
                " not of {member}",
                member=self.inviter,
            )
        return answer

    def _derived(self, use: bytes) -> bytes:
        says = canonical.dumps({**self.to_json(), "secret": ""})
        info = b"syncd-invitation-v1\0" + use + b"\0" + says
        return hmac.digest(self.secret, info, "sha256")


def parse(text: str) -> Invitation:
    """Read the line that `roster invite` printed.

    Raises:
        MalformedError, NewerError: it is none, or was mistyped.
    """
    with becoming(
        "invitation: want the whole line that syncd roster invite printed",
        MalformedError,
    ):
        raw = strict.decode(text.removeprefix(PREFIX), "invitation")
        return row.read(Invitation, canonical.loads(raw), "invitation")
