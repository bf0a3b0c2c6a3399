"""Disputes, answers, vouches and new owners are checked first."""

from typing import Any

import msgspec
from msgspec.structs import replace

from syncd.flows import claim
from syncd.flows.draft import (
    AnswerDraft,
    DisputeDraft,
    NewReport,
    OwnerDraft,
    ReassignedDraft,
    VouchDraft,
)
from syncd.indicator import token
from syncd.indicator.claims import Claim
from tests.cases import tried
from tests.flows.test_report import NUMBER, RULES, TODAY
from tests.refusals import malformed, refused
from tests.sample_statements import report as reported

WRONG = DisputeDraft(
    kind="phone", value="202 555 0123", reason="innocent_owner"
)


def fields(kept: NewReport) -> Any:
    return msgspec.json.decode(kept.fields)


def test_a_dispute_asks_for_an_answer_in_three_days_of_a_url_in_seven() -> (
    None
):
    kept = claim.prepare(WRONG, RULES)
    assert (kept.value, kept.type, kept.urgent) == (NUMBER, 3, True)
    assert fields(kept) == {
        "due": "2026-09-24",
        "expires": "2027-03-20",
        "reason": "innocent_owner",
    }
    draft = DisputeDraft(kind="url", value="evil.example", reason="official")
    assert b'"due":"2026-09-28"' in claim.prepare(draft, RULES).fields


def test_a_dispute_may_name_the_reports_that_it_is_about() -> None:
    draft = replace(WRONG, about=(("a/b", 7), ("a/b", 2)))
    assert fields(claim.prepare(draft, RULES))["about"] == [
        ["a/b", 2],
        ["a/b", 7],
    ]


def test_an_answer_is_given_fifteen_days_at_most() -> None:
    last = replace(WRONG, due="2026-10-06")
    assert b"2026-10-06" in claim.prepare(last, RULES).fields
    late = replace(WRONG, due="2026-10-07")
    with malformed("more than 15 days ahead"):
        claim.prepare(late, RULES)


# ----------------------------------------------------------------- answers

LOOKED = AnswerDraft(
    dispute=("b/c", 1), outcome="report_stands", reason="case_open"
)


def test_an_answer_is_about_all_reports_on_the_token() -> None:
    """It needs no value: the token is that of the reports."""
    reports = [Claim("a/b", 9, reported()), Claim("a/b", 3, reported())]
    kept = claim.prepare_answer(LOOKED, reports, RULES)
    assert (kept.type, kept.urgent, kept.value) == (6, True, "")
    assert kept.token == token.decode(reported().token)
    assert fields(kept) == {
        "about": [["a/b", 3], ["a/b", 9]],
        "outcome": "report_stands",
        "reason": "case_open",
    }


def test_all_faults_of_an_answer_come_at_once() -> None:
    draft = replace(LOOKED, outcome="maybe", reason="")
    with malformed() as caught:
        claim.prepare_answer(draft, [], RULES)
    assert [str(one) for one in caught.value.faults] == [
        "outcome: maybe is not in the vocabulary",
        "answer: reason not given",
    ]


# ------------------------------------------------- vouches, new owners

CARRIER = replace(RULES, member="carrier", checked={})
OURS = VouchDraft(kind="phone", value="202 555 0123", role="hotline")
MOVED = ReassignedDraft(value="202 555 0123", since=TODAY)


def test_a_vouch_ends_as_the_roster_has_it() -> None:
    kept = claim.prepare(OURS, RULES)
    assert (kept.kind, kept.value, kept.type) == ("phone", NUMBER, 7)
    assert fields(kept) == {"expires": "2027-03-20", "role": "hotline"}
    sooner = replace(OURS, expires="2026-10-01")
    assert b"2026-10-01" in claim.prepare(sooner, RULES).fields


def test_a_carrier_says_since_when_a_number_is_anothers() -> None:
    kept = claim.prepare(MOVED, CARRIER)
    assert (kept.kind, kept.value, kept.type) == ("phone", NUMBER, 5)
    assert fields(kept) == {"since": TODAY}


def test_nobody_else_says_so() -> None:
    with refused("a carrier says that, we are bank"):
        claim.prepare(MOVED, replace(RULES, member="bank"))


@tried(
    "draft, wrong, says",
    [
        (WRONG, {"kind": "13800138000"}, "kind: not one of"),
        (WRONG, {"reason": ""}, "dispute: reason not given"),
        (OURS, {"role": ""}, "vouch: role not given"),
        (OURS, {"expires": TODAY}, f"expires: {TODAY} is past"),
        (MOVED, {"since": ""}, "reassigned: since not given"),
        (MOVED, {"since": "soon"}, "since: … is no day"),
        (MOVED, {"since": "2026-09-22"}, "2026-09-22 is in the future"),
    ],
)
def test_what_cannot_be_is_refused(
    draft: DisputeDraft | OwnerDraft, wrong: Any, says: str
) -> None:
    with malformed() as caught:
        claim.prepare(replace(draft, **wrong), CARRIER)
    assert says in str(caught.value)
