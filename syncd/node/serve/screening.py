"""The service behind `/v1/screening`: which of our own customers are listed.

A customer's value is tokenised once, when the list is handed in; from then on
what merging brings in is compared with the hashes of those tokens, here. So
no question leaves the house when a report is made. An entry is one form of a
value, judged alone, with `know` checked as a look-up by value checks it.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from itertools import repeat
from typing import Any

from msgspec.structs import asdict, replace

from syncd.errors import (
    MalformedError,
    Message,
    RefusedError,
    SyncdError,
    UnavailableError,
)
from syncd.flows import basis
from syncd.flows.judge import HITS, Answer, Question, judged_by_token
from syncd.flows.own_lists import plain_text
from syncd.flows.ports import Access, Listed
from syncd.indicator import statement, token
from syncd.indicator.statement import Sighting
from syncd.node.context import Context, part
from syncd.node.serve.freshness import Freshness
from syncd.node.serve.lookups import Claims, Lookups
from syncd.node.serve.shown import day_text, shown, taken
from syncd.node.upkeep.arrivals import Arrival
from syncd.roster.roster import Roster
from syncd.store.screening import Entered, Screened
from syncd.web.forms import LONGEST_REFERENCE
from syncd.web.routes import COMPLIANCE, Caller, route
from syncd.web.screening_forms import (
    ScreeningCall,
    ScreeningEntry,
    ScreeningFilter,
    ScreeningItem,
    ScreeningOutcome,
    ScreeningReport,
    ScreeningTaken,
)

AHEAD = 30  # days before an entry's end, from which on a list is asked for
PURPOSE = "portfolio_screen"
TIMEOUT_S = 60.0  # for the holders to answer all of a call
PAGE = 1000  # entries judged at once
IDS = 100  # that one event names


@part
class Screening:
    """Compares what comes in with whom we screen for."""

    ctx: Context
    lookups: Lookups
    claims: Claims
    freshness: Freshness
    _stale = 0  # entries of an old token key
    _ending = 0  # entries that end soon
    _looked = ""  # day and roster, last time

    def __post_init__(self) -> None:
        self._book = self.ctx.own.screening
        self._enabled = self.ctx.config.screening.enabled

    @route("POST /v1/screening", COMPLIANCE, "screen for customers")
    async def add(
        self, caller: Caller, wanted: ScreeningCall
    ) -> ScreeningTaken:
        """Keep customers' tokens; recorded as look-ups, durable on return."""
        self._check()
        items = wanted.items
        answers, _, world, _ = await self.lookups.answers(
            [*map(self._question, items)],
            purpose=PURPOSE,
            caller=caller.name,
            reference="",
            timeout_s=TIMEOUT_S,
        )
        rows = [*map(partial(_entered, world.roster), items, answers)]
        every = [
            one
            for row in rows
            if not isinstance(row, SyncdError)
            for one in row
        ]
        await self._book.put(every)
        await self._look({one.key for one in every})
        self._looked = ""  # the next round counts them
        return taken(
            ScreeningTaken, rows, repeat(ScreeningOutcome(state="kept"))
        )

    def _question(
        self, item: ScreeningItem | SyncdError
    ) -> Question | SyncdError:
        if isinstance(item, SyncdError):
            return item
        most = self.ctx.config.screening.days
        try:
            if not plain_text("reference", item.reference, LONGEST_REFERENCE):
                return MalformedError("reference: not given")
            left = statement.day(item.expires) - self.ctx.day
        except MalformedError as e:
            return e
        if not 0 < left <= most:
            return MalformedError(
                "expires: want a day in the next {most} days", most=most
            )
        return shown(Question, item)

    async def came(self, page: Sequence[Arrival]) -> None:
        """Look again at whom what merging brought in is about."""
        if self._enabled:
            some = (a for a in page if not isinstance(a.statement, Sighting))
            await self._look({one.key for one in some})

    async def _look(self, keys: Collection[basis.Key]) -> set[int]:
        """Judge the entries on some tokens; return their ids."""
        found = await self._book.find([*keys])
        for at in range(0, len(found), PAGE):
            some = found[at : at + PAGE]
            answers, judge = await judged_by_token(
                [
                    Question(
                        kind,
                        token=short,
                        epoch=epoch,
                        output=short + row.tail + bytes(16),
                    )
                    for (kind, epoch, short), row in some
                ],
                await self.ctx.world(self.lookups.never.tokens),
                self.claims,
                self.ctx.bulk,
            )
            self.lookups.suspect(judge.bad_know)
            await self._move([row for _, row in some], answers)
        return {row.id for _, row in found}

    async def _move(
        self, rows: Sequence[Screened], answers: Sequence[Answer | None]
    ) -> None:
        """Keep what is said of entries now, and tell of what is another."""
        states = dict[int, Listed]()
        alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for row, answer in zip(rows, answers, strict=True):
            old, new = row.listed, self._listed(row.listed, answer)
            if new and new != old:
                states[row.id] = new
                before = old.verdict if old else "none"
                if before != new.verdict:
                    what = (before, new.verdict, new.evidence, new.roles)
                    alike[what].append(row.id)
        news = [
            {
                "state": "cleared" if after == "none" else "listed",
                "before": before,
                "after": after,
                "evidence": evidence,
                "roles": roles,
                "n": len(ids),
                "ids": ids[:IDS],
            }
            for (before, after, evidence, roles), ids in alike.items()
        ]
        await self._book.move(states, news)

    def _listed(
        self, old: Listed | None, answer: Answer | None
    ) -> Listed | None:
        """Return what is said of an entry, None if it was never listed."""
        found = answer and answer.verdict
        was = old if old and old.verdict != "none" else None
        if answer and found and found.verdict in HITS:
            return Listed(
                found.verdict,
                answer.evidence,
                found.roles,
                found.positions,
                found.handling,
                was.since if was else self.ctx.now(),
            )
        if was is None:
            return old
        return replace(was, verdict="none", positions=(), since=self.ctx.now())

    async def _again(self) -> list[Screened]:
        """Judge anew whoever is listed: a day may have passed; return them."""
        rows = await self._book.listed()
        places = {p for r in rows if r.listed for p in r.listed.positions}
        at = (await self.claims.in_force_at([*places])).values()
        there = await self._look({*map(basis.key, at)})
        gone = [row for row in rows if row.id not in there]
        await self._move(gone, [None] * len(gone))
        return await self._book.listed()

    async def daily(self) -> None:
        """Drop what has ended and look again, once a day and roster."""
        look = f"{self.ctx.day} {self.ctx.roster.version}"
        if not self._enabled or look == self._looked:
            return
        await self._book.expire(self.ctx.day, self.ctx.roster.retired)
        await self._again()
        await self._count()
        self._looked = look

    @route("POST /v1/screening/reports", COMPLIANCE, "report who is listed")
    async def report(
        self, caller: Caller, wanted: ScreeningFilter
    ) -> ScreeningReport:
        """Return who is listed or was; the asking is an access record."""
        self._check()
        rows = await self._again()
        items = tuple(
            shown(ScreeningEntry, r, r.listed, expires=day_text(r.until))
            for r in rows
            if _fits(r.listed, wanted)
        )
        await self._count()
        filters = [
            f" {name}={','.join(codes)}"
            for name, codes in asdict(wanted).items()
            if codes
        ]
        asked = f"screening report: {len(items)}{''.join(filters)}"
        places = [place for item in items for place in item.positions]
        await self.ctx.own.access.record(
            [Access(caller.name, PURPOSE, "", places, reference=asked)]
        )
        return ScreeningReport(
            items=items, stale=self._stale, as_of=await self.freshness.as_of()
        )

    @property
    def todo(self) -> list[Message]:
        """Why a list is asked for again."""
        stale = Message(
            "screening: {n} entries are of an old token key: what is reported"
            " now is not compared with them; hand the list in anew: syncd"
            " screening add",
            n=self._stale,
        )
        ending = Message(
            "screening: {n} entries end within {days} days: hand the list in"
            " anew: syncd screening add",
            n=self._ending,
            days=AHEAD,
        )
        return [one for one in (stale, ending) if one.params["n"]]

    async def _count(self) -> None:
        """Find for how many entries the list is asked for again."""
        self._stale = self._ending = 0
        for (kind, epoch, until), n in (await self._book.counts()).items():
            if epoch != self.ctx.roster.in_use(kind)[0]:
                self._stale += n
            if until <= self.ctx.day + AHEAD:
                self._ending += n

    def _check(self) -> None:
        if not self._enabled:
            raise RefusedError("screening: it is not enabled")


def _entered(
    roster: Roster, item: ScreeningItem | SyncdError, answer: Answer
) -> list[Entered] | SyncdError:
    """Return the entries of an item, or why it has none."""
    if isinstance(item, SyncdError):
        return item
    if answer.problem is not None:
        return answer.problem
    found = answer.verdict
    if found and found.verdict == "unknown":
        asks = "kinds_untried" in found.reasons  # what to name, not to wait
        error = MalformedError if asks else UnavailableError
        return error(answer.detail, hint=answer.hint)
    return [
        Entered(
            (form.kind, roster.in_use(form.kind)[0], token.token(output)),
            output[16:48],
            item.reference,
            statement.day(item.expires),
        )
        for form, output in zip(answer.forms, answer.outputs, strict=True)
    ]


def _fits(state: Listed | None, wanted: ScreeningFilter) -> bool:
    pairs = state and (
        (wanted.verdicts, (state.verdict,)),
        (wanted.evidence, state.evidence),
        (wanted.roles, state.roles),
    )
    return all(not a or not set(a).isdisjoint(b) for a, b in pairs or ())
