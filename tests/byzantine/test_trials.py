"""Who forks is accused once, in a log; who accuses falsely is told of."""

from pathlib import Path

import pytest

from syncd.indicator.statement import Evidence
from syncd.node.upkeep import daily
from tests.alliance import shared
from tests.byzantine.lab import Lab
from tests.node.stand_in import said

pytestmark = pytest.mark.slow


class Court(Lab):
    """The bank forks, and three others see it or hear of it."""

    async def accused(self, *notes: bytes) -> list[str]:
        """Have the carrier accuse the bank; return by whom it is frozen."""
        texts = tuple(raw.decode() for raw in notes)
        origin = self.bank.origin
        charge = Evidence(what="fork", origin=origin, notes=texts)
        await self.carrier.say(charge)
        await self.rounds()
        return await self.frozen()

    async def frozen(self) -> list[str]:
        heads = [(m.id, await m.head(self.bank.origin)) for m in self.honest]
        return sorted(id_ for id_, head in heads if head.contested)

    async def told(self, code: str) -> str:
        """Return of whom, and how it ends, what the police found last."""
        found = (await self.police.findings(code))[0].finding
        return f"{found.origin} {str(found.detail).rpartition(' ')[2]}"


court = shared(scope="function", of=Court)


async def test_a_fork_is_stated_once_and_settled_by_a_cut(
    court: Court, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two see it; one of those who can prove it writes it, and all act."""
    origin, now = court.bank.origin, court.bank.node.ctx.now()
    await court.fork(await court.bank.size(), 2, "carrier", "platform")
    await court.go_on()
    court.cut(*(m.id for m in court.honest))
    await court.rounds()
    assert await court.frozen() == []
    court.heal()
    for turn in (*range(4000, 4004), *range(4000, 4004)):
        await court.rounds()
        monkeypatch.setattr(daily, "TURN_S", now // turn)
        for member in court.honest:
            await member.node.daily.run()
        if turn == 4003:
            await court.restart("carrier")
    (one,) = [one for m in court.up for one in await said(m, 20)]
    assert await court.frozen() == ["carrier", "platform", "police"]
    assert await court.told("evidence") == f"{origin} active"
    await court.decided()
    notes = [raw.encode() for raw in one.notes]
    assert await court.accused(*notes) == []
    assert "convicts" in await court.audit(tmp_path / "out")


async def test_a_stolen_old_key_and_what_proves_nothing(court: Court) -> None:
    """Proven by notes alone it freezes, but nothing of a log that ended."""
    bank, released = court.bank, court.bank.own.log.released
    before = released()
    await court.go_on()
    assert await court.accused(before, released()) == []
    assert (await court.told("false_evidence")).startswith("carrier ")
    twin = await bank.fork(await bank.size() - 1, court.said())
    bank.node.twin = None  # nobody is ever shown it
    notes = twin.signed, released()
    assert await court.accused(*notes) == ["platform", "police"]
    await court.decided(ended=True)
    await court.rounds()
    assert await court.accused(*notes) == []
    assert await court.told("evidence") == f"{bank.origin} ended"
