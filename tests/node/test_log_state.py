"""The state of one log: every event in every state, and what an offer is."""

from typing import Any

import pytest

from syncd.errors import Message
from syncd.flows.ports import MirrorHead
from syncd.node.follow.log_state import (
    MOST_GROWTH,
    MOST_SMALLER,
    NEXT,
    Event,
    Held,
    LogState,
    Offer,
    Phase,
    Target,
)
from syncd.roster.members import Cut
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import Frontier
from tests.cases import tried

ORIGIN = "bank.example/syncd/txwz/1"
# What each state does with each event, in the order of `Event`; "-": it
# cannot happen. The first letters are the states', K is contested.
LETTERS = dict(zip("ITPWKDE", Phase, strict=True))
TABLE = """
              offered lacking begun done goes_on left obeyed over forked
    idle            T       T     P    -       -    W      -    -      K
    target          T       T     P    -       -    W      -    -      K
    pulling         P       P     -    I       T    W      D    E      K
    waiting         T       W     P    -       -    W      -    -      K
    contested       K       K     P    K       K    K      K    K      K
    decided         T       T     P    -       -    W      -    -      K
    ended           T       T     P    -       -    W      -    -      K
"""
HEADER, *ROWS = [line.split() for line in TABLE.strip().splitlines()]


@tried(
    "at, event, to",
    [
        (Phase(row[0]), Event(name.replace("_", " ")), LETTERS.get(letter))
        for row in ROWS
        for name, letter in zip(HEADER, row[1:], strict=True)
    ],
)
def test_the_table(at: Phase, event: Event, to: Phase | None) -> None:
    state = LogState(at)
    if to is None:
        with pytest.raises(AssertionError, match=f"while {at.value}"):
            state.moved(event)
    else:
        assert state.moved(event).at is to


def test_the_table_is_whole() -> None:
    assert {row[0] for row in ROWS} == {at.value for at in NEXT}
    assert len(HEADER) == len(Event)


# ---------------------------------------------------------------- offers


def head(size: int, root: bytes = b"r") -> Checkpoint:
    return Checkpoint(ORIGIN, size, root * 32)


def target(size: int, *holders: str, root: bytes = b"r") -> Target:
    return Target(head(size, root), b"%d" % size + root, holders)


def news(size: int, *holders: str) -> LogState:
    """Return that of a log of which only this was heard."""
    return LogState().offered(Offer.NEWS, target(size, *holders))


def held(mirrored: int, merged: int | None = None, **how: Any) -> Held:
    frontier = Frontier.EMPTY.extend([bytes(32)] * mirrored)
    merged = mirrored if merged is None else merged
    contested = how.pop("contested", False)
    return Held(
        MirrorHead(ORIGIN, frontier, merged, contested=contested), **how
    )


@tried(
    "new, at, offer",
    [
        (head(9), held(5, contested=True), Offer.VOID),
        (head(9), held(5, void=True), Offer.VOID),
        (head(6 + MOST_GROWTH), held(5), Offer.TOO_LARGE),
        (head(5), held(5, known=True), Offer.KNOWN),
        (head(4), held(5), Offer.DOUBTFUL),
        (head(5), held(5, 3), Offer.SMALLER),
        (head(8), held(5), Offer.NEWS),
        (head(6), held(5), Offer.SMALLER),
        (head(7), held(5), Offer.HOLDER),
        (head(7, b"x"), held(5), Offer.FORK),
    ],
)
def test_what_an_offer_is(new: Checkpoint, at: Held, offer: Offer) -> None:
    """To a log that has a target of 7 already."""
    state = LogState(Phase.TARGET, target=target(7, "bank"))
    assert state.judge(new, at) is offer


def test_news_ends_a_pause_soon_and_keeps_what_it_passes() -> None:
    """Not at once, and no later than it would have ended: news cost nothing."""
    state = news(7, "bank")
    state = state.begun().left(Message("nobody has it"), 99.0)
    assert not state.due(50.0, None)
    state = state.offered(Offer.NEWS, target(8), 60.0)
    state = state.offered(Offer.NEWS, target(9, "carrier"), 70.0)
    assert not state.due(59.0, None)
    assert (state.at, state.target) == (Phase.TARGET, target(9, "carrier"))
    assert state.due(60.0, None)
    assert (state.smaller, state.failures) == ((b"7r", b"8r"), 1)


def test_one_more_holder_ends_a_pause_once() -> None:
    state = news(7, "bank").begun()
    state = state.left(Message("nobody has it"), 99.0)
    assert state.offered(Offer.HOLDER, target(7, "bank")) == state
    more = state.offered(Offer.HOLDER, target(7, "carrier"))
    assert more.target == target(7, "bank", "carrier")
    assert more.due(0.0, None)


def test_a_gap_ends_no_pause() -> None:
    state = (
        LogState().begun().left(Message("withheld"), 99.0).lacking(target(7))
    )
    assert not state.due(98.0, None)
    assert state.due(99.0, None)
    assert state.lacking(target(8)) == state


@tried("offer", [Offer.SMALLER, Offer.DOUBTFUL])
def test_of_those_beside_a_target_some_are_kept(offer: Offer) -> None:
    """Heads tell what has changed: nobody may tell it again."""
    state = news(99)
    for size in range(1, MOST_SMALLER + 9):
        state = state.offered(offer, target(size))
    assert len({*state.smaller}) == MOST_SMALLER
    assert state.smaller[0] == b"1r"


def test_when_a_size_was_heard_of() -> None:
    state = LogState().heard(5, 7, 100)
    assert (state.known, state.heard_at) == (5, 0)
    state = state.heard(9, 7, 200).heard(9, 7, 300)
    assert (state.known, state.heard_at) == (9, 200)


# ----------------------------------------------------------------- pulls


def test_a_pull_that_reaches_its_target() -> None:
    state = news(7).begun()
    done = state.reached(target(7)).goes_on()
    assert (done.at, done.target) == (Phase.IDLE, None)
    newer = state.offered(Offer.NEWS, target(9)).reached(target(7)).goes_on()
    assert (newer.at, newer.target) == (Phase.TARGET, target(9))


@tried(
    "pin, left, at",
    [
        ((Cut(5, b"r"), False), target(7), Phase.DECIDED),
        ((Cut(7, b"r"), False), None, Phase.DECIDED),
        ((Cut(5, b"r"), True), None, Phase.ENDED),
    ],
)
def test_what_a_decision_leaves(pin: Any, left: Any, at: Phase) -> None:
    state = news(7)
    assert state.due(0.0, pin)
    state = state.begun().obeyed(pin)
    assert (state.at, state.target, state.obeys) == (at, left, pin)
    assert state.due(0.0, pin) == (left is not None)


def test_a_fork_is_for_the_roster_to_settle() -> None:
    """Whatever the pull comes to that was in flight when it was seen."""
    pin = (Cut(5, b"r"), False)
    state = LogState(obeys=pin).offered(Offer.NEWS, target(7)).begun()
    forked = state.forked(Message("two roots"))
    assert (forked.target, forked.obeys) == (None, None)
    assert forked.goes_on() == forked.left(Message("x"), 9.0) == forked
    assert forked.obeyed(pin) == forked
    assert forked.due(0.0, pin)
    assert forked.begun().obeyed(pin).at is Phase.DECIDED
    assert not forked._replace(retry_at=9.0).due(8.0, pin)


def test_a_pull_in_flight_has_a_rate() -> None:
    state = LogState(at=Phase.PULLING, began=(100, 1000))
    assert state.rate(merged=3000, now=110) == 200
    assert state.rate(merged=1500, now=100) == 500  # begun this second
    assert LogState(began=(100, 1000)).rate(merged=3000, now=110) == 0
