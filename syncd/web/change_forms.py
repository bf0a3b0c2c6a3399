"""Forms of `/v1/changes`: what merging brought in."""

from typing import Annotated

from syncd.flows.ports import Position
from syncd.web.forms import FullOutput, Query, meta


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


class Change(FullOutput, frozen=True, kw_only=True):
    """What came in on one token, and what that made of it."""

    kind: str
    epoch: int
    token: str  # 22 characters
    positions: tuple[Position, ...]  # of what came in
    before: str  # verdict by what had come in before this page
    after: str  # and with it


class ChangePage(FullOutput, frozen=True, kw_only=True):
    """What one merge brought in, in its order."""

    items: tuple[Change, ...]
    next: str  # `since` of the next page; always there
    more: bool  # there is something behind it already
