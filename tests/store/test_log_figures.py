"""What all logs say is counted by month, origin and label."""

from msgspec.structs import replace

from syncd.indicator import folding
from syncd.indicator.statement import Count, Sighting
from syncd.store.mirror import MirrorStore
from tests.sample_statements import about, dispute
from tests.store.conftest import Clock, Log, r

OTHER = "police.example/syncd/txwz/1"


def sighting(n: int, count: Count) -> Sighting:
    days = {"first": "2026-09-30", "last": "2026-10-02"}
    return Sighting(**about(n, **days), count=count, outcome="blocked")


async def test_all_that_is_merged_is_counted(mirror: MirrorStore) -> None:
    ours, theirs = Log(), Log(OTHER)
    await ours.merge(
        mirror,
        r(0, on="2026-09-01"),
        r(1, on="2026-09-30", label="fake_invest", case="ab" * 8),
        r(2, on="2026-09-30"),
        r(3, test=True),
        r(4, on="2026-09-30", spoofed=True),
        r(5, on="2026-09-30", label="of_next_year"),
        r(6, on="2026-09-30", label="of_the_year_after"),
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
        ("2026-11", a, "fake_loan"): {
            "retracted": 1,
            "hours_least": 80 * 24,
            "hours_most": 82 * 24,
        },
        ("2026-11", b, "fake_invest"): {"disputes": 1},
        ("2026-10", b, "fake_invest"): {"sightings": 52},
        ("2026-10", b, ""): {"sightings": 1},
    }


async def test_hours_count_of_what_was_merged_on_its_day(
    mirror: MirrorStore, clock: Clock
) -> None:
    """Of all else what the days leave; folding anew or a cut is no news."""
    log, branch, clock.now = Log(), Log(), 1_795_248_000  # 2026-11-21, 08:00
    early, late = (r(n, on=f"2026-11-2{1 - n}") for n in (0, 1))
    made = early, late, log.retract(1, 1), log.retract(0, 0)
    await log.merge(mirror, early, late)
    clock.now += 5 * 3600
    await log.merge(mirror, *made[2:])
    hours = {"reports": 2, "retracted": 2, "hours_least": 5, "hours_most": 53}
    key = "2026-11", log.origin, "fake_loan"
    assert (await mirror.figures(str))[key] == hours
    clock.now += 3 * 86_400
    await mirror.fold_again(log.origin)
    for first, stop in ((0, 1), (1, 4)):
        clock.now += 3600
        head = await mirror.head(log.origin)
        batch = folding.fold(log.origin, first, log.records[first:stop])
        await mirror.advance(head, replace(head, merged=stop), (), batch)
    assert (await mirror.figures(str))[key] == hours
    await mirror.decide(await mirror.head(log.origin), 3, [])
    branch.mirrored(*made[:3])
    await branch.merge(mirror, made[3])
    hours |= {"hours_least": 0, "hours_most": 72}
    assert (await mirror.figures(str))[key] == hours
