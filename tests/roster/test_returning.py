"""A member's keys change by its own word, or a day after all were told."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from syncd import shape
from syncd.errors import MalformedError, RefusedError, SyncdError
from syncd.roster import drafts, join, keys, membership
from syncd.roster.join import Request
from syncd.roster.members import Cut, Generation, Profile
from syncd.roster.roster import Roster
from syncd.roster.trust import RETURN_S, TrustedRoster
from tests.roster.conftest import NOW, Club

DAY, END = NOW + RETURN_S, Cut(7, b"\4" * 32)


def end(_: Generation) -> Cut:
    return END


def returning(club: Club, now: TrustedRoster, **other: Any) -> Request:
    """Return a request to come back as bank, with all new keys."""
    fresh = keys.generate("bank.example", "txwz", club.rng, now=NOW)
    club.keys["bank"] = replace(fresh, **{"generation": 2} | other)
    return join.parse(club.request("bank", now.current.id))


def announced(club: Club, machine: TrustedRoster, at: int = NOW) -> Request:
    """Have a version announce bank's return; return what was asked."""
    one = returning(club, machine)
    draft = membership.add(drafts.begin(machine.current, now=at), one)
    club.follow(machine, draft)
    return one


def back(machine: TrustedRoster, now: int = DAY) -> Roster:
    draft = drafts.begin(machine.current, now=now)
    return membership.bring_back(draft, "bank", end)


def test_a_member_returns_a_day_after_all_were_told(
    club: Club, machine: TrustedRoster
) -> None:
    """Under its id, with all new keys, in a log that follows its old one."""
    old = machine.current.known("bank")
    one = announced(club, machine)
    waiting = machine.current.known("bank")
    assert structs.replace(waiting, returning=None) == old
    assert machine.current.lists(one.log)
    club.follow(machine, drafts.begin(machine.current, now=NOW + 9))
    found = club.follow(machine, back(machine)).known("bank")
    assert (found.keys, found.returning) == (one.keys, None)
    assert found.end(old.generation) == END
    assert (found.number, found.generation.log) == (2, one.log)


def unannounced(club: Club, machine: TrustedRoster) -> Roster:
    """Let a version take the new keys in which nobody was told of."""
    draft = drafts.begin(machine.current, now=DAY)
    return membership.bring_back(
        membership.add(draft, returning(club, machine)), "bank", end
    )


def withdrawn(club: Club, machine: TrustedRoster) -> Roster:
    """Have bank object: the admins take the announcement back."""
    announced(club, machine)
    was = back(machine)
    draft = drafts.begin(machine.current, now=NOW + 9)
    at = ("members", "bank", "returning")
    club.follow(machine, drafts.put(draft, at, None))
    draft = drafts.begin(machine.current, now=DAY)
    return structs.replace(draft, members=was.members)


def too_early(club: Club, machine: TrustedRoster) -> Roster:
    announced(club, machine)
    return back(machine, DAY - 1)


def swapped(club: Club, machine: TrustedRoster) -> Roster:
    """Announce another request a minute before the day is over."""
    announced(club, machine)
    announced(club, machine, DAY - 60)
    return back(machine)


def other_keys(club: Club, machine: TrustedRoster) -> Roster:
    """Let those in that were not announced."""
    announced(club, machine)
    draft = back(machine)
    fresh = keys.generate("bank.example", "txwz", club.rng, now=NOW).public
    bank = draft.known("bank")
    fresh = structs.replace(fresh, tls=bank.keys.tls)
    return drafts.put(draft, ("members", "bank", "keys"), fresh)


def backdated(club: Club, machine: TrustedRoster) -> Roster:
    """Say in the first announcement that it is a day old."""
    draft = drafts.begin(machine.current, now=DAY)
    draft = membership.add(draft, returning(club, machine))
    return drafts.put(draft, ("members", "bank", "returning", "since"), NOW)


def not_there(_: Club, machine: TrustedRoster) -> Roster:
    draft = drafts.begin(machine.current, now=DAY)
    return membership.bring_back(draft, "ghost", end)


def nobody_asked(_: Club, machine: TrustedRoster) -> Roster:
    return back(machine)


def removed(club: Club, machine: TrustedRoster) -> Roster:
    out = membership.remove(drafts.begin(machine.current, now=NOW), "bank")
    return membership.add(out, returning(club, machine))


def one_of(role: str, whose: str) -> Callable[..., Roster]:
    """Return a return with one thing that is somebody's already."""

    def draft(club: Club, machine: TrustedRoster) -> Roster:
        one = {role: getattr(club.keys[whose], role)}
        asked = returning(club, machine, **one)
        return membership.add(drafts.begin(machine.current, now=NOW), asked)

    return draft


REFUSED: dict[str, tuple[Callable[[Club, TrustedRoster], Roster], str]] = {
    "without an announcement": (unannounced, "and unannounced"),
    "after it was withdrawn": (withdrawn, "and unannounced"),
    "with other keys than announced": (other_keys, "and unannounced"),
    "younger than a day": (too_early, "too early: a day"),
    "announced anew meanwhile": (swapped, "too early: a day"),
    "backdated": (backdated, "returns since"),
    "of no member": (not_there, "no member ghost"),
    "of whom nobody announced": (nobody_asked, "no return of bank"),
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


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_a_return_that_is_refused(
    club: Club, machine: TrustedRoster, case: tuple[Any, str]
) -> None:
    attack, why = case
    with pytest.raises(SyncdError, match=re.escape(why)):
        drafts.write(attack(club, machine), machine.current)


# ------------------------------------------------------------- by plan


def rotated(
    club: Club, roster: Roster, by: str = "bank", **other: Any
) -> Request:
    """Return bank's request for other keys, vouched for by a member key."""
    new = keys.generate("bank.example", "txwz", club.rng, now=NOW)
    for same in ("log_seed", "tls_pem", "certificate"):
        other[same] = getattr(club.keys["bank"], same)
    new, voucher = replace(new, **other), club.keys[by].member
    signed = voucher.raw_sign(new.public.said(roster.id)).hex()
    return join.parse(
        join.request(
            new,
            shape.part(Profile, roster.known("bank")),
            now=NOW,
            alliance_id=roster.id,
            more={"vouched": signed},
        )
    )


def test_a_member_takes_new_keys_by_its_word(
    club: Club, machine: TrustedRoster
) -> None:
    """At once: the old member key vouches for them, in the roster itself."""
    draft = drafts.begin(machine.current, now=NOW)
    asked = rotated(club, draft, by="carrier")
    with pytest.raises(RefusedError, match="do not vouch for"):
        membership.update(draft, asked, end)
    taken = club.keys["carrier"].seen_seed
    asked = rotated(club, draft, seen_seed=taken)
    wrong = membership.update(draft, asked, end)
    with pytest.raises(MalformedError, match="carrier's seen"):
        drafts.write(wrong, machine.current)
    asked = rotated(club, draft)
    club.follow(machine, membership.update(draft, asked, end))
    found = club.follow(machine, drafts.begin(machine.current, now=NOW))
    bank = found.known("bank")
    assert (bank.keys, bank.number) == (asked.keys, 1)
