"""Forms of reports and imports."""

from typing import Annotated, Generic, Literal

import msgspec

from syncd.errors import SyncdError
from syncd.flows.draft import RawValue
from syncd.flows.ports import Position
from syncd.flows.submission import LONGEST_NAME, ImportMark, Outcome
from syncd.shape import EMPTY
from syncd.web import forms


class ReportOutcome(Outcome, forms.Output):
    """What became of one report."""

    problem: forms.Problem | None = None  # if refused


class ReportsTaken(forms.FullOutput):
    """What became of the reports, in their order; durable."""

    items: tuple[ReportOutcome, ...]
    accepted: int
    known: int
    taken_back: int
    refused: int


class VaultItem(forms.Stated):
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


class ValueCall(forms.Input):
    """What a value of our vault is to be seen for."""

    purpose: str  # as of a look-up
    reference: str = ""  # the caller's own file number; kept


class VaultValue(forms.FullOutput):
    """The value of a row, in its normal form."""

    value: str


class Retraction(RawValue):
    """What is to end: by value, positions, ids, import, or rule."""

    reason: str
    type: Literal[
        "", "report", "dispute", "reassigned", "answer", "vouch", "all"
    ] = ""
    # if absent: of a value its reports, else whatever is named
    positions: forms.Many[forms.Place] = ()
    ids: forms.Many[forms.Natural] = ()
    import_: forms.Natural = msgspec.field(name="import", default=0)
    values: forms.Many[RawValue] = ()
    never: bool = False  # reports on what the never-list protects by now


class Retracting(forms.FullOutput):
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


class RefusedRow(forms.Input):
    """A row that the client could not read as a report."""

    row: forms.Natural  # in the file, from 1
    problem: forms.Problem
    value: str = ""  # its cell with the value


class ImportStep(ImportMark):
    """A step of an import: its reports, and what could not be read as one."""

    rows: tuple[forms.Natural, ...] = ()  # in the file, of each report
    refused: forms.Many[RefusedRow] = ()


class Reports(forms.Input, Generic[forms.T]):
    """Reports to take, each for itself."""

    reports: forms.Many[forms.T]
    import_: ImportStep | None = msgspec.field(name="import", default=None)
    refresh: bool = False  # what says no day of `seen` was seen today
    again: str = ""  # why, though some of it was taken back


ReportsCall = Reports[forms.Draft | SyncdError]


class RefusedItem(forms.Output):
    """A row that was refused, and why."""

    row: int  # in the file, from 1
    problem: forms.Problem
    cells: dict[str, str] = EMPTY
    # by column, once the client has sent them


class RefusedCells(forms.Input):
    """The cells of rows that were refused, as the file has them or mended."""

    rows: forms.Many[tuple[forms.Natural, dict[str, str]]] = ()


class Kept(forms.FullOutput):
    """So many are kept now, durably."""

    kept: int


class ImportQuery(forms.PageQuery):
    """Which imports are meant."""

    list: Annotated[
        str, forms.meta("of one list", max_length=LONGEST_NAME)
    ] = ""


class RefusedQuery(forms.Input):
    """Which refused rows are meant."""

    after: forms.Cursor = 0  # rows behind this one only


class ReportSearch(forms.PageQuery):
    """Which of our reports are meant; what is empty does not matter."""

    state: Annotated[
        Literal["", "held", "waiting", "published", "ending", "ended"],
        forms.meta("rows in this state only"),
    ] = ""
    type: Annotated[
        Literal["", "report", "dispute", "reassigned", "answer", "vouch"],
        forms.meta("what is said"),
    ] = ""
    kind: Annotated[
        Literal["", "phone", "url", "account"], forms.meta("of the value")
    ] = ""
    label: Annotated[str, forms.meta("code")] = ""
    list: Annotated[str, forms.meta("name of one that holds the value")] = ""
    import_: Annotated[forms.Natural, forms.meta("rows that it brought")] = (
        msgspec.field(name="import", default=0)
    )
    by: Annotated[str, forms.meta("name of the token that handed it in")] = ""
    accepted_from: forms.Day = ""
    accepted_to: forms.Day = ""  # included
    value: str = ""
    scheme: str = ""
    region: str = ""
