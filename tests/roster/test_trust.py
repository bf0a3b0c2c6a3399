"""Which rosters are trusted: a case for each way a chain can go on or break.

After python-tuf's tests of key rotation: each case says who signs version
n+1, and whether version n's readers follow.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.errors import MalformedError, UntrustedError
from syncd.roster import drafts, roster, trust
from syncd.roster.members import Predecessor
from syncd.roster.roster import Roster
from syncd.roster.terms import Erased
from syncd.roster.trust import TrustedRoster
from syncd.tlog import note
from syncd.tlog.note import Note
from tests.cases import each, tried
from tests.refusals import forked, malformed, newer, untrusted
from tests.roster.conftest import NOW, Club, agreed, begin, with_epoch
from tests.roster.test_roster import edited


def sign_anyhow(club: Club, draft: Roster, *admins: str) -> bytes:
    """Sign what `drafts` would refuse to write, as an evil admin can."""
    text = replace(draft).text
    return bytes(Note(text, tuple(club.admin(a).sign(text) for a in admins)))


# ---------------------------------------------------------------- the pin


def test_the_first_version_is_pinned_by_its_fingerprint(club: Club) -> None:
    raw = club.signed(club.founding(), "alice", "bob")
    text = note.parse(raw).text
    machine = TrustedRoster(hashlib.sha256(text.encode()).hexdigest(), raw)
    assert machine.version == 1
    assert machine.current.hash == machine.fingerprint == machine.hash(1)
    with untrusted("fingerprint"):
        TrustedRoster("0" * 64, raw)


def test_the_first_version_needs_its_own_threshold(club: Club) -> None:
    raw = club.signed(club.founding(), "alice")
    with untrusted("signed by 1 of"):
        TrustedRoster(drafts.read(raw)[1].hash, raw)


def test_a_fingerprint_has_64_hex_digits() -> None:
    with malformed():
        TrustedRoster("fingerprint", b"")


# ------------------------------------------------------------- rotations


@each("syncd/successions", "rotations", "case", "case")
def test_rotation(club: Club, case: dict[str, Any]) -> None:
    machine = club.trusted(*case["admins"], threshold=case["threshold"])
    after, threshold = case["admins_after"], case["threshold_after"]
    admins = {name: club.admin(name).verifier for name in after}
    draft = replace(
        begin(machine),
        admin_keys=tuple(sorted(admins.values(), key=str)),
        threshold=threshold,
    )
    raw = club.signed(draft, *case["signers"], current=machine.current)
    if why := case["says"]:
        with untrusted(why):
            machine.update(raw)
        assert machine.version == 1
    else:
        assert machine.update(raw).admins == admins
        assert machine.version == 2


def test_a_new_key_under_an_old_name_is_another_key(
    club: Club, machine: TrustedRoster
) -> None:
    """Alice loses her key; bob and eve give her a new one."""
    lost = club.admins.pop("alice")
    draft = drafts.add_admin(begin(machine), club.admin("alice").verifier)
    assert (
        club.follow(machine, draft, "bob", "eve").admins["alice"]
        != lost.verifier
    )
    after = begin(machine)
    stale = Note(after.text, (lost.sign(after.text),))
    stale = note.add(stale, club.admin("bob").sign(after.text))
    with untrusted("signed by 1"):
        machine.update(bytes(stale))


def test_one_admin_signing_twice_counts_once(
    club: Club, machine: TrustedRoster
) -> None:
    text = begin(machine).text
    line = club.admin("bob").sign(text)
    with untrusted("signed by 1"):
        machine.update(bytes(Note(text, (line, line))))


# ---------------------------------------------------------------- order


def test_a_version_that_we_have_changes_nothing(
    club: Club, machine: TrustedRoster
) -> None:
    """Again, an older one, or the same with other signatures."""
    first, second = machine.current, begin(machine)
    raw = club.signed(second, "bob", "eve", current=first)
    assert machine.examine(raw).version == 2
    assert machine.version == 1
    machine.update(raw)
    eve = Note(second.text, (club.admin("eve").sign(second.text),))
    for again in (raw, club.signed(first, "alice", "bob"), bytes(eve)):
        assert machine.update(again) == second
    assert machine.version == 2


def test_two_versions_are_a_fork_if_both_are_signed(
    club: Club, machine: TrustedRoster
) -> None:
    first = machine.current
    club.follow(machine, begin(machine))
    other = drafts.begin(first, now=NOW + 61)
    with untrusted("signed by 1"):  # it is none
        machine.update(club.signed(other, "eve", current=first))
    with forked("two versions 2"):
        machine.update(club.signed(other, "bob", "eve", current=first))
    assert machine.current.issued == NOW + 60


def test_a_version_after_another_history_is_a_fork(
    club: Club, machine: TrustedRoster
) -> None:
    hidden = drafts.begin(machine.current, now=NOW + 61)
    club.follow(machine, begin(machine))
    third = drafts.begin(hidden, now=NOW + 120)
    with forked("follows another"):
        machine.update(sign_anyhow(club, third, "alice", "bob"))


WRONG: dict[str, tuple[Callable[[Roster], Roster], str]] = {
    "a version is skipped": (
        lambda d: drafts.begin(d, now=NOW + 120),
        "3 cannot follow 1",
    ),
    "another alliance with the same admins": (
        lambda d: replace(d, id="ab" * 32),
        "not ours",
    ),
    "a life of more than 90 days": (
        lambda d: replace(d, expires=d.issued + roster.MAX_LIFE_S + 1),
        "expires",
    ),
}


@tried("case", WRONG.values(), ids=WRONG)
def test_what_no_signature_makes_right(
    club: Club, machine: TrustedRoster, case: tuple[Any, str]
) -> None:
    change, why = case
    raw = sign_anyhow(club, change(begin(machine)), "alice", "bob")
    with pytest.raises((UntrustedError, MalformedError), match=why):
        machine.update(raw)


def test_load_replays_a_chain(club: Club, machine: TrustedRoster) -> None:
    notes = [club.signed(machine.current, "alice", "bob")]
    for _ in range(3):
        draft = begin(machine)
        raw = club.signed(draft, "bob", "eve", current=machine.current)
        machine.update(raw)
        notes.append(raw)
    again = TrustedRoster(machine.fingerprint, *notes)
    assert again.current == machine.current
    assert [again.hash(n) for n in range(5)] == [
        machine.hash(n) for n in range(5)
    ]
    rosters = trust.versions(machine.fingerprint, notes)
    assert [roster.version for roster in rosters] == [4, 3, 2, 1]
    assert rosters[0] == machine.current
    assert trust.versions("", []) == []


# ---------------------------------------------------------------- states


def test_expired_is_a_state_and_the_next_version_ends_it(
    club: Club, machine: TrustedRoster
) -> None:
    late = machine.current.expires
    assert not machine.current.expired(late - 1)
    assert machine.current.expired(late)
    assert not machine.current.lapsed(late + roster.GRACE_S - 1)
    assert machine.current.lapsed(late + roster.GRACE_S)
    club.follow(machine, drafts.begin(machine.current, now=late + 10))
    assert not machine.current.expired(late + 10)


def test_a_newer_format_stops_merging_and_no_more(
    club: Club, machine: TrustedRoster
) -> None:
    assert not machine.current.stops_merging
    club.follow(machine, replace(begin(machine), format=roster.FORMAT + 1))
    assert machine.current.stops_merging


def test_an_unknown_field_asks_for_newer_software(
    club: Club, machine: TrustedRoster
) -> None:
    text = begin(machine).text.replace('"format"', '"folk":1,"format"')
    raw = Note(text, tuple(club.admin(a).sign(text) for a in ("bob", "eve")))
    with newer(r"roster\.folk: unknown field"):
        machine.update(bytes(raw))
    # Not just anybody makes us say that we are old.
    alone = bytes(Note(text, (club.admin("bob").sign(text),)))
    with untrusted("a newer version is signed by 1"):
        machine.update(alone)
    with untrusted("fingerprint"):
        TrustedRoster("0" * 64, alone)
    with newer():
        TrustedRoster(hashlib.sha256(text.encode()).hexdigest(), alone)


# ------------------------------------------------ what no threshold changes


HOLDERS = "bank carrier police"


def with_keys(draft: Roster) -> Roster:
    """Give a draft of version 2 something that must not change later."""
    origin = draft.members[0].origin
    erased = Erased(origin, 10, b"\2" * 32, ((3, 5),), "court_order")
    draft = with_epoch(draft, number=3, generation=5)
    return drafts.put(draft, ("erased",), erased)


@each("syncd/successions", "successions", "case", "case")
def test_succession(club: Club, case: dict[str, Any]) -> None:
    first = club.signed(club.founding(members=HOLDERS), "alice", "bob")
    machine = TrustedRoster(drafts.read(first)[1].hash, first)
    club.follow(machine, agreed(with_keys(begin(machine)), club))
    value = begin(machine).to_json()
    edited(case)(value)
    after = roster.from_json(value, machine.current.id)
    if case.get("agreed"):
        after = agreed(after, club)
    signed = sign_anyhow(club, after, "alice", "bob")
    if why := case["says"]:
        with untrusted(why):
            machine.update(signed)
        with untrusted(why):
            drafts.write(after, machine.current)
    else:
        assert machine.update(signed).version == 3


def test_a_founding_has_no_token_keys(club: Club) -> None:
    """Whoever drew them: a ceremony begins from a version that is trusted."""
    draft = club.founding(members=HOLDERS)
    raw = club.signed(agreed(with_epoch(draft), club), "alice", "bob")
    with untrusted("bank did not agree"):
        TrustedRoster(drafts.read(raw)[1].hash, raw)


def test_a_retired_epoch_does_not_come_back(club: Club) -> None:
    draft = with_keys(club.founding(members=HOLDERS))
    at = ("epochs", "phone/3", "retired")
    old = drafts.read(drafts.write(drafts.put(draft, at, True)))[1]
    assert not draft.retired
    assert old.retired == {("phone", 3)}
    back = drafts.put(drafts.begin(old, now=NOW), at, False)
    with untrusted("phone epoch 3 came back"):
        trust.check_succession(old, back)


def test_a_key_that_is_replaced_has_a_deadline(club: Club) -> None:
    """It is set once, by the next key, and may be put off."""
    old = with_keys(club.founding(members=HOLDERS))
    new = with_epoch(with_epoch(old, number=4), number=5)
    due = old.issued + drafts.REPLACED_DAYS * drafts.DAY_S
    found = {e.label: e.until for e in new.replaced if e.kind == "phone"}
    assert found == {"phone/3": due, "phone/4": due}
    at = "epochs", "phone/3", "until"
    put_off = drafts.put(drafts.begin(new, now=NOW), at, due + 9)
    trust.check_succession(new, put_off)


def test_a_domain_and_a_log_stay(club: Club) -> None:
    old = club.trusted().current
    [stranger] = club.founding(members="police").members
    moved = drafts.put(old, ("members",), replace(stranger, id="bank"))
    with untrusted(r"domain became police\.example"):
        trust.check_succession(old, moved)
    at, logs = ("members", "bank", "generations"), old.members[0].generations
    twice = drafts.put(old, at, logs * 2)
    with untrusted("a log of bank vanished"):
        trust.check_succession(twice, old)


@each("roster", "what_stays_from_version_to_version", "old, new, why")
def test_what_stays_from_version_to_version(
    machine: TrustedRoster,
    old: dict[str, Any],
    new: dict[str, Any] | None,
    why: str,
) -> None:
    was = machine.current
    after = replace(was, **new or {})
    if new is None:
        end = Predecessor("bank.example/syncd/txwz/0", 3, b"\4" * 32)
        log = ("generations", was.members[0].origin, "predecessor")
        after = drafts.put(was, ("members", "bank", *log), end)
    with untrusted(why):
        trust.check_succession(replace(was, **old), after)
