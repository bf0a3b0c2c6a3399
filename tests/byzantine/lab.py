"""Six honest members and one that is not, and what holds whatever it does."""

import asyncio
import functools
import itertools
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from syncd import canonical
from syncd.audit.bundle import Bundle
from syncd.audit.verify import verify
from syncd.node.audit import stored
from syncd.node.serve import todo
from syncd.roster import membership
from syncd.roster.members import Cut
from syncd.tlog import checkpoint
from tests.alliance import CASE, Alliance, Member, claims_of, payload
from tests.audit.test_documented import c2sp

_number = itertools.count(1)


class Lab(Alliance):
    """An alliance of seven, of whom the bank lies: a holder, as it happens."""

    @property
    def honest(self) -> list[Member]:
        """The other six."""
        return [m for m in self.up if m is not self.bank]

    def said(self, by: str = "bank", **fields: Any) -> tuple[int, bytes]:
        """Return a right report on a URL that is new."""
        return payload(next(_number), self.members[by].origin, **fields)

    async def go_on(self, *members: Member) -> None:
        """Have members, or the liar, report something."""
        for member in members or (self.bank,):
            await member.write(self.said(member.id))

    async def fork(self, at: int, entries: int, *seen_by: str) -> None:
        """Have the liar show some, or all, another log from there on."""
        new = [self.said() for _ in range(entries)]
        await self.bank.fork(at, *new, seen_by=seen_by)

    def heads(self, **changes: Any) -> bytes:
        """Return an answer of /heads with something changed."""
        roster, now = self.police.roster, self.police.node.ctx.now()
        row = {"hash": roster.hash, "version": roster.version}
        right = {"cursor": "0.1", "notes": [], "receipts": [], "time": now}
        return canonical.dumps({**right, "roster": row, **changes})

    async def rounds(self) -> None:
        """Have each of the six ask all others, and pull what it hears of."""
        await asyncio.gather(*(member.round() for member in self.honest))
        await self.idle()

    async def idle(self) -> None:
        """Wait for pulls that a poke or a roster began."""
        await asyncio.gather(*(m.node.pulls.idle() for m in self.honest))

    async def audit(self, out: Path, *others: Member) -> set[str]:
        """Return what an auditor finds in bundles of honest members."""
        given = []
        for member in (self.police, *others):
            where = out / member.id
            await stored.write(member.config, where, 2**32, reason="court")
            given.append(Bundle(where))
        audit = verify(given[0], self.fingerprint, given[1:])
        return {found.code for found in audit.found}

    async def noted(self) -> Counter[tuple[str, ...]]:
        """Return how often the six met what: (code, of the liar)."""
        liar = {self.bank.id, self.bank.origin}
        found = Counter[tuple[str, ...]]()
        for member in self.honest:
            for row in await member.findings():
                source = str(row.finding.detail).partition(":")[0]
                who = {row.finding.origin, source} & liar
                found[row.finding.code, *who] += row.count
        return found

    async def held(self, act: "Act", codes: set[str], out: Path) -> None:
        """Have the liar do it: that is found of it, and all go on."""
        before = await self.noted()
        told = await act(self)
        await self.rounds()
        found = await self.noted() - before
        assert {code for code, *_ in found} | {told} - {None} == codes, found
        assert all(who for _, *who in found)  # nobody else is accused
        if "fork" in codes:
            await self.contained(out)
            await self.decided()
        await self.converged()

    async def converged(self) -> None:
        """Assert that the six append, and hold and answer the same."""
        last = self.honest[next(_number) % 6]
        await self.go_on(last)
        await self.settle(*(m.id for m in self.honest))
        async with asyncio.timeout(20):
            while not await self._same():
                await self.rounds()
        for member in self.honest:
            assert not await member.mirror.contested()
            assert member.roster.version == len(self.notes)
        (answer,) = await last.lookup("phone", CASE)
        assert answer.verdict == "confirmed"

    async def _same(self) -> bool:
        for origin in (m.origin for m in self.members.values()):
            if len({await m.digest(origin) for m in self.honest}) > 1:
                return False
        return True

    async def contained(self, out: Path) -> None:
        """Assert that all six know of a fork, and what comes of it."""
        origin, key = self.bank.origin, self.bank.keys.log.verifier
        stands = {m.id: await m.head(origin) for m in self.honest}
        await self.go_on()
        await self.rounds()
        for member, asking in itertools.pairwise([*self.honest, self.police]):
            head = await member.head(origin)
            assert head.contested
            assert head == stands[member.id]  # merging stops
            assert await claims_of(member.mirror, origin)
            (answer,) = await member.lookup("url", "http://fraud0.example/")
            assert "contested" in answer.reasons
            reader = member.node.status_reader
            state = await reader.read()
            assert any("FORK" in str(m) for m in todo.of(state))
            line = f'syncd_log_contested{{origin="{origin}"}} 1.0'
            assert line in reader.metrics.scrape(state).decode()
            evidence = await member.mirror.evidence(origin)
            path = f"/mirror/{self.bank.hash}/notes/0"
            served = json.loads((await asking.ask(member, "GET", path)).text)
            assert {raw.decode() for raw in evidence} <= {*served}
            assert len({checkpoint.open_(raw, key)[0] for raw in evidence}) > 1
        mine = stands["police"].note
        others = [m for m in self.honest if stands[m.id].note != mine]
        assert {"fork", "rewritten"} & await self.audit(out, *others[:1])
        assert not c2sp(Bundle(out / "police"))

    async def decided(self, *, ended: bool = False) -> None:
        """Have the admins choose the branch that the liar writes on."""
        self.bank.node.twin, size = None, await self.bank.size()
        how = {
            "origin": self.bank.origin,
            "at": Cut(size, await self.bank.node.guard.root_at(size)),
            "ended": ended,
        }
        await self.change(functools.partial(membership.cut, **how))  # type: ignore[arg-type]
        await self.agreed()
        await self.idle()


Act = Callable[[Lab], Awaitable[str | None]]
"""Returns what `status` says, if that is what is found."""
