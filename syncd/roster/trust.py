"""Which roster we trust: a chain from a pinned first version.

    fingerprint ──pins──> version 1 ──previous──> version 2 ──previous──> …
                          signed by its           signed by the thresholds
                          own threshold           of version 1 and of 2

The rules of TUF's root metadata, as a pure machine: bytes go in, and either
the next version is trusted or an error says why not and nothing has changed.
Fetching, storing and the clock are others' work: an expired roster is a
state that `Roster.expired` tells, not an error here, because the way out of
it is to read the next version.
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from syncd.errors import ForkError, MalformedError, NewerError, UntrustedError
from syncd.roster import roster
from syncd.roster.members import Member
from syncd.roster.roster import MAX_SIZE, Roster
from syncd.roster.row import HEX32
from syncd.roster.terms import Epoch
from syncd.tlog import document, note
from syncd.tlog.note import Note, VerifierKey

WHAT = "roster"
RETURN_S = 86_400  # from when a return is announced


class Link(NamedTuple):
    """What we keep of a version that we trusted."""

    version: int
    hash: str  # hex SHA-256 of the note's text
    admins: Mapping[str, VerifierKey]
    threshold: int


class TrustedRoster:
    """The newest version that we trust, and the chain that led to it."""

    current: Roster  # the newest trusted one

    def __init__(self, fingerprint: str, first: bytes, *others: bytes) -> None:
        """Trust version 1, and those after it, in order.

        Raises:
            MalformedError: `fingerprint` is none; else as `examine`.
        """
        if not HEX32.fullmatch(fingerprint):
            raise MalformedError("roster: fingerprint is not 64 hex digits")
        self.fingerprint = fingerprint
        self._links = list[Link]()
        for raw in (first, *others):
            self.update(raw)

    @property
    def version(self) -> int:
        """The newest trusted version."""
        return len(self._links)

    def hash(self, version: int) -> str:
        """Return the hash of a trusted version, "" if there is none."""
        if not 1 <= version <= len(self._links):
            return ""
        return self._links[version - 1].hash

    def update(self, raw: bytes) -> Roster:
        """Trust the next version; return the current one then.

        A note of a version that we have changes nothing, if it is the same.

        Raises:
            As `examine`.
        """
        found = self.examine(raw)
        if found.version == self.version + 1:
            self._links.append(
                Link(found.version, found.hash, found.admins, found.threshold)
            )
            self.current = found
        return self.current

    def examine(self, raw: bytes) -> Roster:
        """Return what `raw` holds, if `update` would take it; change nothing.

        Raises:
            MalformedError: not a roster.
            NewerError: a roster with fields that this build does not know.
            UntrustedError: not signed by both thresholds, of another
                alliance, not the next one, or against a rule of succession.
            ForkError: signed well, and contradicts a version that we trust.
        """
        signed = note.parse(raw, max_size=MAX_SIZE)
        try:
            found = read(signed)
        except NewerError:
            self._check_newer(signed)
            raise
        self._check_place(found)
        if found.hash == self.hash(found.version):
            return found  # signatures apart, it is what we verified then
        # The one before: none of version 1, whose span is -1 to 0.
        before = self._links[found.version - 2 : found.version - 1]
        _check_threshold(signed, f"version {found.version}", found, *before)
        if found.version <= self.version:
            raise ForkError(
                "roster: admins signed two versions {version}, {hash}… and "
                "{other}…",
                found,
                hash=self.hash(found.version)[:16],
                other=found.hash[:16],
            )
        if found.version == 1:
            _check_agreed((), found)
        for link in before:
            if found.previous != link.hash:
                raise ForkError(
                    "roster: version {version} follows another version "
                    "{before_version}, {previous}…",
                    found,
                    before_version=link.version,
                    previous=found.previous[:16],
                )
            check_succession(self.current, found)
        return found

    def _check_place(self, found: Roster) -> None:
        """Check that it is of our alliance, and not past the next one."""
        if found.version > self.version + 1:
            raise UntrustedError(
                "roster: version {version} cannot follow {self_version}",
                found,
                self_version=self.version,
            )
        if found.version == 1 and found.hash != self.fingerprint:
            raise UntrustedError(
                "roster: fingerprint is not the pinned one",
                hint="compare the fingerprint by phone with an admin; the"
                " file may be forged",
            )
        if self._links and found.id != self.current.id:
            raise UntrustedError(
                "roster: of alliance {alliance}…, not ours",
                alliance=found.id[:16],
            )

    def _check_newer(self, signed: Note) -> None:
        """Check that our admins wrote what we cannot read.

        Or anybody could make us say that newer software is needed.
        """
        if self._links:
            _check_threshold(signed, "a newer version", self._links[-1])
        elif (
            hashlib.sha256(signed.text.encode()).hexdigest()
            != self.fingerprint
        ):
            raise UntrustedError("roster: fingerprint is not the pinned one")


def versions(fingerprint: str, notes: list[bytes]) -> list[Roster]:
    """Return the rosters of a chain of notes, all trusted, newest first.

    Raises:
        As `TrustedRoster.examine`.
    """
    if not notes:
        return []
    trusted = TrustedRoster(fingerprint, notes[0])
    return [trusted.update(raw) for raw in notes][::-1]


def read(signed: Note) -> Roster:
    """Return the roster in a note, of which nothing is proven yet.

    Raises:
        MalformedError, NewerError: as `roster.from_json`.
    """
    found = document.parse(signed.text, WHAT)
    return roster.from_json(found.value, found.alliance)


def _check_threshold(signed: Note, what: str, *bodies: Link | Roster) -> None:
    """Check that enough of each version's admins signed, and none badly."""
    keys = {key for body in bodies for key in body.admins.values()}
    signers = {key.public for key, _ in note.verify(signed, keys)}
    for body in bodies:
        count = sum(key.public in signers for key in body.admins.values())
        if count < body.threshold:
            raise UntrustedError(
                "roster: {what} is signed by {n} of version {version}'s "
                "admins, want {threshold}",
                body,
                what=what,
                n=count,
            )


def check_succession(old: Roster, new: Roster) -> None:
    """Check what no threshold may change from one version to the next.

    Logs, token keys and erasures outlive a version: what was signed under
    them must stay readable, and mean the same.

    Raises:
        UntrustedError: names what changed.
    """
    if new.alliance != old.alliance:
        raise _broken(f"alliance {old.alliance} became {new.alliance}")
    if new.issued < old.issued:
        raise _broken(f"issued {old.issued} went back to {new.issued}")
    if new.format < old.format:
        raise _broken(f"format {old.format} went back to {new.format}")
    for member in old.members:
        _check_keys(member, _check_member(member, new), new)
    epochs = {(e.kind, e.epoch): e for e in new.epochs}
    for epoch in old.epochs:
        _check_epoch(epoch, epochs.pop((epoch.kind, epoch.epoch), None))
    for kind, number in epochs:
        last = max((e.epoch for e in old.epochs if e.kind == kind), default=0)
        if number <= last:
            raise _broken(f"{kind} epoch {number} came after {last}")
    _check_agreed(old.epochs, new)
    if not set(old.erased) <= set(new.erased):
        raise _broken("erased entries came back")


def _check_member(old: Member, roster: Roster) -> Member:
    new = roster.member(old.id)
    if new is None:
        raise _broken(f"{old.id} vanished; a member is removed by its status")
    if new.domain != old.domain:
        raise _broken(f"{old.id}'s domain became {new.domain}")
    for before, after in zip(old.generations, new.generations, strict=False):
        if before.log != after.log:
            raise _broken(f"the log key of {before.origin} changed")
        if before.predecessor != after.predecessor:
            raise _broken(f"the predecessor of {before.origin} changed")
    if len(new.generations) < len(old.generations):
        raise _broken(f"a log of {old.id} vanished")
    return new


def _check_keys(old: Member, new: Member, roster: Roster) -> None:
    """Check that a member's keys change by its word, or a day after notice.

    The notice is a version too: so all can object, and each sees that it was
    given. See docs/adr/0049-coming-back.md.
    """
    back, now = new.returning, roster.issued
    if back and back != old.returning and back.since != now:
        raise _broken(f"{old.id} returns since {back.since}, not since {now}")
    if new.follows(old.keys, roster.id):
        return
    back = old.returning
    if not back or (back.keys, back.log) != (new.keys, new.generation.log):
        raise _broken(
            f"{old.id}'s keys change without its word, and unannounced"
        )
    if (early := back.since + RETURN_S - now) > 0:
        raise _broken(
            f"{old.id} returns with new keys {early} s too early: a day must"
            " pass from its announcement on"
        )


def _check_epoch(old: Epoch, new: Epoch | None) -> None:
    what = f"{old.kind} epoch {old.epoch}"
    if new is None:
        raise _broken(f"{what} vanished; an epoch is retired instead")
    if (old.public, old.suite, old.normal) != (
        new.public,
        new.suite,
        new.normal,
    ):
        raise _broken(f"{what} has another key or normal form")
    if old.retired and not new.retired:
        raise _broken(f"{what} came back")
    shared = replace(old, retired=new.retired, until=new.until) == new
    if new.generation < old.generation + (not shared):
        raise _broken(
            f"{what} has other shares of generation {old.generation}"
        )


def _check_agreed(old: Collection[Epoch], new: Roster) -> None:
    """Check that each holder of new shares signed what came of its ceremony.

    Whoever else signs the roster: a key that its holders have not drawn
    together is nobody's. Of the others they were asked then, and nothing may
    change since.
    """
    known = {(*epoch.key, epoch.generation) for epoch in old}
    for epoch in new.epochs:
        said, there = epoch.said(new.id), (*epoch.key, epoch.generation)
        for one in () if there in known else epoch.agreed:
            key = new.known(one.member).keys.member
            if not key.holds(said, bytes.fromhex(one.signature)):
                raise UntrustedError(
                    "roster: {kind} epoch {epoch}: {member} did not agree to "
                    "this key",
                    epoch,
                    member=one.member,
                )


def _broken(fact: str) -> UntrustedError:
    return UntrustedError("roster: {fact}", fact=fact)
