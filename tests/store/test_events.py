"""What happened is told once, and nothing is told that did not happen."""

from typing import Any

import pytest

from syncd.errors import Message, StaleError
from syncd.flows.ports import Finding
from syncd.store.home_stores import QUIET_S, OwnStore
from tests.store.conftest import Clock, Log, r

DAY_S = 86_400


async def reported(own: OwnStore) -> list[tuple[str, Any]]:
    return [(e.name, e.data) for e in await own.events.page(0, 1000)]


async def put(own: OwnStore, n: int) -> None:
    await own.events.now("n", str(n), "e", {"n": n})


async def test_an_append_tells_itself(own: OwnStore, log: Log) -> None:
    step = await log.write(own, r(1), r(2))
    with pytest.raises(StaleError):
        await own.log.append(*step, [])
    await log.write(own, done=["nothing to say"])
    assert await reported(own) == [
        ("published", {"origin": log.origin, "size": 2})
    ]


async def test_a_receipt_tells_itself_when_it_is_larger(own: OwnStore) -> None:
    keep = own.cosigned.keep_receipt
    origin, signer = "bank.example/syncd/txwz/1", "police/merged"
    kept = [await keep(origin, signer, n, b"%d" % n) for n in (3, 3, 5, 2)]
    sizes = [data["size"] for _, data in await reported(own)]
    assert (kept, sizes) == ([True, False, True, False], [3, 5])
    (receipt,) = (await own.cosigned.receipts(origin)).values()
    assert (receipt.size, receipt.note) == (5, b"5")


async def test_a_state_is_reported_when_it_is_another(own: OwnStore) -> None:
    now = own.events.now
    assert await now("log/a", "1/2", "log", {"merged": 1})
    assert not await now("log/a", "1/2", "log", {"merged": 1})
    assert await now("log/b", "1/2", "log", {"merged": 1})
    assert await now("log/a", "2/2", "log", {"merged": 2})
    assert await own.events.reported("log/a") == "2/2"
    assert await own.events.reported("log/c") == ""
    assert len(await reported(own)) == 3


async def test_a_finding_that_goes_on_is_reported_once(
    own: OwnStore, clock: Clock
) -> None:
    """Met every minute, it must not push all else out of what is kept."""
    finding = Finding(
        "broken_source", "police", None, Message("no such bundle")
    )
    for _ in range(60):
        await own.record([finding, finding])
        clock.now += 60
    assert len(await reported(own)) == 1
    clock.now += QUIET_S
    await own.record([finding])
    assert len(await reported(own)) == 2
    [kept] = await own.findings()
    assert kept.count == 121


async def test_a_finding_for_once_is_neither_reported_nor_counted_again(
    own: OwnStore, clock: Clock
) -> None:
    lie = Finding("bad_know", "police", 7, Message("not its value"))
    other = Finding("bad_know", "police", 8, Message("not its value"))
    assert await own.record([lie, lie], once=True) == [lie]
    clock.now += 2 * QUIET_S
    assert await own.record([lie, other], once=True) == [other]
    assert [data["index"] for _, data in await reported(own)] == [7, 8]
    assert {k.count for k in await own.findings()} == {1}


async def test_old_ones_go_and_numbers_never_come_back(
    own: OwnStore, clock: Clock
) -> None:
    """The newest stays however old it is: its number must not return."""
    assert await own.events.bounds() == (1, 0)
    await own.events.prune()
    for n in range(4):
        await put(own, n)
        clock.now += 10 * DAY_S
    await own.events.prune()
    assert await own.events.bounds() == (2, 4)
    clock.now += 99 * DAY_S
    await own.events.prune()
    assert await own.events.bounds() == (4, 4)
    await put(own, 99)
    assert await own.events.bounds() == (4, 5)
    clock.now -= 99 * DAY_S  # a clock that was set back costs none
    await put(own, 100)
    clock.now += 99 * DAY_S
    await own.events.prune()
    assert await own.events.bounds() == (5, 6)
