"""An alliance that was just founded, and its roster's next versions."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from syncd.flows.ceremony import Outcome
from syncd.roster import drafts
from syncd.roster.roster import Roster
from tests import ceremonies
from tests.roster.conftest import NOW, Club, Dice

FOUNDERS = "bank carrier police platform"
HOLDERS = ("police", "bank", "carrier")
CLUB = Club(Dice("founders"))
ADMINS = [CLUB.admin(name) for name in ("anne", "bert")]


class Founded(NamedTuple):
    """An alliance whose version 2 has token keys."""

    roster: Roster
    outcomes: Mapping[str, Outcome]  # of the ceremony, at each holder


def first() -> Roster:
    """Return version 1, which has none."""
    raw = CLUB.signed(CLUB.founding("anne", "bert", members=FOUNDERS))
    return drafts.read(raw)[1]


FIRST = first()


def found(holders: tuple[str, ...] = HOLDERS, t: int = 2) -> Founded:
    drawn = ceremonies.draw(FIRST, CLUB.keys, holders, t)
    keyed = ceremonies.keyed(drafts.begin(FIRST, now=NOW), drawn[holders[0]])
    return Founded(drafts.read(drafts.write(keyed, FIRST))[1], drawn)


FOUNDED = found()


def writing(who: Mapping[str, tuple[str, str, str]]) -> Roster:
    """Return a roster of who writes a log: member, sector and group."""
    one = FOUNDED.roster.members[0]
    members = [
        replace(
            one,
            **dict(zip(("id", "sector", "group"), is_, strict=True)),
            generations=tuple(
                replace(
                    one.generation,
                    log=dataclasses.replace(one.generation.log, name=origin),
                )
                for origin, other in who.items()
                if other == is_
            ),
        )
        for is_ in dict.fromkeys(who.values())
    ]
    return replace(FOUNDED.roster, members=tuple(members))


def signed(draft: Roster, current: Roster | None = None) -> bytes:
    return CLUB.signed(draft, "anne", "bert", current=current)


def chain(length: int) -> list[bytes]:
    """Return the notes of versions 1 to `length`."""
    notes = [signed(FIRST), signed(FOUNDED.roster, FIRST)]
    current = drafts.read(notes[1])[1]
    for n in range(2, length):
        notes.append(signed(drafts.begin(current, now=NOW + n), current))
        current = drafts.read(notes[-1])[1]
    return notes


CHAIN = chain(5)
