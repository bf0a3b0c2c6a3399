"""An implementation from the documents alone agrees with the vectors and us.

What it says of an alliance that runs is in
whole/test_conforming_member.py.
"""

import ast
import functools
import json
import runpy
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import claims, curve, logs, notes, oprf, roster, verdict
from syncd.indicator import absent, folding, leaf, statement, token
from syncd.indicator import claims as product
from syncd.indicator.claims import Claim
from syncd.roster import join
from syncd.roster.roster import Roster
from syncd.roster.trust import TrustedRoster
from syncd.tlog import merkle, tiles
from tests.cases import ROOT, each, tried, vectors
from tests.flows.growing import in_force
from tests.indicator.test_verdict import CASES, ROSTER, Case, read_case
from tests.refusals import failing
from tests.roster import test_roster
from tests.roster.conftest import Club, Dice

unhex = bytes.fromhex
FORMATS = vectors("syncd/formats")
CLAIMS = vectors("syncd/claims")
BOUND = vectors("oprf/bound")


def test_it_is_independent() -> None:
    """It shares no line with us, and stays small enough to be read."""
    lines = {}
    for path in (ROOT / "conformance").glob("*.py"):
        source = path.read_text()
        lines[path.name] = len(source.splitlines())
        for node in ast.walk(ast.parse(source)):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                root = name.split(".")[0]
                assert root in {"cryptography", *sys.stdlib_module_names}
    assert lines.pop("c2sp_verifier.py") <= 250
    assert sum(lines.values()) < 1_900


@tried("name", ["__main__", "c2sp_verifier"])
def test_without_arguments(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A command says how it is called."""
    name = f"conformance.{name}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "argv", [name])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_module(name, run_name="__main__")
    assert capsys.readouterr().err.startswith("usage: ")


# ---------------------------------------------------------------- vectors


@each("syncd/formats", "tokens", "vector", "normal_form")
def test_tokens(vector: Any) -> None:
    """Outputs, tokens and `know` come from normal forms."""
    kind, normal = vector["kind"], vector["normal_form"]
    if kind == "url":
        found = claims.url_output(normal)
    else:
        key = unhex(FORMATS["oprf"]["keys_little_endian_hex"][kind])
        message = oprf.oprf_input(kind, normal)
        point = curve.times(
            int.from_bytes(key, "little"), oprf.hash_to_group(message)
        )
        found = oprf.output(message, point)
    assert found.hex() == vector["output"]
    assert claims.token(found) == vector["token"]
    assert claims.know(found, vector["origin"]) == vector["know"]


@each("syncd/formats", "leaves", "vector", "leaf")
def test_leaves(vector: Any) -> None:
    """Leaves commit to origin, type, salt and payload."""
    salt, payload = unhex(vector["salt"]), vector["payload"].encode()
    found = logs.leaf(vector["origin"], vector["type"], salt, payload)
    assert found.hex() == vector["leaf"]


@tried("void", [False, True])
def test_statements(void: bool) -> None:
    """What the vectors call void is void, and nothing else is."""
    for vector in vectors("syncd/statements")["void" if void else "read"]:
        content = claims.statement(vector["type"], vector["payload"].encode())
        assert (content is None) == void, vector["why"]


def test_claims() -> None:
    """Retracts end claims, and the digest is the sum of what stands."""
    entries = [
        logs.Entry(bytes((1, e["type"])) + bytes(32), e["payload"].encode())
        for e in CLAIMS["entries"]
    ]
    log = logs.Log(CLAIMS["origin"], len(entries), b"", entries, {})
    found = claims.fold(log)
    kinds = {str(number): kind for kind, number in claims.KINDS.items()}
    assert found.digest == {
        f"{kinds[key[0]]}{key[1:]}": digest
        for key, digest in CLAIMS["digests"].items()
    }
    rows = {claim.index: claim.record.hex() for claim in found.claims}
    assert rows == {row["index"]: row["record"] for row in CLAIMS["rows"]}


def test_a_bound_proof() -> None:
    """It holds, and does not after any change."""
    given = {
        "public_share": unhex(BOUND["public_share"]),
        "index": BOUND["index"],
        "quorum": BOUND["quorum"],
        "context": unhex(BOUND["context"]),
        "elements": list(map(unhex, BOUND["elements"])),
        "answers": list(map(unhex, BOUND["answers"])),
        "proof": unhex(BOUND["proof"]),
    }
    oprf.bound(**given)
    for change in (
        {"context": given["context"] + b" "},
        {"quorum": [2, 3, 4]},
        {"answers": given["answers"][::-1]},
        {"proof": given["proof"][:-1] + b"\0"},
    ):
        with pytest.raises(notes.WrongError):
            oprf.bound(**{**given, **change})


# ------------------------------------------------- a whole small alliance

ALLIANCE = vectors("syncd/alliance")
NOTES = [text.encode() for text in ALLIANCE["rosters"]]


def trusted() -> roster.Roster:
    return roster.follow(NOTES, ALLIANCE["fingerprint"])


def test_rosters() -> None:
    """Both trust the chain, and the same last version."""
    machine = TrustedRoster(ALLIANCE["fingerprint"], *NOTES)
    assert trusted().hash == machine.current.hash
    assert trusted().body == machine.current.to_json()


@each("syncd/alliance", "refused_rosters", "vector", "why")
def test_refused_rosters(vector: Any) -> None:
    """Neither takes it after the versions before."""
    chain = [*NOTES[: vector["after"]], vector["note"].encode()]
    TrustedRoster(ALLIANCE["fingerprint"], *(chain[:-1] or NOTES))
    with pytest.raises(notes.WrongError):
        roster.follow(chain, ALLIANCE["fingerprint"])
    with failing():
        TrustedRoster(ALLIANCE["fingerprint"], *chain)


@functools.cache
def whole() -> Roster:
    """A roster in which every field is used."""
    return test_roster.whole(Club(Dice("second")))


def test_a_whole_roster() -> None:
    roster.check(roster.Roster("", whole().id, whole().to_json()))


@tried("case", test_roster.REFUSED.values(), ids=test_roster.REFUSED)
def test_what_no_roster_holds(case: tuple[test_roster.Edit, str]) -> None:
    """It refuses all that our own reader's tests refuse."""
    body = whole().to_json()
    case[0](body)
    with pytest.raises(notes.WrongError):
        roster.check(roster.Roster("", whole().id, body))


def test_joining() -> None:
    """Request, challenge and answer are what the newcomer's keys make."""
    vector = ALLIANCE["join"]
    request, key = vector["request"].encode(), unhex(vector["seal_private"])
    assert roster.joining(request)["id"] == join.parse(request).id
    challenge = vector["challenge"].encode()
    assert roster.opened(challenge, key).hex() == vector["secret"]
    answer = vector["answer"].encode()
    assert roster.answering(answer, request).hex() == vector["secret"]
    join.proven(join.parse(request), unhex(vector["secret"]), answer)


@tried("vector", ALLIANCE["join"]["refused"], ids=lambda v: v["why"])
def test_refused_requests(vector: dict[str, str]) -> None:
    with pytest.raises(notes.WrongError):
        roster.joining(vector["note"].encode())
    with failing():
        join.parse(vector["note"].encode())


@each("syncd/alliance", "logs", "vector", "origin")
def test_logs(vector: Any, tmp_path: Path) -> None:
    """Each entry says what it is there for; audits say the same."""
    for path, text in vector["files"].items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        raw = text.encode() if path == "checkpoint" else unhex(text)
        (tmp_path / path).write_bytes(raw)
    known = trusted()
    key, _ = known.logs[vector["origin"]]
    log = logs.read(logs.directory(tmp_path), key, known.cosigners)
    known.holds(log)
    found = claims.fold(log, known.body["erased"])
    assert (log.size, log.signers) == (vector["size"], vector["signers"])
    assert found.merged == vector["merged"]
    assert found.void == vector["void"]
    assert found.erased == vector["erased"]
    assert [c.index for c in found.claims] == vector["claims"]
    assert found.digest == vector["digest"]


@each("syncd/alliance", "logs", "vector", "origin")
def test_logs_of_ours(vector: Any) -> None:
    """What the product makes of the same entries."""
    origin, size = vector["origin"], vector["size"]
    payloads = unhex(vector["files"][f"payload/000.p/{size}"])
    entries = unhex(vector["files"][f"tile/entries/000.p/{size}"])
    leaves = tiles.split_bundle(entries, size)
    records = leaf.open_bundle(origin, payloads, size, leaves)
    ranges = [
        *absent.erases(0, records),
        *(
            (start, stop, row["size"])
            for row in trusted().body["erased"]
            if row["origin"] == origin
            and merkle.root(merkle.leaf_hashes(leaves[: row["size"]])).hex()
            == row["root"]
            for start, stop in row["ranges"]
        ),
    ]
    merged = min(absent.complete(0, records, erased=ranges), default=size)
    assert merged == vector["merged"]
    batch = folding.fold(origin, 0, records[:merged], erased=ranges)
    assert [index for index, _ in batch.voids] == vector["void"]
    rows = in_force(batch)
    assert sorted(row[1] for row in rows) == vector["claims"]
    assert {
        f"{token.KIND_NAMES[key & 3]}/{key >> 2}": (
            f"{product.digest(origin, [r for r in rows if r[2] == key]):064x}"
        )
        for key in {row[2] for row in rows}
    } == vector["digest"]


EPOCH = next(e for e in trusted().body["epochs"] if e["kind"] == "phone")
EVALUATIONS = ALLIANCE["evaluations"]


def replied(vector: Any, name: str, text: str) -> list[bytes]:
    """Return what a holder's reply to a vector's request answers."""
    members = {m["id"]: m for m in trusted().body["members"]}
    return oprf.reply(
        *(vector["request"].encode(), text.encode()),
        (name, notes.vkey(members[name]["keys"]["member"])),
        *(EPOCH, trusted().alliance_id),
    )


@each("syncd/alliance", "evaluations", "vector", "why")
def test_evaluations(vector: Any) -> None:
    """From normal forms and blinds to outputs, all proofs checked."""
    request = vector["request"].encode()
    answers = [replied(vector, *one) for one in vector["replies"].items()]
    inputs = [oprf.oprf_input("phone", n) for n in vector["normal_forms"]]
    points = list(map(oprf.hash_to_group, inputs))
    if json.loads(request).get("proof") == "last":
        points.append(oprf.total(points))
    blinds = [int.from_bytes(unhex(b), "little") for b in vector["blinds"]]
    sent = b"".join(map(oprf.blinded, points, blinds))
    assert json.loads(request)["elements"] == sent.hex()
    evaluated = list(map(oprf.unblinded, blinds, zip(*answers, strict=True)))
    if len(evaluated) > len(inputs):
        check = curve.encode(evaluated.pop())
        assert curve.encode(oprf.total(evaluated)) == check
    assert [
        oprf.output(x, n).hex() for x, n in zip(inputs, evaluated, strict=True)
    ] == vector["outputs"]


@tried("vector", EVALUATIONS[0]["refused"], ids=lambda v: v["why"])
def test_refused_replies(vector: dict[str, str]) -> None:
    with pytest.raises(notes.WrongError):
        replied(EVALUATIONS[0], vector["holder"], vector["reply"])


# ------------------------------------------- held against the product itself


@given(
    st.lists(
        st.sampled_from(
            [b'"type":', b'"type": ', b"1", b"0", b"25", b"6", b"}", b"x"]
        )
    ).map(b"".join)
)
def test_record_types_alike(payload: bytes) -> None:
    """Of any bytes both read the same type."""
    assert logs.payload_type(payload) == leaf.type_of(payload)


def claim_of(claim: Claim, form: int, case: Case) -> verdict.Claim:
    """Return a claim in the other implementation's words."""
    who = ROSTER.authors.get(claim.origin)
    author = verdict.Author(
        *((who.id, who.sector, who.controller) if who else ("", "", "")),
        annulled=who is None,
        contested=claim.origin in case.world.contested,
    )
    body = json.loads(statement.spell(claim.statement))
    return verdict.Claim(claim.position, author, body, form)


def judged(case: Case) -> Sequence[object]:
    """Return verdict, actions and reasons by the other implementation."""
    found = verdict.judge(
        [
            claim_of(claim, form, case)
            for form, group in enumerate(case.forms)
            for claim in group
        ],
        verdict.Rules(
            date(1970, 1, 1) + timedelta(case.world.day),
            case.world.roster.to_json()["caps"],
            case.world.roster.to_json()["policy"],
            case.never.levels,
            frozenset(case.world.bad_know),
            case.never.pages,
        ),
        [claim_of(claim, 0, case) for claim in case.in_force],
    )
    return found.word, found.action, found.unattended, found.ordered()


@tried("row", CASES, ids=lambda r: f"{r[0]}: {r[2]}")
def test_case(row: list[str]) -> None:
    """Each row of the table of verdicts holds for both."""
    word, *actions, reasons = row[4:]
    want = (word, *(a.replace("–", "") for a in actions), reasons.split())
    assert judged(read_case(row[2], row[3])) == want


NAMES = sorted(name.split(".")[0].upper() for name in ROSTER.authors)
EVIDENCE = [*verdict.AUTHORITY, *verdict.WEAK, "honeypot", "from_the_future"]
numbers = st.integers(1, 6).map(str)
days = st.sampled_from([-1100, -180, -11, -10, -9, -1, 0, 1, 30]).map(str)


def some(*options: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Some of these words, in order."""
    return st.tuples(*(st.just("") | option for option in options)).map(
        " ".join
    )


def word(name: str, value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return value.map(lambda v: f"{name}={v}")


PLACE = some(
    word("at", st.sampled_from("012")) | word("elsewhere", st.just("t"))
)
EXPIRIES = {
    "report": (
        EVIDENCE,
        some(
            word("seen", days),
            word("expires", days),
            word("basis", numbers),
            st.sampled_from(["test", "spoofed", "compromised"]),
        ),
    ),
    "dispute": (
        ["stale", "stale blind"],
        some(
            word("about", numbers),
            *(word(name, days) for name in ("on", "due", "expires")),
        ),
    ),
    "vouch": (["hotline"], some(word("expires", days))),
    "answer": (
        ["report_withdrawn", "report_stands"],
        some(word("about", numbers), word("on", days)),
    ),
    "reassigned": ([""], word("since", days)),
}


def claim(what: str) -> st.SearchStrategy[str]:
    codes, more = EXPIRIES[what]
    return st.tuples(
        st.sampled_from([*NAMES, "X", "B", "C", "P"]),
        st.just(what),
        st.sampled_from(codes),
        PLACE,
        more,
    ).map(" ".join)


@given(
    st.lists(
        st.sampled_from(["report", "report", *EXPIRIES]).flatmap(claim),
        min_size=1,
        max_size=6,
    ).map(" ; ".join),
    some(
        word("kind", st.sampled_from(sorted(claims.KINDS))),
        word("contested", st.sampled_from(NAMES)),
        word("bad_know", numbers),
        word("never", st.sampled_from("012")),
        word("page", st.sampled_from("012")),
        word("cap:user_tag", st.sampled_from(["5", "400"])),
        word("ceiling", st.sampled_from(verdict.ACTIONS[1:])),
    ),
)
def test_verdicts_alike(expiry: str, setting: str) -> None:
    """Whatever is claimed, both judge the same, and for the same reasons."""
    case = read_case(expiry, setting)
    found = case.run()
    ours = found.verdict, found.action, found.unattended, [*found.reasons]
    assert judged(case) == ours
