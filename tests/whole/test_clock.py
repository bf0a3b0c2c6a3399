"""A member whose clock is an hour off neither publishes nor cosigns."""

import contextlib

import pytest

from tests.alliance import HOUR_S, Alliance, Member, shared, until
from tests.cases import tried
from tests.refusals import refused

alliance = shared()  # agrees on the time, so far


async def signed(alliance: Alliance) -> tuple[int, int]:
    """Return the carrier's size, and up to where it has cosigned the bank's."""
    receipts = await alliance.bank.receipts()
    return await alliance.carrier.size(), receipts["carrier"]


async def witnesses_nothing(carrier: Member) -> None:
    judged = await carrier.node.peer_service.add_checkpoint(b"old 0\n\n")
    assert judged.status == 503


async def goes_on(alliance: Alliance, before: tuple[int, int]) -> None:
    """Assert that the carrier publishes and cosigns again."""
    await alliance.settle()
    size, cosigned = await signed(alliance)
    assert size > before[0]
    assert cosigned == await alliance.bank.size()


@tried("shift_s", [HOUR_S, pytest.param(-HOUR_S, marks=pytest.mark.slow)])
async def test_an_hour_off(alliance: Alliance, shift_s: int) -> None:
    """It says so, goes on merging, and recovers when its clock is set."""
    bank, carrier = alliance.bank, alliance.carrier
    await alliance.settle()
    before = await signed(alliance)

    carrier.shift_s = shift_s
    await carrier.round()
    await carrier.report("url", f"http://clock{shift_s}.example/")
    await bank.report("url", f"http://bank{shift_s}.example/")
    await alliance.settle("police", "bank", "platform")
    carrier.node.publisher.wake()
    await carrier.round()
    await bank.round()

    # It publishes and cosigns nothing, and merges.
    assert await signed(alliance) == before
    await until(lambda: carrier.has(bank))
    await witnesses_nothing(carrier)
    status = await carrier.status()
    assert not status.appending.ok
    assert "clock" in str(status.appending.why)
    assert abs(status.skew_s + shift_s) <= 2
    assert any("clock" in str(line) for line in status.todo)
    # One member's clock is no reason for the others to stop.
    assert bank.node.our_clock.skew_s() in range(-2, 3)

    carrier.shift_s = 0
    await goes_on(alliance, before)
    assert (await carrier.status()).appending.ok


async def test_wrong_from_the_start(alliance: Alliance) -> None:
    """Nothing is signed before another's clock was heard, nor then."""
    bank, carrier = alliance.bank, alliance.carrier
    await alliance.settle()
    before = await signed(alliance)
    others = [m for m in alliance.up if m is not carrier]
    await carrier.stop()
    await bank.fill(1)
    with contextlib.ExitStack() as muted:
        for other in others:
            muted.enter_context(other.lying_with("/heads", b"", status=503))
        carrier.shift_s = HOUR_S
        await carrier.start()
        await carrier.report("url", "http://early.example/")
        await carrier.node.logs.offer("bank", bank.own.log.released())
        await carrier.round()  # nobody tells it the time

    assert await carrier.has(bank)  # merges
    with refused("told us the time"):
        carrier.node.our_clock.healthy()
    await witnesses_nothing(carrier)
    assert "not asked yet" in str(carrier.node.publisher.why_not())
    assert (await carrier.status()).skew_s == 0

    await carrier.round()
    await carrier.awake()
    await carrier.round()
    assert "clock" in str(carrier.node.publisher.why_not())
    await bank.round()
    assert await signed(alliance) == before

    carrier.shift_s = 0  # seen without asking anybody
    carrier.node.our_clock.healthy()
    await goes_on(alliance, before)
