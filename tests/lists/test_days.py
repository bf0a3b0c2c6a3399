"""A cell names one day, or is refused with the way to mend it."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.lists import columns, days
from syncd.lists.rows import Row


@pytest.mark.parametrize(
    "said",
    [
        *("2026-11-27", "2026/11/27", "2026.11.27", "20261127"),
        *("2026年11月27日", "2026 年 11 月 27 日", "2026年11月27号"),
        *(
            "２０２６／１１／２７",
            "2026-11-27 星期五",
            "2026年11月27日（周五）",
        ),
        *("2026-11-27 20:00", "2026-11-27T20:00:05.123", "20261127200005"),
        *("20261127 200005", "20261127T2000", "2026-11-27-20.00.00.000000"),
        *("2026-11-27 20:00:00,123", "2026/11/27 下午 8:00:00"),
        *(
            "2026年11月27日20时",
            "2026年11月27日下午8点5分",
            "2026/11/27 8:05 PM",
        ),
        *("2026-11-27 12:05 a.m.", "2026-11-27 上午", "2026-11-27_20:00:60"),
        *(
            "27-Nov-2026",
            "27 November 2026",
            "Nov 27, 2026",
            "Sat Nov 27 2026",
        ),
        *("Fri, 27 Nov 2026 12:00:00 +0000", "Fri, 27 Nov 2026 12:00:00 GMT"),
        *("2026-11-27T20:00:00+08:00", "2026-11-27 20:00:00 +8"),
        *("2026-11-27T15:59:59Z", "2026-11-26T16:00:00Z", "20261126T160000Z"),
        *("2026-11-27 05:00:00 GMT-0530", "2026-11-26 16:00 UTC"),
        *("2026-11-27 12:05 AM UTC", "2026-11-26 下午8:00 UTC+2"),
        "2026-11-26T20:00+04:00[Asia/Dubai]",
        "2026-11-27 20:00:00 +0800 CST",
        "2026-11-26 24:00",
    ],
)
def test_a_day(said: str) -> None:
    assert days.day(said) == "2026-11-27"


def test_an_offset_is_honoured() -> None:
    """The 28th where the roster's days are; elsewhere another."""
    assert days.day("2026-11-27T20:00:00Z") == "2026-11-28"
    ny = ZoneInfo("America/New_York")
    assert days.day("2026-11-27T20:00:00Z", ny) == "2026-11-27"
    assert days.day("2026-11-27T20:00:00", ny) == "2026-11-27"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        *(
            (bare, "46353 would be 2026-11-27, or 2030-11-28 in a workbook")
            for bare in ("46353", "46353.5", "４６３５３")
        ),
        ("1795852800", "seconds since 1970: it would be 2026-11-28"),
        ("1795852800123", "seconds since 1970: it would be 2026-11-28"),
        *(
            (odd, "day and month may be either")
            for odd in (
                "03/04/2026",
                "27.11.2026",
                "26-11-27",
                "27-Nov-26",
                "3/4/2026 10:00",
                "11/27/26 8:00 PM",
            )
        ),
        ("2026-02-30", "no day of the calendar"),
        ("20261301", "no day of the calendar"),
        ("Nov 2026", "no day of the calendar"),
        ("9999-12-31", "no day from 1970 to 2199"),
        ("0001-01-01T00:00:00Z", "no day from 1970 to 2199"),
        *(
            (odd, "no time of a day")
            for odd in (
                "2026-11-27 25:00",
                "2026-11-27 24:01",
                "2026-11-27 20:61",
                "2026-11-27T20:00:00+15:00",
            )
        ),
        *(
            (odd, "no day as YYYY-MM-DD")
            for odd in (
                "2026-11",
                "2026年11月",
                "2026-W48-5",
                "2026W485",
                "2026331",
                "2026-331",
                "11月27日",
                "昨天",
                "2026-11/27",
                "2026-11-271",
                "2026-11-27 CST",
                "2026-11-27Z",
                "2026-11-27T",
                "261127",
                "115年11月27日",
                "99999",
            )
        ),
    ],
)
def test_no_day(said: str, why: str) -> None:
    with pytest.raises(MalformedError, match=why) as refused:
        days.day(said)
    assert (
        "YYYY-MM-DD" in refused.value.hint
        or "calendar" in why
        or (why.startswith("no "))
    )


@given(
    st.text("0123456789-/.: T年月日上下午ZPM+novjan,", max_size=24) | st.text()
)
def test_total(said: str) -> None:
    """Any text at all is a day of its one spelling, or refused."""
    try:
        found = days.day(said)
    except MalformedError:
        return
    assert days.day(found) == found


@given(
    st.datetimes(timezones=st.timezones()).filter(
        lambda at: 1971 <= at.year <= 2198
    )
)
def test_what_isoformat_writes_is_read(at: object) -> None:
    """And is the day of that instant in the zone asked for."""
    zone = ZoneInfo("Asia/Shanghai")
    want = at.astimezone(zone).date().isoformat()  # type: ignore[attr-defined]
    said = at.replace(microsecond=0).isoformat()  # type: ignore[attr-defined]
    if len(said) == len("2026-11-27T20:00:00+08:00"):
        assert days.day(said) == want


def test_the_zone_is_told_to_the_plan() -> None:
    constants = {
        "kind": "url",
        "label": "other",
        "role": "redirector",
        "evidence": "user_tag",
    }
    said = columns.Said(constants=constants, zone=ZoneInfo("America/New_York"))
    plan = columns.plan(("value", "seen"), 2, said, where="a")
    row = Row(2, 2, 9, ("a.example", "2026-11-27T20:00:00Z"), "")
    assert plan.report(row)["seen"] == "2026-11-27"
