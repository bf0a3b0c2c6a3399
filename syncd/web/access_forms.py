"""Forms of `/v1/access` and `/v1/appeals`: what we asked, and did on it."""

from typing import Annotated, Literal

from syncd.flows.ports import Position
from syncd.web.forms import (
    Cursor,
    FullOutput,
    Input,
    Label,
    Limit,
    Output,
    Query,
    meta,
)

MAX_NAME = 100
Name = Annotated[str, meta("of a token", max_length=MAX_NAME)]
Day = Annotated[str, meta("YYYY-MM-DD", max_length=10)]


class AccessFilter(Query, frozen=True, kw_only=True):
    """Which look-ups are meant; what is empty does not matter."""

    after: Cursor = 0  # recorded later than this id only
    limit: Limit = 100
    since: Day = ""  # first day
    until: Day = ""  # last day
    by: Name = ""
    purpose: Annotated[str, meta("a code", max_length=MAX_NAME)] = ""


class AccessItem(Output, frozen=True, kw_only=True):
    """One item of one look-up, as it was recorded; never its value."""

    id: int
    at: int  # unix seconds
    on: str  # day
    by: str  # whose token asked
    purpose: str  # code
    kind: str = ""  # absent of what is about no value
    listed: bool = False  # there was something
    measure: bool = False  # the action was `verify` or more
    action: str = ""  # what was advised
    handling: str = ""
    reference: str = ""  # the caller's own file number
    positions: tuple[Position, ...] = ()  # what the answer rested on
    previous: int  # id of the record before, 0 for none


class AccessPage(Output, frozen=True, kw_only=True):
    """Look-ups in the order of time."""

    items: tuple[AccessItem, ...]
    next: int = 0  # `after` of the next page; absent on the last


class AboutCall(Input, frozen=True, kw_only=True):
    """Whose value it is that we are asked about by the person concerned."""

    kind: str
    value: str
    scheme: str = ""
    region: str = ""
    reference: str = ""  # our own file number; kept


class AboutItem(Output, frozen=True, kw_only=True):
    """One look-up of ours that the person concerned may be told of."""

    at: int  # unix seconds
    on: str  # day
    purpose: Label
    kind: str
    listed: bool = False
    action: str = ""  # what was advised


class AboutAnswer(FullOutput, frozen=True, kw_only=True):
    """All that may be told, oldest first; nothing says what may not."""

    items: tuple[AboutItem, ...]


class AppealFilter(Query, frozen=True, kw_only=True):
    """Which entries are meant."""

    after: Cursor = 0  # larger ids only
    limit: Limit = 100
    open: Annotated[
        int, meta("1: only those on which something is to do", ge=0, le=1)
    ] = 0


class AppealDraft(Input, frozen=True, kw_only=True):
    """An appeal that came in."""

    reference: str = ""  # our own file number; kept sealed
    measure: str = ""  # code of the action that is contested
    received: Day = ""  # today if absent


class AppealStep(Input, frozen=True, kw_only=True):
    """One thing that was done: a decision, telling, or lifting."""

    decision: Literal["", "granted", "refused"] = ""
    why: str = ""  # of the decision; kept sealed
    told: bool = False  # whoever contested it, of the decision
    lifted: bool = False  # the measure


class AppealItem(Output, frozen=True, kw_only=True):
    """A measure of ours to look at again; times are unix seconds."""

    id: int
    cause: Literal["person", "ended"]
    by: str  # whose token looked it up, or wrote it down
    access_id: int | None = None  # of the look-up
    purpose: str = ""  # of the look-up
    measure: str = ""
    received_at: int
    decision: str = ""
    decided_by: str = ""
    decided_at: int | None = None
    told_at: int | None = None
    lifted_at: int | None = None
    hours: int | None = None  # until it was lifted, else told
    reference: str = ""
    positions: tuple[Position, ...] = ()
    why: str = ""


class AppealPage(Output, frozen=True, kw_only=True):
    """Entries, oldest first."""

    items: tuple[AppealItem, ...]
    next: int = 0  # `after` of the next page; absent on the last
