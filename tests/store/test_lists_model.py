"""Lists as a few lines of Python have them: the database says the same."""

import itertools
from dataclasses import dataclass, field

from hypothesis import example, given
from hypothesis import strategies as st

from syncd.store.home_stores import OwnStore
from tests.store.test_lists import phone, run

VALUES = 5
turns = itertools.count()  # values and lists of an example are its own


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


sets = st.sets(st.integers(0, VALUES - 1))
steps = st.lists(
    st.tuples(st.sampled_from("ab"), sets, sets, st.booleans()), max_size=9
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
async def test_lists_do_as_their_model_does(
    own: OwnStore, steps: list[tuple[str, set[int], set[int], bool]]
) -> None:
    """After each import: what stands, and how many were due."""
    first = next(turns) * VALUES
    values = {v: phone(first + v) for v in range(VALUES)}
    model = Model()
    for letter, good, bad, retract in steps:
        name = f"{letter}{first}"
        some = [values[v] for v in sorted(good)]
        lost = tuple(values[v].raw for v in bad - good)
        state = await run(own, name, *some, refused=lost, agreed=retract)
        model.take(name, state.id, good, bad)
        assert state.due == model.end(name, state.id, retract=retract)
        assert model.stands == {
            v
            for v, one in values.items()
            for row in await own.vault.find_value("phone", one.value)
            if row.state < 2
        }
