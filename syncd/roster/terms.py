"""The rules of a roster: token keys, erasures, quotas, caps and policy.

Values, how each is written, the reader of each, and the defaults with which
an alliance is founded. A roster spells all of them out, so that a verdict
can be replayed from the roster alone, by any build.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.errors import MalformedError
from syncd.roster import fields
from syncd.roster.fields import CODE, HEX32, Fields, filled
from syncd.roster.members import MEMBER_ID

SUITE = "ristretto255-SHA512"
KINDS = ("account", "phone", "url")
ACTIONS = ("label", "warn", "verify", "delay", "restrict", "hold")
ALL, LOOKUP, PUBLISH = "all", "lookup", "publish"  # purposes of evaluation
NEVER = "never"  # of the never-list's own spellings
QUOTA_CEILING_HOUR = 2_000_000  # no roster may allow more, whoever signed it
QUOTA_CEILING_DAY = 5_000_000

VALUE = re.compile(r"[!-~]{1,256}", re.ASCII)
_SUITE = re.compile(r"[A-Za-z0-9-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One token key of a kind; urls have epochs, and no key."""

    kind: str
    epoch: int  # from 1
    normal: int  # version of the normal form
    t: int = 0  # holders needed; 0: no key
    public: bytes = b""  # 32 bytes
    shares: Mapping[int, tuple[str, bytes]] = field(default_factory=dict)
    generation: int = 0  # of the shares, from 1; resharing adds one
    dealt: bool = False  # one machine once knew the whole key
    retired: bool = False  # every entry of this epoch counts as erased
    suite: str = ""

    def index(self, member: str) -> int | None:
        """Return the share index that a member holds, if any."""
        for index, (holder, _) in self.shares.items():
            if holder == member:
                return index
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return filled(
            dealt=self.dealt,
            epoch=self.epoch,
            generation=self.generation,
            kind=self.kind,
            normal=self.normal,
            public=self.public.hex(),
            retired=self.retired,
            shares=[
                [index, member, public.hex()]
                for index, (member, public) in sorted(self.shares.items())
            ],
            suite=self.suite,
            t=self.t,
        )


@dataclass(frozen=True, slots=True)
class Erased:
    """Entries that the alliance erased for a log that cannot speak."""

    origin: str
    size: int  # the tree in which the ranges count
    root: bytes  # 32 bytes
    ranges: tuple[tuple[int, int], ...]  # [from, to)
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "origin": self.origin,
            "ranges": [list(r) for r in self.ranges],
            "reason": self.reason,
            "root": self.root.hex(),
            "size": self.size,
        }


@dataclass(frozen=True, slots=True)
class Never:
    """A value that is never listed: an emergency number, a big host."""

    kind: str
    value: str  # normal form
    note: str  # code: why

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"kind": self.kind, "note": self.note, "value": self.value}


@dataclass(frozen=True, slots=True)
class Quota:
    """Evaluations that a member may ask of each key at each holder."""

    purpose: str  # all, lookup, publish, or another code
    hour: int
    day: int
    member: str = ""  # "" is everybody without a row of its own

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return filled(member=self.member) | {
            "day": self.day,
            "hour": self.hour,
            "purpose": self.purpose,
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """What one origin may bring in a day before merging lags."""

    entries: int
    bytes: int  # of record bytes, inflated

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"bytes": self.bytes, "entries": self.entries}


@dataclass(frozen=True, slots=True)
class Cap:
    """Days for which a report counts, at most."""

    days: int
    kind: str = ""  # "" is any
    evidence: str = ""  # code; "" is any

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return filled(kind=self.kind, evidence=self.evidence) | {
            "days": self.days
        }


@dataclass(frozen=True, slots=True)
class Policy:
    """Which action goes with which finding; actions ascend as in ACTIONS."""

    suspected: str = "warn"
    disputed: str = "warn"
    disputed_vouched: str = "verify"
    confirmed: str = "delay"
    official: str = "hold"  # confirmed by an official report
    spoofed: str = "warn"  # at most, when spoofed reports stand alone
    ceiling: str = "delay"  # for use without a person deciding

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {name: getattr(self, name) for name in _POLICY}


_POLICY = (
    "ceiling",
    "confirmed",
    "disputed",
    "disputed_vouched",
    "official",
    "spoofed",
    "suspected",
)

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
    Quota(purpose=PUBLISH, hour=200_000, day=4_800_000),
)
DEFAULT_POLICY = Policy()
DEFAULT_LIMITS = Limits(entries=5_000_000, bytes=4 << 30)


_EPOCH = frozenset(f.name for f in dataclasses.fields(Epoch))


def epoch(value: object, path: str) -> Epoch:
    """Read one row of epoch."""
    at = Fields(value, path, _EPOCH)
    kind = at.choice("kind", KINDS)
    number = at.integer("epoch", 1, 65_535)
    normal = at.integer("normal", 1, 65_535)
    retired = at.flag("retired")
    if kind == "url":
        for name in ("dealt", "generation", "public", "shares", "suite", "t"):
            if name in at:
                raise at.bad(name, "a url epoch has no key")
        return Epoch(kind, number, normal, retired=retired)
    shares = at.items("shares", _share, order=lambda s: s[0], needed=True)
    found = Epoch(
        kind=kind,
        epoch=number,
        normal=normal,
        t=at.integer("t", 2, len(shares)),
        public=at.raw32("public"),
        shares={index: (member, key) for index, member, key in shares},
        generation=at.integer("generation", 1, 65_535),
        dealt=at.flag("dealt"),
        retired=retired,
        suite=_suite(at),
    )
    if len(shares) < 3:
        raise at.bad("shares", f"{len(shares)} of them, want 3 at least")
    if len({member for member, _ in found.shares.values()}) != len(shares):
        raise at.bad("shares", "a holder has two")
    if len({key for _, key in found.shares.values()}) != len(shares):
        raise at.bad("shares", "two are the same")
    return found


def _suite(at: Fields) -> str:
    found = at.text("suite", _SUITE)
    if found != SUITE:
        raise fields.newer(at.at("suite"), f"unknown suite {found}")
    return found


def _share(value: object, path: str) -> tuple[int, str, bytes]:
    if not isinstance(value, list) or len(value) != 3:
        raise MalformedError(f"{path}: not index, member, public share")
    index, member, public = value
    return (
        fields.integer(index, f"{path}[0]", 1, 255),
        fields.text(member, f"{path}[1]", MEMBER_ID),
        bytes.fromhex(fields.text(public, f"{path}[2]", HEX32)),
    )


def erased(value: object, path: str) -> Erased:
    """Read one row of erased."""
    at = Fields(value, path, ("origin", "ranges", "reason", "root", "size"))
    size = at.integer("size", 1)
    ranges = at.items("ranges", _range, needed=True)
    last = -1
    for start, stop in ranges:
        if not last < start < stop <= size:  # touching ones would be one
            raise at.bad(
                "ranges", f"[{start}, {stop}) is out of order or size"
            )
        last = stop
    return Erased(
        origin=at.key_name("origin"),
        size=size,
        root=at.raw32("root"),
        ranges=ranges,
        reason=at.text("reason", CODE),
    )


def _range(value: object, path: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise MalformedError(f"{path}: not from, to")
    start, stop = value
    return (
        fields.integer(start, f"{path}[0]"),
        fields.integer(stop, f"{path}[1]"),
    )


def never(value: object, path: str) -> Never:
    """Read one row of never."""
    at = Fields(value, path, ("kind", "note", "value"))
    return Never(
        kind=at.choice("kind", KINDS),
        value=at.text("value", VALUE),
        note=at.text("note", CODE),
    )


def quota(value: object, path: str) -> Quota:
    """Read one row of quota."""
    at = Fields(value, path, ("day", "hour", "member", "purpose"))
    return Quota(
        purpose=at.text("purpose", CODE),
        hour=at.integer("hour", 0, QUOTA_CEILING_HOUR),
        day=at.integer("day", 0, QUOTA_CEILING_DAY),
        member=at.text_or_empty("member", MEMBER_ID),
    )


def limits(at: Fields) -> Limits:
    """Read the roster's limits."""
    found = at.fields("limits", ("bytes", "entries"))
    return Limits(
        entries=found.integer("entries", 1), bytes=found.integer("bytes", 1)
    )


def cap(value: object, path: str) -> Cap:
    """Read one row of cap."""
    at = Fields(value, path, ("days", "evidence", "kind"))
    return Cap(
        days=at.integer("days", 1, 36_500),
        kind=at.choice("kind", KINDS) if "kind" in at else "",
        evidence=at.text_or_empty("evidence", CODE),
    )


def policy(at: Fields) -> Policy:
    """Read the roster's policy."""
    found = at.fields("policy", _POLICY)
    return Policy(**{name: found.choice(name, ACTIONS) for name in _POLICY})
