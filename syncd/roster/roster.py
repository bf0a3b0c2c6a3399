"""The roster: who may sign what, until when, and by which policy.

    syncd/roster/v1
    4d1a…e9                      alliance id: hex SHA-256 of line 3 of version 1
    {"admins":[…],"alliance":…   one canonical JSON object: this module

This module checks form, and what one version must hold in itself. Signatures
and the chain of versions are `trust`'s work; edits are `drafts`'.

A set is a sorted list without repeats, what is false or empty is left out,
and each version has one spelling: `from_json(r.to_json(), r.id) == r`. A field
or code that this build does not know is a NewerError. docs/roster.md says
what every field means.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from syncd import canonical
from syncd.errors import MalformedError, Message, UntrustedError
from syncd.roster import members, row, terms
from syncd.roster.members import Auditor, Generation, Member
from syncd.roster.row import HEX32, Flaws, Id, Positive, Row, Vkey, key_type
from syncd.roster.terms import ALL, Epoch, Quota
from syncd.tlog import note
from syncd.tlog.note import VerifierKey
from syncd.tlog.strict import sha256_hex

FORMAT = 1  # the newest statement format that this build implements
MAX_LIFE_S = 90 * 86_400  # from `issued` to `expires`
GRACE_S = 7 * 86_400  # after expiry: what is first merged later has no effect
MAX_SIZE = 16 << 20  # bytes of a roster note

Zone = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}\Z")
]
WITNESS = (note.COSIGNATURE, note.MLDSA44)


class Roster(Row, frozen=True, kw_only=True, dict=True):
    """One version of the roster, whole."""

    id: str  # alliance id: line 2; "" only in a draft of version 1
    alliance: Id
    version: Positive
    previous: str = ""  # hash of the version before; "" for version 1
    issued: Positive  # unix seconds
    expires: Positive  # unix seconds
    format: Positive
    zone: Zone
    admin_keys: Annotated[tuple[Vkey, ...], Meta(min_length=1)] = (
        msgspec.field(name="admins")
    )
    threshold: Positive
    members: Annotated[tuple[Member, ...], Meta(min_length=1)]
    auditors: tuple[Auditor, ...] = ()
    witnesses: tuple[Vkey, ...] = ()  # C2SP witnesses outside
    holders: tuple[Id, ...] = ()  # members that answer evaluations
    epochs: tuple[Epoch, ...] = ()
    erased: tuple[terms.Erased, ...] = ()
    never: tuple[terms.Never, ...] = ()
    quotas: tuple[Quota, ...]
    limits: terms.Limits
    caps: tuple[terms.Cap, ...]
    policy: terms.Policy

    def to_json(self) -> Any:
        """Return the JSON object of line 3."""
        value = row.plain(self)
        del value["id"]
        return value

    @cached_property
    def raw(self) -> bytes:
        """Line 3: the canonical JSON."""
        return canonical.dumps(self.to_json())

    @cached_property
    def text(self) -> str:
        """The text that admins sign: three lines."""
        return f"syncd/roster/v1\n{self.id}\n{self.raw.decode()}\n"

    @cached_property
    def hash(self) -> str:
        """Hex SHA-256 of the text; of version 1 it is the fingerprint."""
        return sha256_hex(self.text.encode())

    def flaws(self) -> Flaws:
        """Yield what no row can see alone."""
        if self.version == 1 and self.previous:
            yield "previous", Message("version 1 has none")
        if self.version > 1 and not HEX32.fullmatch(self.previous):
            yield "previous", Message("not 64 hex digits")
        if not 0 < self.expires - self.issued <= MAX_LIFE_S:
            yield "expires", Message("{expires}, and issued {issued}", self)
        for n, key in enumerate(self.admin_keys):
            yield from key_type(f"admins[{n}]", key, note.ED25519)
        for n, key in enumerate(self.witnesses):
            yield from key_type(f"witnesses[{n}]", key, *WITNESS)
        yield from _people(self)
        yield from _references(self)
        yield from _rows(self)

    @cached_property
    def admins(self) -> dict[str, note.VerifierKey]:
        """Their keys by the last part of the key's name."""
        return {k.name.rpartition("/")[2]: k for k in self.admin_keys}

    @cached_property
    def _by_id(self) -> dict[str, Member]:
        return {m.id: m for m in self.members}

    @cached_property
    def by_tls(self) -> dict[str, Member]:
        """The active members by TLS key."""
        return {m.keys.tls: m for m in self.members if m.active}

    @cached_property
    def _by_origin(self) -> dict[str, tuple[Member, Generation]]:
        return {g.origin: (m, g) for m in self.members for g in m.generations}

    def member(self, id: str) -> Member | None:  # noqa: A002  the field's name
        """Return the member with that id, whatever its status."""
        return self._by_id.get(id)

    def known(self, id: str) -> Member:  # noqa: A002  the field's name
        """Return the member with that id, whatever its status.

        Raises:
            UntrustedError: there is none.
        """
        if id not in self._by_id:
            raise UntrustedError("roster: no member {member}", member=id)
        return self._by_id[id]

    def active(self) -> tuple[Member, ...]:
        """Return the active members, by id."""
        return tuple(m for m in self.members if m.active)

    def by_origin(self, origin: str) -> tuple[Member, Generation] | None:
        """Return whose log an origin is, whatever the member's status."""
        return self._by_origin.get(origin)

    def owner(self, origin: str) -> str:
        """Return the id of the member whose log that is, "" for none."""
        found = self.by_origin(origin)
        return found[0].id if found else ""

    def by_key_name(self, name: str) -> Member | None:
        """Return whose key or origin bears that name, by its domain."""
        domain = name.partition("/")[0]
        return next((m for m in self.members if m.domain == domain), None)

    def origins(self) -> tuple[str, ...]:
        """Return all origins; those that active members write to first."""
        first = dict.fromkeys(m.origin for m in self.members if m.active)
        return tuple(first | dict.fromkeys(self._by_origin))

    @cached_property
    def authors(self) -> dict[str, Member]:
        """Who writes each log whose claims have effect, by origin."""
        by_origin = self._by_origin.items()
        return {o: m for o, (m, _) in by_origin if not m.annulled}

    def lists(self, log: VerifierKey) -> bool:
        """Tell whether a log is a member's, or announced to be."""
        return any(
            log in (m.generation.log, m.returning and m.returning.log)
            for m in self.members
        )

    def expired(self, now: int) -> bool:
        """Whether no new reports and vouches may be written."""
        return now >= self.expires

    def lapsed(self, now: int) -> bool:
        """Whether what is first merged now has no effect for a while."""
        return now >= self.expires + GRACE_S

    @property
    def stops_merging(self) -> bool:
        """Whether statements may mean what this build does not know."""
        return self.format > FORMAT

    @cached_property
    def retired(self) -> frozenset[tuple[str, int]]:
        """The (kind, epoch) of which every entry is erased."""
        return frozenset((e.kind, e.epoch) for e in self.epochs if e.retired)

    @cached_property
    def replaced(self) -> tuple[Epoch, ...]:
        """The token keys that are asked beside the next one of their kind."""
        return tuple(e for e in self.epochs if e.until and not e.retired)

    def in_use(self, kind: str) -> tuple[int, ...]:
        """Return the numbers of a kind's epochs in use, newest first, or 0."""
        found = (e for e in self.epochs if e.kind == kind and not e.retired)
        return tuple(sorted((e.epoch for e in found), reverse=True)) or (0,)

    def epoch(self, kind: str, number: int = 0) -> Epoch | None:
        """Return an epoch of a kind: the newest in use, or that number."""
        want = kind, number or self.in_use(kind)[0]
        return next((e for e in self.epochs if e.key == want), None)

    def holders_of(self, epoch: Epoch) -> dict[int, Member]:
        """Return who answers for a key, by share index."""
        return {
            index: member
            for index, (id_, _) in sorted(epoch.shares.items())
            if id_ in self.holders
            and (member := self._by_id[id_]).status == "active"
        }

    @cached_property
    def _quotas(self) -> dict[tuple[str, str], Quota]:
        return {(q.member, q.purpose): q for q in self.quotas}

    @cached_property
    def _caps(self) -> dict[tuple[str, str], int]:
        return {(c.kind, c.evidence): c.days for c in self.caps}

    def quota(self, member: str, purpose: str, day: str = "") -> Quota:
        """Return the row that applies: the member's own, or everybody's.

        A purpose without any row falls under `all`; one that has ended by a
        day is none.
        """
        rows = self._quotas
        closest = (member, purpose), ("", purpose), (member, ALL), ("", ALL)
        found = (rows[key] for key in closest if key in rows)
        return next(row for row in found if day <= (row.until or day))

    def cap(self, kind: str, evidence: str) -> int:
        """Return for how many days a report counts: the closest row."""
        days = self._caps
        closest = (kind, evidence), ("", evidence), (kind, "")
        return next(days[key] for key in closest if key in days)


def from_json(value: object, id: str = "") -> Roster:  # noqa: A002
    """Read line 3 of a roster note, a JSON value; `id` is its line 2.

    Version 1 has the id that its own bytes hash to.

    Raises:
        MalformedError: not a roster; the message names the path.
        NewerError: a field or code that this build does not know.
    """
    if isinstance(value, dict):
        if "id" in value:
            raise row.newer("roster.id", Message("unknown field"))
        if value.get("version") == 1:
            own = sha256_hex(canonical.dumps(value))
            if id not in ("", own):
                raise MalformedError(
                    "roster: version 1 does not hash to its id"
                )
            id = own  # noqa: A001
        value = {**value, "id": id}
    found = row.read(Roster, value, "roster")
    members.check_different(_publics(found))
    return found


def _people(found: Roster) -> Flaws:
    """Yield who does not fit in: names, and places that are taken."""
    for name, key in found.admins.items():
        if key.name != f"{found.alliance}/admin/{name}":
            yield "admins", Message("{name} is out of place", key)
    if len(found.admins) < len(found.admin_keys):
        yield "admins", Message("one name twice")
    if found.threshold > len(found.admins):
        n = len(found.admins)
        yield "threshold", Message("{threshold} of {n} admins", found, n=n)
    for member in found.members:
        id_, via = member.id, member.via
        if member.alliance != found.alliance:
            why = Message(
                "{member}'s keys are named for {named}",
                member=id_,
                named=member.alliance,
            )
            yield "members", why
        if via and (via == id_ or not found.member(via)):
            why = Message("{member} is via no other member", member=id_)
            yield "members", why
    for domain in _twice(m.domain for m in found.members):
        yield "members", Message("domain {domain} occurs twice", domain=domain)
    for name in _twice(w.name for w in found.witnesses):
        yield "witnesses", Message("{name} occurs twice", name=name)
    for auditor in found.auditors:  # a record must say who it was
        if found.member(auditor.id) is not None:
            yield "auditors", Message("id {id} occurs twice", auditor)


def _twice(names: Iterable[str]) -> Iterator[str]:
    return (name for name, n in Counter(names).items() if n > 1)


def _publics(found: Roster) -> Iterator[tuple[str, bytes]]:
    for name, key in found.admins.items():
        yield f"admin {name}", key.public
    for witness in found.witnesses:
        yield f"witness {witness.name}", witness.public
    for auditor in found.auditors:
        yield f"auditor {auditor.id}", bytes.fromhex(auditor.tls)
    for member in found.members:
        yield from members.publics(member)


def _references(found: Roster) -> Flaws:
    """Yield who is named, and is nobody."""
    for id_ in found.holders:
        member = found.member(id_)
        if member is None or member.status == "removed":
            yield "holders", Message("{member} is no member", member=id_)
        if all(e.index(id_) is None for e in found.epochs):
            yield "holders", Message("{member} holds no share", member=id_)
    named = [("epochs", s.member) for e in found.epochs for s in e.held]
    named += [  # everybody's rows have no end
        ("quotas", q.member or "*")
        for q in found.quotas
        if q.member or q.until
    ]
    for where, id_ in named:
        if found.member(id_) is None:
            yield where, Message("{member} is no member", member=id_)
    for erased in found.erased:
        if found.by_origin(erased.origin) is None:
            yield "erased", Message("{origin} is nobody's log", erased)


def _rows(found: Roster) -> Flaws:
    """Yield for what no quota or cap is there to fall back on."""
    everybody = {q.purpose for q in found.quotas if not q.member}
    for purpose in (ALL, terms.LOOKUP, terms.PUBLISH):
        if purpose not in everybody:
            yield "quotas", Message("none for {purpose}", purpose=purpose)
    caps = {c.kind for c in found.caps if not c.evidence}
    if "" in caps:
        yield "caps", Message("a row without kind and evidence")
    for kind in terms.KINDS:
        if kind not in caps:
            yield "caps", Message("none for {kind}", kind=kind)
