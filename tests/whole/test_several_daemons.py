"""Two daemons of one member on one real server: one log, never a fork."""

import contextlib
import shutil
import signal
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from syncd.config import editing
from syncd.roster import drafts
from syncd.store import bundles
from syncd.store.database import Database
from syncd.store.own import HIGH_WATER
from syncd.store.server import Server
from syncd.tlog import checkpoint, note
from syncd.tlog.checkpoint import Checkpoint
from tests import postgres
from tests.alliance import Alliance, Process, bound, free_port, until
from tests.cases import tried

pytestmark = pytest.mark.slow

A_SITE = {"kind": "url", "value": "https://a.example/"}


@dataclass
class Pair:
    """The police's two daemons, in the midst of an alliance."""

    alliance: Alliance
    one: Process
    other: Process
    server: Server
    released: list[Checkpoint] = field(default_factory=list)

    async def grown(self, process: Process, size: int) -> Checkpoint:
        """Wait until a daemon serves a log of that size; return its tip."""

        async def so() -> bool:
            return (await self.tip(process)).size >= size

        await until(so)
        return await self.tip(process)

    async def tip(self, process: Process) -> Checkpoint:
        """Return what a daemon serves of the log."""
        found = await status(process)
        head, _ = checkpoint.open_(
            found["log"]["note"].encode(), process.member.keys.log.verifier
        )
        self.released.append(head)
        return head

    def check_log(self) -> None:
        """Check that all that was ever served is a beginning of one log."""
        with closing(Database(self.server, "own", read_only=True)) as own:
            for head in self.released:
                root = own.read_now(
                    partial(
                        bundles.root_at,
                        log_id=1,
                        origin=head.origin,
                        size=head.size,
                    )
                )
                assert root == head.root, head.size


async def status(process: Process) -> Any:
    return (await process.member.call("GET", "/v1/status"))[1]


async def appending(process: Process) -> bool:
    """Tell whether a daemon may append."""
    found = await status(process)
    return bool(found and found["appending"]["ok"])


async def hand_in(process: Process, *urls: str) -> None:
    """Have URLs accepted."""
    given = {"label": "fake_invest", "role": "phishing_host"}
    drafts = [
        {"kind": "url", "value": url, "evidence": "user_tag", **given}
        for url in urls
    ]
    status, found = await process.member.call(
        "POST", "/v1/reports", {"reports": drafts}
    )
    assert status == 202, found


PAUSES = "import signal; signal.SIGKILL = signal.SIGSTOP"
"""has a failpoint pause a process instead of ending it"""


@pytest.fixture
async def pair(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Pair]:
    """Run an alliance in which the police have two daemons; the first leads.

    It pauses at a failpoint, if there is a parameter.
    """
    failpoints = getattr(request, "param", "")
    (tmp_path / "sitecustomize.py").write_text(PAUSES)
    environ = {"PYTHONPATH": str(tmp_path)} if failpoints else {}
    server = postgres.fresh()
    monkeypatch.setattr(
        postgres, "of", lambda home: server if home.name == "police" else None
    )
    async with Alliance.found(tmp_path, start=False) as alliance:
        first = alliance.police
        second = replace(first, home=tmp_path / "police2", listener=None)
        shutil.copytree(first.home, second.home)
        listener = bound()
        for section, value in (
            ("own", f"127.0.0.1:{free_port()}"),
            ("peer", f"127.0.0.1:{listener.getsockname()[1]}"),
        ):
            editing.change(second.home, section, "listen", value)
        second.listener = listener
        one = await Process.start(first, failpoints=failpoints, **environ)
        await one.ready()
        await alliance.start("bank", "carrier", "platform")
        other = await Process.start(second)
        try:
            await other.ready()
            await until(lambda: appending(one))
            yield Pair(alliance, one, other, server)
        finally:
            for process in (one, other):
                with contextlib.suppress(ProcessLookupError):
                    process.child.send_signal(signal.SIGCONT)
                await process.stop(signal.SIGKILL)


async def test_one_that_is_killed_is_followed_by_the_other(pair: Pair) -> None:
    await hand_in(pair.one, "https://a.example/", "https://b.example/")
    tip = await pair.grown(pair.one, 3)
    assert await pair.grown(pair.other, tip.size) == tip
    found = await status(pair.other)
    here = {Path(d["node"]).name: d["here"] for d in found["daemons"]}
    leads = [Path(d["node"]).name for d in found["daemons"] if d["leads"]]
    assert (here, leads) == ({"police": False, "police2": True}, ["police"])
    assert not found["appending"]["ok"]
    assert not any("publish" in str(todo) for todo in found["todo"])
    _, found = await pair.other.member.call("GET", "/v1/system")
    assert found["files"]["postgresql own"] > 0
    assert found["files"]["postgresql mirror"] > 0

    await pair.one.stop(signal.SIGKILL)
    await hand_in(pair.other, "https://c.example/")
    later = await pair.grown(pair.other, tip.size + 1)

    assert later.size > tip.size
    raw = (pair.other.member.home / HIGH_WATER).read_bytes()
    assert checkpoint.parse(note.parse(raw).text) == later
    pair.check_log()


async def test_what_one_daemon_takes_in_is_in_force_at_the_other(
    pair: Pair,
) -> None:
    one, other = pair.one.member, pair.other.member
    current = pair.alliance.newest
    draft = drafts.begin(current, now=int(time.time()))
    raw = pair.alliance.sign(drafts.write(draft, current))
    token = {"Authorization": f"Bearer {other.token}"}
    listen = other.config.own.listen
    async with (
        aiohttp.ClientSession(headers=token) as session,
        session.post(
            f"http://{listen.host}:{listen.port}/v1/roster",
            data=raw,
            headers={"Content-Type": "text/plain"},
        ) as answer,
    ):
        assert answer.status == 200, await answer.text()

    async def heard() -> bool:
        return bool((await status(pair.one))["roster"]["version"] == 2)

    await until(heard)
    await hand_in(pair.other, "https://a.example/")  # the leader publishes it
    await pair.grown(pair.other, 3)
    asked = {"purpose": "transaction_check", "items": [A_SITE]}
    for member in (one, other):
        _, found = await member.call("POST", "/v1/lookups", asked)
        assert found["items"][0]["verdict"] == "suspected", found


async def test_an_erasure_is_the_leader_s(pair: Pair) -> None:
    """Elsewhere the leader is named, and nothing is half done."""
    other = pair.other.member
    await hand_in(pair.other, A_SITE["value"])
    await pair.grown(pair.other, 2)
    _, found = await other.call("POST", "/v1/reports/search", {})
    [[_, index]] = [one["position"] for one in found["items"]]
    ended = {**A_SITE, "reason": "entry_error"}
    status, _ = await other.call("POST", "/v1/retractions", ended)
    assert status == 202
    size = (await pair.grown(pair.other, index + 2)).size
    gone = {"entries": [index], "reason": "court_order", "yes": True}
    status, found = await other.call("POST", "/v1/log/erasures", gone)
    assert status == 503
    assert "/police leads our daemons: it alone" in found["detail"]
    assert "run this in the home of that one" in found["hint"]
    status, _ = await pair.one.member.call("POST", "/v1/log/erasures", gone)
    assert status == 200
    await pair.grown(pair.other, size + 1)
    pair.check_log()


async def follows(pair: Pair, size: int) -> None:
    """Wake the first: what it takes in, the other appends."""
    pair.one.child.send_signal(signal.SIGCONT)
    await hand_in(pair.one, "https://c.example/")
    last = await pair.grown(pair.other, size)
    assert await pair.grown(pair.one, last.size) == last
    pair.check_log()


async def test_one_that_is_paused_cannot_append_when_it_wakes(
    pair: Pair,
) -> None:
    await hand_in(pair.one, "https://a.example/")
    tip = await pair.grown(pair.one, 2)
    assert await pair.grown(pair.other, tip.size) == tip

    pair.one.child.send_signal(signal.SIGSTOP)
    await hand_in(pair.other, "https://b.example/")

    await follows(pair, (await pair.grown(pair.other, tip.size + 1)).size + 1)
    assert not await appending(pair.one)


@tried(
    "pair",
    ["append.head:2", "append.vault:2", "append.committed:2"],
    indirect=True,
)
async def test_one_that_is_paused_amid_an_append_forks_nothing(
    pair: Pair,
) -> None:
    await pair.grown(pair.one, 1)
    await hand_in(pair.one, "https://a.example/")
    await until(lambda: "failpoint" in pair.one.text)
    later = await pair.grown(pair.other, 2)  # what the first took in

    await follows(pair, later.size + 1)
    assert (await pair.tip(pair.one)).size == 3  # each once


async def test_a_leader_whose_number_has_passed_leaves_off_and_work_goes_on(
    pair: Pair,
) -> None:
    await hand_in(pair.one, "https://a.example/")
    tip = await pair.grown(pair.one, 2)
    await pair.grown(pair.other, tip.size)

    postgres.sql(
        "UPDATE own.leader SET fencing = fencing + 1",
        postgres.name_of(pair.server),
    )
    for url in ("https://b.example/", "https://c.example/"):
        await hand_in(pair.one, url)
    await pair.grown(pair.one, tip.size + 2)
    pair.check_log()
