"""Actions: which of two is the milder. The roster's policy names them."""

from syncd.roster.terms import ACTIONS


def lower(a: str, b: str) -> str:
    """Return the milder of two actions; "" (nothing to do) is the mildest."""
    return min(a, b, key=_rank)


def stronger(a: str, b: str) -> str:
    """Return the stronger of two actions."""
    return max(a, b, key=_rank)


def _rank(action: str) -> int:
    return ACTIONS.index(action) if action else -1
