"""The rules of a roster: token keys, erasures, quotas, caps and policy.

Values, and the defaults with which an alliance is founded. A roster spells
all of them out, so that a verdict can be replayed from the roster alone, by
any build.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from syncd.errors import Message
from syncd.roster.row import (
    AnyCode,
    AnyId,
    Code,
    Day,
    Hex32,
    Hex64,
    Id,
    Natural,
    Origin,
    Positive,
    Row,
    parts,
)
from syncd.tlog.document import Document

SUITE: Final = "ristretto255-SHA512"
ALL, LOOKUP, PUBLISH = "all", "lookup", "publish"  # purposes of evaluation
NEVER = "never"  # of the never-list's own spellings
SCREEN, ROTATE = "portfolio_screen", "rotate"
BULK = frozenset({NEVER, PUBLISH, ROTATE, SCREEN})
QUOTA_CEILING_HOUR = 2_000_000  # no roster may allow more, whoever signed it
QUOTA_CEILING_DAY = 5_000_000

Action = Literal["label", "warn", "verify", "delay", "restrict", "hold"]
Kind = Literal["account", "phone", "url"]
ACTIONS, KINDS = get_args(Action), get_args(Kind)

Number = Annotated[int, Meta(ge=1, le=65_535)]


class Share(Row, frozen=True, array_like=True):
    """The public share that a holder answers with."""

    index: Annotated[int, Meta(ge=1, le=255)]
    member: Id
    public: Hex32

    KEY = ("index",)


class Agreed(Row, frozen=True, array_like=True):
    """That a holder saw the ceremony that a key came of, and agrees."""

    member: Id
    signature: Hex64

    KEY = ("member",)


class Epoch(Row, frozen=True):
    """One token key of a kind; urls have epochs, and no key."""

    kind: Kind
    epoch: Number
    normal: Number  # version of the normal form
    t: Natural = 0  # holders needed; 0: no key
    public: Hex32 = b""
    held: tuple[Share, ...] = msgspec.field(name="shares", default=())
    generation: Annotated[int, Meta(ge=0, le=65_535)] = 0
    # of the shares, from 1; resharing adds one
    transcript: Hex32 = b""  # of the ceremony that these shares came of
    agreed: tuple[Agreed, ...] = ()  # every holder's, to `said`
    retired: bool = False  # every entry of this epoch counts as erased
    until: Natural = 0  # unix seconds: from then on it is to be retired
    suite: Literal["", "ristretto255-SHA512"] = ""

    KEY = ("kind", "epoch")

    @property
    def label(self) -> str:
        """Kind and number."""
        return f"{self.kind}/{self.epoch}"

    @property
    def shares(self) -> dict[int, tuple[str, bytes]]:
        """Holder and public share, by index."""
        return {s.index: (s.member, s.public) for s in self.held}

    def index(self, member: str) -> int | None:
        """Return the share index that a member holds, if any."""
        return next((s.index for s in self.held if s.member == member), None)

    def said(self, alliance: str) -> bytes:
        """Return what each holder signs, by its member key."""
        bare = msgspec.structs.replace(self, agreed=(), retired=False, until=0)
        return str(Document("epoch", alliance, bare.to_json())).encode()

    def flaws(self) -> Iterator[tuple[str, Message]]:
        """Yield what a key lacks, or a url epoch has too much."""
        key = {"agreed", "generation", "public", "shares", "suite"}
        key |= {"t", "transcript"}
        there = parts(self).keys()
        if self.kind == "url":
            for name in sorted(key & there):
                yield name, Message("a url epoch has no key")
            return
        for name in sorted(key - there):
            yield name, Message("missing")
        n = len(self.held)
        if n < 3:
            yield "shares", Message("{n} of them, want 3 at least", n=n)
        if not 2 <= self.t <= n:
            yield "t", Message("{t} is not in 2..{n}", self, n=n)
        holders = {share.member for share in self.held}
        if len(holders) != n:
            yield "shares", Message("a holder has two")
        if len({share.public for share in self.held}) != n:
            yield "shares", Message("two are the same")
        if {one.member for one in self.agreed} != holders:
            yield "agreed", Message("not by each holder, and nobody else")


class Erased(Row, frozen=True):
    """Entries that the alliance erased for a log that cannot speak."""

    origin: Origin
    size: Positive  # the tree in which the ranges count
    root: Hex32
    ranges: Annotated[
        tuple[tuple[Natural, Natural], ...], Meta(min_length=1)
    ]  # [from, to)
    reason: Code

    KEY = ("origin", "size", "ranges")

    @property
    def label(self) -> str:
        """Log, size and ranges."""
        return f"{self.origin} {self.size} {[[*r] for r in self.ranges]}"

    def flaws(self) -> Iterator[tuple[str, Message]]:
        """Yield a range that is none, or touches the one before it."""
        last = -1
        for start, stop in self.ranges:
            if not last < start < stop <= self.size:
                yield (
                    "ranges",
                    Message(
                        "[{start}, {stop}) is out of order or size",
                        start=start,
                        stop=stop,
                    ),
                )
            last = stop


class Never(Row, frozen=True):
    """A value that is never listed: an emergency number, a big host."""

    kind: Kind
    value: Annotated[str, Meta(pattern=r"^[!-~]{1,256}\Z")]  # normal form
    note: Code  # why

    KEY = ("kind", "value")


class Quota(Row, frozen=True):
    """Evaluations of each key that the alliance gives a member."""

    purpose: Code  # all, lookup, publish, or another one
    hour: Annotated[int, Meta(ge=0, le=QUOTA_CEILING_HOUR)]
    day: Annotated[int, Meta(ge=0, le=QUOTA_CEILING_DAY)]
    member: AnyId = ""  # "" is everybody without a row of its own
    until: Day = ""  # the last day of a row of a member's; "" has no end

    KEY = ("member", "purpose")

    @property
    def label(self) -> str:
        """Whose, and for what."""
        return f"{self.member or 'all'} {self.purpose}"


class Limits(Row, frozen=True):
    """What one origin may bring before merging lags, or it is a finding."""

    entries: Positive  # in a day
    bytes: Positive  # in a day, of record bytes, inflated
    lifts: Natural = 20  # in a week, of others' reports: above is a finding,
    lift_percent: Annotated[int, Meta(ge=0, le=100)] = 5  # above both


class Cap(Row, frozen=True):
    """Days for which a report counts, at most."""

    days: Annotated[int, Meta(ge=1, le=36_500)]
    kind: Kind | Literal[""] = ""  # "" is any
    evidence: AnyCode = ""  # "" is any

    KEY = ("kind", "evidence")


class Policy(Row, frozen=True):
    """Which action goes with which finding; actions ascend as in ACTIONS."""

    ceiling: Action  # for use without a person deciding
    confirmed: Action
    disputed: Action
    disputed_vouched: Action
    official: Action  # confirmed by an official report
    spoofed: Action  # at most, when spoofed reports stand alone
    suspected: Action


def lower(a: str, b: str) -> str:
    """Return the milder of two actions; "" (nothing to do) is the mildest."""
    return min(a, b, key=("", *ACTIONS).index)


def stronger(a: str, b: str) -> str:
    """Return the stronger of two actions."""
    return max(a, b, key=("", *ACTIONS).index)


DEFAULT_CAPS = (
    Cap(days=1095, evidence="police_case"),
    Cap(days=730, kind="account"),
    Cap(days=180, kind="phone"),
    Cap(days=90, kind="url"),
)
DEFAULT_QUOTAS = (
    Quota(purpose=ALL, hour=260_000, day=4_900_000),
    Quota(purpose=LOOKUP, hour=10_000, day=50_000),
    Quota(purpose=NEVER, hour=50_000, day=50_000),
    Quota(purpose=SCREEN, hour=10_000, day=50_000),  # of the look-ups
    Quota(purpose=PUBLISH, hour=200_000, day=200_000),
    Quota(
        purpose=ROTATE, hour=200_000, day=200_000
    ),  # while a key is replaced
)
DEFAULT_POLICY = Policy(
    suspected="warn",
    disputed="warn",
    disputed_vouched="verify",
    confirmed="delay",
    official="hold",
    spoofed="warn",
    ceiling="delay",
)
DEFAULT_LIMITS = Limits(entries=5_000_000, bytes=4 << 30)
