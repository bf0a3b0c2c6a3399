"""Whom a member asks, how soon all hear of everything, and what it costs."""

import heapq
import random
from collections.abc import Iterable

import pytest

from syncd.errors import Message
from syncd.node.follow.peer_choice import (
    HALF_S,
    MOST_LOST_S,
    SOURCES,
    STEP_S,
    PeerChoice,
)

SLOW = pytest.mark.slow
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


# ------------------------------------------------------------- whom to ask


def test_some_at_random_and_whoever_poked() -> None:
    """Each is drawn in time; who poked is asked once more, and once."""
    ask = asking()
    met = {m for _ in range(99) for m in ask.choose(NAMES[:20], 0.0)}
    assert met == set(NAMES[:20])
    assert all(len(ask.choose(NAMES, 0.0)) == 3 for _ in range(99))
    ask.poked("m7", news=True)
    ask.poked("m8", news=False)
    chosen = ask.choose(NAMES, 0.0)
    assert chosen[0] == "m7"
    assert len(chosen) == len(set(chosen)) in (3, 4)
    assert len(ask.choose(NAMES, 0.0)) == 3


def test_who_failed_is_left_alone() -> None:
    """1 min, 2, 4 … 60, and nothing of it once it has answered."""
    ask, now = asking(), 0.0
    waits = [ask.failed("m0", Message("down"), now) for _ in range(9)]
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert not {m for _ in range(99) for m in ask.choose(NAMES[:4], 3599)} & {
        "m0"
    }
    assert "m0" in {m for _ in range(99) for m in ask.choose(NAMES[:4], 3600)}
    ask.answered("m0", 5)
    assert ask.failed("m0", Message("down"), now) == 60


def test_a_poke_ends_the_pause() -> None:
    """One try for each poke: if that fails too, the pause goes on growing."""
    ask = asking()
    ask.failed("m0", Message("down"), 0.0)
    ask.failed("m0", Message("down"), 0.0)
    ask.poked("m0", news=False)
    assert "m0" in ask.choose(["m0", "m1"], 1.0)
    assert ask.failed("m0", Message("down"), 1.0) == 240


def test_all_are_left_alone() -> None:
    """We were cut off: the one whose pause ends first is asked all the same.

    Or the network could come back, and we would not know for an hour.
    """
    ask = asking()
    for n in range(6):
        for _ in range(7 - n):
            ask.failed(NAMES[n], Message("down"), 0.0)
    assert ask.choose(NAMES[:6], 1.0) == ["m5"]
    assert ask.choose([], 1.0) == []


def test_who_has_left_is_forgotten() -> None:
    ask = asking()
    ask.failed("m0", Message("down"), 0.0)
    ask.failed("m1", Message("down"), 0.0)
    ask.choose(NAMES[1:5], 1.0)
    assert set(ask.states) == {"m1"}


# ---------------------------------------------------------- whom to fetch from


def test_who_announced_it_comes_first() -> None:
    ask = asking()
    order = ask.order(["m9", "m5"], NAMES[:20], 0.0)
    assert order[:2] == ["m9", "m5"]
    assert len(order) == len(set(order)) == SOURCES


def test_a_hostile_log_costs_no_thousand_questions() -> None:
    """Some are asked each time, and others the next time."""
    ask = asking()
    orders = [ask.order(["m0"], NAMES, 0.0) for _ in range(99)]
    assert {len(order) for order in orders} == {SOURCES}
    assert len({m for order in orders for m in order}) > 300


def test_who_was_slow_comes_last_for_a_while() -> None:
    """Behind all others, before those that do not answer at all."""
    ask, few = asking(), NAMES[:4]
    ask.charge("m0", 60.0, 0.0)
    ask.charge("m1", 120.0, 0.0)
    ask.failed("m2", Message("down"), 0.0)
    assert ask.order(few, (), 1.0) == ["m3", "m0", "m1", "m2"]
    assert ask.order(few, (), 10 * HALF_S) == few


def test_what_a_source_cost_is_bounded() -> None:
    """However bad it was, it is forgotten in little more than an hour."""
    ask = asking()
    for _ in range(1000):
        ask.charge("m0", 1e6, 0.0)
    assert ask.lost_s("m0", 0.0) == MOST_LOST_S
    assert ask.lost_s("m0", 7 * HALF_S) < STEP_S


def test_a_little_slower_is_as_good() -> None:
    ask = asking()
    ask.charge("m0", STEP_S / 2, 0.0)
    assert ask.order(["m0", "m1"], (), 0.0) == ["m0", "m1"]


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
                ask.failed(name, Message("down"), now)
            else:
                ask.answered(name, 0)
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


@pytest.mark.parametrize(
    ("size", "dead", "rounds"),
    [
        (200, 0, 4),
        pytest.param(200, 0.2, 6, marks=SLOW),
        pytest.param(1000, 0, 6, marks=SLOW),
        pytest.param(1000, 0.2, 6, marks=SLOW),
    ],
)
def test_all_hear_of_it(size: int, dead: float, rounds: int) -> None:
    """200 members within 4 rounds, 1,000 within 6, also with a fifth dead."""
    took = []
    for seed in range(10 if size < 500 else 5):
        village = Village(size, seed, dead)
        live = [n for n in range(size) if n not in village.dead]
        took.append(village.news([village.rng.choice(live)]))
    assert max(took) <= rounds


def test_all_hear_of_everything() -> None:
    """All write at once, and all have all of it."""
    took = [Village(200, seed).news(range(200)) for seed in range(3)]
    assert max(took) <= 4


def test_a_quiet_hour() -> None:
    """60 rounds cost a member of 1,000 at most 180 questions."""
    ask = asking()
    asked = []
    for n in range(60):
        asked += ask.choose(NAMES[1:], n * MINUTE)
        if n % 2:  # whoever does not answer costs no more than who does
            ask.failed(asked[-1], Message("down"), n * MINUTE)
    assert len(asked) == 180
