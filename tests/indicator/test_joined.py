"""What is said of a value under two keys counts once, and answers both."""

from typing import Any

import pytest

from syncd.indicator import token
from syncd.indicator.claims import Claim
from syncd.indicator.joined import joined
from syncd.indicator.statement import Answer, ClaimStatement, Dispute
from tests.sample_statements import ABOUT, ORIGIN, report

POLICE = "police.example/syncd/txwz/1"
NEW = {"epoch": 2, "token": token.encode(b"n" * 16)}


def claim(index: int, content: ClaimStatement, origin: str = ORIGIN) -> Claim:
    return Claim(origin, index, content)


def dispute(*about: tuple[str, int], **of: Any) -> Dispute:
    days = {"due": "2026-11-24", "expires": "2027-01-01"}
    given = {**ABOUT, **days, **of, "about": about}
    return Dispute(**given, reason="stale")


OLD = claim(1, report())
AGAIN = claim(7, report(**NEW, know="ff" * 8))
ANSWER = Answer(
    **{**ABOUT, **NEW},
    outcome="report_stands",
    reason="case_open",
    about=((ORIGIN, 7),),
)


@pytest.mark.parametrize(
    ("older", "newer", "want"),
    [
        ((), (), ()),
        ((OLD,), (), (OLD,)),
        ((), (AGAIN,), (AGAIN,)),
        ((OLD,), (AGAIN,), (OLD,)),
        ((OLD, claim(2, report())), (AGAIN,), (OLD, claim(2, report()))),
        # Another report, and another's, are others.
        (
            (OLD,),
            (claim(8, report(**NEW, confidence=1)),),
            (OLD, claim(8, report(confidence=1))),
        ),
        ((OLD,), (claim(8, AGAIN.statement, POLICE),), None),
        # What names the report where it is said again, means the first.
        (
            (OLD,),
            (AGAIN, claim(9, ANSWER)),
            (
                OLD,
                claim(
                    9,
                    Answer(
                        **ABOUT,
                        outcome="report_stands",
                        reason="case_open",
                        about=(OLD.position,),
                    ),
                ),
            ),
        ),
        # Said again, it names what was said again.
        (
            (OLD, claim(3, dispute(OLD.position), POLICE)),
            (AGAIN, claim(4, dispute(AGAIN.position, **NEW), POLICE)),
            (OLD, claim(3, dispute(OLD.position), POLICE)),
        ),
    ],
)
def test_joined(older: Any, newer: Any, want: Any) -> None:
    found = joined(older, newer)
    if want is None:
        want = (*older, claim(8, report(know="ff" * 8), POLICE))
    assert [*found] == [*want]
