"""The service behind `/v1/pending`: what waits for a second person.

What waits is the call itself. Once it is confirmed, the very method that took
it runs again for whoever handed it in; should we die in between, the daily
job runs it once more: all of these methods may run twice.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from syncd.errors import (
    MissingError,
    PendingError,
    RefusedError,
    SyncdError,
)
from syncd.flows import review
from syncd.flows.basis import ClaimSource, claims_on
from syncd.flows.own_lists import plain_text
from syncd.flows.ports import Position
from syncd.flows.review import Change, Held, Person
from syncd.indicator import statement
from syncd.indicator.statement import NAMES, Report
from syncd.node.context import Context
from syncd.node.serve.shown import shown
from syncd.store.pending import FINAL
from syncd.web import problem, routes
from syncd.web.review_forms import Decision, PendingPage, PendingQuery
from syncd.web.routes import REVIEWERS, WATCHERS, Caller, route

LISTED = 1000  # rows of a retraction of which it is looked who else has them
NAMED = 20  # positions of them that are kept
SOON_S = 4 * 3600  # before it lapses that is told
AGAIN_S = 600  # after which what was confirmed, and not done, runs once more

log = structlog.get_logger("syncd.review")


def drafted(
    wanted: Any, field: str, made: Sequence[Any]
) -> tuple[Any, list[Change]]:
    """Return a call without what could not be read, and what it would say."""
    drafts = getattr(wanted, field)
    sorts = Counter(
        (NAMES.get(one.type, one.type), one.kind, getattr(draft, "label", ""))
        for draft, one in zip(drafts, made, strict=True)
        if not isinstance(one, SyncdError)
    )
    read = tuple(d for d in drafts if not isinstance(d, SyncdError))
    said = [Change(*sort, n) for sort, n in sorts.items()]
    return replace(wanted, **{field: read}), said


def _hour(at: int) -> str:
    return f"{statement.day_text(at // 86_400)}T{at % 86_400 // 3600:02}"


@dataclass(kw_only=True, eq=False)
class Review:
    """Holds calls, and runs them when a second person has confirmed them."""

    ctx: Context
    claims: ClaimSource
    parts: Callable[[], Iterable[object]]  # some of which take what is held

    def __post_init__(self) -> None:
        self.book = self.ctx.own.pending
        self._doing = asyncio.Lock()  # twice at once, loads would mix
        self._asking = asyncio.Lock()  # and none be in the other's sum

    # ------------------------------------------------------- handing in

    async def in_force(self) -> bool:
        """Tell whether anything waits: from the first reviewer's token on.

        Also when that is revoked: else who may revoke it needs no second one.
        """
        on = self.ctx.config.review.above > 0
        return on and await self.ctx.own.bearers.ever("reviewer")

    async def ask(
        self,
        caller: Caller,
        call: str,
        body: Any,
        said: Sequence[Change],
        *,
        note: bool = False,
        **about: Any,
    ) -> int | None:
        """Pass if one person may do that alone, or a second one agreed.

        Return how many values more may go by them within a day; None if
        nothing limits that. With `note` it is to be looked at afterwards,
        within a day, and such are added up for themselves.

        Raises:
            PendingError: it is kept, and waits.
            RefusedError: it would change more than was agreed to.
        """
        held = self._held(caller, call, changes=tuple(said), **about)
        if caller.shown is not None:
            if held.n > caller.shown:
                raise RefusedError(
                    "review: {n} values would change by now, and {most} were"
                    " confirmed",
                    hint="hand it in anew",
                    n=held.n,
                    most=caller.shown,
                )
            return None
        if not await self.in_force():
            return None
        first, now = map(_hour, (held.at - review.DAY_S, held.at))
        key, went = "after" if note else "alone", self.ctx.own.published
        who = f"person/{held.by.whose}"
        async with self._asking:
            before = (await went.sums([who], first, now, key))[key]
            left = self.ctx.config.review.above - before - held.n
            if held.n and (left < 0 or note):
                held = replace(held, state="waiting" if left < 0 else "after")
                held = await self.book.put(held, msgspec.json.encode(body))
            if held.state != "waiting":
                await went.add({(now, who, key): held.n})
        if held.state == "waiting":
            raise PendingError.of(held.id)
        return max(left, 0)

    async def ask_of_rows(
        self,
        caller: Caller,
        wanted: msgspec.Struct,
        ids: Sequence[int],
        types: Collection[int],
    ) -> None:
        """The same of a retraction of rows of the vault.

        Raises:
            PendingError, RefusedError: as `ask` does.
        """
        if caller.shown is None and not await self.in_force():
            return
        ends = await self.book.ends(ids, types)
        stays, positions = await self.others(ids)
        await self.ask(
            *(caller, "POST /v1/retractions", wanted, ends),
            note=True,
            stays=stays,
            positions=positions[:NAMED],
        )

    async def others(
        self, ids: Sequence[int]
    ) -> tuple[dict[str, int], tuple[Position, ...]]:
        """Return what others list of the values of rows, and our positions."""
        listed = await self.book.listed(ids[:LISTED])
        found = await claims_on((key for key, _ in listed), self.claims)
        stays = Counter[str]()
        for claims in found.values():
            on = {c.origin for c in claims if isinstance(c.statement, Report)}
            its = map(self.ctx.roster.by_origin, on - {*self.ctx.own_origins})
            stays.update({member[0].id for member in its if member})
        return dict(stays), tuple(at for _, at in listed)

    async def ask_of_own(
        self,
        caller: Caller,
        call: str,
        body: Any,
        said: Sequence[Change],
        load: int = 0,
        *,
        more: bool = False,
    ) -> bool:
        """Pass if our own lists may be changed by one person.

        A `load` of a list waits as a whole: True, if this was kept and `more`
        of it is to come.

        Raises:
            PendingError: it is kept, and waits.
        """
        name = getattr(body, "list", "")
        held = self._held(caller, call, changes=tuple(said), list=name)
        free = caller.shown is not None or not (held.n or load)
        free = free or not self.ctx.config.review.own_lists
        if free or not await self.in_force():
            return False
        held = replace(held, state="open" if more else "waiting")
        part_of = f"{load}/{name}/{caller.id}" if load else ""
        held = await self.book.put(held, msgspec.json.encode(body), part_of)
        if not more:
            raise PendingError.of(held.id)
        return True

    def _held(self, caller: Caller, call: str, **about: Any) -> Held:
        at, by = self.ctx.now(), shown(Person, caller)
        until = at + review.DAY_S
        return Held(state="", call=call, by=by, at=at, until=until, **about)

    # ---------------------------------------------------------- deciding

    @route("GET", "/v1/pending", WATCHERS, "list what waits for a person")
    async def page(self, wanted: PendingQuery) -> PendingPage:
        """Return held calls, newest first: what they would change."""
        limit: int = wanted.limit
        states: tuple[str, ...] = (*filter(None, [wanted.state]),)
        if wanted.state == "decided":
            states = ("confirmed", *FINAL)
        found = await self.book.page(states, wanted.before, limit)
        more = found[-1].id if len(found) == limit else 0
        return PendingPage(items=tuple(found), next=more)

    @route(
        *("POST", "/v1/pending/{id}/{decision}", REVIEWERS),
        "confirm or refuse, as a second person",
    )
    async def decide(
        self, caller: Caller, id_: int, decision: str, wanted: Decision
    ) -> PendingPage:
        """Have it done, or let it go; of what went, note what it was."""
        if decision not in ("confirm", "refuse"):
            raise MissingError("review: want confirm or refuse")
        why, right = plain_text("why", wanted.why), decision == "confirm"
        async with self._doing:
            old, who = await self.book.get(id_), shown(Person, caller)
            now, staff = self.ctx.now(), await self.book.staff(old.import_)
            held = review.decided(old, who, now, why, staff, right=right)
            if held is not old:
                await self.book.move(old, held)
            if held.state == "confirmed":
                held = await self._carry_out(held)
        return PendingPage(items=(held,))

    async def _carry_out(self, held: Held) -> Held:
        """Do what was confirmed, as whoever handed it in."""
        by, load, failed = held.by, 0, {}
        ways = {
            f"{way.method} {way.path}": (part, way)
            for part in self.parts()
            for way in routes.of(type(part))
        }
        first = Caller(by.name, by.role, by.id, by.staff, by.person, held.n)
        try:
            for call, raw in await self.book.parts(held.id):
                service, way = ways[call]
                body = way.body(bytes(raw))
                if getattr(body, "load", 0):  # its number was not kept
                    begin = self.ctx.own.entries.begin_load
                    load = load or (await begin(body.list))[0]
                    body = replace(body, load=load)
                given = {Caller: first, int: held.import_}
                needs = way.needs.items()
                form = {name: given.get(kind, body) for name, kind in needs}
                await way.handler(service, **form)
        except SyncdError as e:
            if e.status >= 500:  # it is tried again
                raise
            failed = msgspec.to_builtins(problem.of(e))
        state = "failed" if failed else "done"
        done = replace(held, state=state, problem=failed)
        return await self.book.move(held, done)

    async def daily(self) -> None:
        """Let lapse what waited too long; do what was confirmed and left."""
        await self.book.lapse()
        for one in await self.book.page(("waiting",)):
            if one.until <= self.ctx.now() + SOON_S:
                name = f"lapsing/{one.id}"
                await self.ctx.own.events.now(name, "", "lapsing", one.news)
        await self.book.prune(self.ctx.config.access.days)
        for held in await self.book.page(("confirmed",)):
            if held.decided_at < self.ctx.now() - AGAIN_S:
                try:
                    async with self._doing:
                        await self._carry_out(held)
                except SyncdError as e:
                    log.warning("not done yet", id=held.id, why=str(e))
