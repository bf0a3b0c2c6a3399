"""Forms of what was: `/v1/history`, `/v1/figures` and `/v1/events/newest`."""

from typing import Annotated, Any

from syncd.messages.wire import WireMessage
from syncd.web.forms import FullOutput, Limit, Output, Query, meta

Month = Annotated[str, meta("YYYY-MM", pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$")]


class SeenDay(Output, frozen=True, kw_only=True):
    """How a member was seen on a day, at its worst."""

    day: str
    state: str  # heard, lag, silent, forked
    why: WireMessage | None = None


class History(FullOutput, frozen=True, kw_only=True):
    """How every active member was seen here, day by day."""

    since: str  # day
    until: str  # day: today
    members: dict[str, list[SeenDay]]  # without days on which nobody asked


class FiguresQuery(Query, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Which months are meant."""

    from_: Month = ""  # the first
    to: Month = ""  # the last


class FigureRow(FullOutput, frozen=True, kw_only=True):
    """What one member's logs say under one label in one month."""

    month: str
    member: str
    label: str  # code, "" for what is said of a value that nobody reported
    reports: int = 0
    retracted: int = 0  # in this month, whenever they were reported
    retract_days: int = 0  # from report to retract, of all of these
    sightings: int = 0  # at least
    disputes: int = 0


class Figures(FullOutput, frozen=True, kw_only=True):
    """What all merged logs say, in the order of months."""

    as_of: int  # unix seconds
    items: tuple[FigureRow, ...]


class NewestQuery(Query, frozen=True, kw_only=True):
    """How many events are meant."""

    limit: Limit = 20


class EventItem(FullOutput, frozen=True, kw_only=True):
    """One thing that happened."""

    cursor: str  # `/v1/events` goes on behind it
    event: str
    at: int  # unix seconds
    data: dict[str, Any]


class NewestEvents(FullOutput, frozen=True, kw_only=True):
    """The last that happened, the newest first."""

    items: tuple[EventItem, ...]
