"""How a dispute stands is what the claims on its token make of it."""

from collections.abc import Sequence
from typing import Any

from syncd.flows import dispute_state
from syncd.flows.dispute_state import DisputeState
from syncd.indicator.claims import Claim
from syncd.indicator.statement import Answer, ClaimStatement, Dispute
from syncd.roster import membership
from tests.cases import tried
from tests.flows import founders
from tests.sample_statements import about, report

ROSTER = founders.found().roster
BANK, POLICE, CARRIER = (
    f"{member}.example/syncd/txwz/1"
    for member in ("bank", "police", "carrier")
)
TODAY = "2026-11-21"
REPORT = Claim(BANK, 1, report())


def disputed(origin: str = POLICE, **of: Any) -> Claim:
    fields = {"due": "2026-11-24", "expires": "2027-05-20", "know": "00" * 8}
    dispute = Dispute(**about(), reason="stale", **{**fields, **of})
    return Claim(origin, 7, dispute)


def answered(*positions: tuple[str, int], **of: Any) -> Answer:
    return Answer(
        **about(**of),
        outcome="report_stands",
        reason="case_open",
        about=positions or (REPORT.position,),
    )


def state(
    claim: Claim, *beside: Claim, today: str = TODAY, us: str = BANK
) -> DisputeState | None:
    return dispute_state.of(claim, [claim, *beside], {us}, ROSTER, today)


def found(claim: Claim, *beside: Claim, **more: Any) -> DisputeState:
    one = state(claim, *beside, **more)
    assert one is not None
    return one


def positions(one: DisputeState) -> list[tuple[str, int]]:
    return [report.position for report in one.reports]


@tried(
    "beside, today, word",
    [
        ([], TODAY, "open"),
        ([], "2026-11-24", "open"),
        ([], "2026-11-25", "overdue"),
        ([(BANK, answered())], "2026-11-25", "answered"),
        ([(BANK, answered(on="2026-11-20"))], TODAY, "open"),  # before it
        ([(BANK, answered((BANK, 2)))], TODAY, "open"),  # on another
        ([(CARRIER, answered())], TODAY, "open"),  # it is not its author
    ],
)
def test_what_waits_for_an_answer(
    beside: Sequence[tuple[str, ClaimStatement]], today: str, word: str
) -> None:
    claims = [Claim(origin, 9, one) for origin, one in beside]
    one = found(
        disputed(about=(REPORT.position,)), REPORT, *claims, today=today
    )
    assert (one.state, one.side) == (word, "against_us")
    assert one.pending is (word in ("open", "overdue"))


def test_all_reports_are_meant_where_none_is_named() -> None:
    second = Claim(BANK, 2, report())
    one = found(disputed(), REPORT, second, Claim(CARRIER, 3, report()))
    assert positions(one) == [REPORT.position, second.position]
    half = found(disputed(), REPORT, second, Claim(BANK, 9, answered()))
    assert half.state == "open"


OTHERS = Claim(CARRIER, 3, report())


@tried(
    "claims",
    [
        (disputed(), OTHERS),
        (disputed(about=(OTHERS.position,)), REPORT, OTHERS),
        (REPORT, REPORT),
        (disputed(know=""), REPORT),  # proves nothing, and names no report
    ],
)
def test_what_is_none_of_ours(claims: tuple[Claim, ...]) -> None:
    assert state(*claims) is None


def test_what_the_roster_annuls_waits_for_nothing() -> None:
    after = membership.remove(ROSTER, "police", past="annul", force=True)
    there = [disputed(), REPORT]
    assert dispute_state.of(there[0], there, {BANK}, after, TODAY) is None


def test_a_report_that_counts_no_more_waits_for_nothing() -> None:
    assert state(disputed(), Claim(BANK, 1, report(expires=TODAY))) is None
    gone = found(
        disputed(about=(REPORT.position,)), Claim(BANK, 9, answered())
    )
    assert (gone.state, positions(gone)) == ("answered", [REPORT.position])
    assert gone.reports[0].answer == (BANK, 9)


def test_ours_is_about_the_others_reports() -> None:
    ours = disputed(BANK)
    theirs = Claim(POLICE, 1, report(evidence="police_case"))
    one = found(ours, REPORT, theirs)
    assert (one.by_us, one.state) == (True, "open")
    assert positions(one) == [theirs.position]
    assert one.asked == ["police"]
    assert found(ours, REPORT).state == "ended"
    over = disputed(BANK, due="2026-12-01", expires="2026-12-01")
    assert found(over, theirs, today="2026-12-01").state == "ended"


def test_silence_on_an_unofficial_report_does_not_expire() -> None:
    """A verdict has it disputed until the answer; an official one stands."""
    late = disputed(expires="2026-12-01")
    assert found(late, REPORT, today="2026-12-02").state == "overdue"
    official = Claim(POLICE, 1, report(evidence="police_case"))
    ours = disputed(BANK, expires="2026-12-01")
    assert found(ours, official, today="2026-11-30").state == "overdue"
    assert found(ours, official, today="2026-12-02").state == "ended"


def test_nobody_has_longer_to_answer_than_a_verdict_waits() -> None:
    one = found(disputed(due="2027-05-01"), REPORT, today="2026-12-07")
    assert (one.due, one.state) == ("2026-12-06", "overdue")
    assert found(disputed(due="2026-11-22"), REPORT).due == "2026-11-22"


def test_official_is_who_has_the_authority() -> None:
    for origin in (CARRIER, "a.example/log"):  # which the roster has not
        claimed = Claim(origin, 1, report(evidence="police_case"))
        assert not found(disputed(BANK), claimed).asked
