"""A member whose PostgreSQL server dies, is full or forgets loses nothing.

The bank's databases are on a server, the others' are files.
"""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from aiohttp import web

from syncd.errors import UnavailableError
from syncd.store import failpoint
from syncd.tlog import checkpoint, note
from tests import postgres
from tests.alliance import Alliance, Member, until
from tests.cases import once, slow, tried
from tests.refusals import failing

pytestmark = slow

PHONE = "+12025550123"
LOOKUP = {
    "purpose": "transaction_check",
    "items": [{"kind": "phone", "value": PHONE}],
}
WAITS = f"SELECT pid {postgres.WAITS}"


@once
async def alliance(root: Path) -> AsyncIterator[Alliance]:
    """Three members, settled; the police have reported a number."""
    server = postgres.fresh()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            postgres,
            "of",
            lambda home: server if home.name == "bank" else None,
        )
        async with Alliance.found(
            root, ("police", "bank", "carrier"), local_apis=True
        ) as found:
            await found.police.report("phone", PHONE)
            await found.settle()
            yield found


@contextmanager
def plan(point: str, act: Callable[[str], None]) -> Iterator[None]:
    """Have something happen at a failpoint, once."""
    failpoint.arm(failpoint.Plan(at={point: 1}, act=act))
    try:
        yield
    finally:
        failpoint.arm(None)


@asynccontextmanager
async def dying(point: str) -> AsyncIterator[threading.Event]:
    """Kill the server at a failpoint; start it again at the end."""
    dead = threading.Event()

    def die(_: str) -> None:
        postgres.stop()
        dead.set()

    with plan(point, die):
        yield dead
        assert await asyncio.to_thread(dead.wait, 20)
    await asyncio.to_thread(postgres.start)


def released(member: Member) -> int:
    """Return the size of its log that may be served."""
    return checkpoint.parse(note.parse(member.own.log.released()).text).size


@tried("point", ["append.head", "append.vault", "append.committed"])
async def test_a_server_that_dies_in_an_append(
    alliance: Alliance, point: str
) -> None:
    """What was accepted is published once, by itself, and merged by all."""
    bank = alliance.bank
    size = await bank.size()
    async with dying(point):
        await bank.report("url", f"http://{point}.example/")
    await alliance.settle()
    assert await bank.size() == released(bank) == size + 1


@tried("point", ["merge.bundles", "merge.claims"])
async def test_a_server_that_dies_in_a_merge(
    alliance: Alliance, point: str
) -> None:
    """It goes on in a later round, and comes to the same as files do."""
    police, bank, carrier = alliance.police, alliance.bank, alliance.carrier
    alliance.cut("police", "bank", "carrier")
    await police.report("url", f"http://{point}.example/")

    async def merged() -> bool:
        await police.node.publisher.publish()
        return await police.has(police)

    await until(merged)
    alliance.heal()
    alliance.cut("police", "carrier")
    async with dying(point) as dead:
        while not dead.is_set():  # it may not lead yet since the last death
            with suppress(UnavailableError):  # as the job that runs it does
                await bank.round()
    alliance.heal()
    await alliance.settle()
    assert await bank.digest(police.origin) == await carrier.digest(
        police.origin
    )


async def test_a_server_that_dies_in_a_look_up(alliance: Alliance) -> None:
    """Nothing is answered that is not in the records, and state says so."""
    police, bank, carrier = alliance.police, alliance.bank, alliance.carrier
    stop = functools.cache(postgres.stop)  # whoever is asked first

    async def die(_: web.Request) -> None:
        stop()

    path = "/oprf/v1/evaluate"
    with police.lying_at(path, die), carrier.lying_at(path, die):
        status, answer = await bank.call("POST", "/v1/lookups", LOOKUP)
    assert (status, answer["type"]) == (503, "urn:syncd:problem:unavailable")
    assert (await bank.call("GET", "/readyz"))[0] == 503
    assert (await bank.call("GET", "/healthz"))[0] == 200
    await asyncio.to_thread(postgres.start)
    status, answer = await bank.call("POST", "/v1/lookups", LOOKUP)
    assert (status, answer["items"][0]["verdict"]) == (200, "suspected")
    assert (await bank.call("GET", "/readyz"))[0] == 200


@tried("point", ["append.bundles", "merge.claims"])
async def test_a_server_whose_disk_is_full(
    alliance: Alliance, point: str
) -> None:
    """It is as if it were away, and goes on when there is room."""
    full = asyncio.Event()
    loop = asyncio.get_running_loop()

    def act(_: str) -> None:
        loop.call_soon_threadsafe(full.set)
        raise psycopg.errors.DiskFull("could not extend file: No space left")

    size = await alliance.bank.size()
    with plan(point, act):
        await alliance.bank.report("url", f"http://full.{point}.example/")
        await asyncio.wait_for(full.wait(), 20)
    await alliance.settle()
    assert await alliance.bank.size() == size + 1


async def test_what_was_not_replicated_is_not_released(
    alliance: Alliance,
) -> None:
    """Not by trying again either, until a standby has it."""
    bank = alliance.bank
    size = await bank.size()
    with ExitStack() as stack:
        async with bank.node.publishing:
            await bank.report("url", "http://replicated.example/")
            stack.enter_context(postgres.unreplicated())
        await asyncio.to_thread(postgres.wait_for, WAITS)
        postgres.sql(WAITS.replace("pid", "pg_cancel_backend(pid)"))
        publisher = bank.node.publisher
        await until(lambda: "warning" in str(publisher.why_not()))
        publisher.wake()
        await asyncio.to_thread(postgres.wait_for, WAITS)
        assert (await bank.size(), released(bank)) == (size + 1, size)
    await alliance.settle()
    assert released(bank) == size + 1


async def test_a_server_that_was_set_back_is_not_appended_to(
    alliance: Alliance,
) -> None:
    """As by a failover to a standby that was behind; look-ups go on."""
    bank = alliance.bank
    await alliance.settle()
    with postgres.set_back(bank.home):
        await bank.tell("url", "http://forgotten.example/")
    size = released(bank)
    await bank.report("url", "http://again.example/")
    with failing("rolled back|append"):  # or it leads no more
        await bank.node.publisher.publish()
    assert released(bank) == size
    status, answer = await bank.call("GET", "/readyz")
    assert status == 503
    assert "was rolled back" in answer["detail"]
    assert (await bank.call("POST", "/v1/lookups", LOOKUP))[0] == 200
