"""The service behind `/v1/pending`: what waits for a second person.

What waits is the call itself. Once it is confirmed, the very method that took
it runs again for whoever handed it in; should we die in between, the daily
job runs it once more: all of these methods may run twice.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from syncd.errors import MissingError, PendingError, RefusedError, SyncdError
from syncd.flows import review
from syncd.flows.basis import ClaimSource, Key, claims_on
from syncd.flows.entry import Filter
from syncd.flows.own_lists import plain_text
from syncd.flows.review import Change, Held, Person
from syncd.indicator import statement
from syncd.lists.preview import masked
from syncd.node.context import Context, logged, part
from syncd.node.serve.shown import shown, unmasked
from syncd.store.pending import FINAL
from syncd.store.vault import Query
from syncd.web import problem, routes
from syncd.web.forms import Item, Page, paged
from syncd.web.report_forms import (
    Decision,
    HeldCall,
    HeldRow,
    PendingQuery,
    ValueCall,
    VaultValue,
)
from syncd.web.routes import REVIEWERS, WATCHERS, Caller, route

LISTED = 1000  # rows that are shown of a call
PARTS = 20  # of a load, whose rows are shown
DRAFTS = ("reports", "entries", "vouches", "numbers")  # where a body has them
SOON_S = 4 * 3600  # before it lapses that is told
AGAIN_S = 600  # after which what was confirmed, and not done, runs once more


def drafted(
    wanted: Any, field: str, made: Sequence[Any]
) -> tuple[Any, Sequence[Change]]:
    """Return a call without what could not be read, and what it would say."""
    drafts = getattr(wanted, field)
    said = (
        Change(statement.NAMES.get(one.type, one.type), one.kind, label, 1)
        for draft, one in zip(drafts, made, strict=True)
        if not isinstance(one, SyncdError)
        for label in (getattr(draft, "label", ""),)
    )
    read = tuple(d for d in drafts if not isinstance(d, SyncdError))
    return replace(wanted, **{field: read}), review.summed(said)


def _key(row: Any) -> Key:
    return row.kind, row.epoch, row.token


def _hour(at: int) -> str:
    return f"{statement.day_text(at // 86_400)}T{at % 86_400 // 3600:02}"


@part
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
        always: bool = False,
        **about: Any,
    ) -> int | None:
        """Pass if one person may do that alone, or a second one agreed.

        Return how many values more may go by them within a day; None if
        nothing limits that. With `note` it is to be looked at afterwards,
        within a day, and such are added up for themselves. What cannot be
        undone `always` waits.

        Raises:
            PendingError: it is kept, and waits.
            RefusedError: it would change more than was agreed to.
        """
        held = self._held(caller, call, said, **about)
        if caller.shown is not None:
            if held.n > caller.shown:
                raise RefusedError(
                    "review: {n} values would change by now, and {most} were"
                    " confirmed",
                    held,
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
            waits = always or left < 0
            if held.n and (waits or note):
                held = replace(held, state="waiting" if waits else "after")
                await self._keep(held, body)
            await went.add({(now, who, key): held.n})
        return max(left, 0)

    async def others(
        self, rows: Iterable[Any]
    ) -> Mapping[Key, tuple[str, ...]]:
        """Return which other members list what rows of the vault are of."""
        keys = {_key(row) for row in rows if getattr(row, "token", b"")}
        found = await claims_on(keys, self.claims)
        owner, nobody = self.ctx.roster.owner, {"", self.ctx.me}
        return {
            key: tuple(
                sorted(
                    {
                        owner(c.origin)
                        for c in claims
                        if isinstance(c.statement, statement.Report)
                    }
                    - nobody
                )
            )
            for key, claims in found.items()
        }

    async def ask_of_own(
        self,
        caller: Caller,
        call: str,
        body: Any,
        said: Sequence[Change],
        load: int = 0,
        rows: Sequence[int] = (),
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
        held = self._held(
            *(caller, call, said),
            state="open" if more else "waiting",
            list=name,
            rows=(*rows,)[:LISTED],
        )
        asks = caller.shown is None and self.ctx.config.review.own_lists
        if not (asks and (held.n or load) and await self.in_force()):
            return False
        part_of = f"{load}/{name}/{caller.id}" if load else ""
        await self._keep(held, body, part_of)
        return True

    async def agreed(
        self, caller: Caller, call: str, body: Any, said: Change
    ) -> Held:
        """Return what a second person has confirmed, for a day: it needs one.

        Raises:
            RefusedError: nobody could, or who asks is no person.
            PendingError: it is kept, and waits.
        """
        if not (caller.staff and await self.in_force()):
            raise RefusedError("review: it takes two persons, by staff number")
        held = self._held(caller, call, [said], state="waiting")
        return await self._keep(held, body, again=True)

    def _held(
        self,
        caller: Caller,
        call: str,
        said: Sequence[Change],
        state: str = "",
        **about: Any,
    ) -> Held:
        at, by = self.ctx.now(), shown(Person, caller)
        about |= {"until": at + review.DAY_S, "changes": (*said,)}
        return Held(state=state, call=call, by=by, at=at, **about)

    async def _keep(self, held: Held, body: Any, *how: str, **of: Any) -> Held:
        """Keep a call; raise, if it waits."""
        held = await self.book.put(held, msgspec.json.encode(body), *how, **of)
        if held.state == "waiting":
            raise PendingError.of(held.id)
        return held

    # ---------------------------------------------------------- deciding

    @route("GET /v1/pending", WATCHERS, "list what waits for a person")
    async def page(self, wanted: PendingQuery) -> Page[Held]:
        """Return held calls, newest first: what they would change."""
        states: tuple[str, ...] = (*filter(None, [wanted.state]),)
        if wanted.state == "decided":
            states = ("confirmed", *FINAL)
        found = await self.book.page(states, wanted.before, wanted.limit)
        items = (replace(one, rows=()) for one in found)
        return paged(found, wanted.limit, items)

    @route("GET /v1/pending/{id}", WATCHERS, "read what one would change")
    async def one(self, id_: int) -> HeldCall:
        """Return a held call, and of each value masked what it is about."""
        held = await self.book.get(id_)
        found = await self._rows(held)
        stays = await self.others(found)
        what: Any = held.changes[0].what if held.changes else ""
        rows = tuple(
            shown(
                *(HeldRow, getattr(one, "fields", one), one),
                n=n,
                kind=getattr(one, "kind", "phone"),
                type=statement.NAMES.get(type_, type_),
                value=masked(one.value) if one.value else "",
                stays=stays.get(_key(one), ())
                if hasattr(one, "token")
                else (),
            )
            for n, one in enumerate(found, 1)
            for type_ in (getattr(one, "type", what),)
        )
        return HeldCall(item=held, rows=rows)

    @route(
        "POST /v1/pending/{id}/rows/{n}",
        REVIEWERS,
        "see the value of a row of one",
    )
    async def value(
        self, caller: Caller, id_: int, n: int, wanted: ValueCall
    ) -> VaultValue:
        """Return a value that a held call is about; recorded like a look-up."""
        found = await self._rows(await self.book.get(id_))
        if not 0 < n <= len(found) or not found[n - 1].value:
            raise MissingError("review: no value is known of that row")
        return await unmasked(self.ctx, caller, wanted, found[n - 1])

    async def _rows(self, held: Held) -> Sequence[Any]:
        """Return what one is about: rows of the vault, entries, or drafts."""
        own, ids = self.ctx.own, held.rows
        if ids and held.call == "POST /v1/own/removals":
            some = Filter(limit=LISTED, ended=True)
            return await own.entries.page(some, ids)
        if ids or held.import_:
            return await own.vault.page(Query(ids=ids, limit=LISTED))
        ways = {f"{way.method} {way.path}": way for way in routes.ALL}
        drafts = list[Any]()
        for call, raw in await self.book.parts(held.id, PARTS):
            body = ways[call].body(bytes(raw))
            drafts += [d for n in DRAFTS for d in getattr(body, n, ())]
            drafts += [body] if isinstance(body, Item) else []
            if len(drafts) >= LISTED:  # of a load each has 10,000 at most
                break
        return drafts[:LISTED]

    @route(
        "POST /v1/pending/{id}/{decision}",
        REVIEWERS,
        "confirm or refuse, as a second person",
    )
    async def decide(
        self, caller: Caller, id_: int, decision: str, wanted: Decision
    ) -> Page[Held]:
        """Have it done, or let it go; of what went, note what it was."""
        if decision not in ("confirm", "refuse"):
            raise MissingError("review: want confirm or refuse")
        why, right = plain_text("why", wanted.why), decision == "confirm"
        async with self._doing:
            old = await self.book.get(id_)
            held = review.decided(
                *(old, shown(Person, caller), self.ctx.now(), why),
                await self.book.staff(old.import_),
                right=right,
            )
            if held is not old:
                await self.book.move(old, held)
            if held.state == "confirmed":
                held = await self._carry_out(held)
        return Page(items=(held,))

    async def _carry_out(self, held: Held) -> Held:
        """Do what was confirmed, as whoever handed it in."""
        load, failed = 0, {}
        ways = {
            f"{way.method} {way.path}": (part, way)
            for part in self.parts()
            for way in routes.of(type(part))
        }
        first = shown(Caller, held.by, shown=held.n)
        try:
            for call, raw in await self.book.parts(held.id):
                service, way = ways[call]
                body = way.body(bytes(raw))
                if getattr(body, "load", 0):  # its number was not kept
                    begin = self.ctx.own.entries.begin_load
                    load = load or (await begin(body.list))[0]
                    body = replace(body, load=load)
                given = {Caller: first, int: held.import_}
                form = {n: given.get(k, body) for n, k in way.needs.items()}
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
                await self.ctx.own.events.now(
                    f"lapsing/{one.id}", "", "lapsing", one.news
                )
        await self.book.prune(self.ctx.config.access.days)
        for held in await self.book.page(("confirmed",)):
            if held.decided_at < self.ctx.now() - AGAIN_S:
                with logged("not done yet", id=held.id):
                    async with self._doing:
                        await self._carry_out(held)
