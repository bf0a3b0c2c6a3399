"""Texts of a shape."""

from hypothesis import strategies as st


def whole(pattern: str) -> st.SearchStrategy[str]:
    """Return texts that an expression matches from end to end."""
    return st.from_regex(pattern, fullmatch=True)
