"""What a dishonest member can make the others spend is bounded.

One case for each behaviour; docs/threat-model.md names them. What each cost
before and costs now, bench/hostile.py measures.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from syncd.node.follow import rounds
from syncd.tlog import checkpoint, merkle
from syncd.tlog.checkpoint import Checkpoint
from tests.alliance import Alliance, Member, shared, until
from tests.cases import tried
from tests.refusals import unavailable

pytestmark = pytest.mark.slow
alliance = shared()  # the platform is the bad one


def fiction(member: Member, size: int) -> bytes:
    """Return its own log's checkpoint of entries that it never wrote."""
    head = Checkpoint(member.origin, size, merkle.EMPTY_ROOT)
    return bytes(checkpoint.sign(head, member.keys.log))


async def test_pokes_without_end(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ever larger logs that are not there: a few are looked at, one pulled."""
    police, platform = alliance.police, alliance.platform
    looked: list[int] = []
    begun: list[str] = []
    offer, begin = police.node.logs.offer, police.node.pulls.begin

    async def count(member: str, raw: bytes) -> Any:
        looked.append(checkpoint.size_of(raw))
        return await offer(member, raw)

    monkeypatch.setattr(police.node.logs, "offer", count)

    def pull(origin: str) -> Any:
        begun.append(origin)
        return begin(origin)

    monkeypatch.setattr(police.node.pulls, "begin", pull)
    monkeypatch.setattr(rounds, "POKE_S", 0.2)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for size in range(1000, 1060):
        answer = await platform.ask(
            police, "POST", "/poke", fiction(platform, size)
        )
        assert answer.status == 202

    async def newest() -> bool:
        target = police.node.logs.state(platform.origin).target
        return bool(begun) and target is not None and target.head.size == 1059

    await until(newest)
    await police.node.pulls.idle()
    assert len(looked) <= 2 + (loop.time() - began) / 0.2
    assert len(begun) == 1
    assert 1 <= police.node.logs.state(platform.origin).failures <= len(looked)


@tried(
    "path, junk",
    [
        ("/poke", b"x\n" * (400 << 10)),  # no checkpoint is that long
        ("/oprf/v1/evaluate", b'{"elements":[' + b"[]," * (300 << 10)),
        ("/oprf/v1/evaluate", b"[" * (1 << 20)),
        ("/oprf/v1/evaluate", b'{"elements":"' + b"0" * (1 << 20) + b'"}'),
    ],
    ids=["a poke of megabytes", "empty lists", "depth", "one long text"],
)
async def test_junk(alliance: Alliance, path: str, junk: bytes) -> None:
    """It is refused for its shape or length, before it is walked."""
    answer = await alliance.platform.ask(
        alliance.police, "POST", path, junk[: 1 << 20]
    )
    assert answer.status == 400


class Pool:
    """Where evaluations run, one turn of the loop each; counts them."""

    def __init__(self) -> None:
        self.running = self.most = self.ran = 0

    async def __call__(self, work: Any, *args: Any) -> Any:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        self.ran += 1
        return work(*args)


@pytest.fixture
def pool(alliance: Alliance, monkeypatch: pytest.MonkeyPatch) -> Pool:
    service = alliance.police.node.peer_service
    made = Pool()
    context = replace(service.ctx, offload=made, bulk=made)
    monkeypatch.setattr(service, "ctx", context)
    return made


@tried("bulk", [False, True])
async def test_evaluations_at_once(
    alliance: Alliance, pool: Pool, bulk: bool
) -> None:
    """Of one member one is computed at a time; of two, two."""
    service = alliance.police.node.peer_service

    async def ask(*members: str) -> int:
        pool.most = 0
        await asyncio.gather(
            *(service.fair(m, bulk=bulk)(len, "abc") for m in members)
        )
        return pool.most

    assert await ask("platform", "platform", "platform") == 1
    assert await ask("platform", "bank", "platform") == 2


async def test_evaluations_that_nobody_waits_for(
    alliance: Alliance, pool: Pool
) -> None:
    """Asked and hung up, again and again: none is computed."""
    fair = alliance.police.node.peer_service.fair
    hung_up = fair("platform", lambda: True, bulk=False)
    for _ in range(3):
        with unavailable("has gone"):
            await hung_up(len, "abc")
    assert pool.ran == 0
    assert await fair("platform", bulk=False)(len, "abc") == 3
