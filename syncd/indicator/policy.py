"""What an alliance makes of claims: caps, actions, and who is who.

The roster decides these. `verdict` takes them as the small frozen values of
this module, so that a verdict can be replayed from a table of cases without
a whole roster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from syncd.roster.roster import Roster

ACTIONS: Final = ("label", "warn", "verify", "delay", "restrict", "hold")

DEFAULT_CAPS: Final[Mapping[tuple[str, str], int]] = {
    ("phone", ""): 180,
    ("url", ""): 90,
    ("account", ""): 730,
    ("", "police_case"): 1095,
}


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who writes a log, as far as a verdict asks."""

    member: str  # id
    sector: str  # code
    group: str  # code of the controller; a member of its own if alone


@dataclass(frozen=True, slots=True)
class Policy:
    """For how long reports count, and what is to be done about them."""

    caps: Mapping[tuple[str, str], int] = field(
        default_factory=lambda: DEFAULT_CAPS
    )  # (kind or "", evidence or "") → days
    suspected: str = "warn"
    disputed: str = "warn"
    disputed_vouched: str = "verify"
    confirmed: str = "delay"
    official: str = "hold"  # confirmed by an official report
    spoofed: str = "warn"  # at most, when only spoofed reports are left
    ceiling: str = "delay"  # at most, where no person decides

    def cap(self, kind: str, evidence: str) -> int:
        """Return for how many days after `seen` a report counts at most.

        The closest row decides: kind and evidence, evidence, kind.
        """
        for row in ((kind, evidence), ("", evidence), (kind, "")):
            if row in self.caps:
                return self.caps[row]
        return DEFAULT_CAPS[kind, ""]


DEFAULT: Final = Policy()


def lower(a: str, b: str) -> str:
    """Return the milder of two actions; "" (nothing to do) is the mildest."""
    return min(a, b, key=_rank)


def stronger(a: str, b: str) -> str:
    """Return the stronger of two actions."""
    return max(a, b, key=_rank)


def _rank(action: str) -> int:
    return ACTIONS.index(action) if action else -1


def of(roster: Roster) -> Policy:
    """Return the policy that a roster sets."""
    rules = roster.policy
    return Policy(
        caps={(c.kind, c.evidence): c.days for c in roster.caps},
        suspected=rules.suspected,
        disputed=rules.disputed,
        disputed_vouched=rules.disputed_vouched,
        confirmed=rules.confirmed,
        official=rules.official,
        spoofed=rules.spoofed,
        ceiling=rules.ceiling,
    )


def reporters(roster: Roster) -> dict[str, Reporter]:
    """Return who writes each log whose claims have effect, by origin.

    A removed member's past is kept, unless the roster annuls it: then its
    logs are not in here, and their claims do nothing.
    """
    return {
        generation.origin: Reporter(
            member.id, member.sector, member.controller
        )
        for member in roster.members
        if not member.annulled
        for generation in member.generations
    }
