"""The register of measures to look at again, and what came of each."""

from pathlib import Path
from typing import Any

import pytest

from syncd.errors import MissingError
from syncd.flows.appeal import Appeal
from syncd.store.home_stores import OwnStore
from tests import postgres
from tests.cases import tried
from tests.refusals import damaged
from tests.store.conftest import NOW, Clock, sql


def ended(access_id: int | None = 1, **other: Any) -> Appeal:
    return Appeal(
        **{
            "cause": "ended",
            "by": "core",
            "access_id": access_id,
            "purpose": "transaction_check",
            "measure": "hold",
            "received_at": NOW,
            "reference": "case 9",
            "positions": (("bank.example/syncd/txwz/1", 7),),
            **other,
        }
    )


def contested(**other: Any) -> Appeal:
    return ended(cause="person", access_id=None, **other)


async def told(own: OwnStore) -> Any:
    return [e.data for e in await own.events.page(1, 1000) if e.name == "undo"]


async def test_one_look_up_is_to_be_undone_once(own: OwnStore) -> None:
    """With an event that names neither value, file nor report."""
    assert await own.appeals.add([ended(), ended(2)]) == [1, 2]
    assert await own.appeals.add([ended(2), ended(3)]) == [3]
    assert await told(own) == [{"n": 2}, {"n": 1}]
    assert await own.appeals.add([contested(), contested()]) == [4, 5]
    assert await own.appeals.add([ended(3)]) == []
    assert await told(own) == [{"n": 2}, {"n": 1}]


async def test_a_step_is_kept(own: OwnStore, clock: Clock) -> None:
    await own.appeals.add([contested()])
    clock.now += 3600
    done = await own.appeals.move(1, "lifted", by="bert")
    assert await own.appeals.page(waiting=1) == [done]
    assert (done.decided_by, done.lifted_at) == ("bert", NOW + 3600)
    await own.appeals.move(1, "told", by="anne")
    assert await own.appeals.open() == 0
    with pytest.raises(MissingError):
        await own.appeals.move(2, "told", by="anne")


async def test_each_finds_its_own(own: OwnStore) -> None:
    await own.appeals.add([ended(), ended(2, by="desk"), ended(3)])
    assert [one.id for one in await own.appeals.page(1, by="core")] == [3]
    move = own.appeals.move
    with pytest.raises(MissingError):
        await move(2, "lifted", by="core", only="core")
    await move(2, "lifted", by="desk", only="desk")


async def test_what_is_done_with_goes(own: OwnStore, clock: Clock) -> None:
    await own.appeals.add([ended(), ended(2)])
    await own.appeals.move(1, "lifted", by="core")
    clock.now += 1101 * 86_400
    await own.appeals.prune(1100)
    assert [one.id for one in await own.appeals.page()] == [2]


@tried(
    "change",
    [
        "received_at = received_at - 1",
        "by = 'desk'",
        "sealed = (SELECT sealed FROM appeal WHERE id = 2)",
    ],
)
async def test_file_and_positions_are_sealed_and_bound(
    own: OwnStore, tmp_path: Path, change: str
) -> None:
    await own.appeals.add([ended(), ended(2)])
    assert not any(b"case 9" in raw for _, raw in postgres.cells(tmp_path))
    sql(own.database, f"UPDATE appeal SET {change} WHERE id = 1")
    with damaged():
        await own.appeals.page()
