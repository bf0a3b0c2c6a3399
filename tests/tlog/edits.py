"""What is almost what somebody wrote."""

from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T", str, bytes)


def edited(wholes: st.SearchStrategy[T], put: list[T]) -> st.SearchStrategy[T]:
    """Return wholes with one of `put` in them, or up to two signs less."""

    def edit(whole: T, at: int, new: T, cut: int) -> T:
        at %= len(whole) + 1
        return whole[:at] + new + whole[at + cut :]

    return st.builds(
        edit,
        wholes,
        st.integers(0, 10_000),
        st.sampled_from([*put, put[0][:0]]),
        st.integers(0, 2),
    )
