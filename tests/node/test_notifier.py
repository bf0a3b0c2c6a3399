"""Whoever is to be told is told, however often that takes."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from syncd.config import Target
from syncd.node.notify import notifier
from syncd.node.notify.notifier import Notifier
from syncd.node.serve.event_feed import Events
from syncd.store.database import Database
from syncd.store.events import EventBook
from tests.alliance import until
from tests.node.receiver import Receiver, hook, serving
from tests.node.stand_in import Home
from tests.refusals import misused

receiver = serving


class House:
    """A member with targets, and what happens there."""

    def __init__(self, path: Path, *targets: Target, now: int = 0) -> None:
        now = now or int(time.time())  # receivers want it to be
        self.database = Database(path / "own.db", "own")
        self.book = EventBook(self.database, lambda: self.home.now)
        self.feed = Events(self.book)
        config = SimpleNamespace(
            member=SimpleNamespace(id="bank", alliance="txwz"),
            notify=SimpleNamespace(targets=targets),
        )
        own = SimpleNamespace(events=self.book)
        self.home = Home(config=config, own=own, now=now)
        self.notifier = Notifier(ctx=self.home.context, feed=self.feed)

    async def happen(self, name: str, n: int, **data: Any) -> None:
        data = {"origin": "a/b", "index": n, **data}
        await self.book.now(name, str(n), name, data)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.notifier.run())
        await until(self._known)
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.database.close()

    async def _told(self) -> list[str]:
        targets = self.home.config.notify.targets
        return [await self.book.reported(f"notify/{t.name}") for t in targets]

    async def _known(self) -> bool:
        return all(await self._told())

    def state(self) -> Any:
        return self.notifier.states()[0]

    async def nothing_waits(self) -> bool:
        """Tell whether each was told all that has happened."""
        _, newest = await self.book.bounds()
        return {*await self._told()} == {str(newest)}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "FIRST_S", 0.01)


async def test_told_in_order_and_by_role(
    tmp_path: Path, receiver: Receiver
) -> None:
    house = House(tmp_path, hook(tmp_path, receiver.url))
    await house.happen("urgent", 0)  # before there was a target
    async with house.running():
        await house.happen("urgent", 1)
        await house.happen("dispute", 2)  # of another role
        await house.happen("published", 3)  # not outside
        await house.happen("retract", 4)
        await until(receiver.came(2))
        await until(house.nothing_waits)
    found = [msgspec.json.decode(body) for body in receiver.bodies]
    assert [f["data"]["index"] for f in found] == [1, 4]
    state = house.state()
    assert (state.failures, state.why) == (0, None)


async def test_told_until_taken_the_same_over_a_restart(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Bytes and id are the same, so that a receiver knows it again."""
    target = hook(tmp_path, receiver.url)
    house = House(tmp_path, target)
    async with house.running():
        await house.happen("urgent", 1)
        await until(receiver.came(1))
        await until(house.nothing_waits)
        answers = iter([500, 503, 307])
        receiver.status = lambda _: next(answers, 429)
        await house.happen("urgent", 2)
        await until(receiver.came(5))
    receiver.status = lambda _: 204
    now = house.home.now
    again = House(tmp_path, target, now=now)
    await again.happen("urgent", 3)  # before it listens
    async with again.running():
        await until(again.nothing_waits)
    assert receiver.ids.count(f"txwz-bank-1-{now}") == 1
    assert list(dict.fromkeys(receiver.ids)) == [
        f"txwz-bank-{n}-{now}" for n in (1, 2, 3)
    ]
    assert len(set(receiver.bodies)) == 3


async def test_what_is_refused_holds_up_nothing_else(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.status = lambda f: 400 if f["data"]["index"] == 1 else 204
    target = hook(tmp_path, receiver.url)
    house = House(tmp_path, target)
    async with house.running():
        await house.happen("urgent", 1)
        await until(receiver.came(1))
        await house.happen("urgent", 2)
        await until(lambda: f"txwz-bank-2-{house.home.now}" in receiver.ids)
        await until(receiver.came(len(receiver.ids) + 1))
        assert house.state().waiting == 1
    receiver.status = lambda _: 204
    again = receiver.came(len(receiver.ids) + 1)
    async with House(tmp_path, target).running():  # nor is it forgotten
        await until(again)


async def test_a_dead_one_is_seen_and_waits_longer_each_time(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "FIRST_S", 60.0)
    receiver.status = lambda _: 503
    house = House(tmp_path, hook(tmp_path, receiver.url))
    async with house.running():
        await house.happen("urgent", 1)
        await until(receiver.came(1))
        await house.happen("published", 2)
        await house.happen("urgent", 3)  # news is told at once
        await until(lambda: house.state().failures >= 2)
    state, now = house.state(), house.home.now
    assert receiver.ids == [f"txwz-bank-{n}-{now}" for n in (1, 3)]
    assert (state.failures, state.waiting) == (2, 2)
    assert str(state.why) == "webhook: answered 503"
    pauses = [notifier.pause_s(n) for n in (1, 2, 3, 4, 5, 99)]
    assert pauses == [60, 120, 240, 480, 600, 600]


async def test_of_many_the_newest_are_kept_for_three_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "MOST", 2)
    target = Target("pager", ("duty",), command=("/bin/false",))
    house = House(tmp_path, target)

    async def holds(waiting: int, dropped: int) -> bool:
        state = house.state()
        found = (state.waiting, state.dropped)
        told = await house.book.reported("notify/pager")
        return (*found, told) == (waiting, dropped, str(dropped))

    async with house.running():
        await house.book.now("n", "1", "urgent", {}, {}, {}, {}, {})
        await until(lambda: holds(2, 3))
        house.home.now += notifier.KEPT_S + 1
        await house.happen("urgent", 1)
        await until(lambda: holds(1, 5))


async def test_a_command_is_told_and_no_more_than_some_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, go_on = [], asyncio.Event()

    async def run(argv: Any, body: bytes) -> None:
        running.append((argv, msgspec.json.decode(body)["type"]))
        await go_on.wait()

    monkeypatch.setattr(notifier, "run", run)
    targets = [Target(f"t{n}", ("admin",), command=("/x",)) for n in range(9)]
    house = House(tmp_path, *targets)
    async with house.running():
        await house.happen("expiry", 1, member="bank", days=7)
        await until(lambda: len(running) >= notifier.COMMANDS)
        await asyncio.sleep(0.1)
        assert len(running) == notifier.COMMANDS
        go_on.set()
        await until(house.nothing_waits)
    assert running == [(("/x",), "syncd.expiry")] * len(targets)


def test_a_key_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    target = hook(tmp_path, "https://soc.example/")
    Path(target.secret).write_text("whsec_" + "-_" * 20)
    with misused("standard base64"):
        House(tmp_path, target)
