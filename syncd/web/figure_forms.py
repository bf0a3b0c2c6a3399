"""Forms of what was: `/v1/history` and `/v1/figures`."""

from collections.abc import Mapping
from typing import Annotated, Any

from syncd.messages.wire import WireMessage
from syncd.web.forms import FullOutput, Input, meta

Month = Annotated[
    str,
    meta("YYYY-MM", pattern=r"^(2[0-9]{3}-(0[1-9]|1[0-2]))?$", max_length=7),
]


class BadDay(FullOutput):
    """How a member was seen on a day, at its worst."""

    day: str
    state: str  # lag, silent, forked
    why: WireMessage


class MemberDays(FullOutput):
    """How a member was seen here, day by day."""

    line: str  # a letter for each of 90 days: its state's first, "." for none
    bad: list[BadDay]


class EventItem(FullOutput):
    """One thing that happened."""

    cursor: str  # `/v1/events` goes on behind it
    event: str
    at: int  # unix seconds
    data: Mapping[str, Any]


class History(FullOutput):
    """How every active member was seen here, day by day."""

    until: str  # day: today
    members: dict[str, MemberDays]
    events: tuple[EventItem, ...]  # the newest first


class FiguresQuery(Input, rename={"from_": "from"}):
    """Which months are meant."""

    from_: Month = ""  # the first
    to: Month = ""  # the last


class FigureRow(FullOutput):
    """What one member's logs say under one label in one month."""

    month: str
    member: str
    label: str  # code, "" for what is said of a value that nobody reported
    reports: int = 0
    retracted: int = 0  # in this month, whenever they were reported
    hours_least: int = 0  # from report to retract, of all of these
    hours_most: int = 0
    sightings: int = 0  # at least
    disputes: int = 0


class Figures(FullOutput):
    """What all merged logs say, in the order of months."""

    as_of: int  # unix seconds
    items: tuple[FigureRow, ...]
