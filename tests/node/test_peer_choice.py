"""Whom a member asks, how soon all hear of everything, and what it costs."""

import heapq
import random
from collections.abc import Iterable

from syncd.errors import Message
from syncd.node.follow.peer_choice import (
    HALF_S,
    MOST_LOST_S,
    SILENT,
    SOURCES,
    STEP_S,
    PeerChoice,
)
from tests.cases import each, slow, tried

MINUTE = 60.0
HOUR = 3600.0
NAMES = [f"m{n}" for n in range(1000)]


def asking(seed: int = 1, fanout: int = 3) -> PeerChoice:
    return PeerChoice(
        fanout=fanout,
        interval_s=MINUTE,
        backoff_max_s=HOUR,
        rng=random.Random(seed),
    )


def down(ask: PeerChoice, member: str, now: float) -> float:
    """Have a member not answer; return for how long it is left alone."""
    return ask.failed(member, Message("down"), now, 7)


# ------------------------------------------------------------- whom to ask


def test_each_in_turn_and_whoever_poked() -> None:
    """None twice before all had their turn; who poked is asked once more."""
    ask = asking()
    asked = [ask.choose(NAMES[:21], n * MINUTE) for n in range(7)]
    assert {len(some) for some in asked} == {3}
    assert {m for some in asked for m in some} == set(NAMES[:21])
    first, *_ = asked[-1]
    ask.poked(first, news=True)
    ask.poked("m8", news=False)
    chosen = ask.choose(NAMES[:21], 7 * MINUTE)
    assert len(chosen) == 4
    assert chosen[0] == first
    assert len(ask.choose(NAMES[:21], 8 * MINUTE)) == 3


def test_turns_are_not_everybodys_in_one_order() -> None:
    orders = {tuple(asking(n).choose(NAMES[:20], 0.0)) for n in range(9)}
    assert len(orders) > 5


@tried("others", range(1, 10))
def test_a_small_alliance_is_asked_within_three_rounds(others: int) -> None:
    ask = asking(fanout=1)
    for start in range(9):
        assert {
            m
            for n in range(3 * start, 3 * start + 3)
            for m in ask.choose(NAMES[:others], n * MINUTE, {"m0"})
        } == set(NAMES[:others])


@tried("dead", [False, True])
def test_holders_are_asked_in_every_round(dead: bool) -> None:
    """Dead ones too: reports wait for them, and a person is to know."""
    ask, holders = asking(), {"m1", "m2"}
    for n in range(60):
        now = n * MINUTE
        assert holders <= set(ask.choose(NAMES[:20], now, holders))
        for name in holders:
            if dead:
                down(ask, name, now)
            else:
                ask.answered(name, 5, now)


def test_a_dead_member_shows_within_three_rounds_of_its_turn() -> None:
    """Who did not answer is asked in the next rounds, until it is silent."""
    ask = asking(fanout=1)
    while "m0" not in ask.choose(NAMES[:20], 0.0):
        pass
    for n in range(2):
        down(ask, "m0", n * MINUTE)
        assert "m0" in ask.choose(NAMES[:20], (n + 1) * MINUTE)
    down(ask, "m0", 2 * MINUTE)
    assert "m0" not in ask.choose(NAMES[:20], 3 * MINUTE)
    state = ask.state("m0")
    assert (state.failures, state.silent_since) == (SILENT, 7)


def test_who_failed_is_left_alone() -> None:
    """1 min, 2, 4 … 60, and nothing of it once it has answered."""
    ask, now = asking(fanout=4), 0.0
    ask.choose(NAMES[:4], now)
    waits = [down(ask, "m0", now) for _ in range(9)]
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert "m0" not in ask.choose(NAMES[:4], 3400)
    assert "m0" in ask.choose(NAMES[:4], 3600)
    ask.answered("m0", 5, now)
    assert down(ask, "m0", now) == 60


def test_none_is_left_alone_for_more_than_an_hour() -> None:
    """Whatever the setting says: each row of the status is of this hour."""
    ask = asking(fanout=9)
    ask.backoff_max_s = 24 * HOUR
    ask.choose(NAMES[:9], 0.0)
    for _ in range(12):
        down(ask, "m0", 0.0)
    asked = [
        n for n in range(1, 61) if "m0" in ask.choose(NAMES[:9], n * MINUTE)
    ]
    assert len(asked) == 1


def test_a_poke_ends_the_pause() -> None:
    """One try for each poke: if that fails too, the pause goes on growing."""
    ask = asking()
    down(ask, "m0", 0.0)
    down(ask, "m0", 0.0)
    ask.poked("m0", news=False)
    assert "m0" in ask.choose(["m0", "m1"], 1.0)
    assert down(ask, "m0", 1.0) == 240


def test_all_are_left_alone() -> None:
    """We were cut off: the one whose pause ends first is asked all the same.

    Or the network could come back, and we would not know for an hour.
    """
    ask = asking()
    for n in range(6):
        for _ in range(7 - n):
            down(ask, NAMES[n], 0.0)
    assert ask.choose(NAMES[:6], 1.0) == ["m5"]
    assert ask.choose([], 1.0) == []


def test_who_has_left_is_forgotten() -> None:
    ask = asking()
    down(ask, "m0", 0.0)
    down(ask, "m1", 0.0)
    ask.choose(NAMES[1:5], 1.0)
    assert set(ask.states) == set(NAMES[1:5])
    assert ask.state("m1").failures == 1


# ---------------------------------------------------------- whom to fetch from


def test_who_announced_it_comes_first() -> None:
    order = asking().order(["m9", "m5"], NAMES[:20], 0.0)
    assert order[:2] == ["m9", "m5"]
    assert len(order) == len(set(order)) == SOURCES


def test_a_hostile_log_costs_no_thousand_questions() -> None:
    """Some are asked each time, and others the next time."""
    ask = asking()
    orders = [ask.order(["m0"], NAMES, 0.0) for _ in range(99)]
    assert {len(order) for order in orders} == {SOURCES}
    assert len({m for order in orders for m in order}) > 300


def test_who_was_slow_comes_last_for_a_while() -> None:
    """Behind all others, before those that do not answer at all.

    Who is but a little slower is as good.
    """
    ask, few = asking(), NAMES[:5]
    ask.charge("m0", 60.0, 0.0)
    ask.charge("m1", 120.0, 0.0)
    down(ask, "m2", 0.0)
    ask.charge("m3", STEP_S / 2, 0.0)
    assert ask.order(few, (), 0.0) == ["m3", "m4", "m0", "m1", "m2"]
    assert ask.order(few, (), 10 * HALF_S) == few


def test_what_a_source_cost_is_bounded() -> None:
    """However bad it was, it is forgotten in little more than an hour."""
    ask = asking()
    for _ in range(1000):
        ask.charge("m0", 1e6, 0.0)
    assert ask.lost_s("m0", 0.0) == MOST_LOST_S
    assert ask.lost_s("m0", 7 * HALF_S) < STEP_S


# -------------------------------------------------------------- how soon


class Village:
    """Members that only ask and tell: each round at a time of its own.

    What one knows is a number with a bit for each log. As in the daemon, a
    member tells some others in the round after its log grew, and they fetch
    at once; and who asks fetches what it hears of.
    """

    def __init__(self, size: int, seed: int, dead: float = 0) -> None:
        self.rng = random.Random(seed)
        self.names = NAMES[:size]
        self.dead = set(self.rng.sample(range(size), int(size * dead)))
        self.asking = [asking(seed * size + n) for n in range(size)]
        self.others = [
            [m for m in self.names if m != name] for name in self.names
        ]
        self.knows = [0] * size
        self.asked = [0] * size
        self.rounds = [
            (self.rng.uniform(0, MINUTE), n)
            for n in range(size)
            if n not in self.dead
        ]
        heapq.heapify(self.rounds)

    def one_round(self) -> tuple[float, int]:
        """Have the next member have its round; return when, and who."""
        now, n = heapq.heappop(self.rounds)
        ask = self.asking[n]
        for name in ask.choose(self.others[n], now):
            other = int(name[1:])
            self.asked[n] += 1
            if other in self.dead:
                down(ask, name, now)
            else:
                ask.answered(name, 0, now)
                self.knows[n] |= self.knows[other]
        wait_s = MINUTE * self.rng.uniform(0.8, 1.2)
        heapq.heappush(self.rounds, (now + wait_s, n))
        return now, n

    def news(self, authors: Iterable[int]) -> float:
        """Have some write; return after how many rounds all know it all."""
        untold = set(authors) - self.dead
        everything = 0
        for n in untold:
            self.knows[n] |= 1 << n
            everything |= 1 << n
        lacking = {n for _, n in self.rounds if self.knows[n] != everything}
        while True:
            now, n = self.one_round()
            moved = [n]
            if n in untold:
                untold.remove(n)
                chosen = self.asking[n].draw(self.others[n])
                moved += [int(name[1:]) for name in chosen]
                for other in moved:
                    self.knows[other] |= 1 << n
            lacking -= {m for m in moved if self.knows[m] == everything}
            lacking -= self.dead
            if not lacking:
                return now / MINUTE


@slow
@each("node", "all_hear_of_it", "size, dead, rounds")
def test_all_hear_of_it(size: int, dead: float, rounds: int) -> None:
    """200 members within 4 rounds, 1,000 within 6, also with a fifth dead."""
    took = []
    for seed in range(5):
        village = Village(size, seed, dead)
        live = [n for n in range(size) if n not in village.dead]
        took.append(village.news([village.rng.choice(live)]))
    assert max(took) <= rounds


@slow
def test_all_hear_of_everything() -> None:
    """All write at once, and all have all of it."""
    assert max([Village(200, seed).news(range(200)) for seed in range(3)]) <= 4


def test_a_quiet_hour() -> None:
    """A member of 1,000 asks each within the hour, by 1,600 requests."""
    ask, rng = asking(), random.Random(7)
    holders = set(NAMES[1:8])
    now, asked, last = 0.0, list[tuple[float, str]](), dict[str, float]()
    longest = 0.0
    while now < 4 * HOUR:
        for name in ask.choose(NAMES[1:], now, holders):
            asked.append((now, name))
            longest = max(longest, now - last.get(name, 0.0))
            last[name] = now
            if rng.random() < 0.1:  # who does not answer costs hardly more
                down(ask, name, now)
            else:
                ask.answered(name, 0, now)
        now += MINUTE * rng.uniform(0.8, 1.2)
    assert set(last) == set(NAMES[1:])
    assert longest <= HOUR
    hours = [
        sum(h * HOUR <= at < (h + 1) * HOUR for at, _ in asked)
        for h in range(4)
    ]
    assert max(hours) <= 1600
