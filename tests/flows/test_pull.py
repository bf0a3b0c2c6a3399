"""A pull ends with what the origin signed, whatever the sources do."""

import asyncio
import gzip
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from syncd.errors import AbsentError, StaleError
from syncd.flows import held, merge, pull, stretch, stretch_queue
from syncd.flows.ports import Bundle, MirrorHead, OwnHead
from syncd.indicator.absent import RETIRED
from syncd.indicator.statement import RosterAccepted
from tests.cases import tried
from tests.flows.growing import (
    KEY,
    ORIGIN,
    FakeMirror,
    FakeSource,
    Log,
    Pull,
    Tamper,
    offload,
    report,
)
from tests.refusals import broken, damaged, forked, stale, unavailable
from tests.sample_statements import erase, retract


@pytest.fixture
def to() -> Pull:
    return Pull()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bundles to a transaction, so that small logs have several."""
    monkeypatch.setattr(pull, "RUN", 2)
    monkeypatch.setattr(stretch_queue, "MOST", 2)


def on(start: str, change: Callable[[bytes], bytes]) -> Tamper:
    """Change the files whose paths begin so."""
    return lambda path, raw: change(raw) if path.startswith(start) else raw


def flipped(raw: bytes) -> bytes:
    return bytes([raw[0] ^ 1]) + raw[1:]


@tried("steps", [[1], [255, 1], [256], [300, 300, 7, 905]])
async def test_growth(to: Pull, steps: list[int]) -> None:
    """Step by step the mirror has each entry once, under the signed root."""
    log = Log()
    for step in steps:
        log.reports(step)
        done = await to(log)
        assert done.after == done.merged == log.frontier.size
        assert to.root == log.frontier.root()
    assert to.mirror.rows == list(range(sum(steps)))
    assert to.mirror.held.note == log.signed


class Growing(Log):
    """Our own log, which somebody else of us appends to meanwhile."""

    def __init__(self, *more: int) -> None:
        super().__init__()
        self.more = list(more)

    async def head(self) -> OwnHead:
        if self.more:
            self.reports(self.more.pop(0))
        return await super().head()


async def test_our_own_log_may_grow_while_it_is_merged(to: Pull) -> None:
    """Every tip is as new as what was merged; the end is the newest."""
    own = Growing(701, 300, 5, 0, 9)
    for merged in (1006, 1015):
        assert await merge.own(own, to.mirror, offload) == merged
    assert to.mirror.rows == list(range(1015))


async def test_our_own_log_is_mirrored_in_steps(
    to: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is as much as one transaction takes; the last has our note."""
    monkeypatch.setattr(held, "TOGETHER", 1)
    own = Log().reports(600)
    assert await merge.own(own, to.mirror, offload) == 600
    assert to.mirror.held.note == own.signed
    to.mirror.held = replace(to.mirror.held, merged=0)  # to be folded again
    assert await merge.own(own, to.mirror, offload) == 600
    assert [batch.stop for batch in to.mirror.batches] == [256, 512, 600] * 2


async def test_what_our_own_log_grew_by_since_is_merged_next(to: Pull) -> None:
    """A bundle that is wider by now is as wide as the tip that was read."""

    class Grown(Log):
        async def bundle(self, n: int) -> Bundle | None:
            if self.frontier.size == 300:
                self.reports(7)
            return await super().bundle(n)

    assert await merge.own(Grown().reports(300), to.mirror, offload) == 307
    assert [batch.stop for batch in to.mirror.batches] == [300, 307]


async def test_two_who_merge_our_own_log(to: Pull) -> None:
    """Whoever comes second goes on from where the first has come."""
    log = Log().reports(300)

    class Raced(FakeMirror):
        raced = False

        async def advance(self, old: MirrorHead, *rest: Any) -> None:
            if not self.raced:
                self.raced = True
                log.reports(10)
                await merge.own(log, self_, offload)
            await super().advance(old, *rest)

    self_ = Raced()
    assert await merge.own(log, self_, offload) == 310
    assert self_.rows == list(range(310))


async def test_a_closed_entry_of_our_own_is_damage(to: Pull) -> None:
    """We withhold nothing from ourselves: or it went with its epoch."""
    own = Log().reports(10).close(4, 5)
    with damaged("entry 4 is closed"):
        await merge.own(own, FakeMirror(), offload)
    assert await merge.own(own, to.mirror, offload, excuse=True) == 10
    assert to.mirror.ranges == [(4, 6, RETIRED)]


async def test_what_a_much_later_entry_of_our_own_erased(
    to: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new mirror.db meets closed entries before the one that says why."""
    monkeypatch.setattr(held, "TOGETHER", 1)
    own = Log().reports(600)
    own.say(erase((4, 5)))
    assert await merge.own(own.close(4), to.mirror, offload) == 601
    assert to.mirror.rows == [i for i in range(600) if i != 4]


async def test_a_missing_bundle_of_our_own_is_damage(to: Pull) -> None:
    """Neither merging nor a root goes on without it."""
    log = Log().reports(300)
    del log.bundles[1]
    with damaged(r"own\.db: bundle 1 is missing"):
        await merge.own(log, to.mirror, offload)
    with damaged(r"own\.db: bundle 1 is missing"):
        await held.own(log, await log.head()).root_at(299)


async def test_a_merge_that_nobody_else_made_is_not_tried_again(
    to: Pull,
) -> None:
    """If the store refuses for another reason, it would go on refusing."""
    stuck = patch.object(to.mirror, "advance", side_effect=[StaleError("no")])
    with stuck, stale():
        await merge.own(Log().reports(3), to.mirror, offload)


async def test_a_contested_log_stays_where_it_is(to: Pull) -> None:
    """Until the roster says which branch counts nobody is asked."""
    log = Log().reports(10)
    await to(log)
    to.mirror.held = replace(to.mirror.held, contested=True)
    source = FakeSource(log.reports(5))
    done = await to(log, source)
    assert (done.before, done.after, done.merged) == (10, 10, 10)
    assert source.asked == []


async def test_nothing_new_costs_nothing(to: Pull) -> None:
    """A checkpoint that we hold already asks no source for anything."""
    log = Log().reports(300)
    await to(log)
    source = FakeSource(log)
    await to(log, source)
    assert source.asked == []


async def test_a_lie_is_left_at_once(to: Pull) -> None:
    """A flipped byte ends that source; the next goes on where it stopped."""
    log = Log().reports(1500)
    flip = on(
        "payload/003", lambda raw: gzip.compress(flipped(gzip.decompress(raw)))
    )
    liar = FakeSource(log, "liar", flip)
    honest = FakeSource(log, "honest")
    done = await to(log, liar, honest)
    assert done.merged == 1500
    assert done.source == "honest"
    assert not {f"payload/00{n}" for n in range(3)} & {*honest.asked}
    assert any("bundle 3" in str(f.detail) for f in to.reported)


async def test_a_store_that_is_slow_holds_up_the_fetching(to: Pull) -> None:
    """What is fetched and not yet merged is bounded, however long the log."""
    ahead: list[int] = []

    class Slow(FakeMirror):
        async def advance(self, *args: Any) -> None:
            for _ in range(20):
                await asyncio.sleep(0)
            await super().advance(*args)

    class Watched(FakeSource):
        async def files(
            self, origin: str, paths: Sequence[str]
        ) -> Sequence[bytes]:
            if paths[0].startswith("payload/"):
                last = int(paths[-1].removeprefix("payload/"))
                ahead.append(last - to.mirror.held.mirrored // 256)
            return await super().files(origin, paths)

    to.mirror = Slow()
    log = Log().reports(20 * 256)
    assert (await to(log, Watched(log))).merged == 20 * 256
    assert max(ahead) <= 5 * stretch_queue.MOST


@tried(
    "size, bad, why",
    [
        (300, {"most": 0}, "peer: 0 bundles"),
        (10, {"tamper": on("tile/0", lambda raw: raw[:-1])}, "319 bytes"),
        (700, {"tamper": on("tile/1", flipped)}, "log: "),
    ],
)
async def test_a_source_that_gives_nothing_right_gives_way(
    to: Pull, size: int, bad: Any, why: str
) -> None:
    """No bundle, half a hash, or tiles of another root: the next is asked."""
    log = Log().reports(size)
    with broken(why):
        await to(log, FakeSource(log, **bad))
    done = await to(
        log, FakeSource(log, "liar", **bad), FakeSource(log, "full")
    )
    assert (done.merged, done.source) == (size, "full")


@tried("sizes", [(10, 20), (300, 20), (300, 400), (256, 1)])
async def test_fork_by_extension(to: Pull, sizes: tuple[int, int]) -> None:
    """A log that does not extend itself is a fork, not a bad source."""
    await to(Log().reports(sizes[0]))
    other = Log().reports(sizes[0] + sizes[1], salt=b"t")
    with forked():
        await to(other)
    assert to.mirror.held.mirrored == sizes[0]


@tried("size", [1, 255, 256, 400, 600])
async def test_fork_below(to: Pull, size: int) -> None:
    """Another root at a size that we have passed is a fork too."""
    await to(Log().reports(600))
    with forked():
        await to(Log().reports(size, salt=b"t"))
    assert (await to(Log().reports(size))).after == 600


async def test_nobody_to_ask(to: Pull) -> None:
    """Without a source the checkpoint is kept for later."""
    log = Log().reports(5)
    with unavailable():
        await pull.pull(log.signed, KEY.verifier, to.context())
    assert to.mirror.kept == {5: log.signed}


async def test_short_answers(to: Pull) -> None:
    """A source that gives one bundle at a time is slow, and no liar."""
    log = Log().reports(1300)
    assert (await to(log, FakeSource(log, most=1))).merged == 1300
    assert to.mirror.rows == list(range(1300))


async def test_rosters_that_a_log_accepted_are_passed_on(to: Pull) -> None:
    """When it is merged: at once, or as soon as a gap before it is filled."""
    content = RosterAccepted(version=2, hash_="ab" * 32)
    log = Log()
    log.say(content)
    log.reports(5).say(content)
    await to(log, FakeSource(log.close(3)))
    assert to.rosters == [2]
    await to(log)
    assert to.rosters == [2, 2]


async def test_what_is_withheld_is_asked_of_the_next(to: Pull) -> None:
    """Of whoever has it: who lies is named, who is silent is passed by."""
    log = Log().reports(10)
    await to(log, FakeSource(log.close(4)))
    liar = FakeSource(log, "liar", on("payload", lambda _: b"junk"))
    done = await to(log, liar, FakeSource(Log(), "silent"))
    assert (done.merged, done.missing) == (4, (4,))
    assert [(f.code, f.index) for f in to.reported] == [("broken_source", 0)]
    assert str(to.reported[0].detail).startswith("liar: ")
    done = await to(log, liar, FakeSource(log, "honest"))
    assert (done.merged, done.source) == (10, "honest")


async def test_a_bundle_that_changes_while_it_is_filled(to: Pull) -> None:
    """Somebody erased in it meanwhile: it is filled in another round."""
    log = Log().reports(10)
    await to(log, FakeSource(log.close(4)))
    moved = [StaleError("mirror: bundle moved")]
    with patch.object(to.mirror, "replace_bundle", side_effect=moved):
        assert (await to(log)).merged == 4
    assert (await to(log)).merged == 10


async def test_a_missing_bundle_of_the_mirror_is_damage(to: Pull) -> None:
    """It is not passed by, as if nothing were left to merge."""
    log = Log().reports(700)
    await to(log, FakeSource(log.close(300)))
    for n in (1, 2):  # the one to be filled, then one to be merged
        kept = to.mirror.bundles.pop(n)
        with damaged(f"bundle {n} is missing"):
            await to(log)
        to.mirror.bundles[n] = kept


async def test_what_nobody_opens_went_with_its_epoch(to: Pull) -> None:
    """If all that are asked answer; one that does not, or opens, prevents."""
    log = Log().reports(600)
    away = FakeSource(Log(), "away")  # knows no such log
    some = log.close(3, 300, *range(400, 420))
    for sources in ([FakeSource(some), away], [FakeSource(some)]):
        done = await to(log, *sources, excuse=len(sources) == 2)
        assert done.merged == 3
    all_closed = [FakeSource(some), FakeSource(some.close(7))]
    done = await to(log, *all_closed, FakeSource(log.close(3)), excuse=True)
    assert done.merged == 600
    assert to.mirror.ranges == [(3, 4, RETIRED)]
    assert to.mirror.rows == [i for i in range(600) if i != 3]


async def test_however_many_went_with_their_epoch_one_pull_is_enough(
    to: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of what is missing is bounded; what is excused is not."""
    monkeypatch.setattr(merge, "MOST_MISSING", 100)
    log = Log().reports(700)
    closed = range(10, 690)
    done = await to(log, FakeSource(log.close(*closed)), excuse=True)
    assert (done.merged, done.missing) == (700, ())
    assert to.mirror.rows == [i for i in range(700) if i not in closed]


async def test_what_is_mirrored_is_merged_without_asking(to: Pull) -> None:
    """Up to what is withheld, in as many steps as it takes."""
    assert (
        await to(Log().reports(900), budget=merge.Budget(0, 0))
    ).merged == 0
    await merge.all_stored(ORIGIN, to.mirror, offload)
    assert to.mirror.held.merged == 900


async def test_erased_is_not_withheld(to: Pull) -> None:
    """An erase later in the log excuses what is closed, far above too."""
    log = Log().reports(700)
    log.say(erase((10, 12)))
    done = await to(log, FakeSource(log.close(10, 11)))
    assert (done.merged, done.missing) == (701, ())
    assert to.mirror.rows == [i for i in range(700) if i not in (10, 11)]


async def test_a_type_byte_of_its_own(to: Pull) -> None:
    """A leaf whose type is not its payload's is void, told by the leaves."""
    log = Log().reports(2)
    log.add((3, report()))
    source = FakeSource(log)
    assert (await to(log, source)).merged == 3
    assert "tile/entries/000.p/3" in source.asked
    assert to.mirror.voids == [2]
    log.reports(300)
    assert (await to(log)).merged == 303


async def test_a_type_byte_that_a_source_does_not_explain(to: Pull) -> None:
    """Without the leaves its bundle is not what was signed; others are."""
    log = Log().reports(2)
    log.add((3, report()))

    def hide(path: str, raw: bytes) -> bytes:
        if path.startswith("tile/entries"):
            raise AbsentError("peer: no entries")
        return raw

    with broken("bundle 0 is not what was"):
        await to(log, FakeSource(log, tamper=hide))
    assert (await to(log)).merged == 3


async def test_budget(to: Pull) -> None:
    """Above the day's limit merging lags, mirroring goes on."""
    log = Log().reports(2000)
    done = await to(log, budget=merge.Budget(600, 2**40))
    assert done.after == 2000
    assert 600 <= done.merged < 2000
    assert done.limited
    done = await to(log, budget=merge.Budget(10_000, 2**40))
    assert done.merged == 2000
    assert not done.limited
    assert to.mirror.rows == list(range(2000))


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles are checked alone, and many make a transaction."""
    monkeypatch.setattr(pull, "RUN", 1)
    monkeypatch.setattr(stretch_queue, "MOST", 16)


@pytest.mark.usefixtures("one_by_one")
async def test_runs_of_one_transaction(to: Pull) -> None:
    """Checked apart and merged together, runs say what they say alone."""
    log = Log().reports(1000)
    log.say(retract(1, 999, kind="url"))
    log.add((1, b"{}"))
    log.reports(2000)
    assert (await to(log)).merged == 3002
    assert to.root == log.frontier.root()
    assert to.mirror.rows == [*range(1000), *range(1002, 3002)]
    assert to.mirror.voids == [1001]
    ends = [end[1:3] for batch in to.mirror.batches for end in batch.ends]
    assert ends == [(1, 1000), (999, 1000)]
    assert any(batch.stop - batch.start > 1024 for batch in to.mirror.batches)
    for batch in to.mirror.batches:
        assert list(batch.adds) == sorted(batch.adds)


async def test_a_run_is_checked_before_the_last_one_is_back(
    to: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who checks has the next one already: here it is waited for."""
    monkeypatch.setattr(pull, "RUN", 1)
    log = Log().reports(1000)
    begun = [asyncio.Event() for _ in range(5)]
    begun[4].set()  # nothing comes after the last

    async def paired(work: Callable[..., Any], *args: Any) -> Any:
        if work is stretch.check:
            begun[args[0].first].set()
            async with asyncio.timeout(5):
                await begun[args[0].first + 1].wait()
        return work(*args)

    context = replace(to.context(FakeSource(log)), offload=paired)
    assert (await pull.pull(log.signed, KEY.verifier, context)).merged == 1000


@pytest.mark.usefixtures("one_by_one")
async def test_an_erasure_begins_a_transaction(to: Pull) -> None:
    """It acts on what is merged before it, and on nothing of its own."""
    log = Log().reports(1500)
    log.say(erase((10, 12), (1400, 1402)))
    log.reports(1500)
    assert (await to(log)).merged == 3001
    (batch,) = (b for b in to.mirror.batches if b.erases)
    assert batch.start == 1500 // 256 * 256
    assert not {1400, 1401} & {*[row[1] for row in batch.adds]}


@pytest.mark.usefixtures("one_by_one")
async def test_withheld_among_runs_of_one_transaction(to: Pull) -> None:
    """The runs after a gap are mirrored with it, and merged later."""
    log = Log().reports(3000)
    done = await to(log, FakeSource(log.close(1700)))
    assert (done.after, done.merged, done.missing) == (3000, 1700, (1700,))
    assert (await to(log, FakeSource(log))).merged == 3000
    assert to.mirror.rows == list(range(3000))


async def test_a_log_that_withholds_everything(
    to: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs a bounded list and few requests; later it can be filled."""
    monkeypatch.setattr(merge, "MOST_MISSING", 300)
    log = Log().reports(3000)
    source = FakeSource(log.close(*range(3000)))
    done = await to(log, source)
    assert (done.after, done.merged) == (3000, 0)
    assert done.missing == tuple(range(300))
    source.asked.clear()
    await to(log, source)
    assert len(source.asked) <= merge.FILLED
    for _ in range(20):
        done = await to(log, FakeSource(log))
    assert (done.merged, done.missing) == (3000, ())
    assert to.mirror.rows == list(range(3000))
