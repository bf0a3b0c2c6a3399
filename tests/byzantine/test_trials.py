"""Who forks is accused in one log, once, and by the roster that is settled."""

from pathlib import Path

import pytest

from syncd.node.upkeep import daily
from tests.alliance import shared
from tests.byzantine.lab import Lab
from tests.node.stand_in import said

pytestmark = pytest.mark.slow

lab = shared(scope="function", of=Lab)  # of four


async def frozen(lab: Lab) -> set[str]:
    """Return who holds the bank's log to be forked."""
    heads = [(m.id, await m.head(lab.bank.origin)) for m in lab.honest]
    return {id_ for id_, head in heads if head.contested}


async def test_a_fork_is_stated_once_and_settled_by_a_cut(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two see it; one of those who can prove it writes it, and all act."""
    now = lab.bank.node.ctx.now()
    await lab.fork(await lab.bank.size(), 2, "carrier", "platform")
    await lab.go_on()
    lab.cut(*(m.id for m in lab.honest))
    await lab.rounds()
    assert await frozen(lab) == set()
    lab.heal()
    for turn in (*range(4000, 4004), *range(4000, 4004)):
        await lab.rounds()
        monkeypatch.setattr(daily, "TURN_S", now // turn)
        for member in lab.honest:
            await member.node.daily.run()
        if turn == 4003:
            await lab.restart("carrier")
    (one,) = [one for m in lab.up for one in await said(m, 20)]
    assert await frozen(lab) == {"carrier", "platform", "police"}
    (row,) = await lab.police.findings("evidence")
    assert "log is active" in str(row.finding.detail)
    await lab.decided()
    await lab.carrier.say(one)  # once more: it moves nothing
    await lab.rounds()
    assert await frozen(lab) == set()
    (row,) = await lab.police.findings("evidence")
    assert "log is cut" in str(row.finding.detail)
    assert "convicts" in await lab.audit(tmp_path / "out")
