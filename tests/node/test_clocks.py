"""What the others' clocks say of ours, whoever lies and whoever is silent."""

import pytest

from syncd.node.follow.clocks import FRESH_S, Clocks

NOW = 1_790_000_000
ALL = ("police", "bank", "carrier", "platform")


class Machine:
    """Our machine: its time of day may be set, its uptime not."""

    def __init__(self) -> None:
        self.up_s = 1000.0
        self.off_s = 0.0

    def clock(self) -> float:
        return NOW + self.up_s + self.off_s

    def steady(self) -> float:
        return self.up_s


class Heard:
    """Clocks that were told, on a machine that tests may set."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.clocks = Clocks(self.machine.clock, self.machine.steady)

    def hear(self, member: str, off_s: int) -> None:
        """Have a member say its time, which is off by so much."""
        now = self.machine.up_s
        self.clocks.hear(member, int(NOW + now) + off_s, now)

    def skew(self, *members: str) -> int | None:
        return self.clocks.skew_s(members or ALL)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_nobody_was_heard(heard: Heard) -> None:
    """That is no skew of 0."""
    assert heard.skew() is None


def test_only_members_count(heard: Heard) -> None:
    """Who was removed since decides nothing."""
    heard.hear("police", 9000)
    assert heard.skew("bank") is None
    heard.hear("bank", 1)
    assert heard.skew("bank") == 1


@pytest.mark.parametrize(
    ("said", "skew"),
    [
        ((7,), 7),
        ((-7, 10**9), -7),
        ((7, -(10**9)), 7),
        ((1, 2, 10**9), 2),
        ((-(10**9), 1, 2), 1),
        ((10**9, 10**9, 1, 2), 2),  # two liars of four
        ((0, 3600, 3600), 3600),  # one who says what we say hides nothing
        ((0, 3600, 3600, 3600), 3600),
    ],
)
def test_the_median(heard: Heard, said: tuple[int, ...], skew: int) -> None:
    """Of two in the middle the one nearer to ours."""
    for member, off_s in zip(ALL, said, strict=False):
        heard.hear(member, off_s)
    assert heard.skew() == skew


def test_what_is_stale_does_not_decide(heard: Heard) -> None:
    """Two that were an hour off, and may have been set since."""
    heard.hear("police", 3600)
    heard.hear("bank", 3600)
    heard.machine.up_s += FRESH_S + 1
    heard.hear("carrier", 1)
    assert heard.skew() == 1


def test_the_last_word_of_one_member_counts(heard: Heard) -> None:
    heard.hear("police", 3600)
    heard.hear("police", 1)
    assert heard.skew() == 1


@pytest.mark.parametrize("off_s", [-86_400, 3600])
def test_our_clock_is_set(heard: Heard, off_s: int) -> None:
    """That shows at once, before anybody is asked again, and so does back."""
    for member in ALL:
        heard.hear(member, 0)
    heard.machine.off_s = off_s
    assert heard.skew() == -off_s
    heard.machine.off_s = 0
    assert heard.skew() == 0


def test_what_was_heard_goes_on_being_right(heard: Heard) -> None:
    """Nobody answers for a day: our own uptime tells what time it is."""
    for member in ALL:
        heard.hear(member, 2)
    heard.machine.up_s += 86_400
    assert heard.skew() == 2


def test_a_slow_answer(heard: Heard) -> None:
    """A minute on the way is no skew of a minute: half of it is the most."""
    asked = heard.machine.up_s
    heard.machine.up_s += 60
    heard.clocks.hear("police", int(NOW + asked), asked)
    assert heard.skew() == -30
