"""Whatever is changed, in files or in rows, an audit says so, and where."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syncd.errors import DamagedError, UntrustedError
from syncd.flows import audit, log_files
from syncd.flows.audit import LogView, Proof, StoredRow, Tally
from syncd.flows.ports import Bundle
from syncd.indicator import absent, claims, folding, statement
from syncd.indicator.absent import Range
from syncd.tlog import checkpoint, cosignature, note, tiles
from syncd.tlog.key import COSIGNATURE, SigningKey
from tests import sample_statements
from tests.cases import tried
from tests.cost import calls
from tests.flows.growing import KEY, ORIGIN, Log, in_force
from tests.refusals import damaged
from tests.sample_statements import dispute, erase, sighting

SEEN = SigningKey("police.example/syncd/txwz/seen", COSIGNATURE, b"s" * 32)
MERGED = SigningKey("police.example/syncd/txwz/merged", COSIGNATURE, b"m" * 32)
NOW = 1_800_000_000
ACCEPTED = statement.RosterAccepted(version=1, hash_="ab" * 32)


Written = statement.Statement | tuple[int, bytes]


def about(n: int) -> Any:
    kind = ("phone", "url", "account")[n % 3]
    return sample_statements.about(n, kind=kind, epoch=1 + n % 2)


def report(n: int, **other: Any) -> statement.Report:
    return sample_statements.report(**about(n), **other)


def retract(n: int, *ends: int) -> statement.Retract:
    return sample_statements.retract(*ends, **about(n))


class Audited(Log):
    """A log, and the rows that an honest member makes of it."""

    def __init__(self, statements: Sequence[Written]) -> None:
        super().__init__()
        self.add(
            *(
                s
                if isinstance(s, tuple)
                else (statement.type_of(s), statement.encode(s))
                for s in statements
            )
        )
        self.size = self.frontier.size
        self.erased: tuple[Range, ...] = tuple(absent.erases(0, self.records))

    def note(self, *cosigners: SigningKey, size: int | None = None) -> bytes:
        head = self.head_at(self.size if size is None else size)
        signed = checkpoint.sign(head, KEY)
        lines = [cosignature.cosign(signed.text, k, NOW) for k in cosigners]
        return bytes(note.add(signed, *lines))

    def rows(
        self, merged: int | None = None
    ) -> tuple[list[StoredRow], list[StoredRow]]:
        """Return claim and sighting rows, by the definition: one big fold."""
        merged = self.size if merged is None else merged
        batch = folding.fold(
            ORIGIN, 0, self.records[:merged], erased=self.erased
        )
        ended: dict[tuple[bytes, int, int], int] = {}
        for t, i, by, k, _ in batch.ends:
            ended[t, i, k] = min(by, ended.get((t, i, k), by))
        return (
            [(t, k, i, r, ended.get((t, i, k))) for t, i, k, r in batch.adds],
            [(t, k, i, r, None) for t, i, k, r in batch.sightings],
        )

    def view(
        self,
        rows: Iterable[StoredRow] | None = None,
        seen: Iterable[StoredRow] | None = None,
        **other: Any,
    ) -> LogView:
        """Return what a database would have."""
        tallies = Tally(), Tally()
        honest = self.rows(other.get("merged"))
        for tally, ours, instead in zip(
            tallies, honest, (rows, seen), strict=True
        ):
            for row in ours if instead is None else instead:
                tally.add(ORIGIN, row)
        return LogView(
            **{
                "origin": ORIGIN,
                "key": KEY.verifier,
                "size": self.size,
                "peaks": bytes(self.frontier),
                "note": self.note(),
                "merged": self.size,
                "bundles": self.bundles[::-1],
                "erased": self.erased,
                "tables": tallies,
                **other,
            }
        )

    def static(self, *cosigners: SigningKey, audited: bool = False) -> Any:
        """Return all static files by path."""
        log = self.files()._replace(checkpoint=self.note(*cosigners))

        async def all_of() -> dict[str, bytes]:
            return {
                p: raw async for p, raw in log_files.files(log, audit=audited)
            }

        return asyncio.run(all_of())


def reported(count: int) -> Audited:
    return Audited([report(n) for n in range(count)])


TINY = Audited([report(0), retract(0, 0), ACCEPTED])
MIXED = Audited(
    [
        report(0),
        report(1, technique=("ai_voice",)),
        retract(0, 0),
        dispute(**about(2)),
        sighting(**about(3)),
        report(4),
        erase((5, 6)),
        ACCEPTED,
        (1, b"no json"),
        report(0),
    ]
)


# ------------------------------------------------------------------- files


def check(
    files: dict[str, bytes], erased: Sequence[Range] = ()
) -> log_files.Files:
    """Return what the files of a log are found to be."""

    def read(path: str, limit: int) -> bytes:
        raw = files[path]
        if len(raw) > limit:
            raise DamagedError(f"{path}: too large")
        return raw

    return log_files.check(
        set(files), read, KEY.verifier, erased=lambda _: erased
    )


@tried("size", [0, 1, 2, 255, 256, 257, 513])
@tried("audited", [False, True])
def test_files_of_any_size(size: int, audited: bool) -> None:
    """What was exported is accepted, and is exactly the layout's files."""
    log = Audited([ACCEPTED] * size)
    files = log.static(audited=audited)
    assert set(files) == {"checkpoint", *log_files.layout(size, audit=audited)}
    found = check(files)
    assert found.head == log.head_at(log.size)
    assert found.types == ({19: size} if size else {})


@tried("audited", [False, True])
def test_any_byte(audited: bool) -> None:
    """A change of any one byte of any file is refused, and of its length."""
    files = TINY.static(audited=audited)
    for path, raw in files.items():
        longer = raw + b"\0", raw + raw[-1:]
        for at in range(len(raw)):
            changed = bytearray(raw)
            changed[at] ^= 1 << at % 8
            for odd in (bytes(changed), raw[:at], *longer):
                with pytest.raises((DamagedError, UntrustedError)):
                    check({**files, path: odd})


def test_missing_and_extra_files() -> None:
    """Every file is needed, and no other one may be there."""
    files = MIXED.static()
    for path in set(files) - {"checkpoint"}:
        rest = {p: raw for p, raw in files.items() if p != path}
        with damaged(r"missing|extra"):
            check(rest)
    for extra in ("tile/0/001", "payload/000", "audit/000.p/10", "note"):
        with damaged(f"{extra}: extra"):
            check({**files, extra: b""})


def test_withheld_payloads() -> None:
    """A closed record is told, unless the log itself erased it."""
    assert check(MIXED.close(5).static()).withheld == ()
    assert check(MIXED.close(1, 5).static()).withheld == (1,)
    assert check(MIXED.close(6).static()).withheld == (6,)


def test_many_erasures_are_not_dear() -> None:
    """An entry is held against all ranges at once, not against each."""

    def cost(count: int) -> int:
        files = reported(count).close(*range(count)).static()
        ranges = [(n, n + 1, count) for n in range(count)]
        assert check(files, erased=ranges).withheld == ()
        return calls(lambda: check(files, erased=ranges))

    assert cost(240) < 3 * cost(120)


def test_open_to_auditors() -> None:
    """Audit files that show an indicator's payload are refused."""
    files = MIXED.static(audited=True)
    tail = tiles.path(0, MIXED.size)
    files[f"audit/{tail}"] = MIXED.static()[f"payload/{tail}"]
    with damaged("auditors are not to see"):
        check(files)


def test_closed_to_auditors() -> None:
    """What auditors may read and do not get is withheld."""
    closed = MIXED.close(*range(MIXED.size))
    assert check(closed.static(audited=True)).withheld == (6, 7)
    assert check(reported(3).static(audited=True)).withheld == ()


# -------------------------------------------------------------------- rows


def digests(log: Audited, merged: int) -> dict[int, int]:
    held = log.records[:merged]
    rows = in_force(folding.fold(ORIGIN, 0, held, erased=log.erased))
    return {
        key: claims.digest(ORIGIN, (row for row in rows if row[2] == key))
        for key in {row[2] for row in rows}
    }


def test_honest_rows_hold() -> None:
    """What a member keeps of a log is what the log says."""
    found = audit.check(MIXED.view())
    assert found.problems == []
    assert found.ok
    assert found.root == MIXED.head_at(MIXED.size).root
    assert found.digest == digests(MIXED, MIXED.size)
    assert found.rows == 3  # of two reports and a dispute


@st.composite
def entries(draw: st.DrawFn) -> list[Written]:
    """Draw statements that get in each other's way."""
    size = draw(st.sampled_from([*range(8), 255, 256, 257, 300, 513]))
    rng = random.Random(draw(st.integers(0, 2**32)))
    statements: list[Written] = []
    for i in range(size):
        n = rng.randrange(8)
        back = sorted(rng.sample(range(i), min(i, 3)))
        statements.append(
            rng.choice(
                (
                    report(n),
                    report(n, confidence=rng.randrange(101)),
                    dispute(**about(n)),
                    sighting(**about(n)),
                    retract(n, *back) if back else report(n),
                    retract(n, i + 5),
                    (1, b'{"type":1}'),
                )
            )
        )
        if rng.random() < 0.01:
            statements[-1] = (1, b"void")
        if i and rng.random() < 0.02:
            at = rng.randrange(i)
            statements[-1] = erase((at, at + 4))
    return statements


@given(entries(), st.integers(1, 3), st.floats(0, 1))
def test_any_log_and_any_cut(
    written: list[statement.Statement], chunk: int, part: float
) -> None:
    """From its end or its beginning, in any cut, a log says the same."""
    log = Audited(written)
    merged = round(part * log.size)
    with patch.object(audit, "CHUNK", chunk):
        found = audit.check(log.view(merged=merged))
    assert found.problems == []
    assert found.digest == {k: d for k, d in digests(log, merged).items() if d}


def differs(index: int, sightings: bool = False) -> str:
    """Return the problem that names a row's bundle."""
    what, first = "sightings" if sightings else "claims", index // 256 * 256
    where = f"{what} of entries {first} to {first + 255}"
    return f"{where}: rows are not those that statements make"


def changed(row: StoredRow, column: int) -> StoredRow:
    token_, key, index, record, by = row
    return (
        (bytes((token_[0] ^ 1,)) + token_[1:], key, index, record, by),
        (token_, key + 4, index, record, by),
        (token_, key, index + 300, record, by),
        (token_, key, index, record[:-1] + bytes((record[-1] ^ 1,)), by),
        (token_, key, index, record, None if by is not None else index + 1),
    )[column]


@given(entries(), st.booleans(), st.integers(-2, 4), st.floats(0, 1))
def test_one_row(
    written: list[statement.Statement],
    sightings: bool,
    column: int,
    part: float,
) -> None:
    """One row changed in any column, missing, or one too many, is found."""
    log = Audited([*written, report(1), sighting(**about(1))])
    rows = log.rows()[sightings]
    at = round(part * (len(rows) - 1))
    row = rows[at]
    if column == -2:
        rows.append(changed(row, 2))
    elif column == -1:
        del rows[at]
    else:
        rows[at] = changed(row, column)
    found = audit.check(log.view(**{"seen" if sightings else "rows": rows}))
    index = row[2] + 300 if column == -2 else row[2]
    assert differs(index, sightings) in found.problems
    assert found.digest == digests(log, log.size)  # the log's, not the rows'


def test_rows_that_do_not_read() -> None:
    """A column of a wrong type is a problem, not a traceback."""
    for row in (
        ("text", 5, 0, b"", None),
        (b"", -5, 0, b"", None),
        (b"", 5, "x", b"", None),
        (b"", 5, 0, None, None),
        (b"", 5, 2**70, b"", None),
        (b"", 5, 0, b"", "x"),
    ):
        found = problems(MIXED, rows=[*MIXED.rows()[0], row])
        assert any(p.startswith("row at ") for p in found)


def test_other_log_s_files() -> None:
    """Files that hold together under another log's checkpoint are refused."""
    files = {**reported(MIXED.size).static(), "checkpoint": MIXED.note()}
    with damaged("another root at 10"):
        check(files)


def test_ahead_of_us() -> None:
    """Of a checkpoint that we have not reached, only the signature counts."""
    ahead = reported(9)
    assert problems(Audited([]), note=b"", proofs=proof(ahead.note())) == []
    assert problems(Audited([]), proofs=proof(ahead.note()[:-9])) != []


def test_where_the_roster_pins_the_end_no_note_is_needed() -> None:
    """Who came later has that alone of an ended log."""
    pin = TINY.head_at(TINY.size)
    for root, want in ((pin.root, []), (b"\2" * 32, ["roster: another"])):
        found = problems(TINY, note=b"", pins=(pin._replace(root=root),))
        assert [why[:15] for why in found] == want


def test_two_rows_for_one_statement() -> None:
    """A second row under another key is told, whatever the first one is."""
    rows = MIXED.rows()[0]
    twice = [*rows, changed(rows[1], 1)]
    assert problems(MIXED, rows=twice) == [differs(rows[1][2])]


def test_checkpoint_that_is_none() -> None:
    """A note, even a signed one, is not yet a checkpoint."""
    text = f"{ORIGIN}\n01\n{MIXED.note().split()[2].decode()}\n"
    files = {**MIXED.static(), "checkpoint": bytes(note.sign(text, KEY))}
    with damaged("checkpoint: size"):
        check(files)


def test_what_anchors_say_of_access_records_is_kept() -> None:
    """Of the newest that says anything, and is not void."""
    one = statement.AnchoredLog(
        "a.example/b", 1, "ab" * 32, "— a.example/b QUJDREVG"
    )
    said = [
        statement.Anchor(logs=(one,), access=d)
        for d in ("a" * 64, "b" * 64, "")
    ]
    assert (
        audit.check(Audited([*said, (16, b"void")]).view()).access == "b" * 64
    )


def test_many_problems_are_counted() -> None:
    """A thousand odd rows do not make a thousand lines."""
    odd = [("text", 5, 0, b"", None)] * 600
    found = problems(LONG, rows=[*LONG.rows()[0], *odd])
    assert len(found) == audit.NAMED + 1
    assert found[-1] == f"and {600 - audit.NAMED} more"
    assert sorted(problems(LONG, rows=[])) == [*map(differs, (0, 256, 512))]


# --------------------------------------------------------- log and signatures


def problems(log: Audited, **other: Any) -> list[str]:
    return audit.check(log.view(**other)).problems


LONG = reported(600)


def without(bundles: Sequence[Bundle], n: int, **other: Any) -> list[Bundle]:
    return [replace(b, **other) if b.n == n else b for b in bundles]


@tried(
    "bundles, why",
    [
        (LONG.bundles[:2][::-1], "bundle 1 of 256 entries is where 2 of 88"),
        (LONG.bundles[:0:-1], "bundle 0 is missing"),
        (LONG.bundles[::-2], "bundle 0 of 256 entries is where 1"),
        (without(LONG.bundles[::-1], 1, gz=b"?"), "entries 256 to 511"),
        (
            without(LONG.bundles[::-1], 1, gz=LONG.bundles[0].gz),
            "entries 256 to 511: not what their bundle's root says",
        ),
        (
            without(LONG.bundles[::-1], 0, root=b"r" * 32),
            "entries 0 to 255: not what their bundle's root says",
        ),
    ],
)
def test_broken_bundles(bundles: list[Bundle], why: str) -> None:
    """A bundle that is lost or changed is named by its entries."""
    found = problems(LONG, bundles=bundles)
    assert len(found) == 1
    assert found[0].startswith(why)


def test_other_entries() -> None:
    """Bundles that hold together, and are not what was signed, are caught."""
    other = Audited([report(n, confidence=51) for n in range(600)])
    found = problems(LONG, bundles=other.bundles[::-1], rows=other.rows()[0])
    assert "frontier: not that of the 600 entries" in found
    assert "checkpoint: another root at size 600" in found


def test_withheld_below_merged() -> None:
    """`merged` may not pass an entry that nobody has shown us."""
    bundles = LONG.close(515).bundles[::-1]
    found = problems(LONG, bundles=bundles, rows=LONG.rows()[0])
    assert "entry 515: withheld, but below merged" in found
    assert problems(LONG, bundles=bundles, merged=515) == []


def test_erasures_are_the_log_s_own() -> None:
    """A range that nobody ordered is a problem, and so is a forgotten one."""
    assert problems(MIXED, erased=(*MIXED.erased, (0, 2, 9))) == [
        "erasure of 0 to 2 at 9: nobody ordered it"
    ]
    assert problems(MIXED, erased=()) == [
        "entry 6: its erasure of 5 to 6 was not acted on"
    ]
    ordered = reported(3)
    ordered.erased = ((0, 1, 3),)
    assert problems(ordered, ordered=((0, 1, 3),)) == []


class Counted(int):
    """A number whose comparisons are calls."""

    __hash__ = int.__hash__

    def __eq__(self, other: object) -> bool:
        return int(self) == other


def test_many_ordered_erasures_are_not_dear() -> None:
    """A retired epoch may leave a range for every second entry."""

    def cost(count: int) -> int:
        ranges = tuple(
            (Counted(n), n + 1, absent.RETIRED) for n in range(0, 2 * count, 2)
        )
        view = TINY.view(erased=ranges, ordered=ranges)
        return calls(lambda: audit.check(view))

    assert cost(240) < 3 * cost(120)


def proof(raw: bytes, **other: Any) -> tuple[Proof, ...]:
    return (Proof("it", raw, **other),)


def test_kept_notes_hold() -> None:
    """Right notes of any size, with the cosigners that they should have."""
    merged = (MERGED.verifier,)
    for size in (0, 1, 255, 256, 257, 512, 599, 600):
        raw = LONG.note(MERGED, size=size)
        held = proof(raw, signers=merged, size=size, merged=True)
        assert problems(LONG, proofs=held) == []


@tried(
    "proofs, why",
    [
        (proof(b""), "it: note: no empty line"),
        (proof(LONG.note().replace(b"\n600", b"\n599")), "it: note: line of"),
        (proof(MIXED.note()), "it: another root at size 10"),
        (proof(LONG.note(), size=599), "it: its row is not its note of 600"),
        (proof(LONG.note(), root=b"r" * 32), "it: its row is not its note"),
        (
            proof(LONG.note(), signers=(SEEN.verifier,)),
            "it: is not signed by exactly its signers",
        ),
        (
            proof(LONG.note(SEEN, MERGED), signers=(SEEN.verifier,)),
            "it: is not signed by exactly its signers",
        ),
    ],
)
def test_wrong_notes(proofs: tuple[Proof, ...], why: str) -> None:
    """A note that is not what it should be is named."""
    (found,) = problems(LONG, proofs=proofs)
    assert found.startswith(why)


@tried(
    "log, other, want",
    [
        (  # we may not have signed more than we merged
            LONG,
            {"proofs": proof(LONG.note(), merged=True), "merged": 599},
            ["it: signed 600, merged 599"],
        ),
        (  # a receipt on a branch that the roster decided against: no fault
            LONG,
            {
                "proofs": proof(MIXED.note(), merged=True),
                "rejected": frozenset({note.parse(MIXED.note()).text}),
            },
            [],
        ),
        (
            MIXED,
            {"merged": 11, "rows": [], "seen": []},
            ["merged 11 is beyond size 10"],
        ),
        (  # a database behind its mark; where it is ahead, see kept notes
            MIXED,
            {"proofs": (Proof("high-water mark", LONG.note()),)},
            ["high-water mark: size 600 was released, the database is at 10"],
        ),
        (MIXED, {"peaks": b"?"}, ["frontier: 1 bytes"]),
    ],
)
def test_what_does_not_go_together(
    log: Audited, other: Any, want: list[str]
) -> None:
    """Each is a problem, not a traceback."""
    assert problems(log, **other) == want
