"""A cell names one day, or is refused with the way to mend it."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.lists import days
from tests.cases import each
from tests.refusals import malformed


@each("lists/cells", "days")
def test_a_day(one: Any) -> None:
    """Or none, with the way to mend it where there is one."""
    if "day" in one:
        assert days.day(one["said"]) == one["day"]
        return
    with malformed() as refused:
        days.day(one["said"])
    assert one["why"] in str(refused.value)
    mended = "YYYY-MM-DD" in refused.value.hint or "calendar" in one["why"]
    assert mended or one["why"].startswith("no ")


def test_an_offset_is_honoured() -> None:
    """The 28th where the roster's days are; elsewhere another."""
    assert days.day("2026-11-27T20:00:00Z") == "2026-11-28"
    ny = ZoneInfo("America/New_York")
    assert days.day("2026-11-27T20:00:00Z", ny) == "2026-11-27"
    assert days.day("2026-11-27T20:00:00", ny) == "2026-11-27"


@given(
    st.text("0123456789-/.: T年月日上下午ZPM+novjan,", max_size=24) | st.text()
)
def test_total(text: str) -> None:
    """Any text at all is a day of its one spelling, or refused."""
    try:
        found = days.day(text)
    except MalformedError:
        return
    assert days.day(found) == found


@given(
    st.datetimes(
        datetime(1971, 1, 1),  # noqa: DTZ001  in the zone that is drawn
        datetime(2199, 1, 1),  # noqa: DTZ001
        timezones=st.timezones(),
    )
)
def test_what_isoformat_writes_is_read(at: datetime) -> None:
    """And is the day of that instant in the zone asked for."""
    want = at.astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
    text = at.replace(microsecond=0).isoformat()
    if len(text) == len("2026-11-27T20:00:00+08:00"):
        assert days.day(text) == want
