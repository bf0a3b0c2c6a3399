"""The holder's quota book: exact windows, at a cost that does not grow."""

import asyncio
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import QuotaError
from syncd.roster.quotas import STEPS, Limit
from syncd.store.database import Database
from syncd.store.home_stores import OwnStore
from syncd.store.quota import FREE_REPEATS, Debit, Quotas
from tests.refusals import over_quota
from tests.store.conftest import Reopen, sql
from tests.store.test_books import NOW, debit, give

LOOKUPS = Limit(10_000, 3600, frozenset({"never", "publish"}))
LIMITS = (Limit(260_000, 3600), Limit(4_900_000, 86_400), LOOKUPS)
PURPOSES = [f"purpose_{n}" for n in range(12)]
ONE = Limit(100, 3600)
HOUR: Any = {"limits": (ONE,)}


def small(request: int, now: int = NOW, **other: Any) -> Debit:
    return debit(1, request, now, **{"limits": LIMITS, **other})


class Steps:
    """Counts what SQLite's machine does for one job, and what writes."""

    def __init__(self, database: Database) -> None:
        self.steps = self.writes = 0
        write = database.write_now

        def counted(job: Any) -> Any:
            self.writes += 1

            def watched(c: Any) -> Any:
                raw = c.connection.driver_connection
                raw.set_progress_handler(self._step, 1)
                try:
                    return job(c)
                finally:
                    raw.set_progress_handler(None, 0)

            return write(watched)

        database.write_now = counted  # type: ignore[method-assign]

    def _step(self) -> int:
        self.steps += 1
        return 0


def fill(database: Database, member: str) -> int:
    """Put a day of one-element requests into the book; return the rows."""
    rows = [
        (member, "phone/1", NOW // 60 - minute, purpose, 1)
        for minute in range(1440)
        for purpose in PURPOSES
    ]

    def job(c: Any) -> None:
        raw = c.connection.driver_connection
        raw.executemany("INSERT INTO quota VALUES (?, ?, ?, ?, ?)", rows)

    database.write_now(job)
    return len(rows)


@pytest.mark.sqlite
async def test_a_debit_costs_the_same_however_much_was_given(
    own: OwnStore,
) -> None:
    """At 17,280 rows as at one; a refusal costs the database nothing."""
    assert fill(own.database, "bank") == 17_280
    full = (*LIMITS, Limit(720, 3600))
    cost = {}
    seen = Steps(own.database)
    for member in ("police", "bank"):
        for n in range(2):  # the first debit reads the book
            seen.steps = 0
            await own.quotas.debit(small(n, member=member))
        cost[member] = seen.steps
    assert cost["bank"] < 1.1 * cost["police"] + 20, cost
    seen.steps = seen.writes = 0
    with over_quota():
        await own.quotas.debit(small(101, limits=full))
    assert seen.steps == seen.writes == 0


@pytest.mark.sqlite
async def test_a_group_is_written_once(own: OwnStore) -> None:
    """What waits for a commit shares the next one."""
    await own.quotas.debit(small(0))
    seen = Steps(own.database)
    await asyncio.gather(*(own.quotas.debit(small(n)) for n in range(1, 61)))
    assert seen.writes == 1


async def test_no_repeat_is_free_of_what_is_not_written(own: OwnStore) -> None:
    """Nor of what is being written; and what failed takes nothing away."""
    first, again = small(1, **HOUR), small(1, **HOUR)
    with patch.object(own.database, "write_now", side_effect=OSError):
        outcomes = await asyncio.gather(
            *(own.quotas.debit(one) for one in (first, again)),
            return_exceptions=True,
        )
    assert [*map(type, outcomes)] == [OSError, OSError]
    assert await own.quotas.debit(first) == 99
    [(*_, given, _)] = await own.quotas.usage("2027-01-15", "phone/1")
    assert given == 1
    with over_quota():
        await give(own, 100, 2, **HOUR)


@pytest.mark.sqlite
async def test_refusals_are_counted_later(own: OwnStore) -> None:
    """Nothing is written of each, whoever asks however often."""
    await give(own, 100, 1, **HOUR)
    seen = Steps(own.database)
    waits = set()
    for n in range(50):
        with over_quota() as e:
            await give(own, 5, 2 + n, NOW + 60, **HOUR)
        assert e.value.left == 0
        waits.add(e.value.retry_after_s)
    (wait,) = waits
    assert not seen.writes
    full = patch.object(own.database, "write_now", side_effect=EOFError)
    with full, pytest.raises(EOFError):
        await own.quotas.prune(NOW)
    await own.quotas.prune(NOW)
    ((*_, denied),) = await own.quotas.usage("2027-01-15", "phone/1")
    assert denied == 50 * 5
    await give(own, 5, 99, NOW + 60 + wait, **HOUR)


async def test_a_holder_says_how_much_is_left(own: OwnStore) -> None:
    """With what it gives, with a repeat, and where it refuses."""
    assert await give(own, 90, 1, **HOUR) == 10
    assert await give(own, 90, 1, **HOUR) == 10
    with over_quota() as e:
        await give(own, 20, 2, **HOUR)
    assert e.value.left == 10
    assert await give(own, 10, 3, **HOUR) == 0
    raised = (Limit(200, 3600),)  # by a new roster
    assert await give(own, 20, 2, limits=raised) == 80


async def test_the_limit_that_holds_longest_is_named(own: OwnStore) -> None:
    """Whoever came back after the shorter would be refused again."""
    limits = (ONE, Limit(100, 86_400))
    await give(own, 100, 1, limits=limits)
    with over_quota("pass 100 in 24 h") as e:
        await give(own, 1, 2, limits=limits)
    assert e.value.retry_after_s >= 86_400


async def test_repeats_are_free_a_few_times_an_hour(own: OwnStore) -> None:
    """Then they are debited, so that nobody is kept busy for nothing."""
    day = (Limit(100, 86_400),)
    for who, times, last in (
        ("bank", [NOW] * (1 + FREE_REPEATS), NOW),
        ("police", [NOW, NOW + 3599], NOW + 3600),
    ):
        for at in times:
            await give(own, 60, 1, at, member=who, limits=day)
        with over_quota():
            await give(own, 60, 1, last, member=who, limits=day)


async def test_a_book_is_read_again_after_a_restart(
    own: OwnStore, reopen: Reopen
) -> None:
    """What was given before it counts, by hour and by day."""
    await give(own, 60, 1, NOW - 4000)
    await give(own, 60, 2)
    own.close()
    again = reopen().quotas
    assert await again.debit(debit(30, 3)) == 10
    with over_quota("pass 140 in 24 h"):
        await again.debit(debit(1, 4, limits=(Limit(140, 86_400),)))


async def test_what_was_given_can_be_read_by_hour(own: OwnStore) -> None:
    """Of each member, key and purpose; from the table, not from memory."""
    begin = NOW - NOW % 3600
    for at, request in ((begin, 1), (begin + 3599, 2), (begin + 3600, 3)):
        await give(own, request, request, at, limits=LIMITS)
    found = await Quotas(own.database).hours()
    assert [(one.hour - begin, one.n) for one in found] == [(0, 3), (3600, 3)]


async def test_old_minutes_are_dropped(own: OwnStore) -> None:
    await give(own, 60, 1)
    await own.quotas.prune(NOW + 86_400)
    assert len(sql(own.database, "SELECT * FROM quota")) == 1
    await own.quotas.prune(NOW + 3 * 86_400)
    assert sql(own.database, "SELECT * FROM quota") == []


GIVEN = st.lists(
    st.tuples(
        st.integers(0, 9000),  # seconds later
        st.integers(1, 60),  # elements
        st.sampled_from(["publish", "call_check", "loan"]),
    ),
    max_size=60,
)
MODEL = (
    Limit(100, 3600),
    Limit(60, 3600, frozenset({"publish"})),
    Limit(250, 86_400),
)


@given(GIVEN)
@settings(max_examples=30)
def test_no_window_gives_more_than_its_limit(
    fresh: Path, steps: list[tuple[int, int, str]]
) -> None:
    """Held against a list of all that was given, by the second."""
    with tempfile.TemporaryDirectory() as home:
        shutil.copy(fresh / "own.db", home)
        with closing(Database(Path(home) / "own.db", "own")) as database:
            asyncio.run(_hold(Quotas(database), steps))


async def _hold(book: Quotas, steps: list[tuple[int, int, str]]) -> None:
    now, had = NOW, list[tuple[int, int, str]]()
    for number, (later, n, purpose) in enumerate(steps):
        now += later
        limits = tuple(one for one in MODEL if one.covers(purpose))
        room = min(
            limit.most
            - sum(
                k
                for step in (limit.window_s // STEPS,)
                for at, k, of in had
                if at // step >= (now - limit.window_s) // step
                and limit.covers(of)
            )
            for limit in limits
        )
        try:
            await book.debit(
                debit(n, number, now, purpose=purpose, limits=limits)
            )
        except QuotaError:
            assert n > room
        else:
            assert n <= room
            had.append((now, n, purpose))
