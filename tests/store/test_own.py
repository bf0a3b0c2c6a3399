"""Our own log: append, mark, release; and what a crash leaves of it."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

from syncd.flows.draft import NewReport
from syncd.flows.ports import Published
from syncd.indicator import absent, codec
from syncd.store.database import Database
from syncd.store.home_stores import OwnStore
from syncd.store.own import HIGH_WATER
from tests import postgres
from tests.cases import tried
from tests.flows.growing import ORIGIN
from tests.refusals import damaged, misused, stale, unavailable
from tests.sample_statements import erase
from tests.store.conftest import Log, Reopen, crash_at, r, sql

NEXT = "bank.example/syncd/txwz/2"


async def test_what_was_appended_is_there_again(
    own: OwnStore, log: Log, reopen: Reopen
) -> None:
    """Head, bundles, roots and the released note survive a restart."""
    for count in (3, 300, 1):
        await log.write(own, *log.reported(count))
        assert own.log.released() == log.tip.note
    own.close()
    again = reopen()
    head = await again.log.head()
    assert head == log.tip
    assert again.log.released() == head.note
    tail = await again.log.bundle(1)
    assert tail is not None
    assert tail.width == 304 - 256
    assert codec.records(log.origin, tail) == log.records[256:]
    assert await again.log.roots(0, 1) == [head.frontier.peaks[0]]
    assert await again.log.bundle(2) is None


async def test_a_gap_is_refused(own: OwnStore, log: Log) -> None:
    """Bundles go on where the log ends, and end where the tip is."""
    await own.log.found(log.tip)
    old, new, bundles = log.grow(*log.reported(600))
    for wrong in (bundles[1:], bundles[:-1], bundles[::-1], ()):
        with stale("log: bundles do not lead"):
            await own.log.append(old, new, wrong, ())
    await own.log.append(old, new, bundles, ())
    with stale("not at 0 now"):
        await own.log.append(old, new, bundles, ())
    assert await own.log.head() == new


async def test_a_log_is_founded_once(own: OwnStore, log: Log) -> None:
    """A second founding of the same origin is refused."""
    with misused("no log here"):
        await own.log.head()
    with misused("no log here"):
        own.log.released()
    await own.log.found(log.tip)
    with stale("there already"):
        await own.log.found(log.tip)


async def test_once_is_once(own: OwnStore, log: Log) -> None:
    """What an append has done by name, no other append does again."""
    await log.write(own, r(1), done=["roster/1"])
    assert await own.log.was_done("roster/1")
    assert not await own.log.was_done("roster/2")
    with stale("roster/1 was written before"):
        await log.write(own, r(2), done=["roster/1"])
    assert (await own.log.head()).frontier.size == 1


IN_TRANSACTION = ("append.head", "append.bundles", "append.vault")
COMMITTED = (
    "append.committed",
    "highwater.written",
    "highwater.renamed",
    "append.marked",
)


@tried("point", IN_TRANSACTION + COMMITTED)
async def test_a_crash_at_any_point_is_all_or_nothing(
    own: OwnStore, log: Log, reopen: Reopen, tmp_path: Path, point: str
) -> None:
    """Before the commit nothing happened, after it everything did.

    It tells of itself if it did; and never is a note released that the mark
    does not cover.
    """
    await own.log.found(log.tip)
    old, new, _ = step = log.grow(*log.reported(5))
    with crash_at(point):
        await own.log.append(*step, ())
    assert own.log.released() == old.note
    own.close()
    again = reopen()
    want = old if point in IN_TRANSACTION else new
    assert await again.log.head() == want
    assert len(await again.events.page(0, 10)) == (want == new)
    assert again.log.released() == want.note
    assert (tmp_path / HIGH_WATER).read_bytes() == want.note


async def test_a_mark_that_could_not_be_written(
    own: OwnStore, log: Log, tmp_path: Path
) -> None:
    """What is committed is released as soon as the disk lets us."""
    await own.log.found(log.tip)
    before = own.log.released()
    assert not await own.log.release()
    in_the_way = tmp_path / f"{HIGH_WATER}.new"
    in_the_way.mkdir()
    with unavailable(HIGH_WATER):
        await own.log.append(*log.grow(r(1)), ())
    assert await own.log.head() == log.tip
    with unavailable(HIGH_WATER):
        await own.log.release()
    assert own.log.released() == before
    in_the_way.rmdir()
    assert await own.log.release()
    assert own.log.released() == log.tip.note
    assert (tmp_path / HIGH_WATER).read_bytes() == log.tip.note


async def test_what_was_not_released_is_committed_again_at_a_start(
    own: OwnStore, log: Log, reopen: Reopen
) -> None:
    """It may not be replicated: a server waited for that when it died."""
    with crash_at("append.committed"):
        await log.write(own, r(1))
    own.close()
    write, writes = Database.write_now, []
    for _ in range(2):
        with patch.object(
            Database, "write_now", autospec=True, side_effect=write
        ) as written:
            again = reopen()
            writes.append(written.call_count)
        assert again.log.released() == log.tip.note
        again.close()
    assert writes[0] == writes[1] + 1


async def test_a_database_behind_its_mark_is_refused(
    own: OwnStore, log: Log, reopen: Reopen, tmp_path: Path
) -> None:
    """A rolled-back own.db is not appended to; both sizes are named."""
    await own.log.found(log.tip)
    own.close()
    with postgres.set_back(tmp_path):
        again = reopen()
        await again.log.append(*log.grow(*log.reported(5)), ())
        again.close()
    with damaged(r"at size 0.*size 5") as e:
        reopen()
    assert "fork" in e.value.hint


def other(*numbers: int, origin: str = ORIGIN) -> bytes:
    """Return the newest checkpoint of another log of ours."""
    log = Log(origin)
    log.grow(*map(r, numbers))
    return log.tip.note


@tried(
    "mark, why",
    [
        (b"", "missing, while own.db is at size 1"),
        (b"garbage", f"{HIGH_WATER}: note"),
        (other(2), "another root"),
        (other(origin=NEXT), f"of {NEXT}"),  # two homes mixed up
    ],
)
async def test_a_mark_that_is_not_this_logs(
    own: OwnStore,
    log: Log,
    reopen: Reopen,
    tmp_path: Path,
    mark: bytes,
    why: str,
) -> None:
    """Nothing is made up: without its mark nothing tells a rollback."""
    await log.write(own, r(1))
    own.close()
    (tmp_path / HIGH_WATER).unlink()
    if mark:
        (tmp_path / HIGH_WATER).write_bytes(mark)
    with damaged(why) as e:
        reopen()
    assert mark or "another member" in e.value.hint


@tried("by", [3, absent.RETIRED])
async def test_erased_payloads_leave_the_disk(
    own: OwnStore, log: Log, tmp_path: Path, by: int
) -> None:
    """With the append that orders it, or later; a value goes but with an epoch."""
    await own.vault.accept([NewReport("url", "evil.example/", b"{}")])
    row = Published(1, 0, b"t" * 16, 1)
    _, _, bundles = await log.write(own, *log.reported(2), rows=[row])
    assert bundles[0].gz in postgres.disk(tmp_path, "own")
    given: Any = {"erased": [(0, 1, 2)]} if by == 3 else {}
    await log.write(own, erase((0, 1)), **given)
    if not given:
        await own.log.erase(log.origin, [(0, 1, by)])
    await own.database.purge()
    disk = postgres.disk(tmp_path, "own")
    assert bundles[0].gz not in disk
    assert log.records[0][1] not in disk
    bundle = await own.log.bundle(0)
    assert bundle is not None
    first, second, _ = codec.records(log.origin, bundle)
    assert (first[1:], second) == ((b"", b""), log.records[1])
    [kept] = await own.vault.find_value("url", "evil.example/")
    want = ("", 3) if given else ("evil.example/", 1)
    assert (kept.value, kept.state) == want


@tried(
    "column, value, why",
    [
        ("size = size, note", b"", "own.db: note"),
        ("peaks", b"junk", "own.db: log row 1"),
        ("peaks", bytes(8), "not what its checkpoint of size 1 signs"),
    ],
)
async def test_a_changed_tip_is_damaged(
    own: OwnStore,
    log: Log,
    reopen: Reopen,
    column: str,
    value: bytes,
    why: str,
) -> None:
    """Frontier and checkpoint of the tip must be one another's."""
    await log.write(own, r(1))
    sql(own.database, f"UPDATE log SET {column} = :value", value=value)
    own.close()
    with damaged(why):
        reopen()


async def test_a_next_generation_whose_mark_was_not_written(
    own: OwnStore, log: Log, reopen: Reopen, tmp_path: Path
) -> None:
    """The mark of the log before has done its work."""
    _, new, _ = await log.write(own, r(1))
    tip = Log(NEXT).tip
    await own.log.found(tip)
    own.close()
    (tmp_path / HIGH_WATER).write_bytes(new.note)
    again = reopen()
    assert again.log.released() == tip.note
    assert await again.log.head() == tip
