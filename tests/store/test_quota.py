"""The holder's quota book: exact windows, at a cost that does not grow."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import QuotaError
from syncd.roster.quotas import Limit
from syncd.store.database import Database
from syncd.store.debits import FREE_REPEATS, Debit
from syncd.store.home_stores import OwnStore
from syncd.store.quota import Quotas
from tests.store.test_books import NOW, debit

LOOKUPS = Limit(
    10_000, 3600, frozenset({"never", "publish", "rotate"}), others=True
)
LIMITS = (Limit(260_000, 3600), Limit(4_900_000, 86_400), LOOKUPS)
PURPOSES = [f"purpose_{n}" for n in range(12)]
ONE = Limit(100, 3600)


def small(request: int, now: int = NOW, **other: Any) -> Debit:
    return debit(1, request, now, **{"limits": LIMITS, **other})


class Steps:
    """Counts what SQLite's machine does for one job, and what writes."""

    def __init__(self, database: Database) -> None:
        self.steps = self.writes = 0
        self._database = database
        write = database.write

        async def counted(job: Any) -> Any:
            self.writes += 1

            def watched(c: Any) -> Any:
                raw: sqlite3.Connection = c.connection.driver_connection
                raw.set_progress_handler(self._step, 1)
                try:
                    return job(c)
                finally:
                    raw.set_progress_handler(None, 0)

            return await write(watched)

        database.write = counted  # type: ignore[method-assign]

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
    sums = Counter(
        (window, row[3])
        for row in rows
        for window in (3600, 86_400)
        if row[2] >= (NOW - window) // 60
    )

    def job(c: Any) -> None:
        raw = c.connection.driver_connection
        raw.executemany("INSERT INTO quota VALUES (?, ?, ?, ?, ?)", rows)
        raw.executemany(
            "INSERT INTO quota_sum VALUES (?, ?, ?, ?, ?, ?)",
            [
                (member, "phone/1", window, purpose, (NOW - window) // 60, n)
                for (window, purpose), n in sums.items()
            ],
        )

    database.write_now(job)
    return len(rows)


async def test_a_debit_costs_the_same_however_much_was_given(
    own: OwnStore,
) -> None:
    """At 17,280 rows as at 24; and a refusal no more than a few rows more."""
    database = own.database
    assert fill(database, "bank") == 17_280
    for n, purpose in enumerate(PURPOSES):
        await own.quotas.debit(
            small(n, member="police", purpose=purpose, day="2027-01-16")
        )
    cost = {}
    seen = Steps(database)
    for member in ("police", "bank"):
        seen.steps = 0
        await own.quotas.debit(
            small(100, member=member, purpose=PURPOSES[0], day="2027-01-16")
        )
        cost[member] = seen.steps
    assert cost["bank"] < 1.1 * cost["police"] + 100, cost
    seen.steps = 0
    full = (*LIMITS, Limit(720, 3600))
    with pytest.raises(QuotaError):
        await own.quotas.debit(small(101, limits=full))
    assert seen.steps < 2 * cost["bank"]


async def test_a_group_is_read_and_written_once(own: OwnStore) -> None:
    """Sixty requests that wait together are one look at the book."""
    statements = Counter[int]()
    database = own.database
    write = database.write
    groups: list[int] = []

    async def counted(job: Any) -> Any:
        def watched(c: Any) -> Any:
            raw: sqlite3.Connection = c.connection.driver_connection
            raw.set_trace_callback(lambda _: statements.update([len(groups)]))
            groups.append(1)
            try:
                return job(c)
            finally:
                raw.set_trace_callback(None)

        return await write(watched)

    database.write = counted  # type: ignore[method-assign]
    await own.quotas.debit(small(0))
    await asyncio.gather(*(own.quotas.debit(small(n)) for n in range(1, 61)))
    assert len(groups) == 2
    # one more a request for its own row, and one each for what all share
    assert statements[2] < statements[1] + 60


async def test_a_refusal_is_repeated_from_memory(own: OwnStore) -> None:
    """Until it is over: nothing is written, and all are counted later."""
    await own.quotas.debit(debit(100, 1, limits=(ONE,)))
    with pytest.raises(QuotaError) as first:
        await own.quotas.debit(debit(5, 2, limits=(ONE,)))
    assert first.value.left == 0
    seen = Steps(own.database)
    for n in range(50):
        with pytest.raises(QuotaError) as e:
            await own.quotas.debit(
                debit(5 + n, 3 + n, NOW + 60, limits=(ONE,))
            )
        assert e.value.retry_after_s == first.value.retry_after_s - 60
    assert not seen.writes
    await own.quotas.prune(NOW)
    (row,) = await own.quotas.usage("2027-01-15", "phone/1")
    assert row.denied == 5 + sum(5 + n for n in range(50))
    wait = first.value.retry_after_s
    await own.quotas.debit(debit(5, 99, NOW + wait, limits=(ONE,)))


async def test_what_may_fit_is_asked_of_the_book(own: OwnStore) -> None:
    """Fewer elements, another limit, and what was given before."""
    await own.quotas.debit(debit(90, 1, limits=(ONE,)))
    with pytest.raises(QuotaError) as e:
        await own.quotas.debit(debit(20, 2, limits=(ONE,)))
    assert e.value.left == 10
    await own.quotas.debit(debit(90, 1, limits=(ONE,)))  # sent again
    await own.quotas.debit(debit(10, 3, limits=(ONE,)))
    raised = (Limit(200, 3600),)  # by a new roster
    await own.quotas.debit(debit(20, 2, limits=raised))


async def test_repeats_are_free_a_few_times_an_hour(own: OwnStore) -> None:
    """Then they are debited, so that nobody is kept busy for nothing."""
    for _ in range(1 + FREE_REPEATS):
        await own.quotas.debit(debit(60, 1, limits=(ONE,)))
    with pytest.raises(QuotaError):
        await own.quotas.debit(debit(60, 1, limits=(ONE,)))
    later = NOW + 3600 - NOW % 3600
    await own.quotas.debit(debit(60, 1, later, limits=(ONE,)))
    with pytest.raises(QuotaError):
        await own.quotas.debit(debit(60, 2, later, limits=(ONE,)))


async def test_after_a_day_a_repeat_is_not_free(own: OwnStore) -> None:
    """Not a second later than it is remembered for, pruned or not."""
    day = (Limit(100, 86_400 * 2),)
    await own.quotas.debit(debit(60, 1, limits=day))
    await own.quotas.debit(debit(60, 1, NOW + 86_400, limits=day))
    with pytest.raises(QuotaError):
        await own.quotas.debit(debit(60, 1, NOW + 86_401, limits=day))


async def test_a_clock_that_is_set_back_counts_again(own: OwnStore) -> None:
    """What had fallen out of the hour is in it once more."""
    limits = (Limit(130, 3600), Limit(10**6, 86_400))
    await own.quotas.debit(debit(60, 1, limits=limits))
    await own.quotas.debit(debit(60, 2, NOW + 3700, limits=limits))
    with pytest.raises(QuotaError):
        await own.quotas.debit(debit(20, 3, NOW + 1800, limits=limits))


@pytest.mark.parametrize("back", [0, 7200])
async def test_a_clock_that_jumps_loses_no_debit(
    own: OwnStore, back: int
) -> None:
    """Set on by days or back by hours, the sums are those of the rows."""
    await own.quotas.debit(debit(60, 1, limits=(ONE,)))
    await own.quotas.debit(debit(1, 2, NOW + 3 * 86_400, limits=(ONE,)))
    with pytest.raises(QuotaError):
        await own.quotas.debit(
            debit(100, 3, NOW + 3 * 86_400 - back, limits=(ONE,))
        )


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2000),  # seconds later
        st.integers(1, 60),  # elements
        st.sampled_from(["publish", "call_check", "loan"]),
    ),
    max_size=60,
)
MODEL = (
    Limit(100, 3600),
    Limit(60, 3600, frozenset({"publish"}), others=True),
    Limit(250, 20_000),
)


@given(STEPS)
@settings(max_examples=30, deadline=None)
def test_no_window_gives_more_than_its_limit(
    fresh: Path, steps: list[tuple[int, int, str]]
) -> None:
    """Held against a list of all that was given, by the second."""
    with tempfile.TemporaryDirectory() as home:
        shutil.copy(fresh / "own.db", home)
        database = Database(Path(home) / "own.db", "own")
        try:
            asyncio.run(_hold(Quotas(database), steps))
        finally:
            database.close()


async def _hold(book: Quotas, steps: list[tuple[int, int, str]]) -> None:
    now, had = NOW, list[tuple[int, int, str]]()
    for number, (later, n, purpose) in enumerate(steps):
        now += later
        limits = tuple(one for one in MODEL if one.covers(purpose))
        room = min(
            limit.most
            - sum(
                k
                for at, k, of in had
                if at // 60 >= (now - limit.window_s) // 60
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
