"""A member's keys change by its own word, or a day after all were told."""

import re
from dataclasses import replace
from typing import Any

from msgspec import structs

from syncd import shape
from syncd.roster import drafts, join, members, membership
from syncd.roster.roster import Roster
from syncd.roster.trust import RETURN_S, TrustedRoster
from tests.cases import tried
from tests.refusals import failing, malformed, refused
from tests.roster.conftest import NOW, Club, begin

DAY, END = NOW + RETURN_S, members.Cut(7, b"\4" * 32)


def end(_: members.Generation) -> members.Cut:
    return END


def returning(
    club: Club, machine: TrustedRoster, now: int = DAY, **other: Any
) -> Roster:
    """Return a draft that announces bank's return, with all new keys."""
    club.keys["bank"] = replace(club.draw(), **{"generation": 2} | other)
    draft = begin(machine, now)
    return membership.add(draft, join.parse(club.request("bank", draft.id)))


def back(machine: TrustedRoster, now: int = DAY) -> Roster:
    return membership.bring_back(begin(machine, now), "bank", end)


def test_a_member_returns_a_day_after_all_were_told(
    club: Club, machine: TrustedRoster
) -> None:
    """Under its id, with all new keys, in a log that follows its old one."""
    old = machine.current.known("bank")
    waiting = club.follow(machine, returning(club, machine, NOW)).known("bank")
    assert structs.replace(waiting, returning=None) == old
    log = club.keys["bank"].log.verifier
    assert machine.current.lists(log)
    club.follow(machine, begin(machine, NOW + 9))
    found = club.follow(machine, back(machine)).known("bank")
    assert (found.keys, found.returning) == (club.keys["bank"].public, None)
    assert found.end(old.generation) == END
    assert (found.number, found.generation.log) == (2, log)


def withdrawn(club: Club, machine: TrustedRoster) -> Roster:
    """Have bank object: the admins take the announcement back."""
    was = back(machine)
    at = ("members", "bank", "returning")
    club.follow(machine, drafts.put(begin(machine, NOW + 9), at, None))
    return structs.replace(begin(machine, DAY), members=was.members)


def other_keys(club: Club, machine: TrustedRoster) -> Roster:
    """Let those in that were not announced."""
    draft = back(machine)
    tls = draft.known("bank").keys.tls
    fresh = structs.replace(club.draw().public, tls=tls)
    return drafts.put(draft, ("members", "bank", "keys"), fresh)


def removed(club: Club, machine: TrustedRoster) -> Roster:
    club.follow(machine, membership.remove(begin(machine, NOW), "bank"))
    return returning(club, machine)


def one_of(role: str, whose: str) -> Any:
    """Return a return with one thing that is somebody's already."""
    return lambda c, m: returning(c, m, **{role: getattr(c.keys[whose], role)})


SINCE = ("members", "bank", "returning", "since")
# What is done, why that is refused, and when all were told of a return.
REFUSED: dict[str, tuple[Any, ...]] = {
    "without an announcement": (
        lambda c, m: membership.bring_back(returning(c, m), "bank", end),
        "and unannounced",
    ),
    "after it was withdrawn": (withdrawn, "and unannounced", NOW),
    "with other keys than announced": (other_keys, "and unannounced", NOW),
    "younger than a day": (
        lambda _, m: back(m, DAY - 1),
        "too early: a day",
        NOW,
    ),
    "announced anew meanwhile": (
        lambda _, m: back(m),
        "too early: a day",
        *(NOW, DAY - 60),
    ),
    "backdated": (
        lambda c, m: drafts.put(returning(c, m), SINCE, NOW),
        "returns since",
    ),
    "of no member": (
        lambda _, m: membership.bring_back(m.current, "ghost", end),
        "no member ghost",
    ),
    "of whom nobody announced": (lambda _, m: back(m), "no return of bank"),
    "of one that was removed": (removed, "removed) is already in it"),
    "in its old log": (one_of("generation", "bank"), "is already in it"),
    "with its old seal key": (
        one_of("seal_private", "bank"),
        "both bank's seal and bank's new seal",
    ),
    "with another's key": (
        one_of("seal_private", "carrier"),
        "both bank's new seal and carrier's seal",
    ),
}


@tried("case", REFUSED.values(), ids=REFUSED)
def test_a_return_that_is_refused(
    club: Club, machine: TrustedRoster, case: tuple[Any, ...]
) -> None:
    attack, why, *told = case
    for at in told:
        club.follow(machine, returning(club, machine, at))
    with failing(re.escape(why)):
        drafts.write(attack(club, machine), machine.current)


# ------------------------------------------------------------- by plan


def rotated(
    club: Club, roster: Roster, by: str = "bank", **other: Any
) -> join.Request:
    """Return bank's request for other keys, vouched for by a member key."""
    for same in ("log_seed", "tls_pem", "certificate"):
        other[same] = getattr(club.keys["bank"], same)
    new, said = replace(club.draw(), **other), club.keys[by].member.raw_sign
    return join.parse(
        join.request(
            new,
            shape.part(members.Profile, roster.known("bank")),
            now=NOW,
            alliance_id=roster.id,
            more={"vouched": said(new.public.said(roster.id)).hex()},
        )
    )


def test_a_member_takes_new_keys_by_its_word(
    club: Club, machine: TrustedRoster
) -> None:
    """At once: the old member key vouches for them, in the roster itself."""
    draft = begin(machine, NOW)
    with refused("do not vouch for"):
        membership.update(draft, rotated(club, draft, "carrier"), end)
    asked = rotated(club, draft, seen_seed=club.keys["carrier"].seen_seed)
    wrong = membership.update(draft, asked, end)
    with malformed("carrier's seen"):
        drafts.write(wrong, machine.current)
    asked = rotated(club, draft)
    club.follow(machine, membership.update(draft, asked, end))
    bank = club.follow(machine, begin(machine, NOW)).known("bank")
    assert (bank.keys, bank.number) == (asked.keys, 1)
