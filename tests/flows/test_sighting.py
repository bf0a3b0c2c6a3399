"""What of our look-ups the alliance hears of, and what not."""

import itertools
from typing import Any

from syncd.flows import lookup, sighting
from syncd.indicator import active, statement
from syncd.indicator.claims import Claim
from tests import sample_statements
from tests.cases import tried
from tests.flows.founders import writing

ROSTER = writing(
    {
        name: (name, name, name)
        for name in ("bank", "carrier", "payment", "police", "platform")
    }
    | {
        "branch": ("branch", "bank", "branch"),
        "sister": ("sister", "carrier", "bank"),
    }
)
DAY = statement.day("2026-11-20")
OWN = ("platform",)
INDEX = itertools.count()


def claim(origin: str, **fields: Any) -> Claim:
    days = {"seen": "2026-11-19", "expires": "2027-01-01"}
    said = {**sample_statements.about(1), **days, "evidence": "user_tag"}
    return Claim(
        origin, next(INDEX), sample_statements.report(**{**said, **fields})
    )


def told(*claims: Claim, contested: tuple[str, ...] = ()) -> bool:
    return sighting.may_tell(claims, active.World(ROSTER, DAY, contested), OWN)


BANK, CARRIER = claim("bank"), claim("carrier")


@tried(
    "claims",
    [
        (claim("police", evidence="police_case"),),
        (BANK, CARRIER),
        (BANK, claim("branch")),
        (claim("platform"), claim("bank", evidence="bank_detection")),
    ],
    ids=["official", "two", "two of a sector", "confirmed with ours"],
)
def test_firm_listings_are_told(claims: tuple[Claim, ...]) -> None:
    assert told(*claims)


@tried(
    "claims",
    [
        (),
        (claim("bank", evidence="bank_detection"),),
        (BANK, claim("bank", label="fake_loan")),
        (BANK, claim("sister")),
        (BANK, claim("carrier", basis=(BANK.position,))),
        (BANK, claim("carrier", spoofed=True)),
        (BANK, claim("carrier", evidence="official_relay")),
        (BANK, claim("carrier", test=True)),
        (BANK, claim("carrier", expires="2026-11-20")),
        (BANK, claim("platform")),
        (claim("platform", evidence="official_list"),),
    ],
    ids=[
        *("nothing", "one member", "it twice", "its sister", "a copy"),
        *("a spoofed one", "a relayed one", "a drill", "an old one"),
        *("one and we", "we alone"),
    ],
)
def test_what_one_voice_could_list_is_not(claims: tuple[Claim, ...]) -> None:
    """Else it could follow whomever it lists through others' business."""
    assert not told(*claims)


def test_of_a_forked_log_no_report_counts() -> None:
    assert told(BANK, CARRIER)
    assert not told(BANK, CARRIER, contested=("carrier",))


@tried("handling", ["no_tip_off", "something_newer"])
def test_not_where_any_report_says_no_tip_off(handling: str) -> None:
    """One that does not count either: its author means it."""
    firm = claim("police", evidence="police_case")
    assert told(firm)
    assert not told(firm, claim("bank", handling=handling))
    assert not told(firm, claim("bank", handling=handling, seen="2026-12-01"))


def test_only_business_contact_is_told() -> None:
    """An allow-list: a purpose that comes later is not in it by itself."""
    assert sighting.CONTACT < lookup.PURPOSES
    apart = {"case_work", "dissuasion", "subject_access", "appeal", "audit"}
    assert apart | {"test"} == lookup.PURPOSES - sighting.CONTACT


@tried("day", range(DAY, DAY + 14))
def test_a_week_begins_on_monday(day: int) -> None:
    monday = sighting.monday(day)
    assert monday <= day < monday + sighting.WEEK
    assert (monday - statement.day("2026-11-16")) % 7 == 0  # a Monday
