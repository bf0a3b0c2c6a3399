"""What every part of the daemon gets: the frozen context, a log, tasks beside."""

import asyncio
import contextlib
import datetime
import zoneinfo
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform

import structlog

from syncd.config import Config
from syncd.errors import MalformedError, Message, SyncdError
from syncd.flows import sighting
from syncd.flows.entry import WHOM, Entry
from syncd.flows.judge import Alike, World
from syncd.flows.ports import Finding, Offload
from syncd.grouped import cancelled
from syncd.indicator import statement
from syncd.node.home import Home
from syncd.roster.members import Member
from syncd.roster.roster import Roster
from syncd.store.home_stores import OwnStore
from syncd.store.mirror import MirrorStore
from syncd.store.own_books import OwnBooks

log = structlog.get_logger("syncd.node")
BUG = Message("an error of our own: see the log")
T = TypeVar("T")


@dataclass_transform(
    kw_only_default=True, eq_default=False, field_specifiers=(field,)
)
def part(made: type[T]) -> type[T]:
    """Have a class be made of the parts that its fields name."""
    return dataclass(kw_only=True, eq=False)(made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What answers look-ups: stores, clock, and where work is done."""

    config: Config
    trusted: Any  # whose `current` is the newest roster that we trust
    own: OwnBooks
    mirror: MirrorStore  # others' logs, and everybody's claims
    clock: Callable[[], float]  # unix seconds
    report: Callable[..., Awaitable[None]]  # `FindingsBook.report`
    offload: Offload  # runs pure work elsewhere
    bulk: Offload  # the same, behind look-ups
    alike: Alike = field(default_factory=Alike)

    @property
    def me(self) -> str:
        """Our member id."""
        return self.config.member.id

    @property
    def origin(self) -> str:
        """The log that we write now."""
        return self.config.origin

    @property
    def roster(self) -> Roster:
        """The newest roster that we trust."""
        current: Roster = self.trusted.current
        return current

    @property
    def us(self) -> Member | None:
        """What the roster says of us, if it does."""
        return self.roster.member(self.me)

    @property
    def renewal(self) -> Path:
        """Where the next version of the roster lies to be signed, if it does."""
        return self.config.home / f"roster-{self.roster.version + 1}.draft"

    @property
    def others(self) -> list[str]:
        """The other active members that have an address."""
        active = self.roster.active()
        return [m.id for m in active if m.id != self.me and m.urls]

    @property
    def own_origins(self) -> frozenset[str]:
        """The names of our logs, of all generations."""
        logs = self.us.generations if self.us else ()
        return frozenset({self.origin, *(g.origin for g in logs)})

    @property
    def sights(self) -> bool:
        """Tell whether we say what we met: if it is set, or by our sector."""
        setting = self.config.sighting.enabled
        if setting == "auto":
            return bool(self.us and self.us.sector not in sighting.SILENT)
        return setting

    async def world(
        self, never: frozenset[tuple[str, bytes]] = frozenset()
    ) -> World:
        """Return what answers rest on just now, beside never-listed tokens."""
        distrusted = {
            log.origin: entry
            for entry in await self.distrusted()
            if (member := self.roster.member(entry.fields.text))
            for log in member.generations
        }
        return World(
            self.roster,
            self.day,
            await self.mirror.contested(),
            never,
            self.config.member.region,
            self.own_origins,
            distrusted,
            self.alike,
        )

    async def distrusted(self) -> Sequence[Entry]:
        """Return our entries by which we distrust members today."""
        return (await self.own.entries.find([WHOM], self.day)).get(WHOM, ())

    async def found(self, code: str, whose: str, why: Message) -> None:
        """Report what a person should know of a log or member."""
        await self.report(Finding(code, whose, None, why))

    def now(self) -> int:
        """Return the time in whole unix seconds."""
        return int(self.clock())

    def begins(self, name: str, day: str, later: int = 0) -> int:
        """Return when a day of the roster's zone begins, or days later.

        0 for "". `name` is what a complaint calls it.

        Raises:
            MalformedError: it is no day.
        """
        if not checked_day(name, day):
            return 0
        zone = zoneinfo.ZoneInfo(self.roster.zone)
        begins = datetime.datetime.fromisoformat(day).replace(tzinfo=zone)
        return int((begins + datetime.timedelta(days=later)).timestamp())

    def day_of(self, at: float) -> str:
        """Return the day in the roster's zone at a time, unix seconds."""
        zone = zoneinfo.ZoneInfo(self.roster.zone)
        return datetime.datetime.fromtimestamp(at, zone).date().isoformat()

    def today(self) -> str:
        """Return the day it is in the roster's zone."""
        return self.day_of(self.clock())

    @property
    def day(self) -> int:
        """The day it is in the roster's zone, as a number."""
        return statement.day(self.today())


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(Reading):
    """One member's home, its clock, and where work is done."""

    home: Home
    own: OwnStore  # our log, vault and books


def checked_day(name: str, text: str) -> str:
    """Return a day as it stands, or "".

    Raises:
        MalformedError: it is none.
    """
    if text:
        try:
            statement.day(text)
        except MalformedError:
            raise MalformedError(
                "{name}: want a day as YYYY-MM-DD", name=name
            ) from None
    return text


# ------------------------------------------------------------ tasks beside
Aside = Callable[[Coroutine[Any, Any, None]], None]


class Background:
    """Tasks that run until they end, or until we do."""

    def __init__(self) -> None:
        self._tasks = set[asyncio.Task[None]]()
        self._stopped = False

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done; what goes wrong with it is logged."""
        if self._stopped:
            work.close()
            return
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # What was cancelled before it began is closed here.
        task.add_done_callback(lambda _: work.close())

    async def idle(self) -> None:
        """Wait until all of it is done."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Leave what is not done, and begin nothing more."""
        self._stopped = True
        await cancelled(self._tasks)


@contextlib.contextmanager
def logged(
    event: str, also: type[Exception] = SyncdError, **about: object
) -> Iterator[None]:
    """Go on after what goes wrong meanwhile, and log it.

    A fault of ours goes on to who counts it, unless `also` is Exception.
    """
    try:
        yield
    except SyncdError as e:
        log.warning(event, why=str(e), **about)
    except also:
        log.exception(event, **about)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    with logged("left undone", Exception):
        await work
