"""An invitation is one line, and what answers it bears its mark."""

import json

from msgspec.structs import replace

from syncd.roster import invitation, join, membership
from syncd.roster.invitation import Invitation
from syncd.tlog import strict
from tests.cases import tried
from tests.refusals import malformed, untrusted
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
LINE = str(INVITED)
RAW = INVITED.bearing("/a", b"asked", b"ok\n")


def test_a_line_is_read_as_it_was_made() -> None:
    """And what is derived from its secret is written down in protocol.md."""
    assert invitation.parse(LINE) == INVITED
    assert INVITED.borne("/a", b"asked", RAW) == b"ok\n"
    assert INVITED.id == "8ffb843a0d756ad89b6b2a6bf1801abe"
    body = strict.decode(LINE.removeprefix(invitation.PREFIX), "")
    assert json.loads(body)["secret"] == "73" * 32


@tried(
    "line",
    [
        *("", "x", "ab" * 32, LINE[1:], LINE[:-1], LINE[:-4], LINE + "*"),
        *(LINE[:40] + "A" + LINE[41:], LINE + 5000 * "A"),
    ],
)
def test_a_mistyped_line_is_told_apart(line: str) -> None:
    with malformed("want the whole line"):
        invitation.parse(line)


@tried(
    "one, path, asked, answer",
    [
        (INVITED, "/b", b"asked", RAW),
        (INVITED, "/a", b"asks", RAW),
        (INVITED, "/a", b"asked", RAW + b"x"),
        (INVITED, "/a", b"asked", b"ok\n"),
        (replace(INVITED, secret=bytes(32)), "/a", b"asked", RAW),
        (replace(INVITED, sector="bank"), "/a", b"asked", RAW),
    ],
)
def test_an_answer_without_the_mac_is_refused(
    one: Invitation, path: str, asked: bytes, answer: bytes
) -> None:
    """Of another path, of another request, of another's secret."""
    with untrusted("without the MAC of its"):
        one.borne(path, asked, answer)


def test_a_request_that_waits_proves_itself(club: Club) -> None:
    """By its answer, which the words are of."""
    roster, nonce = club.trusted().current, b"n" * 32
    raw = club.request("payment", roster.id, nonce)
    asked, owner = join.parse(raw), club.keys["payment"]
    sent = join.challenge(asked, nonce, "bank")
    answer = join.answer(sent, asked, owner, nonce)
    one = membership.applicant(raw.decode(), answer.decode(), roster)
    assert one == join.proven(asked, nonce, answer)
    parts = {"inviter": "thief"}, {"nonce": "00" * 32}, {"secret": bytes(32)}
    others = [one._replace(answer=replace(one.answer, **p)) for p in parts]
    others += [one._replace(request=replace(asked, hash="00" * 32))]
    assert one.spoken_hash not in {other.spoken_hash for other in others}
    other = join.answer(sent, asked, owner, b"x" * 32)
    with untrusted("not the nonce that the request"):
        membership.applicant(raw.decode(), other.decode(), roster)
