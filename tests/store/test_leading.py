"""Who leads of several daemons on one server, and what others cannot write."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from syncd.errors import Message
from syncd.flows.ports import Finding
from syncd.roster.quotas import Limit
from syncd.store import leading, loading, tables
from syncd.store.database import Database
from syncd.store.leading import Election, leader
from syncd.store.mirror import MirrorStore
from syncd.store.quota import Quotas
from syncd.store.server import Server
from tests import postgres
from tests.cases import tried
from tests.refusals import over_quota, stale, unavailable
from tests.store.test_books import debit

pytestmark = pytest.mark.slow  # a server starts

NOW = 1_700_000_000


class One(Election):
    """A daemon's election, and its databases."""

    def __init__(self, server: Server, node: str) -> None:
        self.own = Database(server, "own")
        self.mirror = Database(server, "mirror")
        super().__init__(self.own, node, lambda: NOW)
        self.own.fence = self.mirror.fence = self.fence

    async def append(self, name: str) -> None:
        """Write as a leader."""
        row = tables.done.insert().values(name=name)
        await self.own.write(lambda c: c.execute(row).rowcount, leading=True)

    async def merge(self) -> None:
        """Write to mirror, as only a leader does."""
        await self.mirror.write(lambda _: None)

    async def refused(self) -> None:
        """Write nothing: another leads."""
        for write in (self.append("late"), self.merge()):
            with stale("another daemon of ours"):
                await write

    def silence(self) -> None:
        """Lose the session, as if it had been silent for too long."""
        postgres.sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            f" WHERE application_name = 'syncd {self.node}'"
        )

    def close(self) -> None:
        """Leave."""
        self.resign()
        self.own.close()
        self.mirror.close()


@pytest.fixture
def server() -> Server:
    return postgres.fresh()


@pytest.fixture
def one(server: Server) -> Iterator[One]:
    """Return a daemon that does not lead yet."""
    with closing(One(server, "one")) as daemon:
        yield daemon


@pytest.fixture
def other(server: Server) -> Iterator[One]:
    """Return another one."""
    with closing(One(server, "other")) as daemon:
        yield daemon


async def test_who_led_before_is_refused_inside_the_transaction(
    one: One, other: One
) -> None:
    """It need not have noticed: a paused process believes that it leads."""
    assert await one.look()
    one.silence()
    assert await other.look()
    assert one.fence.number == 1
    await one.refused()
    await other.append("in time")
    assert not await one.look()  # it notices


async def test_a_follower_writes_nothing_that_a_leader_does(
    one: One, other: One
) -> None:
    assert await one.look()
    assert not await other.look()
    await other.refused()
    await other.own.write(lambda _: None)  # what callers hand in
    mirror = MirrorStore(other.mirror, lambda: NOW)
    fork = Finding("fork", "a.example/log", None, Message("two roots"))
    await mirror.contest(fork.origin, [], fork)  # whoever hears of it
    assert await mirror.contested() == {fork.origin}


async def test_only_whom_we_saw_hands_over(one: One, other: One) -> None:
    assert await one.look()
    assert not one.handed_over  # nobody was there
    one.silence()
    assert await other.look()
    assert not other.handed_over  # we had not looked before
    assert not await one.look()  # its session has ended
    assert not await one.look()
    other.silence()
    assert await one.look()
    assert one.handed_over


@tried("column", ["timeline", "system"])
async def test_a_promoted_server_hands_nothing_over(
    one: One, other: One, column: str
) -> None:
    assert await one.look()
    change = leader.update().values({column: "another"})
    one.own.write_now(lambda c: c.execute(change))
    assert not await other.look()
    one.silence()
    assert await other.look()
    assert not other.handed_over


@tried("change", [{"timeline": "another"}, {"fencing": 7}])
async def test_who_led_before_a_failover_asks_before_it_writes(
    one: One, change: Any
) -> None:
    """The promoted server has its number, and may lack what was seen."""
    assert await one.look()
    one.own.write_now(lambda c: c.execute(leader.update().values(change)))
    await one.refused()
    assert not await one.look()
    assert await one.look() == change.get("fencing", 1) + 1
    assert one.handed_over == ("fencing" in change)
    await one.append("a")


async def test_writers_that_hang_are_ended(
    one: One, other: One, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever state: a paused process may be in the midst of a `COPY`."""
    monkeypatch.setattr(leading, "_HANGS_S", 0.5)
    assert await one.look()
    hung, go_on = asyncio.Semaphore(0), asyncio.Event()
    loop = asyncio.get_running_loop()

    def job(c: sa.Connection) -> None:
        loop.call_soon_threadsafe(hung.release)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        c.execute(sa.select(1))

    hanging = [
        asyncio.create_task(db.write(job)) for db in (one.own, one.mirror)
    ]
    await hung.acquire()
    await hung.acquire()
    waiting = asyncio.create_task(other.own.write(lambda _: None))
    while not waiting.done():
        assert not await other.look()
    await waiting
    one.silence()
    assert await other.look()
    await other.merge()
    go_on.set()
    for task in hanging:
        with unavailable():
            await task


async def test_two_daemons_give_no_more_than_the_limit_together(
    one: One, other: One
) -> None:
    limits = (Limit(100, 3600),)
    ours, theirs = Quotas(one.own), Quotas(other.own)
    await ours.debit(debit(60, 1, limits=limits))
    await theirs.debit(debit(30, 2, limits=limits))
    for _ in range(2):  # a refusal makes no repeat free
        with over_quota("would pass 100"):
            await ours.debit(debit(20, 3, limits=limits))
    assert await ours.debit(debit(10, 5, limits=limits)) == 0
    await ours.prune(1_800_000_000)
    [usage] = await theirs.usage("2027-01-15", "phone/1")
    assert usage[2:] == (100, 40)


async def test_a_copy_that_is_slow_is_not_ended(one: One) -> None:
    """For the server it is one state from its begin to its end."""
    assert await one.look()

    def rows() -> Iterator[tuple[str]]:
        for i in range(70):
            yield from ((f"{i}/{n}",) for n in range(1000))
            time.sleep(0.1)

    def job(c: sa.Connection) -> int:
        return loading.copy(c, tables.done, ["name"], rows())

    writing = asyncio.create_task(one.own.write(job, leading=True))
    while not writing.done():
        assert await one.look()
        await asyncio.sleep(0.2)
    assert await writing == 70_000
