"""Where pure work runs so that it does not hold up the loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any


class InPool:
    """Runs work in an executor; implements `flows.tokenise.Offload`."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    async def __call__(self, work: Callable[..., Any], *args: Any) -> Any:
        """Return what `work(*args)` returns, or raise what it raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, work, *args)
