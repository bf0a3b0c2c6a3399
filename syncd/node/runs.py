"""How what comes again went, since the start."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

from msgspec.structs import replace

from syncd.web.system_forms import JobState


class Runs:
    """When each job, and each of its steps, ran last; how long; its failures."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ran: dict[str, JobState] = {}

    @contextlib.contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Note when what is done meanwhile ends, and whether it fails."""
        began, before, failed = time.monotonic(), self._of(name), 1
        try:
            yield
            failed = 0
        finally:
            self._ran[name] = JobState(
                name=name,
                last_at=int(self._clock()),
                took_s=round(time.monotonic() - began, 3),
                failed=before.failed + failed,
            )

    async def each(
        self, job: str, steps: Iterator[tuple[str, Awaitable[object]]]
    ) -> None:
        """Take the steps of a job, up to one that fails."""
        for name, step in steps:
            with self.noted(f"{job}.{name}"):
                await step

    def states(self, due: Mapping[str, int]) -> tuple[JobState, ...]:
        """Return all jobs, run or not, and steps; `due` is when jobs run next."""
        return tuple(
            replace(self._of(name), next_at=due.get(name))
            for name in sorted({*due, *self._ran})
        )

    def _of(self, name: str) -> JobState:
        return self._ran.get(name, JobState(name=name))
