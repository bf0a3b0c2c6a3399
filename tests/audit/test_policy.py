"""A stranger's tool takes the proofs of a trace by the policy beside them."""

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from conformance import notes
from syncd.audit import known
from syncd.audit.bundle import Bundle, log_directory
from syncd.audit.trace import trace
from syncd.tlog import cosignature, key, merkle, note, strict
from tests.audit.conftest import NOW, POLICE, Made, head_of, put
from tests.cases import tried


def takes(policy: str, proof: str, leaf: str) -> bool:
    """Tell what https://c2sp.org/tlog-policy says of a proof.

    Nothing of ours reads it, and types of keys other than 01 and 04 are
    unknown to this reader.
    """
    way, _, head = proof.partition("\n\n")
    (root,) = merkle.leaf_hashes([bytes.fromhex(leaf)])
    for one in way.split("\n")[2:]:  # the last leaf: on the right all the way
        root = merkle.node_hash(strict.decode(one, "hash", 32), root)
    read = notes.note(head.encode())
    origin, _, told = read.text.splitlines()
    logs, witnesses, groups, quorum = list[str](), {}, {}, ""
    for line in policy.splitlines():
        match line.split(" "):
            case ["log", vkey]:
                logs.append(vkey)
            case ["witness", name, vkey]:
                witnesses[name] = notes.vkey(vkey)
            case ["group", name, k, *of]:
                groups[name] = 1 if k == "any" else int(k), of
            case ["quorum", quorum]:
                pass

    def holds(name: str) -> bool:
        if name in witnesses:
            return read.signed(witnesses[name]) is not None
        least, of = groups[name]
        assert 1 <= least <= len(of)
        return sum(map(holds, of)) >= least

    (log,) = (vkey for vkey in logs if vkey.startswith(f"{origin}+"))
    signed = read.signed(notes.vkey(log)) == 0
    return signed and told == strict.encode(root) and holds(quorum)


def test_the_policy_s_quorum_is_proven(made: Made, police: Bundle) -> None:
    """More than half; of what is proven one line less is not enough."""
    found = trace(made.audit(police), POLICE, 3)
    policy = police.read("policy").decode()
    assert found["quorum"]["members"] == ["bank", "carrier"]
    proof = found["quorum"]["proof"]
    assert takes(policy, proof, found["leaf"])
    *lines, last = proof.splitlines()
    assert last.startswith("— carrier.example")
    assert not takes(policy, "\n".join([*lines, ""]), found["leaf"])


@tried("case", [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3)])
def test_any_two_quorums_share_a_member(case: tuple[int, int]) -> None:
    """Of two members, the one whose log it is not."""

    class Few:
        def active(self) -> range:
            return range(case[0])

    assert known.quorum(Few()) == case[1]  # type: ignore[arg-type]


@tried("has", [True, False])
def test_a_line_of_an_unknown_kind_sinks_no_quorum(
    has: bool, made: Made, mine: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one of ML-DSA where this machine cannot check it."""
    head, secret = head_of(mine, POLICE), MLDSA44PrivateKey.generate()
    public = secret.public_key().public_bytes_raw()
    witness = note.VerifierKey("witness.example/w", note.MLDSA44, public)
    signed = secret.sign(cosignature.message(f"{head}", witness, NOW))
    path = f"{log_directory(POLICE)}/checkpoint"
    raw = note.add(
        note.parse(mine.read(path)),
        note.Signature(witness.name, witness.key_id, NOW.to_bytes(8) + signed),
        note.Signature("ecdsa.example", b"\1\2\3\4", bytes(70)),
        note.Signature("x", b"\xff" * 4, b"\xff" * 3000),
    )
    put(mine, path, bytes(raw))
    ours = known.cosigners
    monkeypatch.setattr(known, "cosigners", lambda r: [witness, *ours(r)])
    policy = known.policy(made.audit(mine).rosters[0])
    put(mine, "policy", policy)
    put(mine, "vkeys", known.vkeys(made.audit(mine).rosters[0]))
    monkeypatch.setattr(key, "_has_mldsa", lambda: has)
    mine = Bundle(mine.root)
    audit = made.audit(mine)
    assert audit.found == []
    strangers = [text for text in audit.unseen if "no known key" in f"{text}"]
    assert len(strangers) == 3 - has
    roles = {(x.signer, x.role) for x in audit.logs[POLICE].lines}
    assert ((witness.name, "witness") in roles) == has
    found = trace(audit, POLICE, 3)
    assert "ecdsa.example" in found["quorum"]["proof"]
    assert takes(policy.decode(), found["quorum"]["proof"], found["leaf"])
