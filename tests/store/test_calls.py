"""What came of calls at the hot line."""

from pathlib import Path

from syncd.store.calls import Call
from syncd.store.home_stores import OwnStore
from tests import postgres
from tests.refusals import damaged
from tests.store.conftest import NOW, Clock, sql

CALL = Call("anne", "dissuaded", "refund_cs", 5000)


async def sums(own: OwnStore, since: int = 0) -> list[tuple[str, int, int]]:
    found = await own.calls.sums(since, 2**53, lambda _: "2026-01")
    return [
        (str(o), int(n), int(m))
        for _, _, o, _, n, m in map(dict.values, found)
    ]


async def test_a_call_is_noted_once(own: OwnStore, clock: Clock) -> None:
    """By its key and who noted it."""
    assert await own.calls.add(CALL, "one")
    assert not await own.calls.add(CALL, "one")
    assert await own.calls.add(Call("bert", "sent", "", 0), "one")
    clock.now += 100
    assert await own.calls.add(CALL, "two")
    assert await sums(own) == [("sent", 1, 0), ("dissuaded", 2, 10_000)]
    assert await sums(own, NOW + 100) == [("dissuaded", 1, 5000)]
    clock.now += 86_401
    await own.calls.prune(1)
    assert await sums(own) == []


async def test_who_and_what_are_sealed_and_bound_to_when(
    own: OwnStore, tmp_path: Path
) -> None:
    await own.calls.add(CALL, "one")
    cells = [raw for _, raw in postgres.cells(tmp_path)]
    assert not any(b"anne" in raw or b"refund_cs" in raw for raw in cells)
    sql(own.database, "UPDATE hotline_call SET at = at + 1")
    with damaged():
        await sums(own)
