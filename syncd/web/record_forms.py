"""Forms of what is on record: logs and audits, look-ups, appeals, calls."""

from typing import Annotated, Literal

from syncd.flows.appeal import Step
from syncd.flows.draft import RawValue
from syncd.flows.ports import Position
from syncd.flows.review import Person
from syncd.messages.wire import WireMessage
from syncd.web.forms import (
    ClaimItem,
    Cursor,
    Day,
    FullOutput,
    Input,
    Label,
    Limit,
    LookupItem,
    Natural,
    Output,
    Problem,
    meta,
)


class LogQuery(Input):
    """Which entries of a log are wanted, newest first."""

    before: Annotated[Natural, meta("smaller indices only; 0: all")] = 0
    day: Day = ""  # from this one back
    type: Annotated[str, meta("of the statement", max_length=32)] = ""
    label: Annotated[str, meta("of a report", max_length=64)] = ""
    limit: Limit = 100


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
    claims: tuple[ClaimItem, ...] = ()  # all that were made on its token
    verdict: LookupItem | None = None  # on its token, today


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


class EndedListing(FullOutput):
    """A listing that ended; members are told by their sectors alone."""

    sector: str  # whose it was
    ended: str  # day on which it was taken back; "": it was erased
    size: int  # entries of that log that we have
    followed: tuple[tuple[str, int], ...]
    # sector of each other member, and when it had followed: 0 if not shown


class Certificate(FullOutput):
    """What can be shown of a value whose listings have all ended."""

    number: str
    alliance: str
    zone: str
    as_of: int  # unix seconds
    by: Person  # who asked
    decided: Person | None = None  # the second person
    items: tuple[EndedListing, ...]


class AuditFinding(FullOutput):
    """What is wrong; docs/audit.md says what each code proves."""

    code: str
    severity: str
    place: str  # a file of the bundle, or ORIGIN:INDEX
    text: WireMessage


class AuditBundle(Output):
    """A bundle that is kept, is being made, or could not be."""

    id: int  # unix seconds: when it was begun
    running: bool = False
    problem: Problem | None = None
    bundle: str = ""  # its name: the hash of its manifest
    exit_code: int = 0  # as of `syncd audit verify`
    findings: tuple[AuditFinding, ...] = ()


class Drill(FullOutput):
    """A step of a drill: a report of what nobody has, or its retraction."""

    speed: str  # urgent, normal
    type: str  # report, retract
    at: int  # unix seconds: handed in, or took effect; 0: not yet
    followed: dict[str, int | None]  # seconds until each member's receipt


class AccessFilter(Input):
    """Which look-ups are meant; what is empty does not matter."""

    since: Day = ""  # first day
    until: Day = ""  # last day


class AccessSum(FullOutput):
    """How many items one person looked up for a purpose on a day."""

    on: str  # day
    by: str  # the token's name, if it was nobody's
    staff: str  # number of the person whose tokens they were by then
    person: str  # and the name
    purpose: str  # code
    lookups: int
    listed: int  # there was something


class AboutCall(RawValue):
    """Whose value it is that we are asked about by the person concerned."""

    kind: str
    value: str
    reference: str = ""  # our own file number; kept


class AboutItem(Output):
    """One look-up of ours that the person concerned may be told of."""

    at: int  # unix seconds
    on: str  # day
    purpose: Label
    kind: str
    listed: bool = False
    action: str = ""  # what was advised


class AppealFilter(Input):
    """Which entries are meant."""

    after: Cursor = 0  # larger ids only
    limit: Limit = 100
    open: Annotated[bool, meta("only those with something to do")] = False


class AppealDraft(Input):
    """An appeal that came in."""

    reference: str = ""  # our own file number; kept sealed
    measure: str = ""  # code of the action that is contested
    received: Day = ""  # today if absent


class AppealStep(Input):
    """One thing that was done: a decision, telling it, or lifting."""

    step: Step
    why: str = ""  # of a decision; kept sealed


class CallNote(Input):
    """What came of a call at the hot line; kept sealed."""

    outcome: Literal["dissuaded", "stopped", "sent", "no_fraud"]
    label: str = ""  # code
    amount: Annotated[int, meta("yuan", ge=0, le=10**12)] = 0
    notice: str = ""  # code of the measure that the customer has in writing
    key: Annotated[str, meta("of the call: noted once", max_length=64)]


class CallSum(FullOutput):
    """The calls of one month with one label, outcome and notice."""

    month: str  # YYYY-MM
    label: str  # code, or ""
    outcome: str  # code
    notice: str  # code of a measure, or ""
    calls: int
    amount: int  # yuan
