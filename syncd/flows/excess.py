"""Evaluations to publish that nothing was published of.

Whoever names `publish` is given more than for look-ups. What it had evaluated
stands in the holders' books and usage statements, what it published in its
log: a member may have tried and failed, so some more than it published, by a
factor and a floor, are nothing.
"""

FACTOR = 2
FLOOR = 1000  # evaluations of a day and key


def excessive(evaluated: int, published: int) -> bool:
    """Tell whether one holder evaluated too much for what was published."""
    return evaluated > FACTOR * published + FLOOR
