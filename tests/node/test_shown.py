"""What callers get to see of what is kept."""

import msgspec
import pytest

from syncd.errors import MalformedError
from syncd.node.serve import shown
from syncd.web import problem


def test_a_problem_is_shown_as_it_was_kept() -> None:
    kept = problem.of(MalformedError("{field}: is bad", field="seen"))

    assert shown.problem(msgspec.json.encode(kept)) == kept


@pytest.mark.parametrize("words", ["template", "advice"])
def test_a_problem_kept_before_codes_has_its_words(words: str) -> None:
    one = {
        "detail": "label: xyz is not in the vocabulary",
        "hint": "nearest: abc",
        words: "{field}: {word} is not in the vocabulary",
        "params": {"field": "label", "word": "xyz"},
    }
    kept = {
        "type": "urn:syncd:problem:malformed",
        "title": "Bad Request",
        "status": 400,
        **one,
        "errors": [{"at": "label", **one}],
    }

    read = shown.problem(msgspec.json.encode(kept))

    assert read.detail == one["detail"]
    assert read.hint == one["hint"]
    assert not read.params
    assert read.errors == (
        problem.Flaw(at="label", detail=one["detail"], hint=one["hint"]),
    )
