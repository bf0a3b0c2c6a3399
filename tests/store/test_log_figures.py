"""What all logs say is counted by month, origin and label."""

from syncd.indicator.statement import Count, Sighting
from syncd.store.mirror import MirrorStore
from tests.sample_statements import about, dispute
from tests.store.conftest import Log

OTHER = "police.example/syncd/txwz/1"


def sighting(n: int, count: Count) -> Sighting:
    days = {"first": "2026-09-30", "last": "2026-10-02"}
    return Sighting(**about(n, **days), count=count, outcome="blocked")


async def test_all_that_is_merged_is_counted(mirror: MirrorStore) -> None:
    ours, theirs = Log(), Log(OTHER)
    await ours.merge(
        mirror,
        ours.report(0, on="2026-09-01"),
        ours.report(1, on="2026-09-30", label="fake_invest", case="ab" * 8),
        ours.report(2, on="2026-09-30"),
        ours.report(3, test=True),
        ours.report(4, on="2026-09-30", spoofed=True),
        ours.report(5, on="2026-09-30", label="of_next_year"),
        ours.report(6, on="2026-09-30", label="of_the_year_after"),
    )
    await ours.merge(mirror, ours.retract(0, 0), ours.retract(3, 3))
    await theirs.merge(
        mirror,
        dispute(**about(1)),
        sighting(1, 50),
        sighting(1, 2),
        sighting(9, 1),
    )
    a, b = ours.origin, theirs.origin
    assert await mirror.figures(str) == {
        ("2026-09", a, "fake_loan"): {"reports": 3},
        ("2026-09", a, "fake_invest"): {"reports": 1},
        ("2026-09", a, "other"): {"reports": 2},
        ("2026-11", a, "fake_loan"): {"retracted": 1, "retract_days": 81},
        ("2026-11", b, "fake_invest"): {"disputes": 1},
        ("2026-10", b, "fake_invest"): {"sightings": 52},
        ("2026-10", b, ""): {"sightings": 1},
    }
