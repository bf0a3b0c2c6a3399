"""Lists as a few lines of Python have them: the database says the same."""

import itertools
from dataclasses import dataclass, field

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from syncd import canonical
from syncd.errors import RefusedError
from syncd.flows.draft import NewReport
from syncd.flows.submission import ImportEnd, ImportStatus, Submission
from syncd.store import gone
from syncd.store.home_stores import OwnStore
from syncd.store.imports import Refused
from tests.store.conftest import file, step

DAY = "2026-11-29"
FIELDS = canonical.dumps(
    {"evidence": "user_tag", "expires": "2027-05-01", "seen": DAY}
)
VALUES = 5
runs = itertools.count()  # values and lists of an example are its own


@dataclass
class Model:
    """What stands, and which import found a value in a list last."""

    stands: set[int] = field(default_factory=set)
    held: dict[str, dict[int, int]] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)

    def take(self, name: str, n: int, good: set[int], bad: set[int]) -> None:
        held = self.held.setdefault(name, {})
        self.stands |= good
        held.update(dict.fromkeys(good | (bad & held.keys()), n))

    def due(self, name: str) -> set[int]:
        before = self.latest.get(name, 0)
        elsewhere = {
            value
            for other, held in self.held.items()
            for value, last in held.items()
            if other != name and last >= self.latest.get(other, 0)
        }
        lost = {v for v, last in self.held[name].items() if last < before}
        return (lost - elsewhere) & self.stands

    def end(self, name: str, n: int, *, retract: bool) -> int:
        due = self.due(name)
        if retract:
            self.stands -= due
            before = self.latest.get(name, 0)
            held = self.held[name]
            self.held[name] = {v: x for v, x in held.items() if x >= before}
        self.latest[name] = n
        return len(due)


@dataclass
class Real:
    """The same, in own.db."""

    own: OwnStore
    run: int

    def number(self, value: int) -> str:
        return f"+86138{self.run * VALUES + value:08d}"

    async def take(
        self, name: str, good: set[int], bad: set[int]
    ) -> ImportStatus:
        begun = await self.own.imports.begin(
            file(f"{self.run}/{next(runs)}", name)
        )
        refused = [Refused(v + 1, b"{}", self.number(v)) for v in bad - good]
        rows = [
            NewReport("phone", self.number(v), FIELDS, raw=self.number(v))
            for v in sorted(good)
        ]
        how = Submission("desk", DAY)
        await self.own.vault.accept(rows, step(begun.id), how, refused)
        return begun

    async def end(self, id_: int, *, retract: bool) -> int:
        end = ImportEnd(gone="retract" if retract else "")
        try:
            await gone.finish(self.own.database, id_, end, 1, DAY)
        except RefusedError as e:
            end = structs.replace(end, gone_at_most=e.params["due"])
            await gone.finish(self.own.database, id_, end, 1, DAY)
        return (await self.own.imports.state(id_)).due

    async def stands(self) -> set[int]:
        return {
            v
            for v in range(VALUES)
            for row in await self.own.vault.find_value("phone", self.number(v))
            if row.state < 2
        }


some = st.sets(st.integers(0, VALUES - 1))
steps = st.lists(
    st.tuples(st.sampled_from("ab"), some, some, st.booleans()), max_size=9
)


@given(steps=steps)
@example(  # back for once, it is not missing twice
    [("a", here, set(), True) for here in ({1, 2}, {1}, {1, 2}, {1})]
)
@example(  # nobody agrees: it is only counted
    [("a", here, set(), False) for here in ({1, 2}, {1}, {1}, {1})]
)
@example(  # `b` holds 3 until it has dropped it, too, and 2 no more
    [
        *[("a", {1, 2, 3}, set(), False), ("b", {2, 3}, set(), False)],
        ("b", {3}, set(), False),
        *[("a", {1}, set(), True)] * 2,
        *[("b", {4}, set(), True)] * 2,
    ]
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_lists_do_as_their_model_does(
    own: OwnStore, steps: list[tuple[str, set[int], set[int], bool]]
) -> None:
    """After each import: what stands, and how many were due."""
    run = next(runs)
    model, real = Model(), Real(own, run)
    for letter, good, bad, retract in steps:
        name = f"{letter}{run}"
        begun = await real.take(name, good, bad)
        model.take(name, begun.id, good, bad)
        due = model.end(name, begun.id, retract=retract)
        assert await real.end(begun.id, retract=retract) == due
        assert await real.stands() == model.stands
