"""What a local worker asks the daemon."""

import asyncio
import pickle
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import msgspec
import pytest

from syncd.errors import HoldersError
from syncd.flows.judge import Question
from syncd.indicator.identifier import Identifier
from syncd.node.serve import link, lookups
from syncd.node.serve.link import Beat, News, Sighted, WantOutputs
from syncd.store.sightings import SightedToken
from tests.cases import tried
from tests.refusals import holderless, unavailable

HOW = {"purpose": "case_work", "caller": "desk", "reference": ""}
QUESTION = Question("phone", "12025550123", token=b"\xff" * 16)


async def asked(home: Path, what: Any, answer: Any) -> Any:
    (home / link.ASKED).parent.mkdir(exist_ok=True)
    daemon = await link.answering(home, answer)
    try:
        return await link.ask(home, what, 1)
    finally:
        daemon.close()


@tried(
    "what",
    [
        Beat(
            *(1, 2, [({"none": 1}, "case_work", 0.25)], [("url", 9)]),
            suspected=[("a.example/syncd/x/1", 3)],
            unanswered=[lookups.Unanswered(QUESTION, HOW, 5, 6)],
        ),
        WantOutputs(
            (Identifier("phone", "us:12025550123"),), 1, "publish", 0.5
        ),
        Sighted((SightedToken(1, "url", 1, b"\xfe" * 16, "x"),)),
    ],
)
async def test_what_is_asked_and_answered_arrives(
    tmp_path: Path, what: link.Said
) -> None:
    news = News(7, {"cuts": 1})
    answer = AsyncMock(return_value=news)
    assert await asked(tmp_path, what, answer) == news
    answer.assert_awaited_once_with(what)


async def test_an_error_arrives_with_all_that_it_has(tmp_path: Path) -> None:
    """So that a caller reads the same of it."""
    error = HoldersError("oprf: {kind}: no", missing=("bank",), kind="phone")
    answer = AsyncMock(side_effect=error)
    with holderless("oprf: phone: no") as raised:
        await asked(tmp_path, Beat(1), answer)
    assert raised.value.missing == ("bank",)


async def test_a_daemon_that_is_silent_is_said_so(tmp_path: Path) -> None:
    """It is away, or fails."""
    answer = AsyncMock(side_effect=AssertionError("a bug"))
    with unavailable():
        await link.ask(tmp_path, Beat(1))
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    with unavailable():
        await asked(tmp_path, Beat(1), answer)


@tried(
    "raw",
    [
        pickle.dumps(Beat(1)),
        msgspec.msgpack.encode(["Start", 1]),
        msgspec.msgpack.encode(["Beat", "1"]),
        b"",
        b"\0" * 2048,
    ],
)
async def test_a_worker_says_nothing_but_its_forms(
    tmp_path: Path, raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above all nothing that would be run here; nor more than is read."""
    answer = AsyncMock()
    monkeypatch.setattr(link, "MOST", 1024)
    monkeypatch.setattr(msgspec.msgpack, "encode", lambda _: raw)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    with unavailable():
        await asked(tmp_path, Beat(1), answer)
    answer.assert_not_awaited()
