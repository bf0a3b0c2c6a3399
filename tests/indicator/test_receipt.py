"""A receipt's hash and commitment, as docs/protocol.md has them."""

import hashlib

from syncd.indicator import receipt
from syncd.indicator.identifier import Identifier
from tests.refusals import malformed

BARE = (
    b'{"at":7,"commitment":"c","origin":"o","positions":[["p",1]],'
    b'"purpose":"test","roster":3,"verdict":"none"}'
)


def test_its_hash_covers_neither_salt_nor_proof() -> None:
    for raw in (BARE, BARE[:-1] + b',"salt":"5a","named":[[1,"h","r"]]}'):
        assert receipt.parse(raw).hash == hashlib.sha256(BARE).hexdigest()


def test_what_is_none_is_said_so() -> None:
    with malformed("look-up receipt: "):
        receipt.parse(b"{}")


def test_a_head_and_a_commitment_are_sums_of_bytes() -> None:
    phone = Identifier("phone", "+12025550123")
    for found, text in (
        (receipt.commitment("5a", phone), b"5aphone:+12025550123"),
        (receipt.head([(1, "h", "")]), b'[[1,"h",""]]'),
    ):
        assert found == hashlib.sha256(text).hexdigest()
    assert receipt.head(()) == ""
