"""Background tasks of the daemon."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import structlog

from syncd.errors import SyncdError
from syncd.grouped import cancelled

log = structlog.get_logger("syncd.node")

Aside = Callable[[Coroutine[Any, Any, None]], None]


class Background:
    """Tasks that run until they end, or until we do."""

    def __init__(self) -> None:
        self._tasks = set[asyncio.Task[None]]()
        self._stopped = False

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done; what goes wrong with it is logged."""
        if self._stopped:
            work.close()
            return
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # What was cancelled before it began is closed here.
        task.add_done_callback(lambda _: work.close())

    async def idle(self) -> None:
        """Wait until all of it is done."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Leave what is not done, and begin nothing more."""
        self._stopped = True
        await cancelled(self._tasks)


@contextlib.contextmanager
def logged(
    event: str, also: type[Exception] = SyncdError, **about: object
) -> Iterator[None]:
    """Go on after what goes wrong meanwhile, and log it.

    A fault of ours goes on to who counts it, unless `also` is Exception.
    """
    try:
        yield
    except SyncdError as e:
        log.warning(event, why=str(e), **about)
    except also:
        log.exception(event, **about)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    with logged("left undone", Exception):
        await work
