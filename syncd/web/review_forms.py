"""Forms of `/v1/pending`: what waits for a second person."""

from typing import Annotated, Literal

from syncd.flows.ports import Position
from syncd.flows.review import Held
from syncd.web import forms


class PendingQuery(forms.PageQuery):
    """Which held calls are meant."""

    state: Annotated[
        Literal["", "waiting", "after", "decided"],
        forms.meta("waits; went at once, to be looked at; or is decided"),
    ] = ""


class HeldRow(forms.Stated):
    """One value that it would list, change or take back."""

    n: int  # from 1
    kind: str
    value: str  # masked
    why: str = ""  # of an entry of our own lists
    code: str = ""  # likewise
    id: int = 0  # in the vault, or of an entry of ours
    position: Position | None = None  # once published
    stays: tuple[str, ...] = ()  # other members that list it, too


class HeldCall(forms.Output):
    """A held call with what it is about: the first thousand values."""

    item: Held
    rows: tuple[HeldRow, ...]  # while it is known: bodies go once decided


class Decision(forms.Input):
    """What a second person says of it."""

    why: str = ""  # needed where it is refused; kept sealed
