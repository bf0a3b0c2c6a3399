"""Own entries: sealed, found by value, replaced and never rewritten."""

from pathlib import Path
from typing import Any

import pytest

from syncd.flows.entry import EntryFields, Filter, NewEntry
from syncd.indicator.identifier import Identifier
from syncd.store.home_stores import OwnStore
from syncd.store.own_entries import KEPT_S, OwnEntries
from tests import postgres
from tests.cases import tried
from tests.refusals import damaged, refused
from tests.store.conftest import NOW, Clock, sql

PHONE = Identifier("phone", "+12025550100")
DAY = 20_000


@pytest.fixture
def entries(own: OwnStore) -> OwnEntries:
    return own.entries


def exempt(value: str = PHONE.value, **given: Any) -> NewEntry:
    return NewEntry("exempt", "phone", value, EntryFields(**given))


def local(n: int, list_: str = "police") -> NewEntry:
    value = f"+1202555{n:04}"
    return NewEntry("local", "phone", value, EntryFields(), list_, DAY + 30)


async def add(entries: OwnEntries, *some: NewEntry) -> Any:
    return await entries.add(some, "chen")


async def test_what_is_added_is_found_by_value(entries: OwnEntries) -> None:
    [added] = await add(entries, exempt(why="our own line"))
    assert (added.id, added.state) == (1, "added")
    found = await entries.find({PHONE, Identifier("url", "a.example/")}, DAY)
    [entry] = found[PHONE]
    assert (entry.type, entry.by, entry.at) == ("exempt", "chen", NOW)
    assert entry.fields == EntryFields(why="our own line")
    assert set(found) == {PHONE}


@tried("at_once", [1, 3])
async def test_the_same_is_known_and_another_takes_its_place(
    entries: OwnEntries, at_once: int
) -> None:
    """Also within one call. What was replaced stays, with who did it."""
    all_ = [exempt(why=why) for why in "aab"]
    assert [
        one.state
        for at in range(0, 3, at_once)
        for one in await entries.add(all_[at : at + at_once], "chen")
    ] == ["added", "known", "replaced"]
    assert await entries.add([], "chen") == []
    [entry] = (await entries.find({PHONE}, DAY))[PHONE]
    assert entry.fields == EntryFields(why="b")
    old, new = await entries.page(Filter(ended=True))
    assert (old.removed_by, old.removed_why) == ("chen", "replaced")
    assert old.fields == EntryFields(why="a")
    assert new.removed_at is None


async def test_what_is_removed_answers_no_more_and_is_still_listed(
    entries: OwnEntries, clock: Clock
) -> None:
    await add(entries, exempt())
    clock.now += 60
    assert await entries.remove([1], "note", "li", "") == 0  # another type
    assert await entries.remove([1, 7], "", "li", "no customer now") == 1
    assert await entries.remove([1], "", "li", "") == 0
    assert await entries.remove([], "", "li", "") == 0
    assert await entries.find({PHONE}, DAY) == {}
    assert await entries.page(Filter(type="exempt")) == []
    [old] = await entries.page(Filter(type="exempt", ended=True))
    assert await entries.page(Filter(type="note", ended=True)) == []
    assert (old.removed_at, old.removed_by) == (NOW + 60, "li")
    assert old.removed_why == "no customer now"


async def test_many_values_are_found_at_once(entries: OwnEntries) -> None:
    """More than fit into one statement, and each just once."""
    await add(entries, *map(local, range(600)))
    wanted = {Identifier("phone", f"+1202555{n:04}") for n in range(650)}
    found = await entries.find(wanted, DAY)
    assert len(found) == 600
    assert {len(some) for some in found.values()} == {1}
    assert await entries.find(wanted, DAY + 29)
    assert not await entries.find(wanted, DAY + 30)  # the day of their end


async def dropped(
    entries: OwnEntries, load: int, most: int | None = None
) -> tuple[int, int]:
    return await entries.remove_list(
        "police", "chen", "list_dropped", load=load, most=most
    )


async def test_a_new_load_of_a_list_takes_the_place_of_the_old(
    entries: OwnEntries,
) -> None:
    """What it lacks ends; another list's entries stay."""
    load, there = await entries.begin_load("police")
    assert (load, there) == (1, 0)
    await entries.add([local(n) for n in range(10)], "chen", load)
    assert await dropped(entries, load) == (0, 10)
    await add(entries, local(3, "other list"))

    load, there = await entries.begin_load("police")
    assert (load, there) == (2, 10)
    done = await entries.add([local(n) for n in range(2, 12)], "chen", load)
    assert [d.state for d in done].count("known") == 8
    assert await dropped(entries, load) == (2, 10)
    both = await entries.find({Identifier("phone", "+12025550003")}, DAY)
    assert {e.list for e in next(iter(both.values()))} == {
        "police",
        "other list",
    }
    assert len(await entries.page(Filter(list="police", ended=True))) == 12
    gone = await entries.page(
        Filter(limit=2, type="local", list="police", ended=True)
    )
    assert {e.removed_why for e in gone} == {"list_dropped"}


async def test_a_load_that_lacks_too_much_stops(entries: OwnEntries) -> None:
    """A file that was cut off must not empty the list."""
    await entries.add([local(n) for n in range(30)], "chen", 1)
    load, _ = await entries.begin_load("police")
    await entries.add([local(n) for n in range(10)], "chen", load)
    with refused("20 of its 30") as caught:
        await dropped(entries, load)
    assert "--gone-at-most" in caught.value.hint
    assert await dropped(entries, load, 20) == (20, 10)


async def test_a_list_is_removed_whole(entries: OwnEntries) -> None:
    await add(entries, local(1), local(2), local(3, "b"))
    assert await entries.remove_list("police", "li", "withdrawn") == (2, 0)
    assert [e.list for e in await entries.page(Filter())] == ["b"]


async def test_others_data_is_not_hoarded(
    entries: OwnEntries, clock: Clock
) -> None:
    """Local entries go some time after their end; our own decisions stay."""
    await add(entries, local(1), local(2), exempt())
    await entries.remove([1, 3], "", "chen", "")
    assert await entries.prune(DAY) == 0
    clock.now += KEPT_S + 1
    assert await entries.prune(DAY) == 1
    assert await entries.prune(DAY + 30 + 181) == 1
    left = await entries.page(Filter(ended=True))
    assert [e.type for e in left] == ["exempt"]


async def test_nothing_of_it_is_on_the_disk(
    entries: OwnEntries, own: OwnStore, tmp_path: Path
) -> None:
    await add(entries, local(1, "case 17"), exempt(why="friend"))
    await entries.remove([2], "", "chen", "foe of his")
    await own.database.purge()
    raw = postgres.disk(tmp_path, "own")
    for word in (b"+1202555", b"case 17", b"friend", b"foe of his"):
        assert word not in raw


@tried(
    "change",
    ["added_by = 'li'", "added_at = 1", "kind = 'url'", "removed_by = 'x'"],
)
async def test_a_row_that_was_changed_does_not_open(
    entries: OwnEntries, own: OwnStore, change: str
) -> None:
    await add(entries, exempt(why="a"))
    await entries.remove([1], "", "chen", "b")
    sql(own.database, f"UPDATE own_entry SET {change}")
    with damaged("own_entry: row 1"):
        await entries.page(Filter(ended=True))
