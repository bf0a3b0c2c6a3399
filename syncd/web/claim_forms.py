"""Forms of disputes, answers, vouches and reassigned numbers."""

from typing import Annotated, Generic, Literal

from syncd.web.forms import FullOutput, Input, Limit, Output, Some, T, meta


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

    vouches: Some[T]


class Reassignments(Input, Generic[T]):
    """Numbers that have a new owner, each for itself."""

    numbers: Some[T]


class DisputeQuery(Input):
    """Which disputes are meant; what is empty does not matter."""

    side: Annotated[Literal["", "against_us", "by_us"], meta("by whom")] = ""
    state: Annotated[
        Literal["", "open", "overdue", "answered", "ended"],
        meta("disputes in this state only"),
    ] = ""
    limit: Limit = 100
