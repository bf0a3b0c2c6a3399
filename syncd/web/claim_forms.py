"""Forms of disputes, answers, vouches and reassigned numbers."""

from typing import Annotated, Generic, Literal, TypeVar

from syncd.web.forms import SOME, FullOutput, Input, Limit, Output, meta

T = TypeVar("T")


class Disputed(Output):
    """The dispute is kept, durably; it is published soon after."""

    id: int  # in the vault
    unchecked: bool = False  # nobody could say whether anybody reports it


class Answered(FullOutput):
    """The answer is kept, durably; it is published soon after."""

    id: int  # in the vault
    reports: int  # that it is about
    retracting: int  # of these, how many end by it


class Vouches(Input, Generic[T]):
    """Values in our own name, each for itself."""

    vouches: Annotated[tuple[T, ...], SOME]


class Reassignments(Input, Generic[T]):
    """Numbers that have a new owner, each for itself."""

    numbers: Annotated[tuple[T, ...], SOME]


class DisputeQuery(Input):
    """Which disputes are meant; what is empty does not matter."""

    side: Annotated[
        Literal["", "against_us", "by_us"], meta("who disputes")
    ] = ""
    state: Annotated[
        Literal["", "open", "overdue", "answered", "ended"],
        meta("disputes in this state only"),
    ] = ""
    limit: Limit = 100
