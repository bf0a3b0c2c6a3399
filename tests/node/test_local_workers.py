"""Local workers: what they answer, and what is in force in all of them."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
import pytest

from syncd.config import editing
from syncd.flows.tokenise import Came
from syncd.node.serve import local_workers
from syncd.roster.terms import Never
from tests.alliance import CASE, Alliance, Member, police_case, until
from tests.cases import once, slow

pytestmark = slow
WORKERS = 4
URLS = 200  # of a token in an hour


class Caller:
    """Who asks one and the same worker, on one kept-alive connection."""

    def __init__(self, member: Member) -> None:
        self.url = f"http://127.0.0.1:{member.config.own.listen.port}"
        self.token = member.token
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1)
        )

    async def call(
        self, method: str, path: str, body: object = None, **more: Any
    ) -> tuple[int, Any]:
        """Return status and body of an answer."""
        bearer = {"Authorization": f"Bearer {self.token}"}
        async with self._session.request(
            method, self.url + path, json=body, headers=bearer, **more
        ) as got:
            if "json" in got.content_type:
                return got.status, await got.json()
            return got.status, await got.text()

    async def look_up(
        self, *values: str, kind: str = "url", **more: str
    ) -> tuple[int, Any]:
        items = [{"kind": kind, "value": value} for value in values]
        wanted = {"purpose": "case_work", "items": items, **more}
        return await self.call("POST", "/v1/lookups", wanted)

    async def close(self) -> None:
        await self._session.close()


def with_workers(member: Member) -> None:
    if member.id == "bank":
        editing.change(member.home, "own", "workers", WORKERS)
        editing.change(member.home, "lookup", "token_urls", URLS)


@once
async def alliance(root: Path) -> AsyncIterator[Alliance]:
    """Three members, one of them with four workers."""
    async with Alliance.found(
        root,
        ["bank", "carrier", "police"],
        local_apis=True,
        prepare=with_workers,
    ) as found:
        await police_case(found)
        yield found


@pytest.fixture
async def callers(alliance: Alliance) -> AsyncIterator[list[Caller]]:
    """One caller of each worker, with a token that has asked nothing."""
    token = await alliance.bank.own.bearers.add(
        os.urandom(4).hex(), "operator"
    )
    of: dict[str, Caller] = {}
    access = alliance.bank.own.access
    while len(of) < WORKERS:
        caller = Caller(alliance.bank)
        mark = os.urandom(8).hex()
        verdicts(await caller.look_up("http://a.example/", reference=mark))
        rows = [row async for row in access.found() if row.reference == mark]
        if of.setdefault(rows[0].writer, caller) is not caller:
            await caller.close()
    assert sorted(of) == [f"local-{n + 1}" for n in range(WORKERS)]
    for caller in of.values():
        caller.token = token
    yield [*of.values()]
    for caller in of.values():
        await caller.close()


def verdicts(answer: tuple[int, Any]) -> list[str]:
    status, body = answer
    assert status == 200, body
    return [item["verdict"] for item in body["items"]]


async def test_each_answers_as_the_daemon_does(
    alliance: Alliance, callers: Sequence[Caller]
) -> None:
    """Phones with the holders' help, and what is no value at all."""
    values = ("+12025550124", "nothing", CASE)
    answers = [await c.look_up(*values, kind="phone") for c in callers]
    asked = [answer["items"] for _, answer in answers]
    assert [one[2]["verdict"] for one in asked] == ["confirmed"] * WORKERS
    assert all("problem" in one[1] for one in asked)
    assert asked[1:] == asked[:-1]
    carrier = Caller(alliance.carrier)
    _, other = await carrier.look_up(*values, kind="phone")
    await carrier.close()
    assert other["items"] == asked[0]
    for caller in callers:
        assert (await caller.call("GET", "/v1/lookups"))[0] == 405


async def test_a_revoked_token_is_out_in_all(
    bank: Member, callers: Sequence[Caller]
) -> None:
    """At the next request of each."""
    bearers = bank.own.bearers
    token = await bearers.add("leaves", "reader")
    for caller in callers:
        caller.token = token
        assert verdicts(await caller.look_up("http://a.example/")) == ["none"]
    await bearers.revoke("leaves")
    for caller in callers:
        assert (await caller.look_up("http://a.example/"))[0] == 401


async def test_a_roster_is_in_force_in_all(
    alliance: Alliance, callers: Sequence[Caller]
) -> None:
    """Before the call that hands it in returns, the never-list with it."""
    number = "+12025550177"
    listed = Never("phone", number, "emergency")
    taken = await alliance.protect(listed, at="bank")
    for caller in callers:
        _, found = await caller.look_up(number, kind="phone")
        assert found["items"][0]["verdict"] == "protected"
        assert found["roster"]["version"] == taken.version


async def test_our_own_lists_are_in_force_in_all(
    callers: Sequence[Caller],
) -> None:
    """Whichever worker the change came through."""
    phone = {"kind": "phone", "value": CASE, "why": "court order 17"}
    for before, after in itertools.pairwise(callers):
        body = {"type": "exempt", "entries": [phone]}
        _, kept = await before.call("POST", "/v1/own/entries", body)
        assert kept["items"][0]["state"] == "added"
        _, found = await after.look_up(CASE, kind="phone")
        assert found["items"][0]["ours"]["reasons"] == ["exempt"]
        await after.call("POST", "/v1/own/removals", phone)
        _, found = await before.look_up(CASE, kind="phone")
        assert "ours" not in found["items"][0]


async def test_a_budget_is_one_for_all(callers: Sequence[Caller]) -> None:
    """No more than it, to the last item, however it is spread."""
    values = [f"http://h{n}.example/" for n in range(URLS)]
    share = URLS // WORKERS
    for caller in callers:
        verdicts(await caller.look_up(*values[: share - 1]))
    verdicts(await callers[0].look_up(*values[:WORKERS]))
    for caller in callers:
        status, refused = await caller.look_up(values[0])
        assert (status, refused["params"]["left"]) == (429, 0)
    _, quota = await callers[0].call("GET", "/v1/quota")
    left = {one["kind"]: one for one in quota["token"]}["url"]
    assert (left["hour_left"], left["denied"]) == (0, WORKERS)


async def test_metrics_are_sums(callers: Sequence[Caller]) -> None:
    """What has been answered is counted within a second or so."""
    for caller in callers:
        url = "http://a.example/"
        verdicts(await caller.look_up(url, url, purpose="test"))

    async def counted() -> bool:
        _, text = await callers[0].call("GET", "/metrics")
        labels = '{purpose="test",verdict="none"}'
        sums = f"syncd_lookups_total{labels} {2 * WORKERS}.0"
        return sums in text.splitlines()

    await until(counted)


async def test_events_are_passed_on_as_they_happen(
    alliance: Alliance, callers: Sequence[Caller]
) -> None:
    """Nothing waits for the end of what has none."""
    caller = callers[1]
    bearer = {"Authorization": f"Bearer {caller.token}"}
    async with (
        aiohttp.ClientSession(headers=bearer) as session,
        session.get(f"{caller.url}/v1/events") as got,
        asyncio.timeout(10),
    ):
        assert b"hello" in await got.content.readuntil(b"\n\n")
        await alliance.bank.report("url", "http://new.example/")
        await alliance.settle()
        assert b"event: " in await got.content.readuntil(b"\n\n")


async def test_a_worker_that_is_killed_loses_no_record(bank: Member) -> None:
    """Of what was answered; and another takes its place."""
    workers = bank.node.local_workers.workers
    answered = set()
    stop = asyncio.Event()

    async def ask(me: int) -> None:
        n = 0
        caller = Caller(bank)
        caller.token = await bank.own.bearers.add(f"load {me}", "reader")
        while not stop.is_set():
            n += 1
            with_mark = f"{me}/{n}"
            try:
                status, _ = await caller.look_up(
                    "http://a.example/", reference=with_mark
                )
            except aiohttp.ClientError:
                await caller.close()
                caller = Caller(bank)
                continue
            if status == 200:
                answered.add(with_mark)
            else:
                break  # the hour's budget
        await caller.close()

    with quickly():
        asking = [asyncio.create_task(ask(me)) for me in range(12)]
        for worker in workers:
            process = worker.process
            assert process is not None
            before = len(answered)

            def more(before: int = before) -> bool:
                return len(answered) > before + 30

            await until(more)
            process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.wait)
        stop.set()
        await asyncio.gather(*asking)
    rows = [row async for row in bank.own.access.found()]
    assert answered <= {row.reference for row in rows}
    newest: dict[str, int] = {}
    for row in rows:
        assert row.previous == newest.get(row.writer, 0)
        newest[row.writer] = row.id
    await until_all_serve(bank)


async def until_all_serve(member: Member) -> None:
    workers = member.node.local_workers.workers
    await until(
        lambda: all(w.process and w.process.poll() is None for w in workers)
    )


def quickly() -> Any:
    """Have what ended started again at once."""
    much = 10_000  # looks, now that there are many in a second
    return patch.multiple(local_workers, LOOK_S=0.02, SILENT=much, READY=much)


async def test_an_answer_to_one_that_was_killed_is_nobody_elses(
    bank: Member,
) -> None:
    """Another process takes its place, and counts from the beginning."""
    node = bank.node
    came, asked = node.tokeniser.came, list[str]()
    early, late = asyncio.Event(), asyncio.Event()

    async def slow(wanted: Any, **how: Any) -> Came:
        asked.append(wanted[0].value)
        await (early if CASE.endswith(wanted[0].value[-7:]) else late).wait()
        return await came(wanted, **how)

    async def ask(value: str) -> str:
        caller = Caller(bank)
        try:
            return verdicts(await caller.look_up(value, kind="phone"))[0]
        finally:
            await caller.close()

    with quickly(), patch.object(node.tokeniser, "came", slow):
        first = asyncio.create_task(ask(CASE))
        await until(lambda: asked)
        for worker in node.local_workers.workers:
            assert worker.process is not None
            worker.process.kill()
        with pytest.raises(aiohttp.ClientError):
            await first
        later = [asyncio.create_task(ask("+12025550188")) for _ in range(32)]
        # those of a process are one wish, or few
        await until(lambda: len(asked) > WORKERS)
        early.set()
        await asyncio.sleep(0.3)
        late.set()
        assert {*await asyncio.gather(*later)} == {"none"}
    await until_all_serve(bank)


async def test_a_worker_that_says_nothing_is_replaced(bank: Member) -> None:
    """It has hung: who connects to it would wait for ever."""
    worker = bank.node.local_workers.workers[2]
    stuck = worker.process
    assert stuck is not None
    stuck.send_signal(signal.SIGSTOP)
    worker.heard(serves=True)
    for _ in range(local_workers.SILENT + 1):
        worker.look()
    assert await asyncio.to_thread(stuck.wait) == -signal.SIGKILL
    await until_all_serve(bank)


async def test_a_worker_that_cannot_be_started_is_tried_again(
    bank: Member,
) -> None:
    """When there are processes to be had."""
    worker = bank.node.local_workers.workers[1]
    started, first = local_workers.started, worker.process
    none = OSError(11, "Resource temporarily unavailable")
    with (
        quickly(),
        patch.object(local_workers, "started", side_effect=none) as starting,
    ):
        assert first is not None
        first.kill()
        await until(lambda: starting.call_count >= 2)
        starting.side_effect = started
    await until_all_serve(bank)
    assert worker.process is not first


@pytest.mark.usefixtures("callers")  # of whom each was answered by one
async def test_a_worker_has_no_key_but_two(bank: Member) -> None:
    """Neither in its memory nor where a process list shows it."""
    node = bank.node
    ring = node.home.ring
    worker = node.local_workers.workers[0].process
    assert worker is not None
    proc = Path(f"/proc/{worker.pid}")
    shown = (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
    held = memory(proc)
    assert ring.need("access") in held
    for name in ring.names():
        key = ring.need(name)
        assert key not in shown
        assert key.hex().encode() not in shown
        may = name in ("access", "certificate")  # which is public
        assert may or key not in held, name


def memory(proc: Path) -> bytes:
    """Return what a process has in its memory that may be written."""
    parts = []
    with (proc / "mem").open("rb", buffering=0) as mem:
        for line in (proc / "maps").read_text().splitlines():
            span, mode, *_ = line.split()
            begin, end = (int(part, 16) for part in span.split("-"))
            if mode.startswith("rw"):
                try:
                    mem.seek(begin)
                    parts.append(mem.read(end - begin))
                except OSError:
                    continue
    return b"".join(parts)
