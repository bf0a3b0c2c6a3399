"""What is said of a value under two keys counts once, and answers both."""

from typing import Any

from msgspec.structs import replace

from syncd.indicator import token
from syncd.indicator.claims import Claim
from syncd.indicator.joined import joined
from syncd.indicator.statement import Answer
from tests.sample_statements import ABOUT, ORIGIN, report

NEW = {"epoch": 2, "token": token.encode(b"n" * 16)}


def answer(index: int, about: Claim, reason: str, **new: Any) -> Claim:
    given = {**ABOUT, **new, "about": (about.position,), "reason": reason}
    return Claim(ORIGIN, index, Answer(**given, outcome="report_stands"))


def test_what_is_said_again_counts_where_it_was_said_first() -> None:
    """Another report, or another's, is another; what names one names that."""
    old = Claim(ORIGIN, 1, report())
    again = Claim(ORIGIN, 7, report(**NEW, know="ff" * 8))
    first = answer(2, old, "case_open")
    other = Claim(ORIGIN, 8, report(**NEW, confidence=1))
    theirs = Claim("police.example/syncd/txwz/1", 7, report(**NEW))
    newer = [
        *(again, answer(9, again, "case_open", **NEW)),
        *(other, theirs, answer(10, again, "on_record", **NEW)),
    ]
    assert joined([old, first], newer) == [
        *(old, first, replace(other, statement=report(confidence=1))),
        *(replace(theirs, statement=report()), answer(10, old, "on_record")),
    ]
    assert joined([], newer) == newer
