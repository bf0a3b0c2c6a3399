"""The never-list by token, for look-ups by token and for an alarm.

What comes in from other members' logs are tokens, and the rule of what is
protected wants values. So what can be counted up, `Rule.spellings`, is asked
of the holders as anybody's values are, once per spelling and epoch: the home
remembers the answers, part by part. What cannot be counted up, such as a
site's other hosts and its pages, only a look-up of the value sees.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from syncd.errors import NOTHING, Message, SyncdError
from syncd.flows.basis import Key, claims_on
from syncd.flows.ports import Finding
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import never, token
from syncd.indicator.identifier import Identifier
from syncd.indicator.statement import Report
from syncd.node.context import Context, part
from syncd.node.upkeep.arrivals import Arrival
from syncd.roster.roster import Roster
from syncd.store import durable

log = structlog.get_logger("syncd.never")

FILE = "never-tokens"  # in the home
MOST = 50_000  # evaluations for one list
PART = 4096  # spellings asked for and remembered at once
TIMEOUT_S = 60.0  # of a part: what is missing is asked for the next time

Known = dict[str, bytes]  # a value's mark → its token
Marked = dict[str, Identifier]
Kept = dict[str, Known]  # by KIND/EPOCH


@part
class NeverList:
    """The tokens of the roster's never-list, as far as they are known."""

    ctx: Context
    tokeniser: Tokeniser
    todo: tuple[Message, ...] = ()  # lines of status
    listed: frozenset[Key] = frozenset()
    tokens: frozenset[tuple[str, bytes]] = frozenset()

    def __post_init__(self) -> None:
        self._path = self.ctx.home.path / FILE
        self._whole: tuple[object, ...] = ()  # list and epochs of `listed`
        self._known = _read(self._path)
        self._lock = asyncio.Lock()

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
        wanted, urls, count = await self.ctx.bulk(_counted_up, roster)
        before, self._known = self._known, {}
        asked: dict[str, tuple[Marked, Known]] = {}  # of the newest epochs
        for kind, number in keys:
            if marks := wanted.get(kind):
                had = before.get(name := f"{kind}/{number}", {})
                have = {m: had[m] for m in had if m in marks}
                self._known[name], asked[kind] = have, (marks, have)
        why = NOTHING
        try:
            for marks, have in asked.values():
                why = why or await self._ask(marks, have)
            await self._save()
        finally:
            epochs = [number for kind, number in keys if kind == "url"]
            self._list([("url", n, short) for n in epochs for short in urls])
        left = sum(len(marks) - len(have) for marks, have in asked.values())
        self.todo = ()
        if why:
            late = Message(
                "never-list: {n} of {of} spellings are not looked for in"
                " others' logs yet: {why}",
                n=left,
                of=count,
                why=why,
            )
            self.todo += (late,)
        if count > MOST:
            long = Message(
                "never-list: {of} spellings, {most} of them are looked for in"
                " others' logs: take rows off it",
                of=count,
                most=MOST,
            )
            self.todo += (long,)
        self._whole = () if why else (roster.never, keys)

    def _list(self, urls: Sequence[Key]) -> None:
        """List what is known: no holder is needed for a URL."""
        listed = {*urls}
        for name, rows in self._known.items():
            kind, _, epoch = name.partition("/")
            listed |= {(kind, int(epoch), short) for short in rows.values()}
        self.listed = frozenset(listed)
        self.tokens = frozenset((kind, short) for kind, _, short in listed)

    async def _ask(self, wanted: Marked, known: Known) -> Message:
        """Learn what is not known yet; return why some of it is not."""
        fresh = [mark for mark in wanted if mark not in known]
        why = NOTHING
        for at in range(0, len(fresh), PART):
            part = fresh[at : at + PART]
            outputs: dict[Identifier, bytes] = {}
            try:
                await self.tokeniser.outputs(
                    [wanted[mark] for mark in part],
                    purpose="never",
                    timeout_s=TIMEOUT_S,
                    done=outputs,
                )
            except SyncdError as e:
                why = e.text
            for mark in part:
                if wanted[mark] in outputs:
                    known[mark] = token.token(outputs[wanted[mark]])
            await self._save()
            if why:
                log.info("never-list not whole", why=str(why))
                break
        return why

    async def _save(self) -> None:
        await self.ctx.bulk(_write, self._path, self._known)

    async def arrived(self, page: Sequence[Arrival]) -> None:
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


# ------------------------------------------------------------------ spellings


def _counted_up(roster: Roster) -> tuple[dict[str, Marked], list[bytes], int]:
    """Return what holders are asked for, the URLs' tokens, and a count.

    The count is of what would be asked for if there were no most.
    """
    forms, urls = list[Identifier](), list[bytes]()
    for one in dict.fromkeys(never.of(roster).spellings()):
        if one.kind == "url":  # no holder is needed for it
            urls.append(token.token(token.url_output(one)))
        else:
            forms.append(one)
    wanted: dict[str, Marked] = {"phone": {}, "account": {}}
    for one in forms[:MOST]:
        wanted[one.kind][_mark(one)] = one
    return wanted, urls, len(forms)


def _mark(one: Identifier) -> str:
    whole = hashlib.sha256(f"{one.kind}/{one.value}".encode())
    return whole.hexdigest()[:16]


def _read(path: Path) -> Kept:
    """Return what the file remembers; nothing if it cannot be read."""
    try:
        return msgspec.json.decode(durable.read(path) or b"{}", type=Kept)
    except ValueError:
        log.warning("never-list asked for anew", why="does not parse")
        return {}


def _write(path: Path, known: Kept) -> None:
    durable.write(path, msgspec.json.encode(known))
