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
    of = (key for m in roster.members for key in (m.keys.seen, m.keys.merged))
    return [*roster.witnesses, *of]


def vkeys(roster: Roster) -> bytes:
    """Return the keys of all logs, then of all cosigners, a line each."""
    logs = [g.log for m in roster.members for g in m.generations]
    return "\n".join(map(str, (*logs, *cosigners(roster), ""))).encode()


def quorum(roster: Roster) -> int:
    """Return how many members must have cosigned a tree.

    More than half, so any two such groups have a member in common; of two
    members the other one, since nobody cosigns its own log.
    """
    n = len(roster.active())
    return n // 2 + (n != 2)


def policy(roster: Roster) -> bytes:
    """Return that rule for strangers' tools, as a C2SP tlog-policy.

    Of the witnesses outside it has the keys, and asks for none of them.
    """
    lines = [f"log {g.log}" for m in roster.members for g in m.generations]
    lines += [f"witness {key.name} {key}" for key in cosigners(roster)]
    groups = {f"member/{m.id}": m.keys for m in roster.active()}
    for name, keys in groups.items():
        lines += [f"group {name} any {keys.seen.name} {keys.merged.name}"]
    lines += [f"group members {quorum(roster)} {' '.join(groups)}"]
    return "\n".join([*lines, "quorum members", ""]).encode()


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
        """All that could ever cosign and can be checked, by name and ID."""
        return {(k.name, k.key_id): k for k in self.since if k.checkable}

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
