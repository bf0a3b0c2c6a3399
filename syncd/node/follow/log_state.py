"""The state of one log that we follow: one value, moved by named events.

    idle        nothing is signed that we lack
    target      a signed checkpoint is ahead of our mirror, or a payload lacks
    pulling     a pull is in flight; what comes meanwhile waits behind it
    waiting     left alone until `retry_at`
    contested   it signed two histories: the roster has to decide
    decided     we hold the branch that the roster chose
    ended       we hold all of it that the roster lets count

`NEXT` says which event leads where; an event that is not in it is an error
of ours. Whether a checkpoint that somebody offers is news is `judge`'s work.
No network and no clock in here: `now` is an argument.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple, Self

from syncd.errors import NOTHING, Message
from syncd.flows.ports import MirrorHead
from syncd.roster.members import Cut
from syncd.tlog.checkpoint import Checkpoint

# Entries that one pull may be asked to bring. To plan a pull costs time and
# memory before a byte has come, and to sign a number costs nothing.
MOST_GROWTH = 1 << 26
MOST_SMALLER = 16  # signed checkpoints held against one pull's outcome

Pin = tuple[Cut, bool]  # and whether the log ends there


class Phase(Enum):
    """Where a log is."""

    IDLE = "idle"
    TARGET = "target"
    PULLING = "pulling"
    WAITING = "waiting"
    CONTESTED = "contested"
    DECIDED = "decided"
    ENDED = "ended"


class Event(Enum):
    """What may happen to a log."""

    OFFERED = "offered"  # a signed checkpoint, or one more who has it
    LACKING = "lacking"  # our mirror has a gap, or never saw what was signed
    BEGUN = "begun"  # a pull
    DONE = "done"  # a pull, and nothing is left to fetch
    GOES_ON = "goes on"  # a pull brought part of it, or there is more by now
    LEFT = "left"  # a pull brought nothing
    OBEYED = "obeyed"  # we hold the branch that the roster chose
    OVER = "over"  # and the log ends there
    FORKED = "forked"  # its key signed what contradicts what we hold


_ANY = {Event.LEFT: Phase.WAITING, Event.FORKED: Phase.CONTESTED}
_FREE = {
    **_ANY,
    Event.OFFERED: Phase.TARGET,
    Event.LACKING: Phase.TARGET,
    Event.BEGUN: Phase.PULLING,
}
_RESTS = Phase.IDLE, Phase.TARGET, Phase.DECIDED, Phase.ENDED
NEXT: Mapping[Phase, Mapping[Event, Phase]] = {
    **dict.fromkeys(_RESTS, _FREE),
    # A gap alone does not shorten a pause: nobody had its payloads before.
    Phase.WAITING: {**_FREE, Event.LACKING: Phase.WAITING},
    Phase.PULLING: {
        **_ANY,
        Event.OFFERED: Phase.PULLING,
        Event.LACKING: Phase.PULLING,
        Event.DONE: Phase.IDLE,
        Event.GOES_ON: Phase.TARGET,
        Event.OBEYED: Phase.DECIDED,
        Event.OVER: Phase.ENDED,
    },
    # A pull that was in flight when the fork was seen may come to any end.
    # Only the roster's decision, which another carries out, leads out.
    Phase.CONTESTED: {
        **dict.fromkeys(Event, Phase.CONTESTED),
        Event.BEGUN: Phase.PULLING,
    },
}


class Target(NamedTuple):
    """A signed checkpoint that a pull is to reach, and who said so."""

    head: Checkpoint
    note: bytes  # signed by the log, its own line only
    holders: tuple[str, ...] = ()  # member ids


class Offer(Enum):
    """What a signed checkpoint means to us."""

    VOID = "void"  # the roster lets it count for nothing, or the log forked
    TOO_LARGE = "too large"
    KNOWN = "known"
    DOUBTFUL = "doubtful"  # we hold as much, and never saw this one
    NEWS = "news"
    SMALLER = "smaller"  # than the target: a part of it, or a fork
    FORK = "fork"  # another root than the target's at its size
    HOLDER = "holder"  # the target: one more to ask


class Held(NamedTuple):
    """What we hold of the log that a checkpoint is of."""

    mirror: MirrorHead
    void: bool = False  # the checkpoint is of no account by the roster
    known: bool = False  # we keep it, or another of its text


class LogState(NamedTuple):
    """How one log is doing; `status` tells of it."""

    at: Phase = Phase.IDLE
    known: int = 0  # largest signed size that we heard of
    heard_at: int = 0  # unix seconds, when we first heard of that
    last_pull: int = 0  # unix seconds, of the last one that ended well
    source: str = ""
    began: tuple[int, int] = (0, 0)  # the last pull: when, with what merged
    why: Message = NOTHING
    failures: int = 0  # pulls in a row that brought nothing
    retry_at: float = 0.0  # steady seconds
    target: Target | None = None
    # Signed ones beside the target: once we are there, each must be a part of
    # what we hold.
    smaller: tuple[bytes, ...] = ()
    obeys: Pin | None = None  # what of the roster our mirror obeys
    # Our receipt may be due: at a start that of all logs, since the last
    # process may have ended between a merge and its receipt.
    owed: bool = True

    def moved(self, event: Event, **changes: object) -> Self:
        """Return the state after an event.

        Raises:
            AssertionError: that cannot happen to a log that is there.
        """
        to = NEXT[self.at].get(event)
        if to is None:
            raise AssertionError(f"log: {event.value} while {self.at.value}")
        if self.at is to is Phase.CONTESTED:
            return self
        return self._replace(at=to, **changes)  # type: ignore[arg-type]

    def due(self, now: float, pin: Pin | None) -> bool:
        """Whether a pull is to begin; `pin` is the roster's last word."""
        wanted = self.target is not None or pin not in (None, self.obeys)
        return wanted and self.at is not Phase.PULLING and self.retry_at <= now

    def rate(self, merged: int, now: int) -> float:
        """Return how many entries a second the pull in flight has merged."""
        began, first = self.began
        pulls = self.at is Phase.PULLING
        return (merged - first) / max(now - began, 1) if pulls else 0.0

    # ---------------------------------------------------------- checkpoints

    def judge(self, new: Checkpoint, held: Held) -> Offer:
        """Return what a verified checkpoint of this log means."""
        mirrored, target = held.mirror.mirrored, self.target
        if held.mirror.contested or held.void:
            return Offer.VOID
        if new.size - mirrored > MOST_GROWTH:
            return Offer.TOO_LARGE
        if new.size <= mirrored == held.mirror.merged:
            return Offer.KNOWN if held.known else Offer.DOUBTFUL
        if target is None or new.size > target.head.size:
            return Offer.NEWS
        if new.size < target.head.size:
            return Offer.SMALLER
        return Offer.HOLDER if new == target.head else Offer.FORK

    def offered(self, offer: Offer, new: Target, soon: float = 0.0) -> Self:
        """Return the state after an offer that was judged so.

        News ends a pause, but not before `soon`: to sign a larger number
        costs nothing, and a pull that finds nothing asks everybody.
        """
        target = self.target
        match offer:
            case Offer.NEWS:
                state = self._beside(target) if target else self
                at = min(self.retry_at, soon)
                return state.moved(Event.OFFERED, target=new, retry_at=at)
            case Offer.DOUBTFUL if target is None:
                return self.lacking(new)
            case Offer.DOUBTFUL | Offer.SMALLER:  # nobody may tell it again
                return self._beside(new)
            case Offer.HOLDER if target and {*new.holders} - {*target.holders}:
                more = target._replace(holders=(*target.holders, *new.holders))
                return self.moved(Event.OFFERED, target=more, retry_at=0.0)
            case _:
                return self

    def _beside(self, one: Target) -> Self:
        """Remember a smaller signed checkpoint, some of them."""
        if one.note in self.smaller or len(self.smaller) >= MOST_SMALLER:
            return self
        return self._replace(smaller=(*self.smaller, one.note))

    def heard(self, size: int, mirrored: int, now: int) -> Self:
        """Return the state after a signed size was heard of."""
        news = size > max(self.known, mirrored)
        return self._replace(
            known=max(self.known, size),
            heard_at=now if news else self.heard_at,
        )

    def lacking(self, target: Target) -> Self:
        """Return the state with a target, if it has none."""
        if self.target is not None:
            return self
        return self.moved(Event.LACKING, target=target)

    # ---------------------------------------------------------------- pulls

    def begun(self) -> Self:
        """Return the state while a pull is in flight."""
        return self.moved(Event.BEGUN)

    def goes_on(self, why: Message = NOTHING) -> Self:
        """Return the state after a pull that has not come to its end."""
        event = Event.DONE if self.target is None else Event.GOES_ON
        return self.moved(event, why=why, failures=0, retry_at=0.0)

    def reached(self, target: Target) -> Self:
        """Return the state without that target, while still pulling."""
        if self.target is None or self.target.head != target.head:
            return self
        return self._replace(target=None)

    def left(self, why: Message, retry_at: float) -> Self:
        """Return the state while the log is left alone for a while."""
        return self.moved(
            Event.LEFT, why=why, failures=self.failures + 1, retry_at=retry_at
        )

    def obeyed(self, pin: Pin) -> Self:
        """Return the state once we hold the branch that the roster chose."""
        cut, over = pin
        target = self.target
        # Or it was offered before its log was ended below it.
        if target is not None and (over or target.head.size <= cut.size):
            return self._replace(target=None, smaller=()).obeyed(pin)
        event = Event.OVER if over else Event.OBEYED
        clean = {"why": NOTHING, "failures": 0, "retry_at": 0.0}
        return self.moved(event, obeys=pin, **clean)

    def forked(self, why: Message) -> Self:
        """Return the state of a log whose key signed two histories."""
        return self.moved(
            Event.FORKED, why=why, target=None, smaller=(), obeys=None
        )
