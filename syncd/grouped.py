"""Group work: what comes in while some is done is done together next."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

I = TypeVar("I")  # noqa: E741 (item)
O = TypeVar("O")  # noqa: E741 (outcome)


class Grouped(Generic[I, O]):
    """Runs a job over whatever came in while the last ones ran.

    `job` gives one outcome per item, in order. An exception that it raises
    is everybody's. As many run at once as there are `lanes`.
    """

    def __init__(
        self,
        job: Callable[[Sequence[I]], Awaitable[Sequence[O]]],
        lanes: int = 1,
    ) -> None:
        self._job = job
        self._lanes = lanes
        self._waiting = list[tuple[I, asyncio.Future[O]]]()
        self._tasks = list[asyncio.Task[None]]()

    async def submit(self, item: I) -> O:
        """Return the item's outcome."""
        future: asyncio.Future[O] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._tasks = [task for task in self._tasks if not task.done()]
        if len(self._tasks) < self._lanes:
            self._tasks.append(asyncio.create_task(self._drain()))
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                outcomes = await self._job([item for item, _ in group])
            except Exception as e:  # noqa: BLE001 (each caller gets it)
                for _, future in group:
                    if not future.done():
                        future.set_exception(e)
                continue
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if not future.done():  # else its caller went away
                    future.set_result(outcome)


async def cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait for their end, whatever comes of them."""
    left = [*tasks]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
