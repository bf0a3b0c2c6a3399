"""Forms of reports and imports, and of what waits for a second person."""

from typing import Annotated, Any, Generic, Literal

import msgspec

from syncd.errors import SyncdError
from syncd.flows.draft import RawValue
from syncd.flows.ports import Position
from syncd.flows.report import Rules
from syncd.flows.review import Held
from syncd.flows.submission import LONGEST_NAME, ImportMark, Outcome
from syncd.lists.preview import Listed, Unknown
from syncd.shape import EMPTY
from syncd.web.forms import (
    Cursor,
    Day,
    Draft,
    FullOutput,
    Input,
    Many,
    Natural,
    Output,
    PageQuery,
    Place,
    Problem,
    Stated,
    T,
    meta,
)

Types = Literal["report", "dispute", "reassigned", "answer", "vouch"]


class ReportOutcome(Outcome, Output):
    """What became of one report."""

    problem: Problem | None = None  # if refused


class ReportsTaken(FullOutput):
    """What became of the reports, in their order; durable."""

    items: tuple[ReportOutcome, ...]
    accepted: int
    known: int
    taken_back: int
    refused: int


class VaultItem(Stated):
    """One row of our vault; `reason` is also why it ends."""

    id: int
    kind: str
    state: str  # held, waiting, published, ending, ended
    value: str = ""  # normal form; an answer has none
    position: Position | None = None  # once published
    ended_by: Position | None = None
    accepted_at: int
    import_id: int | None = None
    by: str = ""  # who handed it in
    again: str = ""  # why it was reported though it was taken back
    elsewhere: str = ""  # another member took it back: MEMBER REASON
    urgent: bool = False


class ValueCall(Input):
    """What a value of our vault is to be seen for."""

    purpose: str  # as of a look-up
    reference: str = ""  # the caller's own file number; kept


class VaultValue(FullOutput):
    """The value of a row, in its normal form."""

    value: str


class Retraction(RawValue):
    """What is to end: by value, positions, ids, import, or rule."""

    reason: str
    type: Literal["", Types, "all"] = ""
    # if absent: of a value its reports, else whatever is named
    positions: Many[Place] = ()
    ids: Many[Natural] = ()
    import_: Natural = msgspec.field(name="import", default=0)
    values: Many[RawValue] = ()
    never: bool = False  # reports on what the never-list protects by now


class Retracting(FullOutput):
    """What is going to end, and what is not."""

    retracting: int  # in all
    reports: int
    disputes: int
    others: int  # vouches, reassigned numbers, answers
    already: int  # were ending or ended before
    spared: int  # stand on, being of the type that was not meant
    ids: tuple[int, ...]  # that are going to end: the first thousand


class RetractionEffect(Retracting):
    """The same, before it is done; of the first thousand, who lists them too."""

    stays: dict[str, int]  # values by member


class RefusedRow(Input):
    """A row that the client could not read as a report."""

    row: Natural  # in the file, from 1
    problem: Problem
    value: str = ""  # its cell with the value


class ImportStep(ImportMark):
    """A step of an import: its reports, and what could not be read as one."""

    rows: tuple[Natural, ...] = ()  # in the file, of each report
    refused: Many[RefusedRow] = ()


class Reports(Input, Generic[T]):
    """Reports to take, each for itself."""

    reports: Many[T]
    import_: ImportStep | None = msgspec.field(name="import", default=None)
    refresh: bool = False  # what says no day of `seen` was seen today
    again: str = ""  # why, though some of it was taken back


ReportsCall = Reports[Draft | SyncdError]


class RefusedItem(Output):
    """A row that was refused, and why."""

    row: int  # in the file, from 1
    problem: Problem
    cells: dict[str, str] = EMPTY
    # by column, once the client has sent them


class RefusedCells(Input):
    """The cells of rows that were refused, as the file has them or mended."""

    rows: Many[tuple[Natural, dict[str, str]]] = ()


class Kept(FullOutput):
    """So many are kept now, durably."""

    kept: int


class ImportQuery(PageQuery):
    """Which imports are meant."""

    list: Annotated[str, meta("of one list", max_length=LONGEST_NAME)] = ""


class RefusedQuery(Input):
    """Which refused rows are meant."""

    after: Cursor = 0  # rows behind this one only


class ReportSearch(PageQuery):
    """Which of our reports are meant; what is empty does not matter."""

    state: Annotated[
        Literal["", "held", "waiting", "published", "ending", "ended"],
        meta("rows in this state only"),
    ] = ""
    type: Annotated[Literal["", Types], meta("what is said")] = ""
    kind: Annotated[
        Literal["", "phone", "url", "account"], meta("of the value")
    ] = ""
    label: Annotated[str, meta("code")] = ""
    list: Annotated[str, meta("name of one that holds the value")] = ""
    import_: Annotated[Natural, meta("rows that it brought")] = msgspec.field(
        name="import", default=0
    )
    by: Annotated[str, meta("name of the token that handed it in")] = ""
    accepted_from: Day = ""
    accepted_to: Day = ""  # included
    value: str = ""
    scheme: str = ""
    region: str = ""


Name = Annotated[str, meta("of a file or a list", max_length=LONGEST_NAME)]


class Upload(Output):
    """A file that is kept, sealed, until it is imported or a day old."""

    id: int
    size: int  # bytes
    at: int  # unix seconds
    name: str = ""  # of the file, once it was read
    running: bool = False  # it is being imported
    problem: Problem | None = None  # why its import ended early


class Reading(Input):
    """How a file is read: by a mapping file's text, then by what is said."""

    name: Name  # of the file, which says its format
    map: str = ""  # TOML
    columns: dict[str, str] = EMPTY  # field → name of a column, or its number
    constants: dict[str, Any] = EMPTY  # what all rows have
    words: dict[str, dict[str, str]] = EMPTY  # field → word → code
    list: Name = ""  # name of the list; the file's if absent
    refresh: bool = False  # what says no day of `seen` was seen today
    anew: bool = False  # what was begun of the list and has not ended is over


class RefusedFor(FullOutput):
    """Why rows would be refused."""

    problem: Problem
    row: int  # the first
    rows: int


class UploadPreview(FullOutput):
    """What a file would bring."""

    about: str  # format and encoding
    map: str  # TOML: all that was said, to be given back
    columns: tuple[tuple[str, str], ...]  # name, field or "": not stored
    listed: tuple[Listed, ...]  # the first ten
    rows: int
    good: int
    twice: int  # good rows whose value stands in another row too
    unknown: tuple[Unknown, ...]
    reasons: tuple[RefusedFor, ...]
    notices: dict[str, int]  # codes: rows


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the process that reads one is told; descriptors are inherited."""

    file: int
    how: Reading
    rules: Rules
    socket: int = 0  # the local API; 0: a preview is wanted


class PendingQuery(PageQuery):
    """Which held calls are meant."""

    state: Annotated[
        Literal["", "waiting", "after", "decided"],
        meta("waits; went at once, to be looked at; or is decided"),
    ] = ""


class HeldRow(Stated):
    """One value that it would list, change or take back."""

    n: int  # from 1
    kind: str
    value: str  # masked
    why: str = ""  # of an entry of our own lists
    code: str = ""  # likewise
    id: int = 0  # in the vault, or of an entry of ours
    position: Position | None = None  # once published
    stays: tuple[str, ...] = ()  # other members that list it, too


class HeldCall(Output):
    """A held call with what it is about: the first thousand values."""

    item: Held
    rows: tuple[HeldRow, ...]  # while it is known: bodies go once decided


class Decision(Input):
    """What a second person says of it."""

    why: str = ""  # needed where it is refused; kept sealed
