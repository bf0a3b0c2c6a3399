"""The never-list by token: each report on it is an alarm, once."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from syncd.errors import HoldersError, UnavailableError
from syncd.flows.tokenise import Came
from syncd.indicator.claims import Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.token import encode
from syncd.node.upkeep.arrivals import Arrival
from syncd.node.upkeep.never_list import FILE, NeverList
from syncd.roster.terms import Epoch, Never
from tests.cases import tried
from tests.node.stand_in import Home, at_once
from tests.refusals import unavailable
from tests.sample_statements import report

TOKEN = b"t" * 16
ORIGIN = "bank.example/syncd/txwz/1"


def never_list(home: Home, holders: Any = None) -> NeverList:
    return NeverList(ctx=home.context, tokeniser=holders)


def mirror(*claims: Claim) -> Any:
    """Return one of one token, with some claims on it."""
    return SimpleNamespace(claims=AsyncMock(return_value={TOKEN: claims}))


def claim(index: int, **other: Any) -> Claim:
    return Claim(ORIGIN, index, report(token=encode(TOKEN), **other))


async def test_many_reports_are_one_alarm(tmp_path: Path) -> None:
    """One write, not one for each; none of what is tried out."""
    report = AsyncMock()
    there = mirror(claim(1), claim(2), claim(3, test=True))
    never = never_list(Home(tmp_path, mirror=there, report=report))
    never.listed = frozenset({("phone", 1, TOKEN)})
    await never.check()
    [call] = report.await_args_list
    assert [found.index for found in call.args] == [1, 2]
    assert call.kwargs == {"once": True}


class Holders:
    """Answer for any value; count what they were asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.most = 1_000_000

    async def came(
        self, wanted: Iterable[Identifier], *, purpose: str, timeout_s: float
    ) -> Came:
        rows = [*wanted]
        self.asked.append((purpose, len(rows)))
        done = {one: one.value.encode().ljust(64) for one in rows[: self.most]}
        less = len(rows) > self.most
        return done, HoldersError("oprf: no time left") if less else None

    def counts(self) -> list[int]:
        """Return how much was asked for since the last time."""
        found = [n for _, n in self.asked]
        self.asked.clear()
        return found


class World:
    """A home, a roster as far as it is asked, holders."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.terms = SimpleNamespace(
            never=(
                Never("phone", "cn:96110", "x"),
                Never("url", "icbc.com.cn/", "x"),
            ),
            epochs=[Epoch("phone", 1, 1), Epoch("url", 1, 1)],
        )
        self.holders = Holders()
        self.offload: Any = at_once

    def start(self) -> NeverList:
        """Return a never-list as after a start of the daemon."""
        more = {"mirror": mirror(), "bulk": self.offload}
        return never_list(Home(self.home, self.terms, **more), self.holders)

    async def asks(self, one: NeverList | None = None) -> list[int]:
        """Have one refresh, or a new one; return how much it asks for."""
        await (one or self.start()).refresh()
        return self.holders.counts()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_every_spelling_is_asked_once_per_epoch(world: World) -> None:
    """Under a purpose of its own; a start remembers the answers."""
    one = world.start()
    await one.refresh()
    await one.refresh()  # nothing is asked any more
    [(purpose, count)] = world.holders.asked
    assert purpose == "never"
    assert count > 300  # bare, and with every area code
    assert one.todo == ()
    assert ("phone", b"cn:075596110".ljust(64)[:16]) in one.tokens
    assert len([t for t in one.tokens if t[0] == "url"]) > 10
    world.holders.counts()
    other = world.start()
    assert await world.asks(other) == []
    assert other.listed == one.listed


async def test_a_list_that_grows_asks_for_what_is_new(world: World) -> None:
    """One that shrinks forgets; so does one that asks of a new epoch."""
    one = world.start()
    [first] = await world.asks(one)
    rows = world.terms.never
    world.terms.never = (*rows, Never("phone", "cn:95588", "bank"))
    assert await world.asks(one) == [1]
    assert ("phone", 1, b"cn:95588".ljust(16)) in one.listed
    world.terms.never = rows
    await one.refresh()
    assert ("phone", 1, b"cn:95588".ljust(16)) not in one.listed
    world.terms.never = rows[:1]
    await one.refresh()
    assert not [t for t in one.tokens if t[0] == "url"]
    assert world.holders.counts() == []
    world.terms.epochs.append(Epoch("phone", 2, 1))
    assert await world.asks(one) == [first]
    # Reports of the epoch before stand until it is retired.
    assert {epoch for _, epoch, _ in one.listed} == {1, 2}
    world.terms.epochs[0] = Epoch("phone", 1, 1, retired=True)
    await one.refresh()
    assert {epoch for _, epoch, _ in one.listed} == {2}
    assert b"phone/1" not in (world.home / FILE).read_bytes()
    assert world.holders.counts() == []


async def test_what_holders_do_not_answer_is_asked_again(world: World) -> None:
    """Status says how much is missing, and why; no answer is lost."""
    one = world.start()
    world.holders.most = 100
    [first] = await world.asks(one)
    assert [*map(str, one.todo)] == [
        f"never-list: {first - 100} of {first} spellings are not looked for"
        " in others' logs yet: oprf: no time left"
    ]
    assert len([t for t in one.tokens if t[0] == "phone"]) == 100
    one = world.start()
    world.holders.most = 1_000_000
    assert await world.asks(one) == [first - 100]
    assert one.todo == ()


@tried("text", [b"[]", b"{", b'{"phone/1": "*"}', b"\xff"])
async def test_a_file_that_does_not_parse_is_made_anew(
    world: World, text: bytes
) -> None:
    (world.home / FILE).write_bytes(text)
    assert len(await world.asks()) == 1
    assert await world.asks() == []


async def test_a_stop_in_the_middle_loses_one_part_at_most(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.node.upkeep.never_list.PART", 100)
    world.holders.most = 100
    came = world.holders.came

    async def stop(*args: Any, **more: Any) -> Came:
        if len(world.holders.asked) == 2:
            raise asyncio.CancelledError
        return await came(*args, **more)

    monkeypatch.setattr(world.holders, "came", stop)
    with pytest.raises(asyncio.CancelledError):
        await world.start().refresh()
    assert world.holders.counts() == [100, 100]
    monkeypatch.setattr(world.holders, "came", came)
    assert 100 < sum(await world.asks()) < 200


async def test_what_a_full_disk_did_not_take_is_written_later(
    world: World,
) -> None:
    full = True

    async def offload(work: Any, *args: Any) -> Any:
        if full and work.__name__ == "_save":
            raise UnavailableError("never-tokens: No space left on device")
        return work(*args)

    world.offload = offload
    one = world.start()
    with unavailable():
        await one.refresh()
    assert len(one.tokens) > 300  # known, for as long as we run
    full = False
    assert len(await world.asks(one)) == 1
    assert await world.asks() == []


async def test_a_list_that_is_too_long_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more is asked for than the most, and the rest is told."""
    monkeypatch.setattr("syncd.node.upkeep.never_list.MOST", 50)
    one = world.start()
    assert await world.asks(one) == [50]
    line = str(*one.todo)
    assert line.startswith("never-list: 3")
    assert line.endswith(
        " spellings, 50 of them are looked for in others' logs: take rows"
        " off it"
    )


async def test_only_what_is_listed_is_sought_at_once(tmp_path: Path) -> None:
    """A long sync brings in millions of others."""
    report = AsyncMock()
    never = never_list(Home(tmp_path, mirror=mirror(claim(1)), report=report))
    came = Arrival((ORIGIN, 1), claim(1).statement)
    for epoch, found in ((2, 0), (1, 1)):
        never.listed = frozenset({("phone", epoch, TOKEN)})
        await never.arrived([came])
        assert sum(len(c.args) for c in report.await_args_list) == found
