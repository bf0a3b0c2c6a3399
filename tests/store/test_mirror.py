"""The mirror moves by compare-and-swap; claims stand, end and stand again."""

import threading
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syncd.errors import Message
from syncd.flows.ports import Finding, MirrorHead
from syncd.indicator import absent, codec, folding, leaf
from syncd.indicator.claims import Row
from syncd.indicator.folding import Batch, Rows
from syncd.indicator.statement import Statement
from syncd.store import erasing, snapshot, stored_claims
from syncd.store.mirror import MirrorStore as Mirror
from syncd.tlog.merkle import Frontier
from tests import postgres
from tests.alliance import claims_of
from tests.cases import tried
from tests.flows import growing
from tests.refusals import stale
from tests.sample_statements import erase, sighting, value
from tests.store.conftest import Clock, Log, back, crash_at, r


async def in_force(mirror: Mirror, log: Log) -> list[Row]:
    rows = await claims_of(mirror, log.origin)
    # What a look-up finds must be the same rows.
    found = await mirror.claims([row[0] for row in rows], 1, 1)
    assert sorted(c.row() for cs in found.values() for c in cs) == sorted(rows)
    return sorted(rows)


def refolded(
    log: Log, size: int | None = None, merged: int | None = None
) -> list[Row]:
    """Return what stands by the log itself, erasures above `merged` too."""
    records = log.records[:size]
    erased = absent.erases(0, records)
    batch = folding.fold(log.origin, 0, records[:merged], erased=erased)
    return sorted(growing.in_force(batch))


async def as_said(mirror: Mirror, log: Log) -> list[Row]:
    """Return what stands, which is what the log itself says."""
    rows = await in_force(mirror, log)
    assert rows == refolded(log)
    return rows


async def stored(mirror: Mirror, log: Log, n: int = 0) -> list[leaf.Record]:
    """Return the records of a bundle that is here."""
    bundle = await mirror.bundle(log.origin, n)
    assert bundle is not None
    return codec.records(log.origin, bundle)


async def contest(mirror: Mirror, log: Log, *notes: bytes) -> Finding:
    """Have a log be forked."""
    fork = Finding("fork", log.origin, 1, Message("two roots"))
    await mirror.contest(log.origin, notes, fork)
    return fork


async def test_a_new_origin_is_empty(mirror: Mirror) -> None:
    """Who was never heard of is at size 0."""
    head = await mirror.head("nobody.example/syncd/txwz/1")
    assert head == MirrorHead("nobody.example/syncd/txwz/1", Frontier.EMPTY)
    assert await mirror.bundle(head.origin, 0) is None
    assert await mirror.notes(head.origin) == {}
    assert await mirror.heads() == []


async def test_advance_keeps_bundles_head_and_claims(
    mirror: Mirror, log: Log
) -> None:
    """All of a step is there after it, and the next goes on from it."""
    step = await log.merge(mirror, *log.reported(300))
    more = log.mirrored(r(7), r(300))
    assert await mirror.head(log.origin) == replace(more[0], merged=300)
    await mirror.advance(*more)
    assert await mirror.head(log.origin) == more[1]
    assert await mirror.heads() == [more[1]]
    assert await mirror.sizes() == {log.origin: (302, 302)}
    assert await stored(mirror, log, 1) == log.records[256:]
    assert await mirror.roots(log.origin, 0, 1) == [step[2][0].root]
    assert len(await as_said(mirror, log)) == 302


async def test_only_from_where_it_is(mirror: Mirror, log: Log) -> None:
    """A step that begins elsewhere, or goes back, is stale and writes none."""
    step = await log.merge(mirror, r(1))
    with stale("not at 0/0 now"):
        await mirror.advance(*step)
    old, new, bundles, batch = log.mirrored(r(2))
    for wrong in (
        replace(old, merged=0),
        replace(old, frontier=Frontier.EMPTY, merged=0),
    ):
        with stale():
            await mirror.advance(wrong, new, bundles, batch)
    with stale("no advance"):
        await mirror.advance(new, old, bundles, batch)
    assert await mirror.head(log.origin) == step[1]
    await mirror.advance(old, new, bundles, batch)


async def test_a_contested_log_stands_still(mirror: Mirror, log: Log) -> None:
    """After a fork nothing moves; claims and both notes are kept."""
    await log.merge(mirror, r(1))
    await contest(mirror, log, b"note a", b"note b")
    fork = await contest(mirror, log, b"note a")
    assert (await mirror.head(log.origin)).contested
    old, new, bundles, batch = log.mirrored(r(2))
    for head in (old, await mirror.head(log.origin)):
        with stale():
            await mirror.advance(head, new, bundles, batch)
    assert await mirror.contested() == {log.origin}
    assert sorted(await mirror.evidence(log.origin)) == [b"note a", b"note b"]
    assert len(await in_force(mirror, log)) == 1
    (found,) = await mirror.findings()
    assert (found.finding, found.count) == (fork, 2)


@tried("size", [*range(12), 255, 256, 257, 300])
async def test_cut_back_is_as_if_it_had_never_gone_on(
    mirror: Mirror, log: Log, size: int
) -> None:
    """Claims, ends and erasures are those of the entries that are left."""
    statements: list[Statement] = [
        r(1),
        r(2),
        r(3),
        erase((0, 1)),
        back(2, 1),
        r(4),
        back(2, 1),
        back(3, 2),
        erase((4, 5)),
        erase((5, 6)),
        *(r(i) for i in range(300)),
    ]
    for i in range(0, len(statements), 50):
        await log.merge(mirror, *statements[i : i + 50])
    whole = await mirror.head(log.origin)
    await as_said(mirror, log)
    note = log.tip.note
    await contest(mirror, log, note, b"another")
    await mirror.decide(await mirror.head(log.origin), size, [note])
    head = await mirror.head(log.origin)
    # What an entry erased that is gone is to be had again.
    undone = [i for i, by in ((0, 3), (4, 8), (5, 9)) if i < size <= by]
    merged = min([*undone, size])
    assert (head.mirrored, head.merged) == (size, merged)
    assert not head.contested
    hashes = codec.leaf_hashes(log.records)
    assert head.frontier == Frontier.EMPTY.extend(hashes[:size])
    assert await in_force(mirror, log) == refolded(log, size, merged)
    assert sorted(await mirror.evidence(log.origin)) == [b"another", note]
    assert await mirror.rejected(log.origin) == [note]
    assert not [n for n in await mirror.notes(log.origin) if n > size]
    batch = folding.fold(log.origin, merged, log.records[merged:])
    await mirror.advance(head, whole, log.bundles, batch)
    await as_said(mirror, log)


async def test_what_went_with_its_epoch_stays_gone_in_a_cut(
    mirror: Mirror, log: Log
) -> None:
    """It is erased by itself; beyond the cut other entries may come."""
    statements = [r(i, epoch=1 + i // 3) for i in range(6)]
    mirror.retired = frozenset({("phone", 2)})
    await log.merge(mirror, *statements)
    assert await mirror.erased(log.origin) == [(3, 6, absent.RETIRED)]
    assert len(await in_force(mirror, log)) == 3
    head = await mirror.head(log.origin)
    assert (head.merged, head.missing) == (6, ())
    await mirror.decide(head, 4, [])
    assert await mirror.erased(log.origin) == [(3, 4, absent.RETIRED)]
    assert (await mirror.head(log.origin)).merged == 4


@tried("merged", [False, True])
async def test_an_epoch_that_is_retired_later(
    mirror: Mirror, log: Log, merged: bool
) -> None:
    """Rows go at once, bundles one after the other; nothing comes back."""
    statements = [r(i, epoch=1 + i % 2) for i in (*range(300), 0, 1)]
    step = await log.merge(mirror, *statements, back(0, 0), whole=merged)
    mirror.retired = frozenset({("phone", 2)})
    await mirror.drop_retired()
    if merged:
        assert len(await in_force(mirror, log)) == 150
    await mirror.retire(log.origin, 0, 1)
    await mirror.retire(log.origin, 0, 9)
    if not merged:  # folded from before, committed after
        head = await mirror.head(log.origin)
        batch = folding.fold(log.origin, 0, log.records)
        await mirror.advance(head, replace(head, merged=303), (), batch)
    assert len(await in_force(mirror, log)) == 150
    records = [await stored(mirror, log, n) for n in (0, 1)]
    assert sum(bool(salt) for _, salt, _ in (*records[0], *records[1])) == 152
    await mirror.replace_bundle(log.origin, step[2][0])
    assert await stored(mirror, log) == records[0]


async def test_a_crash_in_a_cut_leaves_all_as_it_was(
    mirror: Mirror, log: Log
) -> None:
    """Bundles, claims and the contest go together or not at all."""
    await log.merge(mirror, r(1), r(2))
    await contest(mirror, log, b"another")
    head = await mirror.head(log.origin)
    with crash_at("merge.head"):
        await mirror.decide(head, 1, [head.note])
    assert await mirror.head(log.origin) == head
    await as_said(mirror, log)
    assert await mirror.rejected(log.origin) == []
    await mirror.decide(head, 1, [head.note])
    with stale("not at 2/2 now"):
        await mirror.decide(head, 1, [])
    assert await in_force(mirror, log) == refolded(log, 1)


@tried("point", ["merge.head", "merge.bundles", "merge.claims", "merge.ends"])
async def test_a_crash_inside_a_merge_leaves_nothing_of_it(
    mirror: Mirror, log: Log, point: str
) -> None:
    """Head, bundles and claims move together or not at all."""
    step = log.mirrored(r(1), back(1, 0))
    with crash_at(point):
        await mirror.advance(*step)
    assert (await mirror.head(log.origin)).mirrored == 0
    assert await mirror.bundle(log.origin, 0) is None
    await mirror.advance(*step)
    assert await in_force(mirror, log) == []


TWICE = [[r(1), back(1, 0), back(1, 0)], [erase((1, 2))], [erase((2, 3))]]
CUT = r(1), r(2), back(1, 0), r(1), back(2, 1), r(3), erase((0, 1), (2, 3))
SECOND = [(i, i + 1) for i in range(0, 502, 2)]


@tried(
    "steps, stands",
    [
        # another token's index, or a later one, is ended by nothing
        ([[r(1), r(2), r(1), back(1, 0, 1, 9)]], [1, 2]),
        # what comes later at an index in its range is not erased
        ([[r(1), erase((0, 2**40)), r(1)]], [2]),
        # one erased retract is not enough while another names the claim
        *[(TWICE[:2], []), (TWICE, [0])],
        # a breach: what it ended stands again
        ([[one] for one in (*CUT, erase((4, 5)))], [1, 3, 5]),
        (
            [
                [*map(r, range(500)), back(7, 7), back(8, 8), r(500)],
                [erase(*SECOND, (501, 503))],
            ],
            [*range(1, 500, 2)],  # 7 too
        ),
    ],
)
async def test_what_stands(
    mirror: Mirror, log: Log, steps: list[list[Statement]], stands: object
) -> None:
    """As the log itself says, in whatever batches it came."""
    rows: list[Row] = []
    for some in steps:
        await log.merge(mirror, *some)
        rows = await as_said(mirror, log)
        acted = sorted(absent.erases(0, log.records))
        assert await mirror.erased(log.origin) == acted
    assert sorted(row[1] for row in rows) == stands


async def test_erased_is_gone_from_bundles_and_files(
    mirror: Mirror, log: Log, tmp_path: Path
) -> None:
    """Record closed, root unchanged, salt and payload in no file."""
    step = await log.merge(mirror, *log.reported(3))
    await log.merge(mirror, erase((1, 2)))  # book-keeping is never erased
    assert await stored(mirror, log) == log.close(1).records
    await mirror.purge()
    disk = postgres.disk(tmp_path, "mirror")
    assert step[2][0].gz not in disk
    for part in log.records[1][:2]:  # gzip again: not even the leaf
        assert part not in disk


async def test_an_erasure_stays_when_a_slow_mirror_brings_it_back(
    mirror: Mirror, log: Log
) -> None:
    """A bundle that comes in again with the payload is closed again."""
    await log.merge(mirror, r(1), r(2))
    await log.merge(mirror, erase((0, 1)))
    _, _, (whole,), _ = step = log.mirrored(r(3))
    await mirror.advance(*step)
    assert await stored(mirror, log) == log.close(0).records
    await mirror.replace_bundle(log.origin, whole)
    assert await stored(mirror, log) == log.close(0).records
    await as_said(mirror, log)


async def test_a_bundle_that_comes_erased_drops_the_claim(
    mirror: Mirror, log: Log
) -> None:
    """A source may have acted on the erasure before we heard of it."""
    await log.merge(mirror, r(1), r(2))
    old, new, _, batch = log.mirrored(erase((0, 1)))
    erased = log.close(0).bundles
    await mirror.advance(old, new, erased, batch)
    assert [row[1] for row in await as_said(mirror, log)] == [1]
    assert await mirror.bundle(log.origin, 0) == erased[0]


async def test_a_source_cannot_take_back_what_we_hold(
    mirror: Mirror, log: Log
) -> None:
    """A wider tail that withholds an entry does not make us lose it."""
    await log.merge(mirror, r(1), r(2))
    old, new, bundles, batch = log.mirrored(r(3))
    await mirror.advance(old, new, log.close(0).bundles, batch)
    assert await mirror.bundle(log.origin, 0) == bundles[0]


async def test_erasing_again_is_quick(mirror: Mirror, log: Log) -> None:
    """However often a log repeats an erasure, it is walked once."""
    await log.merge(mirror, *log.reported(300))
    await log.merge(mirror, erase((0, 2**50)))
    assert await in_force(mirror, log) == []
    await mirror.erase(log.origin, [(0, n, 300) for n in range(1, 3000)])
    assert len(await mirror.erased(log.origin)) == 3000


ranges = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40)),
    max_size=8,
)


@given(ranges, ranges)
def test_spans_are_the_indices_that_ranges_cover(
    some: list[absent.Range], other: list[absent.Range]
) -> None:
    """As sets they are the same; as spans disjoint and in order."""

    def covered(these: list[absent.Range]) -> set[int]:
        return {i for a, b, by in these for i in range(a, min(b, by))}

    def indices(these: list[tuple[int, int]]) -> list[int]:
        return [i for a, b in these for i in range(a, b)]

    assert indices(absent.spans(some)) == sorted(covered(some))
    left = erasing.without(absent.spans(some), absent.spans(other))
    assert indices(left) == sorted(covered(some) - covered(other))


async def test_what_no_writer_should_erase(mirror: Mirror, log: Log) -> None:
    """It is erased, and told: a breach is never a reason to ignore it."""

    async def say(*statements: Statement) -> None:
        await log.merge(mirror, *statements)
        await as_said(mirror, log)

    async def breaches() -> list[tuple[int | None, str]]:
        return sorted(
            (kept.finding.index, str(kept.finding.detail))
            for kept in await mirror.findings()
            if kept.finding.code == "erase_breach"
        )

    await say(
        r(0),  # has expired
        *(r(n, expires="2199-01-01") for n in range(1, 5)),
        *(back(n, n) for n in range(1, 4)),
    )
    await say(erase((0, 2), (5, 6)))  # as one should
    await say(erase((2, 3)))
    await say(erase((6, 7)))  # with what it ended, and after it
    assert await breaches() == []
    await say(erase((7, 8)))
    want = [(7, "its author erased a retract, and not what it ended")]
    assert await breaches() == want
    await say(erase((3, 5)))  # 3 stands again
    want.insert(0, (3, "its author erased a claim that stood, and 1 more"))
    assert await breaches() == want


async def test_a_roster_may_erase_so(mirror: Mirror, log: Log) -> None:
    """It speaks for a log that cannot: that is no breach."""
    await log.merge(mirror, r(1, expires="2199-01-01"))
    await mirror.erase(log.origin, [(0, 1, 1)])
    assert await in_force(mirror, log) == []
    assert await mirror.findings() == []


def sightings(
    tmp_path: Path, *, wanted: bool = True
) -> list[tuple[object, ...]]:
    """Return token, kind and epoch, index and record of each, or of claims."""
    with snapshot.MirrorSnapshot.of(tmp_path, postgres.of(tmp_path)) as mirror:
        return [row[1:5] for row in mirror.rows(sightings=wanted)]


async def test_a_log_is_folded_again(
    mirror: Mirror, log: Log, tmp_path: Path
) -> None:
    """All that it says is dropped, and comes again from what is mirrored.

    A sighting is kept by token, and is no claim.
    """
    await log.merge(mirror, r(1), sighting(n=1), r(2), back(2, 2), r(3))
    await log.merge(mirror, erase((0, 1)))
    await mirror.fold_again(log.origin)
    head = await mirror.head(log.origin)
    assert (head.merged, head.mirrored) == (0, 6)
    assert await in_force(mirror, log) == []
    erased = await mirror.erased(log.origin)
    batch = folding.fold(log.origin, 0, log.records, erased=erased)
    batch.erases = []
    await mirror.advance(head, replace(head, merged=6), (), batch)
    await as_said(mirror, log)
    [(name, index, key, said)] = batch.sightings
    assert sightings(tmp_path) == [(name, key, index, said)]


async def test_claims_of_many_tokens(mirror: Mirror, log: Log) -> None:
    """Any number of tokens in one question, known or not."""
    await log.merge(mirror, *log.reported(1000))
    for count in (0, 1, 2, 9, 100, 513, 3000):
        found = await mirror.claims([value(i) for i in range(count)], 1, 1)
        assert set(found) == {value(i) for i in range(min(count, 1000))}
    assert await mirror.claims([value(1)], 2, 1) == {}
    assert await mirror.claims([value(1)], 1, 2) == {}


async def test_much_of_one_token_does_not_hold_the_loop(
    mirror: Mirror, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member says as much of it as it likes, and ends it: a thread reads."""
    reports = (r(1, confidence=n) for n in range(65))
    await log.merge(mirror, *reports, back(1, 0, 1))

    def away(*_: Any) -> bool:
        assert threading.current_thread() is not threading.main_thread()
        return True

    monkeypatch.setattr(stored_claims, "_in_force", away)
    assert len((await mirror.claims([value(1)], 1, 1))[value(1)]) == 63


async def test_claims_as_of_earlier_sizes(mirror: Mirror, log: Log) -> None:
    """What came later is not there yet, nor what ended then gone."""
    await log.merge(mirror, r(1), r(1, confidence=90), back(1, 0))
    for size, there in {0: [], 1: [0], 2: [0, 1], 3: [1], 4: [1]}.items():
        at = {log.origin: size}
        found = await mirror.claims([value(1)], 1, 1, at)
        assert [c.index for c in found.get(value(1), ())] == there
        places = [(log.origin, n) for n in range(3)]
        assert [n for _, n in await mirror.claims_at(places, at)] == there
    assert await mirror.claims([value(1)], 1, 1, {}) == {}


async def test_pages_of_tokens(mirror: Mirror, log: Log) -> None:
    """Token by token in order, each with all that stands on it."""
    await log.merge(
        mirror,
        *log.reported(20),
        *[r(i, confidence=90) for i in range(10)],
        back(3, 3, 23),
    )
    seen: list[tuple[bytes, int]] = []
    count = 0
    while page := await mirror.page(seen[-1] if seen else (b"", 0), 6):
        assert len(page) <= 6
        for name, key, found in page:
            assert {c.token for c in found} == {name}
            seen.append((name, key))
            count += len(found)
    assert seen == sorted(set(seen))
    assert (len(seen), count) == (19, 28)


async def test_claims_by_position(mirror: Mirror, log: Log) -> None:
    """A basis is found through the entry that it names."""
    await log.merge(mirror, *log.reported(260), back(1, 1))
    found = await mirror.claims_at(
        [(log.origin, i) for i in (0, 1, 259, 260, 261, 10**6)]
        + [("nobody.example/syncd/txwz/1", 0)]
    )
    assert sorted(i for _, i in found) == [0, 259]
    assert found[log.origin, 259].token == value(259)


async def test_claims_by_position_on_another_branch(
    mirror: Mirror, log: Log
) -> None:
    """What an entry named that the roster cut off is not remembered."""
    other = Log()
    at = (log.origin, 1)
    await log.merge(mirror, r(1))
    other.grow(other.report(1))
    await log.merge(mirror, r(2))
    assert (await mirror.claims_at([at]))[at].token == value(2)
    await mirror.decide(await mirror.head(log.origin), 1, [log.tip.note])
    _, new, bundles, batch = other.mirrored(other.report(3))
    await mirror.advance(await mirror.head(log.origin), new, bundles, batch)
    assert (await mirror.claims_at([at]))[at].token == value(3)


async def test_withheld_ones_are_remembered(mirror: Mirror, log: Log) -> None:
    """What is missing is part of the head, until it comes or is erased."""
    old, new, bundles, _ = log.mirrored(r(1), r(2), whole=False)
    withheld = log.close(1)
    batch = folding.fold(log.origin, 0, log.records[:1])
    new = replace(new, merged=1, missing=(1,))
    await mirror.advance(old, new, withheld.bundles, batch)
    assert await mirror.head(log.origin) == new
    await mirror.erase(log.origin, [(1, 2, 2)])  # as the roster may order
    assert (await mirror.head(log.origin)).missing == ()
    await mirror.replace_bundle(log.origin, bundles[0])
    assert await stored(mirror, log) == withheld.records


async def test_an_erased_one_is_not_missing(mirror: Mirror, log: Log) -> None:
    """What was withheld and is rightly erased later holds up nothing."""
    old, new, _, nothing = log.mirrored(r(1), whole=False)
    head = replace(new, missing=(0,))
    await mirror.advance(old, head, log.close(0).bundles, nothing)
    _, new, bundles, batch = log.mirrored(erase((0, 1)))
    batch = Batch(origin=log.origin, start=0, stop=0, erases=batch.erases)
    new = replace(new, merged=0, missing=(0,))
    await mirror.advance(head, new, bundles, batch)
    assert (await mirror.head(log.origin)).missing == ()


async def test_a_payload_that_comes_late_replaces_its_gap(
    mirror: Mirror, log: Log
) -> None:
    """A bundle of the same root is replaced, any other is refused."""
    old, new, bundles, nothing = log.mirrored(r(1), whole=False)
    new = replace(new, missing=(0,))
    await mirror.advance(old, new, log.close(0).bundles, nothing)
    other = replace(bundles[0], root=b"\0" * 32)
    with stale():
        await mirror.replace_bundle(log.origin, other)
    await mirror.replace_bundle(log.origin, bundles[0])
    assert await mirror.bundle(log.origin, 0) == bundles[0]


async def test_notes_are_thinned_but_what_receipts_need_stays(
    mirror: Mirror, log: Log
) -> None:
    """The largest covered note, and a bounded number above it."""
    for size in range(1, 120):
        await mirror.keep_note(log.origin, size, b"%d" % size)
    kept = await mirror.notes(log.origin)
    assert len(kept) <= 34
    assert 1 in kept
    assert kept[119] == b"119"
    step = await log.merge(mirror, *log.reported(100))
    kept = await mirror.notes(log.origin)
    assert min(kept) == 100
    assert kept[100] == step[1].note
    assert 119 in kept


async def test_findings_are_kept_once(mirror: Mirror, clock: Clock) -> None:
    """The same finding again is counted, not repeated."""
    first, other = (
        Finding("fork", f"{name}/syncd/txwz/1", None, Message("another root"))
        for name in ("a.example", "b.example")
    )
    for finding in (first, other):
        await mirror.contest(finding.origin, [], finding)
    clock.now += 60
    await mirror.contest(first.origin, [], first)
    found = await mirror.findings()
    assert [f.finding for f in found] == [first, other]
    assert found[0].count == 2
    assert found[0].last_at - found[0].first_at == 60
    [(number, findings), (last, _)] = await mirror.findings_after(0, 10)
    assert (findings, await mirror.findings_after(last, 10)) == (first, [])
    assert await mirror.findings_after(number, 1) == [(last, other)]


async def test_what_was_merged_today(
    mirror: Mirror, log: Log, clock: Clock
) -> None:
    """Entries and bytes of another's log, until the day (UTC) is over."""
    clock.now = 86_400 * 20_000
    assert await mirror.merged_today(log.origin) == (0, 0)
    for count, octets in ((2, 500), (1, 200)):
        step = log.mirrored(*log.reported(count))
        step[3].octets = octets
        await mirror.advance(*step)
    await log.merge(mirror, r(1))  # as our own are
    assert await mirror.merged_today(log.origin) == (3, 700)
    assert await mirror.merged_today("nobody.example/syncd/txwz/1") == (0, 0)
    clock.now += 86_400
    assert await mirror.merged_today(log.origin) == (0, 0)
    step = log.mirrored(r(1))
    step[3].octets = 9
    await mirror.advance(*step)
    assert await mirror.merged_today(log.origin) == (1, 9)


async def test_rows_of_any_length_and_number(
    mirror: Mirror, log: Log, tmp_path: Path
) -> None:
    """They are kept as they were made, whatever runs they came in."""
    old, new, bundles, batch = log.mirrored(*map(r, range(3)))
    rows = [
        (token * 16, index, number, record)
        for index, (token, number, record) in enumerate(
            product(
                (b"\0", b"\3", b"\xff"),
                (5, 4 * (2**53 - 1) + 3),
                (b"", b'\0"\xff', b"r" * 4096),
            )
        )
    ]
    batch.adds = Rows.pack(rows[::-2]) + Rows.pack(rows[::2][::-1])
    new = replace(new, merged=3)
    await mirror.advance(old, new, bundles, batch)
    kept = sightings(tmp_path, wanted=False)
    assert {(t, at, n, said) for t, n, at, said in kept} == {*rows}
    assert rows == [*batch.adds]
