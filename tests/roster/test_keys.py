"""A member's keys, and the certificate that both ends of TLS take."""

from syncd.roster import certificate, keys
from syncd.roster.keys import MemberKeys
from tests.refusals import malformed
from tests.roster.conftest import NOW, Club, Dice


def make(club: Club, domain: str = "bank.example") -> MemberKeys:
    return keys.generate(domain, "txwz", club.rng, now=NOW)


def test_names_follow_domain_and_alliance(club: Club) -> None:
    own = make(club)
    assert own.origin == "bank.example/syncd/txwz/1"
    assert own.log.name == own.origin
    assert own.member.name == "bank.example/syncd/txwz/member"
    assert own.seen.name == "bank.example/syncd/txwz/seen"
    assert own.merged.name == "bank.example/syncd/txwz/merged"
    assert (own.log.algorithm, own.member.algorithm) == (1, 1)
    assert (own.seen.algorithm, own.merged.algorithm) == (4, 4)


def test_the_same_dice_give_the_same_keys(club: Club) -> None:
    first, again = (make(Club(Dice("same"))) for _ in range(2))
    assert first == again
    assert first != make(club)


def test_no_repr_shows_a_secret(club: Club) -> None:
    own = make(club)
    shown = repr(own) + repr(own.member) + repr(own.seen)
    for secret in (
        own.log_seed,
        own.member_seed,
        own.seen_seed,
        own.merged_seed,
        own.seal_private,
        own.tls_pem,
    ):
        assert secret.hex() not in shown
        assert repr(secret)[2:20] not in shown


def test_an_admins_key_bears_the_alliances_name() -> None:
    assert keys.admin("txwz", "alice", b"\1" * 32).name == "txwz/admin/alice"
    with malformed():
        keys.admin("txwz", "a/b", b"\1" * 32)


def test_a_key_of_a_kind_that_nobody_knows(club: Club) -> None:
    ed25519, unknown = (bytes.fromhex(f"06032b65{x}") for x in ("70", "7f"))
    odd = make(club).certificate.replace(ed25519, unknown)
    with malformed("unusable public key"):
        certificate.pin(odd)
