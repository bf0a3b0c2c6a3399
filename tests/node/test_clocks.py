"""What the others' clocks say of ours, whoever lies and whoever is silent."""

from types import SimpleNamespace

import pytest

from syncd.node.follow.clocks import FRESH_S, OurClock
from tests.cases import each, tried
from tests.node.stand_in import Home

NOW = 1_790_000_000
ALL = ("police", "bank", "carrier", "platform")


class Heard(Home):
    """Clocks that were told, on a machine whose time of day may be set."""

    def __init__(self) -> None:
        self.up_s, self.off_s = 1000.0, 0.0
        members = [SimpleNamespace(id=m, urls=m) for m in (*ALL, "me")]
        super().__init__(roster=SimpleNamespace(active=lambda: members))
        self.members = members
        self.clock = OurClock(ctx=self.context, steady=lambda: self.up_s)

    @property
    def now(self) -> float:
        return NOW + self.up_s + self.off_s

    def hear(self, member: str, off_s: int) -> None:
        """Have a member say its time, which is off by so much."""
        self.clock.hear(member, int(NOW + self.up_s) + off_s, self.up_s)

    def skew(self) -> int | None:
        return self.clock.skew_s()


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_nobody_was_heard(heard: Heard) -> None:
    """That is no skew of 0, unless there is nobody."""
    assert heard.skew() is None
    heard.members.clear()
    assert heard.skew() == 0


def test_only_members_count(heard: Heard) -> None:
    """Who was removed since decides nothing."""
    heard.hear("police", 9000)
    del heard.members[0]
    assert heard.skew() is None
    heard.hear("bank", 1)
    assert heard.skew() == 1


@each("node", "the_median", "clocks, skew")
def test_the_median(heard: Heard, clocks: tuple[int, ...], skew: int) -> None:
    """Of two in the middle the one nearer to ours."""
    for member, off_s in zip(ALL, clocks, strict=False):
        heard.hear(member, off_s)
    assert heard.skew() == skew


def test_what_is_stale_does_not_decide(heard: Heard) -> None:
    """Two that were an hour off, and may have been set since."""
    heard.hear("police", 3600)
    heard.hear("bank", 3600)
    heard.up_s += FRESH_S + 1
    heard.hear("carrier", 1)
    assert heard.skew() == 1


def test_the_last_word_of_one_member_counts(heard: Heard) -> None:
    heard.hear("police", 3600)
    heard.hear("police", 1)
    assert heard.skew() == 1


@tried("off_s", [-86_400, 3600])
def test_our_clock_is_set(heard: Heard, off_s: int) -> None:
    """That shows at once, before anybody is asked again, and so does back."""
    for member in ALL:
        heard.hear(member, 0)
    heard.off_s = off_s
    assert heard.skew() == -off_s
    heard.off_s = 0
    assert heard.skew() == 0


def test_what_was_heard_goes_on_being_right(heard: Heard) -> None:
    """Nobody answers for a day: our own uptime tells what time it is."""
    for member in ALL:
        heard.hear(member, 2)
    heard.up_s += 86_400
    assert heard.skew() == 2


def test_a_slow_answer(heard: Heard) -> None:
    """A minute on the way is no skew of a minute: half of it is the most."""
    asked = heard.up_s
    heard.up_s += 60
    heard.clock.hear("police", int(NOW + asked), asked)
    assert heard.skew() == -30
