"""Group commit: many callers, one transaction, one fsync."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import sqlalchemy as sa

from syncd.store.database import Database

I = TypeVar("I")  # noqa: E741 (item)
O = TypeVar("O")  # noqa: E741 (outcome)


class Grouped(Generic[I, O]):
    """Runs a job over whatever came in while the last one committed.

    `job` gives one outcome per item, in order. An exception that it raises
    is everybody's.
    """

    def __init__(
        self,
        database: Database,
        job: Callable[[sa.Connection, Sequence[I]], Sequence[O]],
    ) -> None:
        self._db = database
        self._job = job
        self._waiting: list[tuple[I, asyncio.Future[O]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: I) -> O:
        """Return the item's outcome; it is durable then."""
        future: asyncio.Future[O] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            items = [item for item, _ in group]
            try:
                outcomes = await self._db.write(
                    lambda c, items=items: self._job(c, items)  # type: ignore[misc]
                )
            except Exception as e:  # noqa: BLE001 (each caller gets it)
                for _, future in group:
                    if not future.done():
                        future.set_exception(e)
                continue
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if not future.done():  # else its caller went away
                    future.set_result(outcome)
