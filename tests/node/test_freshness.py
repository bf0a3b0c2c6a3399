"""How fresh it all is, said once a second."""

from types import SimpleNamespace
from typing import Any

from syncd.node.serve.freshness import Freshness
from tests.flows import founders


async def test_what_is_merged_shows_at_once_and_what_is_heard_by_the_second() -> (
    None
):
    """Nothing is built twice in between."""
    roster = founders.found().roster
    ours, other = (m.origin for m in roster.active()[:2])
    sizes, now, asked = {ours: (1, 1), other: (5, 5)}, [1000], []

    async def merged() -> Any:
        return {**sizes}

    def heard() -> dict[str, tuple[int, int]]:
        asked.append(1)
        return {other: (990 + len(asked), 7)}

    ctx: Any = SimpleNamespace(
        now=lambda: now[0],
        roster=roster,
        origin=ours,
        mirror=SimpleNamespace(sizes=merged),
    )
    freshness = Freshness(ctx=ctx, heard=heard)
    first = await freshness.as_of()
    assert (first[1].merged, first[1].behind, first[1].age_s) == (5, 2, 9)
    assert await freshness.as_of() is first
    sizes[other] = (7, 7)
    assert (await freshness.as_of())[1].merged == 7
    now[0] += 1
    assert (await freshness.as_of())[1].age_s == 8
    assert len(asked) == 3
