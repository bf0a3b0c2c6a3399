"""An invitation is one line, and what answers it bears its mark."""

import json

import pytest
from msgspec.structs import replace

from syncd.errors import MalformedError, RefusedError, UntrustedError
from syncd.roster import drafts, invitation, join, waiting
from syncd.roster.invitation import Invitation
from syncd.tlog import strict
from tests.roster.conftest import NOW, Club

INVITED = Invitation(
    alliance="ab" * 32,
    fingerprint="cd" * 32,
    inviter="bank",
    urls=("https://bank.example:8443",),
    pin="ef" * 32,
    sector="payment",
    secret=b"s" * 32,
    expires=NOW,
)


def test_a_line_is_read_as_it_was_made() -> None:
    assert invitation.parse(str(INVITED)) == INVITED


@pytest.mark.parametrize("wrong", ["", "x", "-1", "A", "*", "long", "other"])
def test_a_mistyped_line_is_told_apart(wrong: str) -> None:
    line = str(INVITED)
    lines = {"": line[:-1], "-1": line[:-4], "A": line[:40] + "A" + line[41:]}
    lines |= {"*": line + "*", "long": line + 5000 * "A", "other": line[1:]}
    with pytest.raises(MalformedError, match=r"^invitation: "):
        invitation.parse(lines.get(wrong, wrong))


def test_it_is_good_for_its_sector_until_it_expires() -> None:
    INVITED.check("payment", NOW - 1)
    with pytest.raises(RefusedError, match="it has expired"):
        INVITED.check("payment", NOW)
    with pytest.raises(RefusedError, match="for sector payment, not for bank"):
        INVITED.check("bank", NOW - 1)


def test_an_answer_without_the_mac_is_refused() -> None:
    """Of another path, of another request, of another's secret."""
    raw = INVITED.bearing("/a", b"asked", b"ok\n")
    assert INVITED.borne("/a", b"asked", raw) == b"ok\n"
    stolen = replace(INVITED, secret=bytes(32))
    altered = replace(INVITED, sector="bank")
    for one, path, asked, answer in (
        (INVITED, "/b", b"asked", raw),
        (INVITED, "/a", b"asks", raw),
        (INVITED, "/a", b"asked", raw + b"x"),
        (INVITED, "/a", b"asked", b"ok\n"),
        (stolen, "/a", b"asked", raw),
        (altered, "/a", b"asked", raw),
    ):
        with pytest.raises(UntrustedError, match="without the MAC of its"):
            one.borne(path, asked, answer)


def test_its_id_says_nothing_of_its_secret() -> None:
    """And what is derived from it is written down in protocol.md."""
    assert INVITED.id == "29339035a1ac1ae51d5e6d15f73a8c6e"
    body = strict.decode(str(INVITED).removeprefix(invitation.PREFIX), "")
    assert json.loads(body[:-4])["secret"] == "73" * 32


def test_what_waits_proves_itself(club: Club) -> None:
    """A request by its answer, a draft by an admin's line."""
    roster, nonce = club.trusted().current, b"n" * 32
    raw = club.request("payment", roster.id, nonce)
    asked, owner = join.parse(raw), club.keys["payment"]
    sent = join.challenge(asked, club.rng, "bank")
    answer = join.answer(sent.raw, asked, owner, nonce)
    one = waiting.applicant(raw.decode(), answer.decode(), roster)
    assert one == join.proven(asked, sent.secret, answer)
    elsewhere = one._replace(answer=replace(one.answer, inviter="thief"))
    assert elsewhere.spoken_hash != one.spoken_hash
    other = join.answer(sent.raw, asked, owner, b"x" * 32)
    with pytest.raises(UntrustedError, match="not the nonce that the request"):
        waiting.applicant(raw.decode(), other.decode(), roster)
    with pytest.raises(RefusedError, match="is already in it"):
        waiting.applicant(club.request("bank", roster.id).decode(), "", roster)
    draft = drafts.begin(roster, now=NOW)
    with pytest.raises(RefusedError, match="no admin of version 1 signed"):
        waiting.signed(club.signed(draft, current=roster), roster)
    for done, by in ((False, ["alice"]), (True, ["alice", "bob"])):
        signed = club.signed(draft, *by, current=roster)
        assert waiting.signed(signed, roster) is done
