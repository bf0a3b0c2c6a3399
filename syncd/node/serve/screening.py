"""The service behind `/v1/screening`: which of our own customers are listed.

A customer's value is tokenised once, when the list is handed in; from then on
what merging brings in is compared with the hashes of those tokens, here. So
no question leaves the house when a report is made. An entry is one form of a
value, judged alone, with `know` checked as a look-up by value checks it.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec.structs import asdict

from syncd.errors import (
    MalformedError,
    Message,
    RefusedError,
    SyncdError,
    UnavailableError,
)
from syncd.flows.basis import Key
from syncd.flows.judge import (
    HITS,
    Answer,
    LookupProgress,
    PendingQuestion,
    Question,
    epoch_of,
    judged,
)
from syncd.indicator import statement, token
from syncd.indicator.statement import Sighting
from syncd.node.context import Context
from syncd.node.serve.lookups import Claims, Lookups
from syncd.node.serve.shown import day_text, shown, taken
from syncd.node.serve.status import StatusReader
from syncd.node.upkeep.arrivals import Arrival
from syncd.roster.roster import Roster
from syncd.store.database import chunks
from syncd.store.screening import Entered, Listed, Run, Screened
from syncd.web.screening_forms import (
    ScreeningEnded,
    ScreeningEntry,
    ScreeningFilter,
    ScreeningItem,
    ScreeningOutcome,
    ScreeningPage,
    ScreeningReport,
    ScreeningRun,
    ScreeningRuns,
    ScreeningTaken,
)
from syncd.web.service_ports import Caller

AHEAD = 30  # days before an entry's end, from which on a list is asked for
TIMEOUT_S = 60.0  # for the holders to answer all of a call
PAGE = 1000  # entries judged at once
IDS = 100  # that one event names


@dataclass(kw_only=True, eq=False)
class Screening:
    """Compares what comes in with whom we screen for."""

    ctx: Context
    lookups: Lookups
    claims: Claims
    status_reader: StatusReader
    wake: Callable[[], None]  # lets who follows the events look

    def __post_init__(self) -> None:
        self._book = self.ctx.own.screening
        self._enabled = self.ctx.config.screening.enabled
        self._counts: Counter[tuple[str, int, int]] | None = None
        self._looked = ""  # day and roster at the last look

    # ------------------------------------------------------------ customers

    async def add(
        self, caller: Caller, items: Sequence[ScreeningItem | SyncdError]
    ) -> ScreeningTaken:
        """Keep customers' tokens; recorded as look-ups, durable on return."""
        self._check()
        today = statement.day(self.ctx.today())
        questions = [self._question(item, today) for item in items]
        answers, _, world, _ = await self.lookups.answers(
            questions,
            purpose="portfolio_screen",
            caller=caller.name,
            reference="",
            timeout_s=TIMEOUT_S,
        )
        rows = [*map(partial(_entered, world.roster), items, answers)]
        groups = [row for row in rows if not isinstance(row, SyncdError)]
        every = [one for group in groups for one in group]
        ids = iter(await self._book.put(every))
        named = [tuple(next(ids) for _ in group) for group in groups]
        self._counts = None
        listed = await self._look(
            await self._book.find([*dict.fromkeys(one.key for one in every)])
        )
        outcomes = (
            ScreeningOutcome(
                state="clear" if listed.isdisjoint(some) else "listed",
                ids=some,
            )
            for some in named
        )
        return taken(ScreeningTaken, rows, outcomes)

    def _question(
        self, item: ScreeningItem | SyncdError, today: int
    ) -> Question | SyncdError:
        if isinstance(item, SyncdError):
            return item
        most = self.ctx.config.screening.days
        try:
            left = statement.day(item.until) - today
        except MalformedError as e:
            return e
        if not 0 < left <= most:
            return MalformedError(
                "until: want a day in the next {most} days", most=most
            )
        reference = item.reference
        if not 0 < len(reference) <= 128 or not reference.isprintable():
            return MalformedError(
                "{name}: want up to 128 printable characters",
                name="reference",
            )
        return Question(
            item.kind, item.value, scheme=item.scheme, region=item.region
        )

    async def end(self, reference: str, ids: Sequence[int]) -> ScreeningEnded:
        """Screen for some customers no more."""
        self._counts = None
        return ScreeningEnded(ended=await self._book.end(ids, reference))

    async def page(self, after: int, limit: int) -> ScreeningPage:
        """Return entries, with the house's references."""
        rows = await self._book.page(after, limit)
        last = rows[-1].id if len(rows) == limit else 0
        return ScreeningPage(items=tuple(map(_entry, rows)), next=last)

    # ------------------------------------------------------- what comes in

    async def came(self, page: Sequence[Arrival]) -> None:
        """Look again at whom what merging brought in is about."""
        if not (self._enabled and await self._entries()):
            return
        about = (a.statement for a in page)
        keys = {
            (one.kind, one.epoch, token.decode(one.token))
            for one in about
            if not isinstance(one, Sighting)
        }
        await self._look(await self._book.find([*keys]))

    async def _look(self, found: Sequence[tuple[Key, Screened]]) -> set[int]:
        """Judge entries by their tokens; return the ids of the listed."""
        listed: set[int] = set()
        for some in chunks(found, PAGE):
            end = time.monotonic() + TIMEOUT_S
            answers, judge = await judged(
                [
                    PendingQuestion(
                        Question(
                            kind,
                            token=short,
                            epoch=epoch,
                            output=short + row.tail + bytes(16),
                        )
                    )
                    for (kind, epoch, short), row in some
                ],
                LookupProgress(),
                await self.ctx.world(self.lookups.never.tokens),
                self.claims,
                self.ctx.bulk,
                lambda end=end: time.monotonic() < end,  # type: ignore[misc]
            )
            self.lookups.suspect(judge.bad_know)
            rows = [row for _, row in some]
            listed |= await self._move(rows, answers)
        return listed

    async def _move(
        self, rows: Sequence[Screened], answers: Sequence[Answer | None]
    ) -> set[int]:
        """Keep what is said of entries now, and tell of what is another."""
        states: dict[int, Listed | None] = {}
        alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        listed: set[int] = set()
        for row, answer in zip(rows, answers, strict=True):
            judged_ = answer and answer.verdict
            if judged_ and judged_.verdict == "unknown":
                listed |= {row.id} if row.listed else set()
                continue  # there was no time: it stays what it was
            new, old = self._listed(row, answer), row.listed
            if new:
                listed.add(row.id)
            if new == old:
                continue
            states[row.id] = new
            before, after = (s.verdict if s else "none" for s in (old, new))
            about = new or old
            if before != after and about:
                what = (before, after, about.evidence, about.roles)
                alike[what].append(row.id)
        told = [
            {
                "state": "listed" if after != "none" else "cleared",
                "before": before,
                "after": after,
                "evidence": evidence,
                "roles": roles,
                "n": len(ids),
                "ids": ids[:IDS],
            }
            for (before, after, evidence, roles), ids in alike.items()
        ]
        await self._book.move(states, told)
        self.wake()
        return listed

    def _listed(self, row: Screened, answer: Answer | None) -> Listed | None:
        found = answer.verdict if answer else None
        if answer is None or found is None or found.verdict not in HITS:
            return None
        old = row.listed
        return Listed(
            found.verdict,
            found.action,
            answer.evidence,
            found.roles,
            found.positions,
            found.handling,
            old.since if old else self.ctx.now(),
        )

    async def again(self) -> list[Screened]:
        """Judge anew whoever is listed: a day may have passed; return them."""
        rows = await self._book.listed()
        places = [
            p for row in rows if row.listed for p in row.listed.positions
        ]
        at = await self.claims.in_force_at([*dict.fromkeys(places)])
        keys = {
            (c.statement.kind, c.statement.epoch, c.token) for c in at.values()
        }
        found = await self._book.find([*keys])
        await self._look(found)
        there = {row.id for _, row in found}
        gone = [row for row in rows if row.id not in there]
        await self._move(gone, [None] * len(gone))
        return await self._book.listed()

    async def daily(self) -> None:
        """Drop what has ended and look again, once a day and roster."""
        look = f"{self.ctx.today()} {self.ctx.roster.version}"
        if not self._enabled or look == self._looked:
            return
        if await self._book.expire(statement.day(self.ctx.today())):
            self._counts = None
        await self.again()
        await self._entries()
        self._looked = look

    # --------------------------------------------------------------- report

    async def report(
        self, caller: Caller, wanted: ScreeningFilter
    ) -> ScreeningReport:
        """Return who is listed, and file that it was asked."""
        self._check()
        rows = await self.again()
        some = [row for row in rows if _wanted(row, wanted)]
        stale = self._stale(await self._entries())
        run = await self._book.file(
            caller.name,
            {
                "filters": {k: v for k, v in asdict(wanted).items() if v},
                "entries": sum((await self._entries()).values()),
                "listed": len(rows),
                "shown": len(some),
                "complete": not stale,
                "stale": stale,
            },
        )
        return ScreeningReport(
            run=_run(run),
            items=tuple(map(_entry, some)),
            as_of=await self.status_reader.as_of(),
        )

    async def runs(self) -> ScreeningRuns:
        """Return the reports that were made."""
        return ScreeningRuns(items=tuple(map(_run, await self._book.runs())))

    @property
    def todo(self) -> list[Message]:
        """For which entries the list is asked for again."""
        counts = self._counts or Counter()
        found = [
            Message(
                "screening: {n} entries are of the token key {keys}, which is"
                " not the newest: what is reported now is not compared with"
                " them; hand the list in anew: syncd screening add",
                n=n,
                keys=key,
            )
            for key, n in self._stale(counts).items()
        ]
        today = statement.day(self.ctx.today())
        soon = {k: n for k, n in counts.items() if k[2] <= today + AHEAD}
        if soon:
            found.append(
                Message(
                    "screening: {n} entries end by {day}, the first of them"
                    " on {due}: hand the list in anew: syncd screening add",
                    n=sum(soon.values()),
                    day=day_text(today + AHEAD),
                    due=day_text(min(k[2] for k in soon)),
                )
            )
        return found

    def _stale(
        self, counts: Mapping[tuple[str, int, int], int]
    ) -> dict[str, int]:
        """Return the entries of each token key that is not the newest."""
        found: Counter[str] = Counter()
        for (kind, epoch, _), n in counts.items():
            if epoch != epoch_of(self.ctx.roster, kind):
                found[f"{kind}/{epoch}"] += n
        return dict(found)

    async def _entries(self) -> Counter[tuple[str, int, int]]:
        """Return how many entries there are, by kind, epoch and last day."""
        if self._counts is None:
            self._counts = await self._book.counts()
        return self._counts

    def _check(self) -> None:
        if not self._enabled:
            raise RefusedError(
                "screening: it is not enabled",
                hint="set [screening] enabled = true in config.toml",
            )


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
            (form.kind, epoch_of(roster, form.kind), token.token(output)),
            output[16:48],
            item.reference,
            statement.day(item.until),
        )
        for form, output in zip(answer.forms, answer.outputs, strict=True)
    ]


def _entry(row: Screened) -> ScreeningEntry:
    state = row.listed
    sources = (row, state) if state else (row,)
    return shown(ScreeningEntry, *sources, until=day_text(row.until))


def _wanted(row: Screened, wanted: ScreeningFilter) -> bool:
    state = row.listed
    if state is None:
        return False
    pairs = (
        (wanted.verdicts, (state.verdict,)),
        (wanted.evidence, state.evidence),
        (wanted.roles, state.roles),
    )
    return all(not a or not set(a).isdisjoint(b) for a, b in pairs)


def _run(run: Run) -> ScreeningRun:
    return ScreeningRun(run=run.id, at=run.at, by=run.caller, **run.details)
