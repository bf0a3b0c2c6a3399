"""The people of a roster: members and auditors, their names, keys and logs.

Values, how each is written, and the reader of each. What holds between them
(no key twice, every `via` a member) is checked where the roster is whole.
"""

import base64
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from syncd.errors import MalformedError
from syncd.roster import certificate, fields
from syncd.roster.fields import CODE, HEX32, Fields, filled
from syncd.tlog import note
from syncd.tlog.note import VerifierKey

_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)

STATUSES = ("active", "suspended", "removed")
PASTS = ("annul", "keep")

ALLIANCE = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
MEMBER_ID = ALLIANCE
ADMIN_NAME = re.compile(r"[a-z0-9._-]{1,32}", re.ASCII)
URL = re.compile(
    r"https://(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(:[1-9][0-9]{0,4})?"
    r"(/[A-Za-z0-9._~-]{1,64}){0,4}",
    re.ASCII,
)

ED25519 = (note.ED25519,)
COSIGNER = (note.COSIGNATURE,)


@dataclass(frozen=True, slots=True)
class Names:
    """What people call somebody."""

    zh: str
    en: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"en": self.en, "zh": self.zh}


@dataclass(frozen=True, slots=True)
class Keys:
    """A member's keys other than its logs', all distinct."""

    member: VerifierKey  # join requests, OPRF replies, ceremony messages
    seen: VerifierKey  # cosigner: consistent, the largest that I know
    merged: VerifierKey  # cosigner: I hold its payloads, my claims have them
    tls: str  # hex SHA-256 of the TLS public key (SPKI)
    seal: str  # hex X25519 public key, for HPKE

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "member": str(self.member),
            "merged": str(self.merged),
            "seal": self.seal,
            "seen": str(self.seen),
            "tls": self.tls,
        }


@dataclass(frozen=True, slots=True)
class Cut:
    """A prefix of a log that the alliance vouches for."""

    size: int  # entries
    root: bytes  # 32 bytes

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"root": self.root.hex(), "size": self.size}


@dataclass(frozen=True, slots=True)
class Predecessor:
    """Where a member's earlier log ended, and this one takes over."""

    origin: str
    size: int  # entries
    root: bytes  # 32 bytes

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "origin": self.origin,
            "root": self.root.hex(),
            "size": self.size,
        }


@dataclass(frozen=True, slots=True)
class Generation:
    """One log of a member: the key's name is the origin."""

    log: VerifierKey
    cuts: tuple[Cut, ...] = ()  # by size: the true log goes through these
    ended: bool = False  # and nothing after the last cut counts
    predecessor: Predecessor | None = None

    @property
    def origin(self) -> str:
        """Return `<domain>/syncd/<alliance>/<generation>`."""
        return self.log.name

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return filled(
            cuts=[c.to_json() for c in self.cuts],
            ended=self.ended,
            log=str(self.log),
            predecessor=self.predecessor and self.predecessor.to_json(),
        )


@dataclass(frozen=True, slots=True)
class Member:
    """One institution."""

    id: str
    names: Names
    sector: str  # code; one that we do not know reads as `other`
    keys: Keys
    certificate: bytes  # DER; its public key hashes to keys.tls
    generations: tuple[Generation, ...]  # oldest first, one at least
    status: str = "active"  # of STATUSES
    group: str = ""  # code of the controller; "" stands alone
    urls: tuple[str, ...] = ()  # of its peer door, best first
    via: str = ""  # member whose door relays for it
    suspended_until: int = 0  # unix seconds, 0: no date set
    past: str = ""  # of a removed one: keep or annul
    info: Mapping[str, str] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """Return the first part of all its key names."""
        return self.keys.member.name.partition("/")[0]

    @property
    def alliance(self) -> str:
        """Return the alliance for which its keys are named."""
        return self.keys.member.name.split("/")[2]

    @property
    def controller(self) -> str:
        """Return what reports must differ in to be independent."""
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
        """Return its current log."""
        return self.generations[-1]

    @property
    def origin(self) -> str:
        """Return the origin of its current log."""
        return self.generation.origin

    @property
    def number(self) -> int:
        """Return the number of its current log."""
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

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return filled(
            certificate=base64.b64encode(self.certificate).decode(),
            generations=[g.to_json() for g in self.generations],
            group=self.group,
            id=self.id,
            info=dict(self.info),
            keys=self.keys.to_json(),
            names=self.names.to_json(),
            past=self.past,
            sector=self.sector,
            status=self.status,
            suspended_until=self.suspended_until,
            urls=list(self.urls),
            via=self.via,
        )


@dataclass(frozen=True, slots=True)
class Auditor:
    """Somebody outside who may read `audit/…` and types 16 and up."""

    id: str
    names: Names
    tls: str  # hex SHA-256 of the TLS public key (SPKI)
    certificate: bytes  # DER

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "certificate": base64.b64encode(self.certificate).decode(),
            "id": self.id,
            "names": self.names.to_json(),
            "tls": self.tls,
        }


_MEMBER = frozenset(f.name for f in dataclasses.fields(Member))


def member_id(value: object, path: str) -> str:
    """Read a member's id."""
    return fields.text(value, path, MEMBER_ID)


def names_of(at: Fields) -> Names:
    """Read the field `names`."""
    found = at.fields("names", ("en", "zh"))
    return Names(zh=found.words("zh", 64), en=found.words("en", 64))


def keys_of(at: Fields) -> Keys:
    """Read the field `keys`."""
    found = at.fields("keys", ("member", "merged", "seal", "seen", "tls"))
    return Keys(
        member=_role_key(found, "member", ED25519),
        seen=_role_key(found, "seen", COSIGNER),
        merged=_role_key(found, "merged", COSIGNER),
        tls=found.text("tls", HEX32),
        seal=found.text("seal", HEX32),
    )


def _role_key(
    at: Fields, role: str, algorithms: tuple[int, ...]
) -> VerifierKey:
    found = at.key(role, algorithms)
    match found.name.split("/"):
        case [_, "syncd", alliance, last] if last == role:
            fields.text(alliance, at.at(role), ALLIANCE)
        case _:
            raise at.bad(role, f"named {found.name}")
    return found


def certificate_of(at: Fields, pin: str) -> bytes:
    """Read the field `certificate`, whose key must hash to `pin`."""
    der = at.base64("certificate")
    if certificate.pin(der, at.at("certificate")) != pin:
        raise at.bad("certificate", "its public key is not the pinned one")
    return der


def info_of(at: Fields) -> dict[str, str]:
    """Read the field `info`: codes to words."""
    return {
        name: fields.words(value, f"{at.at('info')}.{name}")
        for name, value in at.mapping("info").items()
    }


def url(value: object, path: str) -> str:
    """Read the URL of a peer door."""
    return fields.text(value, path, URL)


def urls_of(at: Fields) -> tuple[str, ...]:
    """Read the field `urls`: a list in order of preference."""
    found = at.items("urls", url)
    if len(set(found)) != len(found):
        raise at.bad("urls", "one of them twice")
    return found


def generation(value: object, path: str) -> Generation:
    """Read one generation of a log."""
    at = Fields(value, path, ("cuts", "ended", "log", "predecessor"))
    found = Generation(
        log=at.key("log", ED25519),
        cuts=at.items("cuts", _cut, order=lambda c: c.size),
        ended=at.flag("ended"),
        predecessor=_predecessor(at) if "predecessor" in at else None,
    )
    if found.ended and not found.cuts:
        raise at.bad("ended", "without a cut that says where")
    return found


def _cut(value: object, path: str) -> Cut:
    at = Fields(value, path, ("root", "size"))
    return Cut(size=at.integer("size"), root=at.raw32("root"))


def _predecessor(at: Fields) -> Predecessor:
    found = at.fields("predecessor", ("origin", "root", "size"))
    return Predecessor(
        origin=found.key_name("origin"),
        size=found.integer("size"),
        root=found.raw32("root"),
    )


def member(value: object, path: str) -> Member:
    """Read one member."""
    at = Fields(value, path, _MEMBER)
    keys = keys_of(at)
    status = at.choice("status", STATUSES)
    found = Member(
        id=at.text("id", MEMBER_ID),
        names=names_of(at),
        sector=at.text("sector", CODE),
        keys=keys,
        certificate=certificate_of(at, keys.tls),
        generations=at.items("generations", generation, needed=True),
        status=status,
        group=at.text_or_empty("group", CODE),
        urls=urls_of(at),
        via=at.text_or_empty("via", MEMBER_ID),
        suspended_until=(
            at.integer("suspended_until", 1) if "suspended_until" in at else 0
        ),
        past=at.choice("past", PASTS) if "past" in at else "",
        info=info_of(at),
    )
    if (status == "removed") != bool(found.past):
        raise at.bad("past", "goes with status removed, and only with it")
    if found.suspended_until and status != "suspended":
        raise at.bad("suspended_until", f"in a member that is {status}")
    return found


def auditor(value: object, path: str) -> Auditor:
    """Read one auditor."""
    at = Fields(value, path, ("certificate", "id", "names", "tls"))
    tls = at.text("tls", HEX32)
    return Auditor(
        id=at.text("id", MEMBER_ID),
        names=names_of(at),
        tls=tls,
        certificate=certificate_of(at, tls),
    )


def check_names(member: Member) -> None:
    """Check that all key names begin alike, and that logs follow on.

    Raises:
        MalformedError: names the key.
    """
    prefix = f"{member.domain}/syncd/{member.alliance}/"
    keys = member.keys
    for role, key in (
        ("member", keys.member),
        ("seen", keys.seen),
        ("merged", keys.merged),
    ):
        if key.name != prefix + role:
            raise MalformedError(
                f"member {member.id}'s {role} key is named {key.name}"
            )
    last = 0
    for found in member.generations:
        number = found.origin.removeprefix(prefix)
        if not (found.origin.startswith(prefix) and _NUMBER.fullmatch(number)):
            raise MalformedError(
                f"member {member.id} has a log named {found.origin}"
            )
        if int(number) <= last:
            raise MalformedError(
                f"member {member.id}'s generation {number} follows {last}"
            )
        last = int(number)
    if member.generations[0].predecessor is not None:
        raise MalformedError(f"member {member.id}'s first log follows none")
    for before, after in pairwise(member.generations):
        _check_succession(before, after)


def _check_succession(before: Generation, after: Generation) -> None:
    """Check that a log takes over where the one before it ended."""
    end = after.predecessor
    if end is None or end.origin != before.origin:
        raise MalformedError(
            f"member: {after.origin} does not name its predecessor"
        )
    if before.ended:
        raise MalformedError(
            f"member: {before.origin} has ended, its successor says where"
        )
    if before.cuts and before.cuts[-1].size > end.size:
        raise MalformedError(
            f"member: {before.origin} has a cut after its end at {end.size}"
        )
    if any(c.size == end.size and c.root != end.root for c in before.cuts):
        raise MalformedError(
            f"member: {before.origin} has two roots at its end, {end.size}"
        )


def check_keys(member: Member) -> None:
    """Check that no two of a member's keys are the same.

    Raises:
        MalformedError: names the two.
    """
    check_different(publics(member))


def publics(member: Member) -> Iterator[tuple[str, bytes]]:
    """Yield whose each public key is, and the key or its hash."""
    for generation in member.generations:
        yield f"log {generation.origin}", generation.log.public
    keys = member.keys
    yield f"{member.id}'s member", keys.member.public
    yield f"{member.id}'s seen", keys.seen.public
    yield f"{member.id}'s merged", keys.merged.public
    yield f"{member.id}'s tls", bytes.fromhex(keys.tls)
    yield f"{member.id}'s seal", bytes.fromhex(keys.seal)


def check_different(keys: Iterable[tuple[str, bytes]]) -> None:
    """Check that no key is used twice.

    Raises:
        MalformedError: names the two uses.
    """
    used: dict[bytes, str] = {}
    for whose, key in keys:
        if key in used:
            raise MalformedError(f"keys: one is both {used[key]} and {whose}")
        used[key] = whose
