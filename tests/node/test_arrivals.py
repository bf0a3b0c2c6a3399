"""What merging brought in is handed on, in order, over restarts."""

from collections.abc import Sequence

import pytest

from syncd.errors import DamagedError, UnavailableError
from syncd.indicator.statement import Report, Retract
from syncd.node.upkeep.arrivals import Arrival
from tests.alliance import Alliance

VALUE = "http://evil.example/a"


class Consumer:
    """Keeps what it is handed, or fails."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.came: list[Arrival] = []
        self.fails = fails

    async def __call__(self, page: Sequence[Arrival]) -> None:
        if self.fails:
            raise self.fails
        self.came += page


async def reported(alliance: Alliance, *consumers: Consumer) -> None:
    """Police reports a value, and the bank hands it to its consumers."""
    alliance.bank.node.arrivals.consumers = consumers
    await alliance.police.tell("url", VALUE)


async def test_reports_and_retracts_of_all_logs(alliance: Alliance) -> None:
    consumer = Consumer()
    await alliance.bank.report("url", "http://evil.example/b")
    await reported(alliance, consumer)
    await alliance.police.take_back("url", VALUE)
    police, bank = alliance.police.origin, alliance.bank.origin
    ours, report, retract = sorted(consumer.came, key=lambda a: a.position)
    assert (ours.position[0], type(ours.statement)) == (bank, Report)
    assert (report.position[0], type(report.statement)) == (police, Report)
    assert isinstance(retract.statement, Retract)
    assert retract.statement.ends == (report.position[1],)
    assert retract.statement.token == report.statement.token


@pytest.mark.sqlite  # on a server, it has come before the test looks
async def test_what_failed_comes_again(alliance: Alliance) -> None:
    consumer = Consumer(UnavailableError("own.db: database or disk is full"))
    await reported(alliance, consumer)
    assert consumer.came == []
    await alliance.restart("bank")
    consumer.fails = None
    alliance.bank.node.arrivals.consumers = (consumer,)
    for _ in range(2):
        await alliance.bank.node.arrivals.grown()
    assert [a.position[0] for a in consumer.came] == [alliance.police.origin]


async def test_damage_holds_up_nobody_else(alliance: Alliance) -> None:
    damaged = Consumer(DamagedError("access: record 1 does not open"))
    consumer = Consumer()
    await reported(alliance, damaged, consumer)
    assert [a.position[0] for a in consumer.came] == [alliance.police.origin]
