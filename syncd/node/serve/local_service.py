"""The service behind the local API."""

import contextlib
import re
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping

from aiohttp import web
from msgspec.structs import replace

from syncd.errors import MalformedError, MissingError, RefusedError
from syncd.flows.basis import Key
from syncd.flows.draft import RawValue
from syncd.flows.ports import Position, State
from syncd.flows.report import Rules
from syncd.flows.review import Change
from syncd.indicator import identifier, token, vocabulary
from syncd.indicator.claims import DISPUTE, REPORT
from syncd.indicator.record import KEPT
from syncd.indicator.statement import NAMES, Sighting
from syncd.node.context import Context, part
from syncd.node.listeners import whose
from syncd.node.serve.event_feed import Events
from syncd.node.serve.lookups import Lookups
from syncd.node.serve.review_service import Review
from syncd.node.serve.shown import claim_items, shown
from syncd.node.upkeep import arrivals
from syncd.node.upkeep.never_list import NeverList
from syncd.store.merge_marks import Mark
from syncd.store.retracting import Terms, Withdrawn
from syncd.store.vault import Query
from syncd.web import event_stream, forms
from syncd.web.report_forms import Retracting, Retraction, RetractionEffect
from syncd.web.routes import (
    BEARER,
    EVERYBODY,
    HANDED_IN,
    OPERATORS,
    PEOPLE,
    READERS,
    SSE,
    UTF8,
    Caller,
    route,
)


@part
class LocalService:
    """Retracts, shows claims, tells what happens and what came in."""

    ctx: Context
    lookups: Lookups
    feed: Events  # what happened, to follow
    never: NeverList  # and which reports of ours it protects
    wake: Callable[[], None]  # has it published what waits
    review: Review  # holds what a second person is to see

    def __post_init__(self) -> None:
        self._rules = dict[tuple[int, str], Rules]()  # those of today

    # --------------------------------------------------------- reporting

    def rules(self) -> Rules:
        """Return what drafts are checked against just now."""
        roster, today = self.ctx.roster, self.ctx.today()
        if (now := (roster.version, today)) not in self._rules:
            ours = self.ctx.config.member
            self._rules = {now: Rules(roster, today, ours.region, ours.id)}
        return self._rules[now]

    @route("POST /v1/retractions", HANDED_IN, "retract reports", status=202)
    async def retract(self, caller: Caller, wanted: Retraction) -> Retracting:
        """Have reports of ours end."""
        vocabulary.check("reason", "retract_reason", wanted.reason)
        vault = self.ctx.own.vault
        how = Terms(wanted.reason, self.ctx.today(), _types(wanted))
        ids = await self._named(wanted)
        if caller.shown is not None or await self.review.in_force():
            dry = await vault.retract(ids, replace(how, dry=True))
            ends = [Change(NAMES[t], "", "", -n) for t, n in dry.ends.items()]
            call, rows = "POST /v1/retractions", (*dry.ids,)
            found = await vault.page(Query(ids=rows, limit=2))
            if [getattr(r.fields, "test", False) for r in found] != [True]:
                await self.review.ask(
                    caller, call, wanted, ends, note=True, rows=rows
                )
        done = await vault.retract(ids, how)
        count = done.ends.total()
        if count:
            self.wake()
            await self.never.retracted()
        if done.past:
            origin, index = done.past[0]
            raise RefusedError(
                "retraction: {n} of them stand in a log that has ended, "
                "such as {origin}:{index}; {others} others are being retracted",
                n=len(done.past),
                origin=origin,
                index=index,
                others=count,
                end=index + 1,
            )
        if not count and not done.already:
            raise MissingError(
                "retraction: nothing of ours that stands matches",
                hint="but something else of ours does: say its type, or all"
                if done.spared
                else "",
            )
        return _retracting(done)

    @route(
        "POST /v1/retractions/effect",
        OPERATORS,
        "read what a retraction would end",
    )
    async def effect(self, wanted: Retraction) -> RetractionEffect:
        """Return what would end, and end nothing."""
        how = Terms(wanted.reason, self.ctx.today(), _types(wanted), dry=True)
        done = await self.ctx.own.vault.retract(await self._named(wanted), how)
        rows = await self.ctx.own.vault.page(Query(ids=done.ids, limit=1000))
        stays = Counter(sum((await self.review.others(rows)).values(), ()))
        return shown(RetractionEffect, _retracting(done), stays=stays)

    async def _named(self, wanted: Retraction) -> list[int]:
        """Return the ids of the vault rows that a retraction may mean."""
        named = (
            *(wanted.value, wanted.values, wanted.positions),
            *(wanted.ids, wanted.import_, wanted.never),
        )
        if sum(map(bool, named)) != 1:
            raise MalformedError(
                "retraction: want one of value, positions, ids, import, never"
            )
        vault = self.ctx.own.vault
        if wanted.ids:
            return list(wanted.ids)
        if wanted.import_:
            return await vault.of_import(wanted.import_)
        if wanted.never:
            return list(await self.never.protected(anew=True))
        if wanted.value or wanted.values:
            values = wanted.values or (wanted,)
            return [i for one in values for i in await self._of_value(one)]
        found = []
        ours = self.ctx.own_origins
        for origin, index in wanted.positions:
            if origin not in ours:
                raise RefusedError(
                    "retraction: {origin} is not our log", origin=origin
                )
            row = await vault.by_index(origin, index)
            if row is not None:
                found.append(row.id)
        return found

    async def _of_value(self, wanted: RawValue) -> list[int]:
        """Return the rows on a value: reports of one form, all else.

        A report has dropped a URL's query or kept it; where both stand, the
        usual form is meant. What else is said has always kept it.
        """
        ours = self.ctx.config.member.region
        found = wanted.read(identifier.for_retract, ours)
        vault = self.ctx.own.vault
        rows = [await vault.find_value(f.kind, f.value) for f in found]
        reports = [[r for r in group if r.type == REPORT] for group in rows]
        live = [g for g in reports if any(r.state < State.ENDING for r in g)]
        meant = live[0] if live else [r for group in reports for r in group]
        others = [r for group in rows for r in group if r.type != REPORT]
        return [r.id for r in (*meant, *others)]

    # -------------------------------------------------------- indicators

    @route(
        "GET /v1/indicators", READERS, "list what the alliance holds, by token"
    )
    async def indicators(
        self, caller: Caller, wanted: forms.IndicatorQuery
    ) -> forms.IndicatorPage:
        """Return what the alliance holds after a token.

        A cursor is the last token, and which of its keys: `TOKEN.KEY`. So
        anybody can make one for the token that interests him: reading a page
        is looking its tokens up, and is recorded like that.
        """
        limit = wanted.limit
        found = await self.ctx.mirror.page(_after(wanted.after), limit)
        await self.lookups.audited(
            caller, [(some[0].statement.kind, t) for t, _, some in found], ()
        )
        items = tuple(
            shown(
                *(forms.Indicator, some[0].statement),
                claims=claim_items(
                    self.ctx.roster, ((one, None, None) for one in some)
                ),
            )
            for _, _, some in found
        )
        last = ""
        if len(found) == limit:
            short, number, _ = found[-1]
            last = f"{token.encode(short)}.{number}"
        return forms.IndicatorPage(items=items, next=last)

    # ----------------------------------------------------------- changes

    # A page is what one merge brought in of one log (`store.merge_marks`), and
    # a cursor, `<mark>.<at>`, says after which. A verdict before and one after
    # are those of what had come of every log by then, by the roster and the
    # day of the asking; so they do not depend on when it is asked.

    async def came(self, page: arrivals.Page) -> None:
        """Mark what merging brought in of one log."""
        some = _counting(page)
        if some:
            (origin, first), (_, last) = some[0].position, some[-1].position
            await self.ctx.own.marks.add(origin, first, last + 1, len(some))

    @route("GET /v1/changes", READERS, "follow what merging brings in")
    async def changes(
        self, caller: Caller, wanted: forms.ChangeQuery
    ) -> forms.ChangePage:
        """Return what came in next after a cursor; recorded as an audit.

        Raises:
            MissingError: what is behind the cursor is not known any more.
        """
        marks, since = self.ctx.own.marks, wanted.since
        newest = await marks.newest()
        if not since:
            return forms.ChangePage(items=(), next=_cursor(newest), more=False)
        known = event_stream.read_cursor(since)
        if known is None:
            raise MalformedError("since: not what a page gave as `next`")
        behind = await marks.after(known[0])
        if behind is None or behind[0].at != known[1]:
            raise MissingError(
                "since: so long ago, or in so different a database, that what"
                " came in between is not known"
            )
        if len(behind) == 1:
            return forms.ChangePage(items=(), next=since, more=False)
        mark = behind[1]
        came = _counting(await arrivals.read(self.ctx, *mark[2:]))
        sizes = await marks.sizes(known[0])
        later = {**sizes, mark.origin: mark.stop}
        return forms.ChangePage(
            items=await self._changed(caller, came, sizes, later),
            next=_cursor(mark),
            more=mark.id < newest.id,
        )

    async def _changed(
        self, caller: Caller, came: arrivals.Page, *sizes: Mapping[str, int]
    ) -> tuple[forms.Change, ...]:
        """Return what came in by token, judged at two states of all logs."""
        on = defaultdict[Key, list[Position]](list)
        for one in came:
            on[one.key].append(one.position)
        await self.lookups.audited(
            caller,
            [(kind, short) for kind, _, short in on],
            [one.position for one in came],
        )
        judged, never = self.lookups.claims.verdicts, self.never.tokens
        before, after = [await judged([*on], at, never) for at in sizes]
        return tuple(
            forms.Change(
                kind=kind,
                epoch=epoch,
                token=token.encode(short),
                positions=(*group,),
                before=before[key][0],
                after=after[key][0],
            )
            for key, group in on.items()
            for kind, epoch, short in (key,)
        )

    # ------------------------------------------------------------- other

    @route("GET /v1/events", EVERYBODY, "follow what happens", media=SSE)
    async def events(
        self, caller: Caller, request: web.Request, wanted: forms.EventQuery
    ) -> web.StreamResponse:
        """Send what happens, for as long as the token or session stands."""
        cursor = request.headers.get("Last-Event-ID", wanted.cursor)
        happening = self.feed.follow(cursor)
        bearer, page = request[BEARER], request.get(event_stream.READER)

        async def stands() -> bool:
            if page is None:
                return await whose(self.ctx.own.bearers, bearer) == caller
            open_ = await self.ctx.own.sessions.all()
            return page.session in {one.id for one in open_}

        async def allowed() -> AsyncGenerator[event_stream.Event | None, None]:
            async with contextlib.aclosing(happening):
                async for event in happening:
                    if not await stands():
                        return
                    yield event

        return await event_stream.stream(request, allowed())

    @route("GET /v1/roster", PEOPLE, "read the roster", media=UTF8)
    async def roster(self) -> bytes:
        """Return the newest roster's signed note."""
        version = self.ctx.roster.version
        note = self.ctx.home.rosters.get(version)
        if note is None:
            raise MissingError(
                "roster: version {version} is not in the home", version=version
            )
        return note


# ---------------------------------------------------------------- to forms


_CURSOR = re.compile(r"([A-Za-z0-9_-]{22})\.([1-9][0-9]{0,9})", re.ASCII)


def _after(cursor: str) -> tuple[bytes, int]:
    if not cursor:
        return b"", 0
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise MalformedError("after: not what a page gave as `next`")
    return token.decode(match[1]), int(match[2])


def _types(wanted: Retraction) -> tuple[int, ...]:
    """Return the types that are to end.

    A dispute of ours is not withdrawn by who takes back a report.
    """
    by_value = wanted.value or wanted.values
    meant = wanted.type or ("report" if by_value else "all")
    return tuple(n for n in KEPT if meant in ("all", NAMES[n]))


def _retracting(done: Withdrawn) -> Retracting:
    count = done.ends.total()
    reports, disputes = done.ends[REPORT], done.ends[DISPUTE]
    return shown(
        *(Retracting, done),
        retracting=count,
        reports=reports,
        disputes=disputes,
        others=count - reports - disputes,
        ids=tuple(done.ids),
    )


def _counting(page: arrivals.Page) -> arrivals.Page:
    """Return what may change a verdict."""
    return [one for one in page if not isinstance(one.statement, Sighting)]


def _cursor(mark: Mark) -> str:
    return f"{mark.id}.{mark.at}"
