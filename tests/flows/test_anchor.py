"""Which of others' checkpoints our log anchors, and which are no news."""

from syncd.flows import anchor, ports
from syncd.indicator.statement import AnchoredLog, RosterAccepted, Statement
from tests.flows.growing import ORIGIN, FakeMirror, Log, offload
from tests.sample_statements import report

BOOK = RosterAccepted(version=1, hash_="ab" * 32)
REPORTS = [report()] * 256


async def due(
    *said: Statement, anchored: int = 0, logs: int = 1
) -> tuple[AnchoredLog, ...]:
    """Return what is anchored of logs that say so, since a size."""
    log, mirror = Log(), FakeMirror()
    log.say(*said)
    mirror.bundles = dict(enumerate(log.bundles))
    size, root = log.frontier.size, log.frontier.root()
    mirror.held = ports.MirrorHead(ORIGIN, log.frontier)
    raw, us = log.signed, ORIGIN.encode()
    merged = {
        name: ports.Cosigned(size, root, raw.replace(us, name.encode()))
        for name in [ORIGIN, *map(str, range(1, logs))]
    }
    last = {ORIGIN: anchored}
    found = await anchor.due("us", "2026-11-21", merged, last, mirror, offload)
    assert all(one.note == merged[one.origin].note for one in found)
    return found


async def test_what_a_log_gained_is_anchored_as_it_signed_it() -> None:
    """However many bundles of book-keeping came after it."""
    [one] = await due(*REPORTS, *[BOOK] * 256)
    assert (one.origin, one.size) == (ORIGIN, 512)
    assert await due(BOOK, report(), BOOK, anchored=1)


async def test_book_keeping_is_no_news() -> None:
    assert await due(*REPORTS, BOOK, anchored=256) == ()
    assert await due(*REPORTS, anchored=256) == ()


async def test_sixteen_logs_are_the_most() -> None:
    assert len(await due(report(), logs=17)) == 16
