"""Group commit: many callers, one transaction, one fsync."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from syncd import grouped
from syncd.store.database import Database

I = TypeVar("I")  # noqa: E741 (item)
O = TypeVar("O")  # noqa: E741 (outcome)


class Grouped(grouped.Grouped[I, O]):
    """Runs a job over whatever came in while the last one committed.

    An outcome is durable when it is returned.
    """

    def __init__(
        self,
        database: Database,
        job: Callable[[sa.Connection, Sequence[I]], Sequence[O]],
    ) -> None:
        super().__init__(lambda items: database.write(lambda c: job(c, items)))
