"""Forms of how this member and its daemon are doing, and what to do."""

from collections.abc import Mapping
from typing import Annotated, Any

from syncd.flows.allowance import QuotaLeft
from syncd.flows.ports import Given, Mute
from syncd.messages.wire import Params, WireMessage
from syncd.shape import EMPTY
from syncd.web.forms import FullOutput, Input, Output, RosterState, Texts, meta

__all__ = ["QuotaLeft"]


class OwnLogState(FullOutput):
    """Our own log."""

    origin: str
    size: int  # entries
    note: str  # signed checkpoint that is served
    released: int  # entries under it


class VaultState(FullOutput):
    """Rows of the vault, by state."""

    waiting: dict[str, int]  # by kind
    published: int
    ending: int
    ended: int


class Seen(FullOutput):
    """Somebody's receipt: merged up to `size` at `at`."""

    member: str
    size: int  # entries
    at: int  # unix seconds


class LogState(Output):
    """How one origin's log is doing here."""

    member: str
    origin: str
    sector: str
    mirrored: int
    merged: int
    known: int  # largest signed size that we heard of
    lag: int  # known but not merged
    contested: bool
    missing: int  # payloads withheld
    source: str = ""
    last_pull: int | None = None  # unix seconds
    as_of: int | None = None  # unix seconds: when we heard of its length last
    why: WireMessage | None = None  # the last failure
    per_s: float | None = None  # entries merged, while it is pulled


class MemberRow(Output):
    """A member of the roster, as seen from here; times are unix seconds."""

    member: str
    sector: str
    state: str  # self, ok, failing, silent, unheard, removed
    holder: bool = False
    asked_at: int = 0  # 0: not since the start
    heard_at: int = 0  # of any answer or request of its
    silent_since: int = 0  # the first of `failures` in a row
    failures: int = 0
    why: WireMessage | None = None  # the last failure
    roster: int = 0  # the version that it told last
    last_ok: int = 0  # when it told its heads
    told_at: int = 0  # when it told what it `holds`, before our start too
    holds: dict[str, int] = EMPTY
    # entries by origin
    offset_s: int | None = None  # its clock, ahead of ours
    certificate_ends: int | None = None  # nothing stops then
    certificate_days: int | None = None
    lacks: int | None = None  # entries of our log without its receipt


class HolderState(FullOutput):
    """A holder of the token keys."""

    member: str
    up: bool
    why: WireMessage | None = None
    away: tuple[int, int] = (0, 0)  # from when to when, as it told


class BudgetLeft(FullOutput):
    """What a token may still look up."""

    kind: str  # url: whatever needs no holder
    hour: int  # values
    hour_left: int
    refill_s: int  # until more is left; 0: nothing was asked for
    denied: int  # values, since the start


class Quota(FullOutput):
    """What is left to the caller's token, to us, and what we gave others."""

    token: tuple[BudgetLeft, ...]
    member: tuple[QuotaLeft, ...]
    given: tuple[Given, ...]  # as a holder, in the last two days


class KeyState(FullOutput):
    """A token key: `t` of `n` holders answer for it."""

    kind: str
    epoch: int
    t: int
    n: int
    shares: int  # that there are: more than n where holders were lost
    up: Texts  # the holders that answer
    spare: int  # of these, beyond t; below 0 it cannot be used


class CutOff(FullOutput):
    """Nobody answers us."""

    since: int  # unix seconds
    why: WireMessage


class Muted(Mute, FullOutput):
    """A thing to do that is not shown until a day."""

    what: WireMessage


class FindingState(Output):
    """Something a person should know."""

    code: str
    origin: str
    index: int | None = None
    detail: str
    detail_code: str
    params: Params
    first_at: int
    last_at: int
    count: int


class NotifyState(FullOutput):
    """How telling one target of `[notify]` goes."""

    target: str
    roles: Texts
    waiting: int  # not told yet
    dropped: int  # never told, since our start: too old, or too many
    failures: int  # in a row
    why: WireMessage | None = None  # the last failure


class Appending(FullOutput):
    """Whether we append to our log, or why not."""

    ok: bool
    why: WireMessage | None = None


class DaemonRow(FullOutput):
    """One of our daemons that share a database and are there."""

    node: str  # HOST:HOME
    here: bool  # it is who answers
    leads: bool
    since: int | None = None  # unix seconds


class Parts(FullOutput):
    """How the parts are doing that are shown as they are."""

    member: str
    alliance: str
    version: str  # of syncd
    log: OwnLogState
    members: tuple[MemberRow, ...]
    cut_off: CutOff | None
    logs: tuple[LogState, ...]
    receipts: tuple[Seen, ...]  # of our log
    holders: tuple[HolderState, ...]
    keys: tuple[KeyState, ...]
    quotas: tuple[QuotaLeft, ...]
    roster: RosterState
    skew_s: int  # how far the others' clocks are ahead
    notify: tuple[NotifyState, ...]
    daemons: tuple[DaemonRow, ...] = ()  # none with databases in files


class Status(Parts):
    """How this member is doing, and what to do."""

    time: int  # unix seconds
    vault: VaultState
    findings: tuple[FindingState, ...]
    appending: Appending
    todo: tuple[WireMessage, ...]  # what can be done, with the command
    notes: tuple[WireMessage, ...]  # what a person should know
    muted: tuple[Muted, ...]


class Alive(FullOutput):
    """The process answers."""

    alive: bool


class Ready(FullOutput):
    """We answer look-ups: whether we append, and are cut off; why not."""

    appending: bool
    cut_off: bool
    why: WireMessage | None = None


class MuteCall(Input):
    """What is not to be shown among the things to do, and until when."""

    code: str
    until: str  # first day on which it shows again; today: at once
    why: Annotated[str, meta("words", max_length=200, pattern=r"\S")]


class MuteResult(FullOutput):
    """How many things to do are muted until that day."""

    count: int


Month = Annotated[
    str,
    meta("YYYY-MM", pattern=r"^(2[0-9]{3}-(0[1-9]|1[0-2]))?$", max_length=7),
]


class BadDay(FullOutput):
    """How a member was seen on a day, at its worst."""

    day: str
    state: str  # lag, silent, forked
    why: WireMessage


class MemberDays(FullOutput):
    """How a member was seen here, day by day."""

    line: str  # a letter for each of 90 days: its state's first, "." for none
    bad: list[BadDay]


class EventItem(FullOutput):
    """One thing that happened."""

    cursor: str  # `/v1/events` goes on behind it
    event: str
    at: int  # unix seconds
    data: Mapping[str, Any]


class History(FullOutput):
    """How every active member was seen here, day by day."""

    until: str  # day: today
    members: dict[str, MemberDays]
    events: tuple[EventItem, ...]  # the newest first


class FiguresQuery(Input, rename={"from_": "from"}):
    """Which months are meant."""

    from_: Month = ""  # the first
    to: Month = ""  # the last


class FigureRow(FullOutput):
    """What one member's logs say under one label in one month."""

    month: str
    member: str
    label: str  # code, "" for what is said of a value that nobody reported
    reports: int = 0
    retracted: int = 0  # in this month, whenever they were reported
    hours_least: int = 0  # from report to retract, of all of these
    hours_most: int = 0
    sightings: int = 0  # at least
    disputes: int = 0


class Figures(FullOutput):
    """What all merged logs say, in the order of months."""

    as_of: int  # unix seconds
    items: tuple[FigureRow, ...]


class JobState(FullOutput):
    """A job, since the start."""

    name: str
    last_at: int | None = None  # it ended, unix seconds
    took_s: float = 0
    failed: int = 0  # times
    next_at: int | None = None  # unix seconds


class TokenRow(Output):
    """A bearer token; times are unix seconds."""

    name: str
    role: str
    staff: str
    person: str
    added_at: int
    revoked_at: int | None = None
    ends_at: int | None = None  # a certificate that stands in its place


class SessionRow(FullOutput):
    """A browser that somebody has logged in with; times are unix seconds."""

    id: str  # opens nothing
    name: str  # of the token
    role: str
    person: str
    began_at: int
    used_at: int
    ends_at: int


class SystemState(FullOutput):
    """How the daemon itself is doing."""

    version: str  # of syncd
    python: str
    skew_s: int  # how far the others' clocks are ahead
    free: int  # bytes, where the home is
    files: dict[str, int]  # bytes of what is in the home, and on a server
    settings: dict[str, str]  # in force; of targets their names alone
    jobs: tuple[JobState, ...]
    tokens: tuple[TokenRow, ...]  # revoked ones too
    sessions: tuple[SessionRow, ...]


class Revoked(FullOutput):
    """It opens nothing from now on."""

    revoked: str
