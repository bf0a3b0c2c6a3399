"""Forms: the bodies of the local API, one closed struct each.

What comes in refuses unknown fields; what goes out has these fields and no
others, and /openapi.json says so. Days are `YYYY-MM-DD` in the roster's
zone, times unix seconds, positions `[origin, index]`.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Generic, TypeVar, get_origin

from msgspec import Meta, Struct

from syncd.errors import SyncdError
from syncd.flows.draft import DisputeDraft, Draft, RawValue
from syncd.flows.ports import Position
from syncd.indicator import vocabulary
from syncd.indicator.never import Owner
from syncd.indicator.receipt import Receipt
from syncd.indicator.record import ReportFields
from syncd.messages.wire import Params, WireMessage
from syncd.shape import EMPTY, Form
from syncd.web.problem import Flaw, Problem

# Params names WireMessage, for which it is looked up here.
__all__ = ["DisputeDraft", "Draft", "Flaw", "Problem", "WireMessage"]

Natural = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Place = tuple[str, Natural]  # a position as it comes in
MOST_ITEMS = 10_000  # in one call


def is_form(kind: Any) -> bool:
    """Tell whether it is a struct, or one of some items."""
    its = get_origin(kind) or kind
    return isinstance(its, type) and issubclass(its, Struct)


def meta(words: str, **bounds: Any) -> Meta:
    """Return what the document says of a parameter, and its bounds."""
    return Meta(description=words, **bounds)


Limit = Annotated[int, meta("items in a page", ge=1, le=1000)]
_NEXT = "what the last page gave as `next`"
Cursor = Annotated[int, meta(_NEXT, ge=0, le=10**15)]

Day = Annotated[str, meta("YYYY-MM-DD", max_length=10)]

Texts = tuple[str, ...]
T = TypeVar("T")
Many = Annotated[tuple[T, ...], Meta(max_length=MOST_ITEMS)]
Some = Annotated[Many[T], Meta(min_length=1)]


class Input(Form):
    """What a caller sends, in a body or behind the question mark."""


class PageQuery(Input):
    """Which of what is counted by ids, the newest first."""

    before: Cursor = 0  # smaller ids only
    limit: Limit = 100


class Output(Form, omit_defaults=True):
    """What a caller gets; what is empty is left out."""


class Page(Output, Generic[T]):
    """Items in an order, and where the next page begins."""

    items: tuple[T, ...]
    next: int = 0  # the next page's `after` or `before`; absent on the last


def paged(found: Sequence[Any], limit: int, items: Iterable[T]) -> Page[T]:
    """Return a page of what was found; behind a full one there may be more."""
    last = found[-1].id if len(found) == limit else 0
    return Page(items=tuple(items), next=last)


class FullOutput(Form):
    """What a caller gets, with every field in it."""


class Items(FullOutput, Generic[T]):
    """All of them, in an order."""

    items: tuple[T, ...]


# ----------------------------------------------------------------- look-ups

MAX_DEADLINE_MS = 60_000
LONGEST_REFERENCE = 128  # characters


class Item(RawValue):
    """One thing to look up: a value, or a token and its epoch."""

    token: str = ""
    epoch: Natural = 0


class Lookups(Input, Generic[T]):
    """A look-up, and what for."""

    purpose: str
    items: Some[T]
    reference: str = ""  # the caller's own file number; kept
    deadline_ms: Annotated[int, Meta(ge=0, le=MAX_DEADLINE_MS)] = 0
    # the setting's if absent
    outcome: str = ""  # code: what came of it, for what is told of sightings
    receipt: bool = False  # of each value, to show later that we asked


LookupCall = Lookups[Item | SyncdError]


class Label(FullOutput):
    """A code and what it is called."""

    code: str
    zh: str
    en: str


class OwnMark(Output):
    """An entry of our own lists, as far as it says something."""

    id: int
    by: str  # whose bearer token added it
    at: int  # unix seconds
    why: str = ""
    code: str = ""  # of a note
    text: str = ""  # of a note
    official: bool = False  # exempt in view of an official report
    list: str = ""  # of a local entry, as is what follows
    label: Label | None = None
    role: Label | None = None
    evidence: str = ""
    seen: str = ""
    handling: str = ""
    spoofed: bool = False
    test: bool = False
    expires: str = ""  # first day on which it does not count


class Ours(Output):
    """What our own lists say; the alliance's answer stands beside it."""

    action: str = ""  # what to do by both; absent for nothing
    unattended: str = ""  # the same where no person decides
    reasons: Texts = ()  # codes
    exempt: OwnMark | None = None
    notes: tuple[OwnMark, ...] = ()
    local: tuple[OwnMark, ...] = ()


class LookupItem(Output):
    """What is known of one item, or why nothing can be said."""

    verdict: str = ""  # a verdict; absent beside a problem
    action: str = ""  # what to do; absent for nothing
    unattended: str = ""  # the action where no person decides
    reasons: Texts = ()  # codes
    labels: tuple[Label, ...] = ()
    roles: tuple[Label, ...] = ()
    sectors: dict[str, int] = EMPTY  # reporting members by sector
    first_seen: str = ""  # day
    last_seen: str = ""  # day
    expires: str = ""  # first day on which none of it counts
    positions: tuple[Position, ...] = ()  # what it rests on
    spoofed: bool = False
    handling: str = ""
    missing: Texts = ()  # holders that did not answer
    detail: str = ""  # why it is unknown
    detail_code: str = ""
    params: Params = EMPTY
    ours: Ours | None = None  # if our own lists say something
    owner: Owner | None = None  # of a protected value
    notices: Texts = ()  # codes: what a reader should know
    tried: Texts = ()  # kinds of account that a number was tried as
    hint: str = ""  # how to ask for what was not tried
    hint_code: str = ""
    receipt: Receipt | None = None  # if one was asked for
    problem: Problem | None = None


class RosterState(FullOutput):
    """Which roster is in force."""

    version: int
    hash: str  # hex SHA-256 of its text
    expires: int  # unix seconds
    expired: bool
    format: int = 1
    merging: bool = True  # this build implements the format


class AsOf(Output):
    """How fresh is what we hold of an active member's log."""

    member: str
    origin: str
    merged: int  # entries that answers rest on
    behind: int = 0  # entries that we know of and have not merged
    heard_at: int | None = None
    # unix seconds: when we last heard how long it is; absent: not since start
    age_s: int | None = None  # seconds since


class LookupAnswers(Output):
    """The answers, in the order of the items."""

    items: tuple[LookupItem, ...]
    roster: RosterState
    as_of: tuple[AsOf, ...]
    missing: Texts = ()  # holders that did not answer in time
    contested: Texts = ()  # origins whose logs are forked
    distrusted: dict[str, int] = EMPTY  # members by us, since when


# --------------------------------------------------------------- indicators


class Stated(ReportFields, Output):
    """What a statement of any type says of a value."""

    type: str  # report, dispute, reassigned, answer, vouch
    due: str = ""  # of a dispute
    since: str = ""  # of a number that has a new owner
    reason: str = ""  # of a dispute or an answer
    outcome: str = ""  # of an answer
    about: tuple[Position, ...] = ()


class ClaimItem(Stated):
    """One claim that stands; or stood, where an entry is shown."""

    position: Position
    member: str  # id
    on: str  # day
    ended_by: int | None = None  # index of its first retract, in its log
    ended_on: str = ""  # day of that


class Indicator(FullOutput):
    """A token, and the claims about it."""

    kind: str
    epoch: int
    token: str  # 22 characters
    claims: tuple[ClaimItem, ...]


class IndicatorPage(Output):
    """Indicators in the order of their tokens' bytes."""

    items: tuple[Indicator, ...]
    next: str = ""  # `after` of the next page; absent on the last


# ------------------------------------------------------------------ changes


class ChangeQuery(Input):
    """From where on changes are wanted."""

    since: Annotated[
        str,
        meta(
            "what the last page gave as `next`, or an event as `cursor`;"
            " absent: from now on",
            max_length=64,
        ),
    ] = ""


class Change(FullOutput):
    """What came in on one token, and what that made of it."""

    kind: str
    epoch: int
    token: str  # 22 characters
    positions: tuple[Position, ...]  # of what came in
    before: str  # verdict by what had come in before this page
    after: str  # and with it


class ChangePage(FullOutput):
    """What one merge brought in, in its order."""

    items: tuple[Change, ...]
    next: str  # `since` of the next page; always there
    more: bool  # there is something behind it already


# -------------------------------------------------------------------- other


class Pending(FullOutput):
    """Nothing is done yet: the call waits for a second person, as this."""

    pending: int


class Invite(Input):
    """Whom to invite."""

    sector: str
    hours: Annotated[int, meta("until it expires", ge=1, le=720)] = 72


class Invited(FullOutput):
    """The line for the newcomer; it is shown this once."""

    invitation: str


class Waiting(FullOutput):
    """What waits for admins, as notes that prove themselves."""

    requests: tuple[tuple[str, str], ...] = ()  # with the answer to each
    drafts: Texts = ()  # with the signatures so far


class Effect(Output):
    """Whose verdicts a draft moves, by what we have merged."""

    at: int = 0  # unix seconds: when it was begun to count that
    why: WireMessage | None = None  # it could not be counted
    day: str = ""  # on which all was judged, the draft's; "": not counted yet
    entries: int = 0  # that were merged
    state: str = ""  # what they were, as a hash
    values: int = 0  # whose verdict changes
    counts: tuple[tuple[str, str, str, str, int, int], ...] = ()
    # facet, code, verdict, action: so many values before, and after


class Joining(Waiting):
    """What waits, here and at the other members."""

    effects: tuple[Effect, ...] = ()  # of each draft


class RosterTaken(FullOutput):
    """The roster that is in force now."""

    version: int
    hash: str


class IndicatorQuery(Input):
    """Which indicators are meant."""

    after: Annotated[str, meta(_NEXT, max_length=64)] = ""
    limit: Limit = 100


class EventQuery(Input):
    """From where on events are sent."""

    cursor: Annotated[str, meta("the id of the last event that was seen")] = ""


class Vocabulary(FullOutput):
    """Codes in the vocabulary's order; those near to a word, nearest first."""

    codes: tuple[vocabulary.Code, ...]


class VocabularyQuery(Input):
    """Which codes are meant: all if nothing is said."""

    field: Annotated[
        str,
        meta(
            "codes of that field only",
            extra_json_schema={"enum": ["", *vocabulary.FACETS]},
        ),
    ] = ""
    word: Annotated[str, meta("the codes nearest to it", max_length=80)] = ""
