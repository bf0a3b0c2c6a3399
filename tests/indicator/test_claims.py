"""Claims depend on what the logs say, not on how or when it arrived."""

import itertools
from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from syncd.errors import DamagedError
from syncd.indicator import absent, active, claims, folding, frames, leaf
from syncd.indicator import statement as statements
from syncd.indicator import token as tokens
from syncd.indicator.claims import Claim, Row
from syncd.indicator.leaf import Record
from syncd.indicator.notation import DAYS
from syncd.indicator.statement import (
    Anchor,
    AnchoredLog,
    Answer,
    ClaimStatement,
    Erase,
    Evidence,
    Reassigned,
    Report,
    Retract,
    RosterAccepted,
    Statement,
    Usage,
    Void,
    Vouch,
)
from syncd.indicator.verdict import verdict
from tests import sample_statements
from tests.cases import tried, vectors
from tests.flows.founders import writing
from tests.flows.growing import in_force
from tests.refusals import damaged
from tests.sample_statements import ABOUT, ORIGIN, dispute

OTHER = "police.example/syncd/txwz/1"
SALT = bytes(16)
NAMES = [tokens.encode(bytes([n]) * 16) for n in range(3)]


def record(statement: Statement, origin: str = ORIGIN) -> Record:
    """Return the record of a statement, salted for the test."""
    return raw(statements.encode(statement), statements.type_of(statement))


def raw(payload: bytes, type_: int, origin: str = ORIGIN) -> Record:
    return leaf.commit(origin, type_, SALT, payload), SALT, payload


def about(n: int = 0, **changed: Any) -> Any:
    return {**ABOUT, "token": NAMES[n], **changed}


def report(n: int = 0, **changed: Any) -> Report:
    return sample_statements.report(**{"token": NAMES[n], **changed})


def retract(n: int, *ends: int, **changed: Any) -> Retract:
    return sample_statements.retract(*ends, **about(n, **changed))


def folded(log: Sequence[Record], **more: Any) -> folding.Batch:
    return folding.fold(ORIGIN, 0, log, **more)


def added(batch: folding.Batch) -> list[int]:
    return [row[1] for row in batch.adds]


DISPUTE = sample_statements.dispute(**about())
SIGHTING = sample_statements.sighting(**about())
KNOW = sample_statements.REPORT.know
REASSIGNED = Reassigned(**about(), since="2026-10-01", know=KNOW)
ANSWER = Answer(
    **about(),
    about=((OTHER, 3), (OTHER, 20)),
    outcome="report_stands",
    reason="case_open",
)
VOUCH = Vouch(**about(), role="hotline", expires="2027-11-21", know=KNOW)
CLAIMS: list[Statement] = [report(), DISPUTE, REASSIGNED, ANSWER, VOUCH]
NAMING = replace(DISPUTE, about=((OTHER, 3),), know="")
FULL = report(
    channel="call",
    technique=("safe_account", "screen_share"),
    basis=((ORIGIN, 3), (OTHER, 20)),
    case="0011223344556677",
    spoofed=True,
    test=True,
)

KINDS = [*CLAIMS, FULL, NAMING]


# ------------------------------------------------------------ a model store


class Store:
    """Claims by the letter of a batch's docstring; erasing like a mirror."""

    def __init__(self) -> None:
        self.records: dict[str, list[Record]] = {}
        self.erased: dict[str, list[absent.Range]] = {}
        self.rows: dict[str, set[Row]] = {}

    def merge(self, origin: str, fresh: Sequence[Record]) -> folding.Batch:
        held = self.records.setdefault(origin, [])
        erased = self.erased.setdefault(origin, [])
        rows = self.rows.setdefault(origin, set())
        batch = folding.fold(origin, len(held), fresh, erased=erased)
        rows |= set(batch.adds)
        for token, index, _, key, _ in batch.ends:
            rows -= {r for r in rows if r[:3] == (token, index, key)}
        undone = absent.covered(0, len(held), batch.erases)
        again = any(held[i][0][1] == 2 for i in undone)  # a retract
        held += fresh
        erased += batch.erases
        for index in absent.covered(0, len(held), erased):
            if held[index][0][1] in leaf.INDICATOR_TYPES:
                held[index] = leaf.close(held[index])
                rows -= {r for r in rows if r[1] == index}
        if again:
            rows.clear()
            rows |= {*in_force(folding.fold(origin, 0, held, erased=erased))}
        return batch


@st.composite
def logs(draw: st.DrawFn, *, erasing: bool = True) -> list[Record]:
    """Return a log of everything that can happen to claims."""
    made: list[Record] = []
    for index in range(draw(st.integers(0, 14))):
        n = draw(st.integers(0, 2))
        what = draw(st.integers(0, 9))
        before = st.integers(0, index + 2)
        content: Statement
        if what <= 3:
            content = report(n, confidence=index)
        elif what == 4:
            content = dispute(**about(n))
        elif what == 5:
            content = replace(VOUCH, **about(n))
        elif what == 6:
            ends = draw(st.lists(before, min_size=1, max_size=3, unique=True))
            content = retract(n, *sorted(ends))
        elif what == 7 and erasing:
            start = draw(before)
            stop = start + draw(st.integers(1, 4))
            content = Erase(ranges=((start, stop),), reason="retention")
        elif what == 8:
            made.append(raw(b'{"type":1}', 1))
            continue
        else:
            content = SIGHTING
        made.append(record(content))
    return made


def cuts(size: int) -> st.SearchStrategy[list[int]]:
    inner = st.lists(st.integers(0, size), max_size=4).map(sorted)
    return inner.map(lambda inside: [0, *inside, size])


@settings(max_examples=60)
@given(logs(), st.data())
def test_cuts_do_not_matter(log: list[Record], data: st.DataObject) -> None:
    """A log folded in any stretches gives the same rows, erased or not."""
    whole, parts = Store(), Store()
    whole.merge(ORIGIN, log)
    for start, stop in itertools.pairwise(data.draw(cuts(len(log)))):
        parts.merge(ORIGIN, log[start:stop])
    assert parts.rows.get(ORIGIN, set()) == whole.rows[ORIGIN]


@settings(max_examples=60)
@given(logs())
def test_erased_is_never_written(log: list[Record]) -> None:
    """The rows are those of the log with erased entries left blank."""
    erased = absent.erases(0, log)
    gone = absent.covered(0, len(log), erased)
    blank = [
        leaf.close(r) if n in gone and r[0][1] < 8 else r
        for n, r in enumerate(log)
    ]
    store, other = Store(), Store()
    store.merge(ORIGIN, log)
    other.merge(ORIGIN, blank)
    assert store.rows == other.rows
    assert {*in_force(folded(log, erased=erased))} == store.rows[ORIGIN]


@settings(max_examples=30)
@given(st.lists(logs(), min_size=3, max_size=3), st.data())
def test_arrival_does_not_matter(
    written: list[list[Record]], data: st.DataObject
) -> None:
    """All logs in any order of arrival give the same verdict."""
    origins = [f"{name}.example/syncd/t/1" for name in "abc"]
    sectors = ["bank", "police", "platform"]
    roster = writing(
        {
            origin: (origin[0], sector, "")
            for origin, sector in zip(origins, sectors, strict=True)
        }
    )
    pieces = []
    for origin, log in zip(origins, written, strict=True):
        ends = data.draw(cuts(len(log)))
        pieces.append(
            [(origin, log[a:b]) for a, b in itertools.pairwise(ends)]
        )
    order = [n for n, mine in enumerate(pieces) for _ in mine]
    answers = []
    for turn in (order, data.draw(st.permutations(order))):
        store = Store()
        queues = [list(mine) for mine in pieces]
        for n in turn:
            store.merge(*queues[n].pop(0))
        found = [
            Claim.parse(origin, *r)
            for origin, rows in store.rows.items()
            for r in rows
        ]
        answers.append(
            [
                verdict(
                    [[c for c in found if c.token == tokens.decode(name)]],
                    active.World(roster, statements.day("2026-11-25")),
                )
                for name in NAMES
            ]
        )
    assert answers[0] == answers[1]


# ------------------------------------------------------------------- fold


def test_every_type_has_its_place() -> None:
    """Claims become rows; the rest is kept beside them."""
    line = "— bank.example/syncd/txwz/1 z3wTMfTP0mVeuVQF"
    anchor = Anchor(logs=(AnchoredLog(OTHER, 5, "00" * 32, line),))
    usage = Usage(
        on="2026-11-21", key=("phone", 1), rows=(("a", "publish", 1, 0),)
    )
    accepted = RosterAccepted(version=2, hash_="ab" * 32)
    proof = Evidence(what="fork", origin=OTHER, notes=("a\n", "b\n"))
    erase = Erase(ranges=((5, 5), (90, 99)), reason="retention")
    entries = [*CLAIMS, SIGHTING, anchor, usage, accepted, proof]
    entries += [retract(0, 0), erase]
    batch = folding.fold(ORIGIN, 100, [*map(record, entries)])
    token = tokens.decode(NAMES[0])
    assert (batch.start, batch.stop) == (100, 112)
    assert added(batch) == [100, 101, 102, 103, 104]
    assert [row[:3] for row in batch.sightings] == [(token, 105, 5)]
    assert batch.books == [anchor, usage, accepted, proof, erase]
    assert batch.ends == [(token, 0, 110, 5, DAYS["2026-11-21"])]
    assert batch.erases == [(90, 99, 111)]
    assert batch.voids == []


def test_voids_are_findings_and_stop_nothing() -> None:
    """Whatever is wrong with an entry, the next one counts."""
    batch = folded(
        [
            raw(b"{}", 1),
            (b"short", b"", b""),
            raw(statements.encode(VOUCH), 3),
            raw(b"{}", 30),
            raw(b"secret", 9),
            record(report()),
        ]
    )
    assert [index for index, _ in batch.voids] == [0, 1, 2, 3]
    assert added(batch) == [5]


def test_what_is_closed_says_nothing() -> None:
    """Nor is it void: it is erased, or sealed for others."""
    log = [leaf.close(record(report())), leaf.close(raw(b"{}", 8))]
    batch = folded(log, erased=[(0, 1, 5)])
    assert ([*batch.adds], batch.voids, batch.stop) == ([], [], 2)


@tried(
    "log, gone",
    [  # of the same token, kind and epoch; all claim types; no others
        ([*CLAIMS, retract(0, 0, 1, 2, 3, 4)], [0, 1, 2, 3, 4]),
        ([*CLAIMS, retract(0, 1, 3)], [1, 3]),
        ([*CLAIMS, retract(1, 0)], []),
        ([*CLAIMS, retract(0, 0, kind="account")], []),
        ([*CLAIMS, retract(0, 0, epoch=2)], []),
        # nothing at or after it
        ([retract(0, 0, 1), report()], []),
        ([retract(0, 0, 1), report(), retract(0, 1)], [1]),
        # what ended has ended: it is reported again, not un-retracted
        ([report(), retract(0, 0), retract(0, 1)], [0]),
    ],
)
def test_a_retract_ends_its_own_earlier_claims(
    log: list[Statement], gone: list[int]
) -> None:
    store = Store()
    store.merge(ORIGIN, [*map(record, log)])
    stand = {row[1] for row in store.rows[ORIGIN]}
    made = (n for n, one in enumerate(log) if isinstance(one, ClaimStatement))
    assert [n for n in made if n not in stand] == gone


def test_an_erased_retract_has_never_been() -> None:
    """What it ended stands again, which a store learns in time."""
    store = Store()
    store.merge(ORIGIN, [record(report()), record(retract(0, 0))])
    assert not store.rows[ORIGIN]
    erase = record(Erase(ranges=((1, 2),), reason="entry_error"))
    store.merge(ORIGIN, [erase])
    assert [row[1] for row in store.rows[ORIGIN]] == [0]


def test_an_erase_acts_below_itself_on_types_1_to_7() -> None:
    """Not on itself, not on what follows, not on book-keeping."""
    log: list[Statement] = [
        report(),
        RosterAccepted(version=1, hash_="ab" * 32),
        Erase(ranges=((0, 9),), reason="retention"),
        report(),
    ]
    batch = folded([*map(record, log)])
    assert added(batch) == [3]
    assert batch.books == log[1:3]


def test_a_roster_erases_by_size() -> None:
    """An erasure from elsewhere covers what it names below its size."""
    log = [record(report()), record(report()), raw(b"{}", 1)]
    batch = folded(log, erased=[(0, 9, 1), (2, 3, 3)])
    assert added(batch) == [1]
    assert batch.voids == []


def test_entries_of_a_retired_epoch() -> None:
    """By what the payload names; void ones too, book-keeping never."""
    void = b'{"epoch":1,"kind":"phone","type":1}'
    log = [
        record(report()),
        record(report(epoch=11)),
        record(retract(0, 0)),
        raw(void, 1),
        (record(report())[0], b"", b""),
        raw(void, 19),
        record(report()),
    ]
    kind = report().kind
    assert kind == "phone"
    last = absent.RETIRED
    assert absent.retired(10, log, {(kind, 1)}) == [
        (10, 11, last),
        (12, 14, last),
        (16, 17, last),
    ]
    assert absent.retired(10, log, {(kind, 11)}) == [(11, 12, last)]
    assert absent.retired(10, log, {("url", 1), (kind, 2)}) == []


def test_what_is_withheld() -> None:
    """Present, erased, sealed and void by the leaf are complete."""
    log = [
        record(report()),
        leaf.close(record(report())),
        leaf.close(raw(b"{}", 8)),
        leaf.close(raw(b"{}", 16)),
        (b"void", b"", b""),
        leaf.close(raw(b"{}", 99)),
        leaf.close(record(VOUCH)),
        record(Erase(ranges=((1, 2),), reason="retention")),
    ]
    assert absent.complete(0, log[:1]) == []
    assert absent.complete(4, log[4:6]) == []
    assert absent.complete(0, log) == [3, 6]
    assert absent.complete(0, log, erased=[(6, 7, 8)]) == [3]
    assert absent.complete(10, log[1:2]) == [10]


def test_erases_are_read_ahead() -> None:
    """Also among entries that cannot be merged yet; void ones are none."""
    log = [
        leaf.close(record(report())),
        raw(b"{}", 18),
        record(Erase(ranges=((0, 1), (3, 3)), reason="retention")),
    ]
    assert absent.erases(40, log) == [(0, 1, 42)]


# ------------------------------------------------------- fast and slow path

codes = st.sampled_from(["fake_loan", "of_2031", "a b", "", "x,y", "Ü", "A"])
fields = st.fixed_dictionaries(
    {},
    optional={
        "label": codes,
        "role": codes,
        "channel": codes,
        "handling": codes,
        "evidence": codes,
        "technique": st.lists(codes, max_size=2).map(tuple),
        "know": st.sampled_from(["00" * 8, "0" * 15, "0" * 17, "A" * 16, " "]),
        "token": st.sampled_from([*NAMES, "x" * 22, "A" * 21, "A" * 23]),
        "seen": st.sampled_from(["2026-11-19", "2026-02-30", ""]),
        "spoofed": st.booleans(),
        "test": st.booleans(),
        "case": st.sampled_from(["", "00" * 8, "00"]),
        "basis": st.sampled_from([(), ((OTHER, 1),), (("x", 1),)]),
    },
)


@settings(max_examples=60)
@given(st.lists(fields, max_size=6))
@example([{"know": "0" * n} for n in (15, 17)])  # two voids, though 32 digits
@example([{"token": NAMES[1]}, {}])  # rows in the order of a store's tree
def test_the_fast_path_is_the_slow_path(changes: Any) -> None:
    """Reports folded in bulk give what each gives by itself."""
    log = [raw(statements.spell(report(**c)), 1) for c in changes]
    batch = folded(log)
    rows, voids = [], []
    for index, (_, _, payload) in enumerate(log):
        content = statements.decode(payload, 1)
        if isinstance(content, Void):
            voids.append((index, content.reason))
        else:
            assert isinstance(content, Report)
            rows.append(Claim(ORIGIN, index, content).row())
    assert [*batch.adds] == sorted(rows)
    assert batch.voids == voids


def test_more_reports_than_are_held_at_once() -> None:
    """Every one of them is folded, in whatever portions."""
    log = [record(report(confidence=n % 101)) for n in range(2_500)]
    log[1_500] = raw(b"{}", 1)
    log[7] = raw(statements.spell(report(know="z" * 16)), 1)
    batch = folded(log)
    assert [index for index, _ in batch.voids] == [7, 1_500]
    assert {row[1] for row in batch.adds} == set(range(2_500)) - {7, 1_500}


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Return what counts the payloads that are decoded by themselves."""
    counted = Mock(wraps=statements.decode)
    monkeypatch.setattr(statements, "decode", counted)
    return counted


def test_more_frames_than_are_kept(
    decode: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer of ever new codes costs time, not memory: old ones go."""
    monkeypatch.setattr(frames, "FRAMES_KEPT", 500)
    count = 1_200
    log = [record(report(label=f"code_{n}")) for n in range(count)]
    for part, costs in ((log, count), (log[:1], 1), (log[-1:], 0)):
        decode.reset_mock()
        assert len(folded(part).adds) == len(part)
        assert decode.call_count == costs


@given(
    st.integers(0, 400),
    st.binary(max_size=3)
    | st.sampled_from([b'{"case":"', b'"know":"', b'","type":1}', b"0" * 16]),
    st.integers(0, 30),
    st.sampled_from(["", "0123456789abcdef"]),
)
def test_no_payload_borrows_the_frame_of_another(
    at: int, put: bytes, cut: int, case: str
) -> None:
    """Whatever is changed anywhere in a known report is judged for itself."""
    known = statements.spell(report(case=case))
    at = min(at, len(known))
    judged_for_itself(known, known[:at] + put + known[at + cut :])


def judged_for_itself(known: bytes, payload: bytes) -> None:
    batch = folded([raw(known, 1), raw(payload, 1)])
    content = statements.decode(payload, 1)
    if isinstance(content, Void):
        assert batch.voids == [(1, content.reason)]
        assert added(batch) == [0]
    else:
        assert isinstance(content, Report)
        assert Claim(ORIGIN, 1, content).row() in batch.adds
        assert batch.voids == []


def test_cases_share_a_frame(decode: Mock) -> None:
    """A case of its own in every report costs no decoding of its own."""
    log = [
        record(report(case=f"{n:016x}", label="shares_a_frame"))
        for n in range(50)
    ]
    decode.reset_mock()
    batch = folded(log)
    assert decode.call_count == 1
    content = [Claim.parse(ORIGIN, *row).statement for row in batch.adds]
    found = {one.case for one in content if isinstance(one, Report)}
    assert found == {f"{n:016x}" for n in range(50)}


@tried("field", ["know", "token", "case"])
@tried("wrong", ["", " ", "A ", "\xe9", "=", "g", "F"])
def test_a_known_frame_with_a_wrong_value(field: str, wrong: str) -> None:
    """Of the right length, and yet no hex or no token: void."""
    item = report(case="0123456789abcdef")
    value = getattr(item, field)
    text = (wrong + value)[: len(value)] if wrong else value[:-1]
    judged_for_itself(
        *map(statements.spell, (item, replace(item, **{field: text})))
    )


# ---------------------------------------------------------- rows and digest


@tried("content", KINDS)
def test_a_row_is_read_as_its_statement(content: Any) -> None:
    """Row and claim are two views of one thing."""
    (row,) = folding.fold(ORIGIN, 7, [record(content)]).adds
    claim = Claim.parse(ORIGIN, *row)
    assert claim == Claim(ORIGIN, 7, content)
    assert claim.row() == row
    assert claim.position == (ORIGIN, 7)


@given(st.sampled_from(KINDS), st.data())
def test_a_damaged_record_is_noticed(item: Any, data: st.DataObject) -> None:
    """Any edit of a record is refused, or is another claim's record."""
    row = Claim(ORIGIN, 7, item).row()[3]
    at = data.draw(st.integers(0, len(row)))
    extra = data.draw(st.binary(max_size=2))
    edited = row[:at] + extra + row[at + data.draw(st.integers(0, 2)) :]
    try:
        claim = Claim.parse(ORIGIN, bytes(16), 7, 5, edited)
    except DamagedError:
        return
    assert claim.row()[3] == edited


TWO_WORDS = Claim(ORIGIN, 7, VOUCH).row()[3] + b" hotline"


@tried("bad", [b"", b"\x02", b"\x04", b"\x01", b"\xff" * 40, TWO_WORDS])
def test_no_record(bad: bytes) -> None:
    """What is no record at all is damage, not a crash."""
    with damaged():
        Claim.parse(ORIGIN, bytes(16), 7, 5, bad)


@tried(
    "item, was, put",
    [
        (FULL, b"\x01\x07", b"\x01\x0f"),  # a flag that nobody sets
        (DISPUTE, b"\x03\x01", b"\x03\x02"),
        (NAMING, b"\x03\x00", b"\x03\x02"),
        (FULL, b"/1:20", b"/1:+20"),
        (ANSWER, b"/1:3,", b"/1:03,"),
    ],
)
def test_a_record_has_one_spelling(item: Any, was: bytes, put: bytes) -> None:
    """What reads as the same claim and is written otherwise is damage."""
    row = Claim(ORIGIN, 7, item).row()[3]
    assert row.count(was) == 1
    with damaged("claim 7: record does not parse"):
        Claim.parse(ORIGIN, bytes(16), 7, 5, row.replace(was, put))


rows = st.tuples(
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**40),
    st.integers(4, 12),
    st.binary(max_size=4),
)


@given(st.lists(st.lists(rows, max_size=20).map(sorted), max_size=3))
def test_packed_rows_are_the_rows(runs: list[list[Row]]) -> None:
    """Stretches packed one by one are read together, in order of token."""
    merged = sum(map(folding.Rows.pack, runs), folding.Rows())
    assert list(merged) == sorted(itertools.chain.from_iterable(runs))
    assert len(merged) == sum(map(len, runs))
    assert [*folding.Rows(0, ((*merged.slices,),))] == [*merged]


@settings(max_examples=40)
@given(logs())
def test_digest(log: list[Record]) -> None:
    """A digest is a sum: any order, any parts, plus and minus."""
    rows = [*folded(log).adds]
    wanted = claims.digest(ORIGIN, reversed(rows))
    head, tail = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    parts = [claims.digest(ORIGIN, part) for part in (head, tail)]
    assert sum(parts) % 2**256 == wanted


def test_one_changed_byte_changes_the_digest() -> None:
    """Of any column, and of the origin."""
    (row,) = folded([record(report())]).adds
    token, index, key, rest = row
    changed = [
        (bytes(15) + b"\1", index, key, rest),
        (token, index + 1, key, rest),
        (token, index, key + 1, rest),
        (token, index, key + 4, rest),
        (token, index, key, rest[:-1] + b"x"),
    ]
    sums = {claims.digest(ORIGIN, [r]) for r in [row, *changed]}
    assert len(sums | {claims.digest(OTHER, [row])}) == 7


def test_vectors() -> None:
    """Rows and digests of the published log, by both implementations."""
    case = vectors("syncd/claims")
    log = [
        raw(e["payload"].encode(), e["type"], case["origin"])
        for e in case["entries"]
    ]
    batch = folding.fold(case["origin"], 0, log)
    assert [
        {
            "index": index,
            "kind": key % 4,
            "epoch": key // 4,
            "token": token.hex(),
            "record": rest.hex(),
        }
        for token, index, key, rest in in_force(batch)
    ] == case["rows"]
    for name, value in case["digests"].items():
        key = claims.key(*map(int, name.split("/")))
        mine = [row for row in in_force(batch) if row[2] == key]
        assert claims.digest(case["origin"], mine).to_bytes(32).hex() == value
