"""Forms of logs: one log, and one entry of it."""

from typing import Annotated

from syncd.flows.ports import Position
from syncd.web import forms
from syncd.web.forms import FullOutput, Input, Natural, Output, meta


class LogQuery(Input):
    """Which entries of a log are wanted, newest first."""

    before: Annotated[Natural, meta("smaller indices only; 0: all")] = 0
    day: forms.Day = ""  # from this one back
    type: Annotated[str, meta("of the statement", max_length=32)] = ""
    label: Annotated[str, meta("of a report", max_length=64)] = ""
    limit: forms.Limit = 100


class CosignedBy(Output):
    """A line under a checkpoint by another key than the log's."""

    key: str  # its name
    member: str = ""  # whose it is, if a member's
    size: int  # entries
    at: int  # unix seconds, by the signer's clock


class LogEntry(Output):
    """An entry among others: not what it is about."""

    index: int
    type: str  # of its statement, or the number of an undefined one
    on: str = ""  # day
    kind: str = ""
    label: str = ""  # code
    closed: str = ""  # why it cannot be read: auditor, erased, sealed, absent
    void: str = ""  # why it says nothing


class LogHead(Output):
    """What is signed of a log."""

    member: str
    origin: str
    size: int  # entries
    checkpoint: str  # the note as it is served; "" if the roster ended the log
    contested: bool
    cosigned: tuple[CosignedBy, ...]  # of an entry: trees that have it


class LogPage(LogHead):
    """A log, and some of its entries, newest first."""

    items: tuple[LogEntry, ...]
    next: int = 0  # `before` of the next page; none below it was looked at


class Entry(LogHead):
    """One entry, what it says, what became of it, and how to check it."""

    entry: LogEntry
    leaf: str  # hex
    salt: str = ""  # hex
    payload: str = ""  # base64
    proof: str = ""  # C2SP tlog-proof
    keys: tuple[str, ...] = ()  # vkeys of the lines in it, the log's first
    accepted_at: int | None = None  # unix seconds; of ours
    effect_at: int | None = None  # unix seconds; of ours, if it has effect
    claims: tuple[forms.ClaimItem, ...] = ()  # all that were made on its token
    verdict: forms.LookupItem | None = None  # on its token, today


class Erasure(Input):
    """Which entries of our own log are to be erased, and why."""

    entries: Annotated[tuple[Natural, ...], meta("indices", max_length=1000)]
    reason: str
    yes: bool = False  # else it is only said what would go


class Erasing(FullOutput):
    """What is erased for good, or would be, and what stays."""

    types: dict[str, int]  # how many of each
    ours: tuple[Position, ...]  # other entries of ours about the same values
    stays: dict[str, int]  # of the values, listed by other members too
