"""An alliance that was just founded, and its roster's next versions."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from syncd.flows import founding
from syncd.flows.founding import Founded
from syncd.roster import drafts, join, keys, membership, signing
from syncd.roster.join import Request
from syncd.roster.keys import MemberKeys
from syncd.roster.members import Names, Profile
from syncd.roster.roster import Roster
from syncd.roster.terms import Never

NOW = 1_760_000_000
FOUNDERS = ("bank", "carrier", "police", "platform")
HOLDERS = ("police", "bank", "carrier")
ADMINS = [keys.admin("txwz", n, n.encode() * 8) for n in ("anne", "bert")]


class Dice:
    """Random bytes that are the same in every run."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, n: int) -> bytes:
        self.count += 1
        return hashlib.shake_256(b"%d" % self.count).digest(n)


rng = Dice()
OWNERS: dict[str, MemberKeys] = {
    id_: keys.generate(f"{id_}.example", "txwz", rng, now=NOW)
    for id_ in (*FOUNDERS, "payer")
}


def ask(id_: str, alliance_id: str = join.NO_ALLIANCE) -> Request:
    return join.parse(
        join.request(
            OWNERS[id_],
            Profile(
                id=id_,
                names=Names("某", id_),
                sector=id_,
                urls=(f"https://{id_}.example:1", f"https://{id_}.example:2"),
            ),
            now=NOW,
            alliance_id=alliance_id,
        )
    )


APPLICANTS = [ask(id_) for id_ in FOUNDERS]


def found(
    applicants: list[Request] = APPLICANTS,
    holders: tuple[str, ...] = HOLDERS,
    t: int = 2,
    never: Sequence[Never] = (),
) -> Founded:
    return founding.found(
        membership.Founding(
            "txwz",
            applicants,
            [a.verifier for a in ADMINS],
            2,
            never=never,
        ),
        holders=holders,
        t=t,
        now=NOW,
        rng=Dice(),
    )


FOUNDED = found()


def writing(who: Mapping[str, tuple[str, str, str]]) -> Roster:
    """Return a roster of who writes a log: member, sector and group."""
    one = FOUNDED.roster.members[0]
    members = [
        replace(
            *(one,),
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
    raw = drafts.write(draft, current)
    for admin in ADMINS:
        raw = signing.sign(raw, admin, current)
    return raw


def chain(length: int) -> list[bytes]:
    """Return the notes of versions 1 to `length`."""
    notes = [signed(FOUNDED.roster)]
    current = drafts.read(notes[0])[1]
    for n in range(1, length):
        notes.append(signed(drafts.begin(current, now=NOW + n), current))
        current = drafts.read(notes[-1])[1]
    return notes


CHAIN = chain(5)
