"""A member whose clock is an hour off neither publishes nor cosigns."""

import contextlib

import pytest

from syncd.errors import RefusedError
from tests.alliance import HOUR_S, Alliance, shared

SLOW = pytest.mark.slow


alliance = shared()  # agrees on the time, so far


@pytest.mark.parametrize(
    "shift_s", [HOUR_S, pytest.param(-HOUR_S, marks=SLOW)]
)
async def test_an_hour_off(alliance: Alliance, shift_s: int) -> None:
    """It says so, goes on merging, and recovers when its clock is set."""
    bank, carrier = alliance.bank, alliance.carrier
    await alliance.settle()
    size = await carrier.size()
    before = (await bank.receipts())["carrier"]

    carrier.shift_s = shift_s
    await carrier.round()
    await carrier.report("url", f"http://clock{shift_s}.example/")
    await bank.report("url", f"http://bank{shift_s}.example/")
    await alliance.settle("police", "bank", "platform")
    carrier.node.publisher.wake()
    await carrier.round()
    await bank.round()

    assert await carrier.size() == size  # publishes nothing
    assert await carrier.has(bank)  # merges
    assert (await bank.receipts())["carrier"] == before  # cosigns nothing
    judged = await carrier.node.peer_service.add_checkpoint(b"old 0\n\n")
    assert judged.status == 503
    status = await carrier.status()
    assert not status.appending.ok
    assert "clock" in str(status.appending.why)
    assert abs(status.skew_s + shift_s) <= 2
    assert any("clock" in str(line) for line in status.todo)
    # One member's clock is no reason for the others to stop.
    assert bank.node.our_clock.skew_s() in range(-2, 3)

    carrier.shift_s = 0
    await alliance.settle()
    assert await carrier.size() > size
    assert (await bank.receipts())["carrier"] == await bank.size()
    assert (await carrier.status()).appending.ok


async def test_wrong_from_the_start(alliance: Alliance) -> None:
    """Nothing is signed before another's clock was heard, nor then."""
    bank, carrier = alliance.bank, alliance.carrier
    await alliance.settle()
    size = await carrier.size()
    before = (await bank.receipts())["carrier"]
    others = [m for m in alliance.up if m is not carrier]
    await carrier.stop()
    await bank.fill(1)
    with contextlib.ExitStack() as muted:
        for other in others:
            muted.enter_context(other.lying_with("/heads", b"", status=503))
        carrier.shift_s = HOUR_S
        await carrier.start()
        await carrier.report("url", "http://early.example/")
        raw = bank.own.log.released()
        await carrier.node.logs.offer("bank", raw)
        await carrier.round()  # nobody tells it the time

    assert await carrier.has(bank)  # merges
    with pytest.raises(RefusedError, match="told us the time"):
        carrier.node.our_clock.healthy()
    judged = await carrier.node.peer_service.add_checkpoint(b"old 0\n\n")
    assert judged.status == 503
    assert "not asked yet" in str(carrier.node.publisher.why_not())
    assert (await carrier.status()).skew_s == 0

    await carrier.round()
    await carrier.awake()
    await carrier.round()
    assert "clock" in str(carrier.node.publisher.why_not())
    assert await carrier.size() == size  # signs nothing
    await bank.round()
    assert (await bank.receipts())["carrier"] == before

    carrier.shift_s = 0  # seen without asking anybody
    carrier.node.our_clock.healthy()
    await alliance.settle()
    assert await carrier.size() > size
    assert (await bank.receipts())["carrier"] == await bank.size()
