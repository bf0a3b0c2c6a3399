"""The people of a roster: members and auditors, their names, keys and logs.

What holds between them (no key twice, every `via` a member) is checked where
the roster is whole.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise, starmap
from re import ASCII
from re import compile as regex
from typing import Annotated, Literal, get_args

from msgspec import Meta
from msgspec.structs import replace

from syncd.errors import MalformedError, Message
from syncd.roster import certificate, row
from syncd.roster.row import (
    Base64,
    Code,
    Flaws,
    Hash,
    Hex32,
    Id,
    Name,
    Natural,
    Row,
    Vkey,
    key_type,
)
from syncd.tlog import note
from syncd.tlog.document import Document

Past = Literal["annul", "keep"]
PASTS = get_args(Past)

ALLIANCE = regex(r"[a-z0-9-]{1,32}", ASCII)
_NUMBER = regex(r"[1-9][0-9]{0,8}", ASCII)  # of a log
_MEMBER = regex(rf"([^/]+/syncd/{ALLIANCE.pattern}/)member", ASCII)
ADMIN_NAME = regex(r"[a-z0-9._-]{1,32}", ASCII)
Url = Annotated[
    str,
    Meta(
        pattern=r"^https://(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})"
        r"(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~-]{1,64}){0,4}\Z"
    ),
]

ROLES = {  # of a member's keys, and their types
    "member": note.ED25519,  # join requests, OPRF replies, ceremony messages
    "seen": note.COSIGNATURE,  # consistent, and the largest that I know
    "merged": note.COSIGNATURE,  # I hold its payloads, my claims have them
}


class Names(Row, frozen=True):
    """What people call somebody."""

    zh: Name
    en: Name


class Keys(Row, frozen=True):
    """A member's keys other than its logs', all distinct."""

    member: Vkey
    seen: Vkey
    merged: Vkey
    tls: Hash  # of the TLS public key (SPKI)
    seal: Hash  # hex X25519 public key, for HPKE

    def flaws(self) -> Flaws:
        """Yield a key that is not what its role wants."""
        for role, algorithm in ROLES.items():
            key: note.VerifierKey = getattr(self, role)
            yield from key_type(role, key, algorithm)

    def said(self, alliance: str) -> bytes:
        """Return what the member key before these signs, to vouch for them."""
        return str(Document("keys", alliance, self.to_json())).encode()


class Cut(Row, frozen=True):
    """A prefix of a log that the alliance vouches for."""

    size: Natural  # entries
    root: Hex32

    KEY = ("size",)


class Predecessor(Row, frozen=True):
    """Where a member's earlier log ended, and this one takes over."""

    origin: row.Origin
    size: Natural  # entries
    root: Hex32


class Generation(Row, frozen=True):
    """One log of a member: the key's name is the origin."""

    log: Vkey
    cuts: tuple[Cut, ...] = ()  # the true log goes through these
    ended: bool = False  # and nothing after the last cut counts
    predecessor: Predecessor | None = None

    KEY = ("origin",)

    @property
    def origin(self) -> str:
        """`<domain>/syncd/<alliance>/<generation>`."""
        return self.log.name

    def flaws(self) -> Flaws:
        """Yield what is wrong with its key or end."""
        yield from key_type("log", self.log, note.ED25519)
        if self.ended and not self.cuts:
            yield "ended", Message("without a cut that says where")


class Profile(Row, frozen=True, kw_only=True):
    """What an institution says of itself, its keys apart."""

    id: Id
    names: Names
    sector: Code  # one that we do not know reads as `other`
    group: row.AnyCode = ""  # of its controller; "" stands alone
    urls: tuple[Url, ...] = ()  # of its peer API, best first
    via: row.AnyId = ""  # member whose peer API serves its log
    info: dict[Code, row.Words] = {}  # noqa: RUF012  msgspec copies it

    LISTS = frozenset({"generations", "urls"})

    def flaws(self) -> Flaws:
        """Yield that an address is there twice."""
        if len(set(self.urls)) != len(self.urls):
            yield "urls", Message("one of them twice")


class Described(Profile, frozen=True, kw_only=True):
    """The same with its keys: what a request and a roster have alike."""

    keys: Keys
    certificate: Base64  # DER; its public key hashes to keys.tls
    vouched: row.Hex64 | Literal[""] = ""  # of keys, by the member key before

    def flaws(self) -> Flaws:
        """Yield what is wrong with its addresses or certificate."""
        yield from super().flaws()
        yield from pinned(self.certificate, self.keys.tls)

    def follows(self, old: Keys, alliance: str) -> bool:
        """Tell whether its keys are those of before, or these vouch for them.

        TLS apart: a certificate is another matter.
        """
        signed = bytes.fromhex(self.vouched)
        return replace(self.keys, tls=old.tls) == old or old.member.holds(
            self.keys.said(alliance), signed
        )


class Wanted(Described, frozen=True, kw_only=True):
    """The same with the log that it is to write."""

    log: Vkey

    def flaws(self) -> Flaws:
        """Yield what is wrong with its description or log key."""
        yield from super().flaws()
        yield from key_type("log", self.log, note.ED25519)


class Returning(Wanted, frozen=True, kw_only=True):
    """How one that lost its keys would go on, if nobody objects."""

    since: row.Positive  # unix seconds: when the first version said so


class Member(Described, frozen=True, kw_only=True):
    """One institution."""

    generations: Annotated[tuple[Generation, ...], Meta(min_length=1)]
    status: Literal["active", "suspended", "removed"]
    suspended_until: Natural = 0  # unix seconds, 0: no date set
    past: Past | Literal[""] = ""  # of a removed one: keep or annul
    returning: Returning | None = None  # all new keys, a day before they are

    KEY = ("id",)

    def flaws(self) -> Flaws:
        """Yield what is wrong with its profile, status or names."""
        yield from super().flaws()
        if (self.status == "removed") != bool(self.past):
            yield "past", Message("goes with status removed, and only with it")
        if self.suspended_until and self.status != "suspended":
            why = Message("in a member that is {status}", self)
            yield "suspended_until", why
        named = _MEMBER.fullmatch(self.keys.member.name)
        prefix = named[1] if named else ""
        for role in ROLES:
            name = getattr(self.keys, role).name
            if name != prefix + role:
                yield f"keys.{role}", Message("named {name}", name=name)
        for why in _logs(prefix, self.generations):
            yield "generations", why

    @property
    def domain(self) -> str:
        """The first part of all its key names."""
        return self.keys.member.name.partition("/")[0]

    @property
    def alliance(self) -> str:
        """The alliance for which its keys are named."""
        return self.keys.member.name.split("/")[2]

    @property
    def controller(self) -> str:
        """What reports must differ in to be independent."""
        return self.group or self.id

    @property
    def active(self) -> bool:
        """Whether peers serve it and expect statements of it."""
        return self.status == "active"

    @property
    def annulled(self) -> bool:
        """Whether all that it ever said has no effect."""
        return self.past == "annul"

    @property
    def generation(self) -> Generation:
        """Its current log."""
        return self.generations[-1]

    @property
    def origin(self) -> str:
        """The origin of its current log."""
        return self.generation.origin

    @property
    def number(self) -> int:
        """The number of its current log."""
        return int(self.origin.rpartition("/")[2])

    def end(self, generation: Generation) -> Cut | None:
        """Return the last size of a log that counts, if it has ended.

        The next generation says where the one before it ended.
        """
        for later in self.generations:
            before = later.predecessor
            if before is not None and before.origin == generation.origin:
                return Cut(before.size, before.root)
        return generation.cuts[-1] if generation.ended else None

    def pins(self, generation: Generation) -> tuple[Cut, ...]:
        """Return the points that a log goes through: its cuts, and its end."""
        end = self.end(generation)
        if end is None or end in generation.cuts:
            return generation.cuts
        return (*generation.cuts, end)


class Auditor(Row, frozen=True):
    """Somebody outside who may read `audit/…` and types 16 and up."""

    id: Id
    names: Names
    tls: Hash  # of the TLS public key (SPKI)
    certificate: Base64

    KEY = ("id",)

    def flaws(self) -> Flaws:
        """Yield what is wrong with its certificate."""
        yield from pinned(self.certificate, self.tls)


def pinned(der: bytes, pin: str) -> Flaws:
    """Yield why a certificate does not belong to a pin."""
    try:
        found = certificate.pin(der)
    except MalformedError as e:
        yield "certificate", Message("{why}", why=str(e).partition(": ")[2])
    else:
        if found != pin:
            why = Message("its public key is not the pinned one")
            yield "certificate", why


def _logs(prefix: str, logs: tuple[Generation, ...]) -> Iterator[Message]:
    """Yield how a member's logs are named amiss, or do not follow on."""
    last = 0
    for log in logs:
        head, _, number = log.origin.rpartition("/")
        if f"{head}/" != prefix or not _NUMBER.fullmatch(number):
            yield Message("a log named {origin}", log)
        elif int(number) <= last:
            yield Message(
                "number {number} follows {last}", number=number, last=last
            )
        else:
            last = int(number)
    if logs[0].predecessor is not None:
        yield Message("the first log follows none")
    yield from filter(None, starmap(_breaks, pairwise(logs)))


def _breaks(before: Generation, after: Generation) -> Message | None:
    """Return why a log does not take over where the one before it ended."""
    end = after.predecessor
    if end is None or end.origin != before.origin:
        return Message("{origin} does not name its predecessor", after)
    size = end.size
    if before.ended:
        return Message("{origin} has ended, its successor says where", end)
    if before.cuts and before.cuts[-1].size > size:
        return Message("{origin} has a cut after its end at {size}", end)
    if any(c.size == size and c.root != end.root for c in before.cuts):
        return Message("{origin} has two roots at its end, {size}", end)
    return None


def publics(member: Member) -> Iterator[tuple[str, bytes]]:
    """Yield whose each public key is, and the key or its hash."""
    for generation in member.generations:
        yield f"log {generation.origin}", generation.log.public
    yield from _publics(f"{member.id}'s", member.keys)
    if back := member.returning:
        yield f"log {back.log.name}", back.log.public
        yield from _publics(f"{member.id}'s new", back.keys)


def _publics(whose: str, keys: Keys) -> Iterator[tuple[str, bytes]]:
    for role in ROLES:
        yield f"{whose} {role}", getattr(keys, role).public
    yield f"{whose} tls", bytes.fromhex(keys.tls)
    yield f"{whose} seal", bytes.fromhex(keys.seal)


def check_different(keys: Iterable[tuple[str, bytes]]) -> None:
    """Check that no key is used twice.

    Raises:
        MalformedError: names the two uses.
    """
    used = dict[bytes, str]()
    for whose, key in keys:
        if key in used:
            raise MalformedError(
                "keys: one is both {used} and {whose}",
                used=used[key],
                whose=whose,
            )
        used[key] = whose
