"""What of a pasted message is looked up."""

from typing import Any

from syncd.indicator import extract as module
from syncd.indicator.extract import Named, extract
from tests.cases import each
from tests.refusals import malformed


@each("identifiers/extract")
def test_what_a_message_names(one: Any) -> None:
    found = [" ".join(filter(None, it)) for it in extract(one["text"])]
    assert found == one["found"]


def test_a_region_reads_its_own_numbers() -> None:
    assert extract("call (415) 555-0123 now", "US") == (
        Named("phone", "(415) 555-0123"),
    )


def test_a_message_is_bounded() -> None:
    many = " ".join(f"1380013{n:04}" for n in range(60))
    assert len(extract(many)) == module.MOST
    with malformed():
        extract("1" * (module.MAX_TEXT + 1))
