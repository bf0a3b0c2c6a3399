"""The state of a row of the vault."""

from enum import IntEnum


class State(IntEnum):
    """Where a row is; WAITING and PUBLISHED are the live ones."""

    WAITING = 0
    PUBLISHED = 1
    ENDING = 2
    ENDED = 3
