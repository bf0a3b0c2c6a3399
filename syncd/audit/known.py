"""Whose signatures count in an audit: all versions of the roster together.

Keys come and go with versions, and what they signed in their time stays. So
a line is held against every version's keys, not against the newest alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from syncd.errors import UntrustedError
from syncd.indicator.absent import Range
from syncd.roster.members import Generation, Member
from syncd.roster.roster import Roster
from syncd.tlog.note import VerifierKey


def cosigners(roster: Roster) -> list[VerifierKey]:
    """Return every key whose line may stand under a checkpoint."""
    keys = list(roster.witnesses)
    for member in roster.members:
        keys += [member.keys.seen, member.keys.merged]
    return keys


def vkeys(roster: Roster) -> bytes:
    """Return the keys of all logs, then of all cosigners, a line each."""
    logs = [g.log for m in roster.members for g in m.generations]
    return "".join(f"{key}\n" for key in (*logs, *cosigners(roster))).encode()


def ordered(roster: Roster, origin: str) -> list[Range]:
    """Return what the roster erased of a log: `by` is the size it names."""
    return [
        (start, stop, row.size)
        for row in roster.erased
        if row.origin == origin
        for start, stop in row.ranges
    ]


def erasable(roster: Roster, origin: str, size: int) -> list[Range]:
    """Return what a log of `size` entries need not open, by its roster."""
    found = ordered(roster, origin)
    if roster.retired:  # no leaf tells of which epoch it is
        found.append((0, size, size))
    return found


@dataclass(frozen=True)
class Keys:
    """The keys of a chain of rosters, the newest first."""

    rosters: Sequence[Roster]

    @cached_property
    def by_id(self) -> dict[tuple[str, bytes], VerifierKey]:
        """All that could ever cosign, by name and key ID."""
        every = (key for r in self.rosters for key in cosigners(r))
        return {(key.name, key.key_id): key for key in every}

    @cached_property
    def since(self) -> dict[VerifierKey, int]:
        """When the first roster that lists a cosigner was issued."""
        return {k: r.issued for r in self.rosters for k in cosigners(r)}

    def log(self, origin: str) -> tuple[Member, Generation]:
        """Return whose log that is.

        Raises:
            UntrustedError: it never was anybody's.
        """
        for roster in self.rosters:
            if found := roster.by_origin(origin):
                return found
        raise UntrustedError(
            "roster: nobody's log is {origin}", origin=origin[:100]
        )

    def signer(self, name: str) -> tuple[str, str]:
        """Return who signs by a cosigner's key of that name, and as what.

        That is a member's id and `seen` or `merged`, or a name and `witness`.
        """
        for roster in self.rosters:
            if member := roster.by_key_name(name):
                return member.id, name.rpartition("/")[2]
        return name, "witness"
