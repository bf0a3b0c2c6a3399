"""A verb is a function of one struct, whose fields are its options."""

from pathlib import Path
from typing import Any

import pytest

from syncd.cli import main
from syncd.cli.command import Command, Options, argument, option
from tests.cases import each

app = Command("An application.")
noun = app.noun("word", "A word.")
seen: list[Any] = []


class Shared(Options):
    kind: str = option("of all verbs")


class Try(Shared):
    first: str = argument("of this one")
    list_: str = option("whose name Python has taken")
    most: int | None = option("a number, or none", min=0)
    many: list[int] = option("said often")
    loud: bool = option("said or not")


@noun.verb("try", "Try it.")
def run(options: Try) -> int:
    seen.append(options.given("kind", "list_", "many", "loud", limit="most"))
    return 7


def call(*words: str) -> Any:
    return main.call(app, ["word", *words], Path("home"))


def test_only_options_that_are_given_are_passed() -> None:
    """By the names on the wire; 0 is a number that was said."""
    assert call("try", "x") == 7
    assert seen.pop() == {}
    words = "try x --kind a --list b --most 0 --many 1 --many 2 --loud"
    assert call(*words.split()) == 7
    assert seen.pop() == {
        "kind": "a",
        "list": "b",
        "limit": 0,
        "many": [1, 2],
        "loud": True,
    }


def test_its_own_options_stand_before_shared_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call("try", "--help")
    shown = capsys.readouterr().out
    assert (
        shown.index("--list") < shown.index("--loud") < shown.index("--kind")
    )


@each("cli", "a_complaint_says_what_is_taken", "words, expected")
def test_a_complaint_says_what_is_taken(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main.main(words)
    assert end.value.code == 2
    assert expected in capsys.readouterr().err
