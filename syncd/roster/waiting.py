"""What waits for admins: requests to join, and drafts that some have signed.

Each is a note that proves itself, so it does not matter who brings it: a
member's daemon, another one's, or a file on a stick.
"""

from syncd.errors import RefusedError
from syncd.roster import join, membership, signing
from syncd.roster.join import Applicant
from syncd.roster.roster import Roster
from syncd.shape import Form


class Waiting(Form):
    """All that waits, as notes."""

    requests: tuple[tuple[str, str], ...] = ()  # with the answer to each
    drafts: tuple[str, ...] = ()  # with the signatures so far


def applicant(
    request: str, answer: str, roster: Roster, secret: bytes | None = None
) -> Applicant:
    """Return who asks, whom a roster could take in.

    Raises:
        MalformedError, UntrustedError: it does not prove itself.
        RefusedError: another alliance's, or its id or domain is taken.
    """
    one = join.proven(join.parse(request.encode()), secret, answer.encode())
    membership.admit(roster, one)
    return one


def check_draft(raw: bytes, roster: Roster) -> None:
    """Pass if an admin has signed a draft of the next version.

    Raises:
        MalformedError, UntrustedError: it is none, or a line does not verify.
        RefusedError: it does not follow, or no admin has signed it.
    """
    if not any(one.have for one in signing.signatures(raw, roster)):
        raise RefusedError(
            "roster: no admin of version {version} signed this draft",
            version=roster.version,
        )
