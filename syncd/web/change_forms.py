"""Forms of `/v1/changes`: what merging brought in."""

from typing import Annotated

from syncd.flows.ports import Position
from syncd.web.forms import FullOutput, Output, Query, meta


class ChangeQuery(Query, frozen=True, kw_only=True):
    """From where on changes are wanted."""

    since: Annotated[
        str,
        meta(
            "what the last page gave as `next`, or an event as `cursor`;"
            " absent: from now on",
            max_length=64,
        ),
    ] = ""


class ChangeEntry(Output, frozen=True, kw_only=True):
    """A statement that came in; `GET /v1/indicators/…` reads it."""

    position: Position
    type: str
    member: str = ""  # absent: of a log that the roster has no more


class Judged(Output, frozen=True):
    """The alliance's verdict on a token."""

    verdict: str
    action: str = ""


class Change(FullOutput, frozen=True, kw_only=True):
    """What came in on one token, and what that made of it."""

    kind: str
    epoch: int
    token: str  # 22 characters
    entries: tuple[ChangeEntry, ...]
    before: Judged  # by what had come in before this page
    after: Judged  # and with it


class ChangePage(FullOutput, frozen=True, kw_only=True):
    """What one merge brought in, in its order."""

    items: tuple[Change, ...]
    next: str  # `since` of the next page; always there
    more: bool  # there is something behind it already
