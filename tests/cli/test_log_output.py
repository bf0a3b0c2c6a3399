"""Logs go to one stream, one event a line, and raw values do not."""

import contextlib
import io
import json
import logging
import time
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from syncd.cli import log_output
from tests.cases import cases, tried


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Whatever is logged during a test, as JSON lines."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = structlog.get_config()
    out = io.StringIO()
    with contextlib.redirect_stderr(out):
        log_output.configure("info", "json")
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def clean(text: str) -> str:
    """What is left of a text in an event."""
    found: str = log_output.redact(None, "", {"event": text})["event"]
    return found


RAW = dict(cases("cli/logs", "raw"))
OURS = cases("cli/logs", "ours")


@tried("raw", RAW.values(), ids=RAW)
def test_a_raw_value_is_hidden(raw: str) -> None:
    """Wherever it stands in the text, however it is written."""
    for text in (raw, f"refused {raw}", f"row 7 ({raw!r}) is bad"):
        assert "[hidden]" in clean(text)
        assert raw not in clean(text)


@tried("text", OURS)
def test_our_own_words_stay(text: str) -> None:
    """Positions, sizes, days and places are what logs are for."""
    assert clean(text) == text


@given(st.text())
def test_any_text_is_hidden_or_stays(text: str) -> None:
    """Redaction is total, and done once is done."""
    assert clean(clean(text)) == clean(text)


def test_redaction_is_linear() -> None:
    """No text makes an expression run away."""
    began = time.process_time()
    for hostile in (
        "a" * 50_000,
        "1-" * 25_000,
        "a1" * 25_000,
        "@" * 50_000,
        "a+" * 25_000,
        "1." * 25_000,
        "A1" * 9000 + "=",
        "a.b-" * 12_000,
    ):
        clean(hostile)
    assert time.process_time() - began < 2


def test_a_name_says_enough() -> None:
    """Under the name of a secret nothing passes but a small count."""
    assert log_output.redact(
        None,
        "",
        {
            "phone": "anything",
            "api_key": ["x"],
            "phones": 12,
            "n": 13800138000,
            "size_bytes": 13800138000,
            "data": b"\x00\x01",
            "more": {"value": "x", "size": 3},
            "origin": "bank.example/syncd/txwz/1",
        },
    ) == {
        "phone": "[hidden]",
        "api_key": "[hidden]",
        "phones": 12,
        "n": "[hidden]",
        "size_bytes": 13800138000,
        "data": "[hidden: 2 bytes]",
        "more": {"value": "[hidden]", "size": 3},
        "origin": "bank.example/syncd/txwz/1",
    }


def test_one_event_is_one_line_of_json(stream: io.StringIO) -> None:
    """Ours and a library's take the same way."""
    structlog.get_logger("syncd.node").info("pulled", size=3, raw="x")
    logging.getLogger("apscheduler").warning("missed %s", "13800138000")
    structlog.get_logger("syncd.node").debug("not at this level")
    ours, theirs = map(json.loads, stream.getvalue().splitlines())
    assert ours["event"] == "pulled"
    assert (ours["size"], ours["raw"]) == (3, "[hidden]")
    assert (ours["level"], ours["logger"]) == ("info", "syncd.node")
    assert theirs["event"] == "missed [hidden]"


def test_a_traceback_is_searched_too(stream: io.StringIO) -> None:
    """The message of an unforeseen error may hold anything."""
    try:
        int("13800138000x")
    except ValueError:
        structlog.get_logger().exception("job failed", job="round")
    (line,) = stream.getvalue().splitlines()
    assert "13800138000" not in line
    assert "test_log_output.py" in json.loads(line)["exception"]


def test_people_get_no_json(stream: io.StringIO) -> None:
    """The console form shows event and fields, and no raw value either."""
    with contextlib.redirect_stderr(stream):
        log_output.configure("info", "console")
    structlog.get_logger().info("pulled", size=3, url="http://x.example/")
    assert "pulled" in stream.getvalue()
    assert "size=3" in stream.getvalue()
    assert "x.example" not in stream.getvalue()
