"""Messages on the wire: by code and parameters, never by their English."""

import string
from typing import Any

import msgspec
import pytest

from syncd.errors import Message, RefusedError
from syncd.messages import catalogue, wire
from tests.cases import tried

BEHIND = Message(
    "behind: {n} entries of {origin}: {why}; syncd doctor {member} says where"
    " it ends",
    n=7,
    member="bank",
    origin="bank.example/syncd/txwz/1",
    why=RefusedError("{member}: has no such thing", member="bank"),
)
WORD = Message(
    "{field}: {word} is not in the vocabulary", field="label", word="x"
)

# What else a parameter may be called: numbers, and messages in messages.
NUMBERS = {
    *("start", "stop"),
    *("n", "id", "may", "of", "most"),
    *("s", "t", "up", "days", "ours"),
    *("theirs", "size", "asked", "number", "status", "format"),
    *("line", "at", "width", "offset"),
    *("algorithm", "before_version", "blinds", "elements", "end", "fd"),
    *("first", "generation", "have", "head_size", "last"),
    *("last_size", "least", "left", "level", "list", "log_id", "mark_size"),
    *("merged", "mirrored", "mode", "new", "now"),
    *("new_size", "old", "old_size", "others", "issued"),
    *("predecessor_size", "row_size", "self_version", "threshold"),
    *("time", "wanted", "window_s"),
    *("index", "count", "gone", "all", "port", "short", "logs", "mb", "free"),
}
NESTED = {"why", "how", "whys"}
# What only whoever sent it gets back, as `quoted`.
QUOTED = {
    *("log_name", "cause", "directory", "domain"),
    *("pattern", "fact", "form", "found", "hash", "holder", "home"),
    *("id_", "known"),
    *("min", "newest", "part", "place", "previous", "subject", "takes"),
    *("row", "used"),
    *("path", "name", "word", "text", "cell", "what", "where", "said", "got"),
    *("these", "those", "one", "two", "other", "ways", "told", "named"),
    *("columns", "delimiter", "error", "fields", "key", "owner", "whose"),
    *("host", "address", "encoding", "media", "refused", "file"),
}


def on_wire(message: Message) -> Any:
    return msgspec.to_builtins(wire.of(message))


def test_a_message_travels_by_its_code() -> None:
    form = on_wire(BEHIND)
    assert form == {
        "detail": str(BEHIND),
        "code": wire.code(BEHIND),
        "params": {
            "n": 7,
            "member": "bank",
            "origin": "bank.example/syncd/txwz/1",
            "why": {
                "detail": "bank: has no such thing",
                "code": "member.has_no_such_thing",
                "params": {"member": "bank"},
            },
        },
    }
    assert wire.read(form) == BEHIND


def test_what_somebody_wrote_is_no_parameter() -> None:
    form = on_wire(WORD)
    assert (form["params"], form["quoted"]) == (
        {"field": "label"},
        {"word": "x"},
    )
    assert wire.read(form) == WORD
    del form["quoted"]
    assert str(wire.read(form)) == "label: … is not in the vocabulary"


@tried("code", ["", "of.a_newer_syncd"])
def test_an_unknown_code_is_its_detail(code: str) -> None:
    form = {"detail": "a {new} thing", "code": code, "params": {"new": 1}}
    assert str(wire.read(form)) == "a {new} thing"


@pytest.mark.usefixtures("chinese")
def test_it_is_rendered_where_it_is_read() -> None:
    assert catalogue.text(on_wire(BEHIND)) == (
        "落后：bank.example/syncd/txwz/1 有 7 条未取得：bank：没有此项；"
        "syncd doctor bank 会指出断在何处"
    )


def test_a_code_has_one_template() -> None:
    lines = wire.CODES.read_text().splitlines()
    codes = [line.split("\t")[0] for line in lines]
    templates = [line.split("\t")[1] for line in lines]
    assert len({*codes}) == len({*templates}) == len(lines)


def test_a_parameter_is_called_what_its_kind_is_called() -> None:
    """All messages are walked: none bears what has no kind."""
    kinds = wire.SHOWN | NUMBERS | NESTED | QUOTED
    assert {
        (name, template)
        for template in wire.rows(wire.CODES.read_text()).values()
        for _, name, _, _ in string.Formatter().parse(template)
        if name and name not in kinds
    } == set()
    assert not wire.SHOWN & QUOTED
