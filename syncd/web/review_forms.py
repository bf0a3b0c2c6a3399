"""Forms of `/v1/pending`: what waits for a second person."""

from typing import Annotated, Literal

from syncd.flows.review import Held
from syncd.web.forms import (
    Cursor,
    FullOutput,
    Input,
    Limit,
    Page,
    Query,
    meta,
)


class Pending(FullOutput, frozen=True, kw_only=True):
    """Nothing is done yet: the call waits for a second person, as this."""

    pending: int


class PendingQuery(Query, frozen=True, kw_only=True):
    """Which held calls are meant."""

    before: Cursor = 0  # smaller ids only
    limit: Limit = 100
    state: Annotated[
        Literal["", "waiting", "after", "decided"],
        meta("waits; went at once, to be looked at; or is decided"),
    ] = ""


class PendingPage(Page[Held], frozen=True, kw_only=True):
    """Held calls, the newest first; `next` is `before` of the next page."""


class Decision(Input, frozen=True, kw_only=True):
    """What a second person says of it."""

    why: str = ""  # needed where it is refused; kept sealed
