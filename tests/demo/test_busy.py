"""Four real daemons at work: who looks something up does not wait for it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.demo.member import Member, begin, stop
from syncd.demo.play import Demo
from tests.cases import once, slow

pytestmark = [slow, pytest.mark.timeout(400)]

DEADLINE_S = 3.0  # the default
ROWS = 100_000


@once
def play(root: Path) -> Iterator[Demo]:
    """Members as the demo founds them: platform is no holder."""
    play = Demo(root, [])
    try:
        play.found()
        play.start()
        play.draw()
        yield play
    finally:
        stop(play.running)


def member(play: Demo, name: str) -> Member:
    return next(member for member in play.members if member.id == name)


def look_up(asked: Member, first: int, count: int, **more: Any) -> Any:
    items = [
        {"kind": "phone", "value": f"+8613{n:09}"}
        for n in range(first, first + count)
    ]
    body = {"purpose": "transaction_check", "items": items, **more}
    return asked.ask("/v1/lookups", body)["items"]


def test_one_number_during_an_import(play: Demo, tmp_path: Path) -> None:
    """100,000 rows come in and are published; a teller notices nothing.

    Neither where they come in, nor at a holder that evaluates them all.
    """
    file = tmp_path / "rows.csv"
    with file.open("w") as rows:
        rows.write("kind,value,label,role,evidence\n")
        for n in range(ROWS):
            rows.write(f"phone,+86139{n:08},other,caller,user_tag\n")
    platform, bank = member(play, "platform"), member(play, "bank")
    words = f"--home homes/platform report import {file} --json"
    words += f" --token-file {platform.token_file}"
    command = begin(play.where, words, "platform")
    took: list[float] = []
    try:
        while len(took) < 40:
            for asked in (platform, bank):
                began = time.monotonic()
                (found,) = look_up(asked, 700_000_000 + len(took), 1)
                took.append(time.monotonic() - began)
                assert found["verdict"] == "none", found
            time.sleep(0.3)
        waiting = platform.ask("/v1/status")["vault"]["waiting"]
        assert command.poll() is None or waiting, "the import is over"
    finally:
        command.kill()
        command.communicate()
    assert sorted(took)[len(took) // 2] < DEADLINE_S, took


def test_as_many_at_once_as_a_token_may(play: Demo) -> None:
    """5,000 are answered: all that one token has of an hour."""
    found = look_up(member(play, "carrier"), 0, 5_000, deadline_ms=60_000)
    assert {item["verdict"] for item in found} == {"none"}
