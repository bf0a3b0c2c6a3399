"""What merging brought in is handed on, in order, over restarts."""

from collections.abc import Sequence

from syncd.errors import UnavailableError
from syncd.indicator.statement import Report, Retract
from syncd.node.upkeep.arrivals import Arrival
from tests.alliance import Alliance, as_founded, shared

IDS = ("bank", "carrier", "police")


alliance = shared(as_founded, *IDS, scope="function")


class Consumer:
    """Keeps what it is handed, or fails."""

    def __init__(self) -> None:
        self.came: list[Arrival] = []
        self.fails = False

    async def __call__(self, page: Sequence[Arrival]) -> None:
        if self.fails:
            raise UnavailableError("own.db: database or disk is full")
        self.came += page


async def test_reports_and_retracts_of_all_logs(alliance: Alliance) -> None:
    consumer = Consumer()
    alliance.bank.node.arrivals.consumers = (consumer,)
    await alliance.police.report("url", "http://evil.example/a")
    await alliance.bank.report("url", "http://evil.example/b")
    await alliance.settle()
    await alliance.police.retract("url", "http://evil.example/a")
    await alliance.settle()
    await alliance.bank.node.background.idle()
    found = [(a.position[0], type(a.statement)) for a in consumer.came]
    police, bank = alliance.police.origin, alliance.bank.origin
    assert sorted(found, key=str) == sorted(
        [(police, Report), (police, Retract), (bank, Report)], key=str
    )
    report, retract = [a for a in consumer.came if a.position[0] == police]
    assert isinstance(retract.statement, Retract)
    assert retract.statement.ends == (report.position[1],)
    assert retract.statement.token == report.statement.token


async def test_what_failed_comes_again(alliance: Alliance) -> None:
    consumer = Consumer()
    consumer.fails = True
    alliance.bank.node.arrivals.consumers = (consumer,)
    await alliance.police.report("url", "http://evil.example/a")
    await alliance.settle()
    await alliance.bank.node.background.idle()
    assert consumer.came == []
    await alliance.stop("bank")
    await alliance.bank.start()
    consumer.fails = False
    alliance.bank.node.arrivals.consumers = (consumer,)
    await alliance.bank.node.arrivals.grown()
    assert [a.position[0] for a in consumer.came] == [alliance.police.origin]
    await alliance.bank.node.arrivals.grown()
    assert len(consumer.came) == 1
