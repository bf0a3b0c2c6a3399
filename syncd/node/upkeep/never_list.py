"""The never-list by token, for look-ups by token and for an alarm.

What comes in from other members' logs are tokens, and the rule of what is
protected wants values. So what can be counted up, `Rule.spellings`, is asked
of the holders as anybody's values are, once per spelling and epoch: the home
remembers the answers, part by part. What cannot be counted up, such as a
site's other hosts and its pages, only a look-up of the value sees.

Reports of ours were right when they were taken; then a roster, or a build
that reads its rows otherwise, came to protect what they are about. Look-ups
already leave them out. We have their values, so the whole rule is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from syncd.errors import NOTHING, Message
from syncd.flows.basis import Key, claims_on
from syncd.flows.ports import Finding, State, VaultRow
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import never, token
from syncd.indicator.identifier import Identifier
from syncd.indicator.never import Rule
from syncd.indicator.record import ReportFields
from syncd.indicator.statement import Report
from syncd.node.context import Context, part
from syncd.node.upkeep.arrivals import Page
from syncd.roster.roster import Roster
from syncd.store import durable
from syncd.store.vault import Query

log = structlog.get_logger("syncd.never")

FILE = "never-tokens"  # in the home
MOST = 50_000  # evaluations for one list
PART = 4096  # spellings asked for and remembered at once
PAGE = 1000  # rows of the vault opened in one go
IN_FORCE = (State.WAITING, State.PUBLISHED)
TIMEOUT_S = 60.0  # of a part: what is missing is asked for the next time

Known = dict[str, bytes]  # a value → its token
Wanted = dict[str, Identifier]  # by value
Kept = dict[str, Known]  # by KIND/EPOCH


@part
class NeverList:
    """The tokens of the roster's never-list, as far as they are known."""

    ctx: Context
    tokeniser: Tokeniser
    ids: tuple[int, ...] = ()  # of reports of ours that it protects by now
    listed: frozenset[Key] = frozenset()
    tokens: frozenset[tuple[str, bytes]] = frozenset()

    def __post_init__(self) -> None:
        self._path = self.ctx.home.path / FILE
        self._whole: tuple[object, ...] = ()  # list and epochs of `listed`
        try:
            raw = durable.read(self._path) or b"{}"
            self._known = msgspec.json.decode(raw, type=Kept)
        except ValueError:
            self._known = {}
            log.warning("never-list asked for anew", why="does not parse")
        self._lock = asyncio.Lock()
        self._late = list[Message]()  # lines of status
        self._seen: object = None  # the list of which `ids` are
        self._day = ""

    @property
    def todo(self) -> tuple[Message, ...]:
        """What `status` says of it."""
        if not self.ids:
            return (*self._late,)
        ours = Message(
            "never-list: {n} reports of ours are about what it protects by"
            " now: syncd report retract --never --reason false_positive",
            n=len(self.ids),
        )
        return ours, *self._late

    async def refresh(self) -> None:
        """Know the tokens of the newest roster's list; then look for them.

        What holders do not answer now is asked for the next time.

        Raises:
            UnavailableError: the disk is full; what is known is not lost
                before we stop.
        """
        async with self._lock:
            roster = self.ctx.roster
            keys = [(e.kind, e.epoch) for e in roster.epochs if not e.retired]
            if self._whole != (roster.never, keys):
                await self._learn(roster, keys)
        await self.check()

    async def _learn(
        self, roster: Roster, keys: Sequence[tuple[str, int]]
    ) -> None:
        forms, urls = await self.ctx.bulk(_counted_up, roster)
        before, self._known, count = self._known, {}, len(forms)
        asked = dict[str, tuple[Wanted, Known]]()  # of the newest epochs
        for kind, number in keys:
            if values := {f.value: f for f in forms[:MOST] if f.kind == kind}:
                had = before.get(name := f"{kind}/{number}", {})
                have = {m: had[m] for m in had if m in values}
                self._known[name], asked[kind] = have, (values, have)
        why = NOTHING
        try:
            for values, have in asked.values():
                why = why or await self._ask(values, have)
            await self.ctx.bulk(self._save)
        finally:
            epochs = [number for kind, number in keys if kind == "url"]
            listed = {("url", n, short) for n in epochs for short in urls}
            for name, rows in self._known.items():
                kind, _, epoch = name.partition("/")
                listed |= {(kind, int(epoch), t) for t in rows.values()}
            self.listed = frozenset(listed)
            self.tokens = frozenset((kind, short) for kind, _, short in listed)
        left = sum(len(values) - len(have) for values, have in asked.values())
        self._late = []
        if why:
            late = Message(
                "never-list: {n} of {of} spellings are not looked for in"
                " others' logs yet: {why}",
                n=left,
                of=count,
                why=why,
            )
            self._late.append(late)
        if count > MOST:
            long = Message(
                "never-list: {of} spellings, {most} of them are looked for in"
                " others' logs: take rows off it",
                of=count,
                most=MOST,
            )
            self._late.append(long)
        self._whole = () if why else (roster.never, keys)

    async def _ask(self, wanted: Wanted, known: Known) -> Message:
        """Learn what is not known yet; return why some of it is not."""
        fresh = [value for value in wanted if value not in known]
        why = NOTHING
        for at in range(0, len(fresh), PART):
            part = fresh[at : at + PART]
            outputs, failed = await self.tokeniser.came(
                [wanted[value] for value in part],
                purpose="never",
                timeout_s=TIMEOUT_S,
            )
            for value in part:
                if wanted[value] in outputs:
                    known[value] = token.token(outputs[wanted[value]])
            await self.ctx.bulk(self._save)
            if failed:
                why = failed.text
                log.info("never-list not whole", why=str(why))
                break
        return why

    def _save(self) -> None:
        durable.write(self._path, msgspec.json.encode(self._known))

    async def arrived(self, page: Page) -> None:
        """Look for listed tokens if a report that came in is on one."""
        if any(
            isinstance(one.statement, Report) and one.key in self.listed
            for one in page
        ):
            await self.check()

    async def check(self) -> None:
        """Alarm on each report that stands on a listed token, once."""
        groups = await claims_on(self.listed, self.ctx.mirror)
        found = [
            Finding(
                "never_listed",
                *claim.position,
                Message("a report on a {kind} of the never-list", kind=kind),
            )
            for (kind, *_), group in groups.items()
            for claim in group
            if isinstance(claim.statement, Report) and not claim.statement.test
        ]  # all at once: somebody may report a number often
        await self.ctx.report(*found, once=True)

    # -------------------------------------------------- reports of our own

    async def protected(self, *, anew: bool = False) -> tuple[int, ...]:
        """Return those of ours in force that are about what it protects.

        The vault is walked where that may have changed.
        """
        roster, today = self.ctx.roster, self.ctx.today()
        over = bool(self.ids) and today != self._day  # some may have expired
        if anew or over or roster.never is not self._seen:
            rule, found = never.of(roster), list[int]()
            before = 0
            vault = self.ctx.own.vault
            while rows := await vault.page(Query(before, PAGE, IN_FORCE)):
                found += await self.ctx.bulk(_under, rows, rule, today)
                before = rows[-1].id
            self._seen, self._day = roster.never, today
            self.ids = tuple(found)
        return self.ids

    async def retracted(self) -> None:
        """Leave out those that stand no more, without a walk."""
        ended = {*self.ids}
        ended -= await self.ctx.own.vault.in_force(self.ids)
        self.ids = tuple(id_ for id_ in self.ids if id_ not in ended)


def _under(rows: Sequence[VaultRow], rule: Rule, today: str) -> list[int]:
    return [
        row.id
        for row in rows
        if isinstance(row.fields, ReportFields)
        and (row.fields.expires or today) >= today
        and (guarded := rule.of(row.kind, row.value))
        and not (guarded.page and never.PLANTED in row.fields.technique)
    ]


# ------------------------------------------------------------------ spellings


def _counted_up(roster: Roster) -> tuple[list[Identifier], list[bytes]]:
    """Return what holders would be asked for, and the URLs' tokens."""
    spellings = [*dict.fromkeys(never.of(roster).spellings())]
    urls = map(token.url_output, (s for s in spellings if s.kind == "url"))
    return [s for s in spellings if s.kind != "url"], [*map(token.token, urls)]
