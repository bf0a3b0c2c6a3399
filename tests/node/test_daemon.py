"""The daemon's own jobs, whatever goes wrong with them or their machine."""

import asyncio
import datetime
from itertools import chain, repeat
from unittest.mock import DEFAULT, AsyncMock, Mock, patch

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from syncd.errors import DamagedError, StaleError, UnavailableError
from syncd.node import jobs
from syncd.node.context import BUG
from syncd.node.publish.append_guard import UNASKED
from syncd.roster import membership
from syncd.roster.roster import Roster
from syncd.tlog import checkpoint
from tests.alliance import (
    HOUR_S,
    Alliance,
    Member,
    as_founded,
    payload,
    retire_urls,
    shared,
    until,
)
from tests.cases import tried

alliance = shared(as_founded)  # one of which tests maltreat


@tried("by_s", [-HOUR_S, HOUR_S])
@patch.object(jobs, "CLOCK_S", 0.01)
async def test_the_clock_is_set(bank: Member, by_s: int) -> None:
    """The jobs go on at once; set back, they would wait for that long."""
    jobs.Jobs.start(bank.node.jobs)
    scheduler = bank.node.jobs.scheduler
    scheduler.pause()  # they are looked at, not run
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    for job in scheduler.get_jobs():
        job.modify(next_run_time=later)
    watch = asyncio.create_task(bank.node.jobs.watch_clock())

    def due() -> bool:
        return all(j.next_run_time < later for j in scheduler.get_jobs())

    try:
        await asyncio.sleep(0.05)
        assert not due()
        bank.shift_s = by_s
        await until(due)
    finally:
        watch.cancel()
        scheduler.shutdown(wait=False)
        bank.node.jobs.scheduler, bank.shift_s = AsyncIOScheduler(), 0


@tried(
    "error, why",
    [
        (DamagedError("own.db: bundle 0 is missing"), "bundle 0"),
        (KeyError(), BUG),
    ],
)
async def test_awakening_fails(
    alliance: Alliance, error: Exception, why: object
) -> None:
    """Then nothing is appended, and status says why."""
    await alliance.settle()
    node = alliance.bank.node

    node.guard.why_not, node.guard.asked = UNASKED, False
    with patch.object(node.guard, "root_at", side_effect=error):
        await node.guard.ask_around()
    assert str(why) in str(node.publisher.why_not())
    await node.guard.follow()
    node.guard.check_startup()  # as who leads again does
    await until(lambda: not node.guard.why_not)
    node.guard.may_append()
    await node.publisher.publish()


async def test_a_receipt_for_an_earlier_log(
    alliance: Alliance, bank: Member
) -> None:
    """It is none for this one."""
    await alliance.settle()
    before = await bank.receipts()
    earlier = bank.origin.removesuffix("1").encode() + b"0\n999\nAA==\n\n"
    for name in ("police", "carrier"):
        key = alliance.members[name].keys.merged.name
        await bank.node.guard.keep_receipt(key, 999, earlier)
    assert await bank.receipts() == before
    bank.node.guard.may_append()


async def test_a_disk_that_was_full_at_an_append(alliance: Alliance) -> None:
    """What it committed is released, merged and told when there is room."""
    bank = alliance.bank
    await alliance.settle()
    size = await bank.size() + 1
    in_the_way = bank.home / "high-water.note.new"
    in_the_way.mkdir()
    await bank.report("url", "http://full.example/")

    await until(lambda: "high-water" in str(bank.node.publisher.why_not()))
    assert await bank.size() == size
    await bank.node.publisher.merge_own()  # whoever calls for it meanwhile
    path = f"/mirror/{bank.hash}/checkpoint"
    served = await alliance.police.ask(bank, "GET", path)
    assert checkpoint.size_of(served.text.encode()) == size - 1
    in_the_way.rmdir()
    await bank.node.publisher.publish()
    assert checkpoint.size_of(bank.own.log.released()) == size
    assert (await bank.head(bank.origin)).merged == size
    await alliance.settle()


@tried(
    "error",
    [
        StaleError("cosign: signed meanwhile"),
        UnavailableError("own.db: database or disk is full"),
    ],
)
async def test_a_receipt_that_could_not_be_signed(
    alliance: Alliance, bank: Member, police: Member, error: Exception
) -> None:
    """It is owed, and made up for in the next round, grow the log or not."""
    await alliance.settle()
    own = bank.node.ctx.own
    size = await police.size() + 1
    await police.report("url", f"http://{type(error).__name__}.example/")

    async def merged() -> bool:
        await bank.round()
        return (await bank.head(police.origin)).merged == size

    book, failing = own.cosigned, chain([error], repeat(DEFAULT))
    own.cosigned = Mock(wraps=book)
    own.cosigned.cosign = AsyncMock(wraps=book.cosign, side_effect=failing)
    try:
        await until(merged)
    finally:
        own.cosigned = book
    await bank.round()
    signed = await book.cosigned("merged", police.origin)
    assert signed is not None
    assert signed.size == size


async def test_a_roster_while_it_awakens(
    alliance: Alliance, bank: Member, police: Member
) -> None:
    """Who has left is waited for no more: the majority is of the new one."""
    await alliance.settle()
    await alliance.stop("bank", "carrier", "platform")
    await bank.start()
    await asyncio.sleep(0.1)
    assert str(UNASKED) in str(bank.node.publisher.why_not())

    def edit(draft: Roster) -> Roster:
        return membership.remove(
            membership.remove(draft, "carrier"), "platform"
        )

    await alliance.change(edit, at="police")
    await bank.round()
    assert bank.node.ctx.roster == police.node.ctx.roster
    await bank.awake()
    bank.node.guard.may_append()
    await alliance.settle()


async def test_a_roster_heard_while_it_awakens(
    alliance: Alliance, bank: Member, police: Member
) -> None:
    """All that it asks for is done, though it came with the first heads."""
    await alliance.stop("bank")

    await alliance.change(retire_urls, at="police")
    await bank.start()
    await bank.awake()
    assert bank.node.ctx.roster == police.node.ctx.roster

    await bank.swept()
    bank.node.guard.may_append()


async def test_a_log_that_grows_while_it_is_closed(alliance: Alliance) -> None:
    """An append does not bring back what was closed since it read the tail."""
    bank, lock = alliance.bank, alliance.bank.node.writer.lock
    await bank.write(payload(1, bank.origin))
    mirror = bank.mirror
    mirror.retired = frozenset({("url", 1)})
    before = await bank.records()
    await mirror.retire(bank.origin, 0, 1)
    async with lock:
        task = asyncio.create_task(bank.node.orders.close_ours())
        await asyncio.sleep(0.05)
        assert await bank.records() == before
    await task
    assert before[-1][1]
    assert not (await bank.records())[-1][1]
