"""Run pure work in threads or worker processes."""

import asyncio
import contextlib
import os
import pickle
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from syncd.config import for_child
from syncd.errors import UnavailableError
from syncd.flows.stretch import check

LONG = 16  # bundles: what is checked in 30 ms need not start a process
LONGEST_S = 3600.0  # of what gives way to all else
IDLE_S = 30.0  # after which the worker is let go


async def once(
    program: str, given: object, most_s: float, *descriptors: int
) -> tuple[bytes, int]:
    """Have a process of its own do one thing; return what it wrote, and its code.

    It has these descriptors, and nothing of our environment. That of one that
    takes longer is as if the system had ended it for the time that it used.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", program),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        pass_fds=descriptors,
        env=for_child(None),
    )
    try:
        async with asyncio.timeout(most_s):
            out, _ = await process.communicate(pickle.dumps(given))
    except TimeoutError:
        return b"", -signal.SIGXCPU
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return out, process.returncode or 0


async def giving_way(work: Callable[..., Any], *args: Any) -> Any:
    """Return what `work(*args)` returns in a process that gives way to all else.

    Raises:
        Exception: what it raises.
        UnavailableError: the process failed, or took an hour.
    """
    task = _give_way, (work, *args)
    raw, code = await once("syncd.node.worker", task, LONGEST_S)
    if code:
        raise UnavailableError("the process that should do that failed")
    good, found = pickle.loads(raw)  # noqa: S301
    if not good:
        raise found
    return found


def _give_way(work: Callable[..., Any], *args: Any) -> Any:
    os.nice(10)
    return work(*args)


class InPool:
    """Runs work in an executor; implements `flows.ports.Offload`."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    async def __call__(self, work: Callable[..., Any], *args: Any) -> Any:
        """Return what `work(*args)` returns, or raise what it raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, work, *args)


class InWorker:
    """Runs the checks of long pulls in a process, all other work elsewhere.

    In threads they would take turns with the merge for the interpreter's
    lock. The process starts with the first long check, ends some time after
    the last, and ends with us, however we end.
    """

    def __init__(self, others: InPool, *, idle_s: float = IDLE_S) -> None:
        """Start nothing yet; `others` runs what is short."""
        self._others = others
        self._idle_s = idle_s
        self._thread = ThreadPoolExecutor(1, "worker")  # talks to it
        self._child: subprocess.Popen[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        child = self._child
        return child.pid if child else None

    async def __call__(self, work: Callable[..., Any], *args: Any) -> Any:
        """Return what `work(*args)` returns, or raise what it raises."""
        if work is not check or len(args[1]) < LONG:
            return await self._others(work, *args)
        loop = asyncio.get_running_loop()
        self._stay()
        try:
            return await loop.run_in_executor(
                self._thread, self._call, work, args
            )
        finally:
            self._rest(loop)

    def close(self) -> None:
        """Finish what runs, then end the process."""
        self._closed = True
        self._stay()
        self._thread.submit(self._end)
        self._thread.shutdown()

    def _stay(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _rest(self, loop: asyncio.AbstractEventLoop) -> None:
        self._stay()
        if self._closed:
            return
        self._timer = loop.call_later(
            self._idle_s, self._thread.submit, self._end
        )

    # All below runs in the one thread, so nothing comes between.

    def _call(self, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        try:
            good, value = self._ask(work, args)
        except (OSError, EOFError, pickle.UnpicklingError):
            # Killed, as for want of memory: the work is still to be done.
            self._end()
            return work(*args)
        if good:
            return value
        raise value

    def _ask(
        self, work: Callable[..., Any], args: tuple[Any, ...]
    ) -> tuple[bool, Any]:
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "syncd.node.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        calls, answers = self._child.stdin, self._child.stdout
        assert calls is not None and answers is not None  # noqa: S101, PT018
        pickle.dump((work, args), calls, pickle.HIGHEST_PROTOCOL)
        calls.flush()
        answer: tuple[bool, Any] = pickle.load(answers)  # noqa: S301 (ours)
        return answer

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(OSError), child:  # it is gone already
                pass


class Pools:
    """Where the daemon computes: pools of threads and a process."""

    def __init__(self) -> None:
        names = ((2, "fast"), (1, "bulk"), (1, "files"))
        self._pools = [ThreadPoolExecutor(n, name) for n, name in names]
        self.fast, self.bulk, self.files = map(InPool, self._pools)
        self.checks = InWorker(self.fast)

    def close(self) -> None:
        """Finish what runs."""
        for pool in self._pools:
            pool.shutdown()
        self.checks.close()
