"""Run pure work in threads or worker processes."""

import asyncio
import contextlib
import os
import pickle
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from syncd.config import for_child
from syncd.errors import UnavailableError
from syncd.flows.ports import Bundle, Offload
from syncd.flows.serve import File
from syncd.flows.stretch import check

LONG = 16  # bundles: what is checked in 30 ms need not start a process
LONGEST_S = 3600.0  # of what gives way to all else
MADE_MOST = 32 << 20  # bytes of log files that are kept
IDLE_S = 30.0  # after which the worker ends
Work = Callable[..., Any]
PYTHON = sys.executable, "-P", "-m"  # and a module


async def once(
    command: Sequence[str],
    given: bytes,
    most_s: float,
    *descriptors: int,
    **how: Any,
) -> tuple[bytes, int]:
    """Have a process of its own do one thing; return what it wrote, and its code.

    It has these descriptors, and nothing of our environment; it, and what it
    started in its group, is gone on return. The code of one that takes longer
    is as if the system had ended it for the time that it used.

    Raises:
        OSError: it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE,
        stderr=DEVNULL,
        pass_fds=descriptors,
        start_new_session=True,
        **{"stdout": PIPE, "env": for_child(None), **how},
    )
    try:
        async with asyncio.timeout(most_s):
            out, _ = await process.communicate(given)
    except TimeoutError:
        return b"", -signal.SIGXCPU
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return out, process.returncode or 0


async def giving_way(work: Work, *args: Any) -> Any:
    """Return what `work(*args)` returns in a process that gives way to all else.

    Raises:
        Exception: what it raises.
        UnavailableError: the process failed, or took an hour.
    """
    task = pickle.dumps((_give_way, (work, *args)))
    raw, code = await once([*PYTHON, "syncd.node.worker"], task, LONGEST_S)
    if code:
        raise UnavailableError("the process that should do that failed")
    good, found = pickle.loads(raw)  # noqa: S301
    if not good:
        raise found
    return found


def _give_way(work: Work, *args: Any) -> Any:
    os.nice(10)
    return work(*args)


class InPool:
    """Runs work in an executor; implements `flows.ports.Offload`."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    async def __call__(self, work: Work, *args: Any) -> Any:
        """Return what `work(*args)` returns, or raise what it raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, work, *args)


class InWorker:
    """Runs the checks of long pulls in a process, all other work elsewhere.

    In threads they would take turns with the merge for the interpreter's
    lock. The process starts with the first long check, ends some time after
    the last, and ends with us, however we end.
    """

    def __init__(self, others: InPool) -> None:
        """Start nothing yet; `others` runs what is short."""
        self._others = others
        self._thread = ThreadPoolExecutor(1, "worker")  # talks to it
        self.child: subprocess.Popen[bytes] | None = None

    async def __call__(self, work: Work, *args: Any) -> Any:
        """Return what `work(*args)` returns, or raise what it raises."""
        if work is not check or len(args[1]) < LONG:
            return await self._others(work, *args)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._call, work, args)

    def close(self) -> None:
        """Finish what runs, then end the process."""
        self._thread.submit(self._end)
        self._thread.shutdown()

    # All below runs in the one thread, so nothing comes between.

    def _call(self, work: Work, args: tuple[Any, ...]) -> Any:
        try:
            if self.child is not None and self.child.poll() is not None:
                self._end()  # it had nothing to do for so long
            if self.child is None:
                self.child = subprocess.Popen(  # noqa: S603 (our own program)
                    [*PYTHON, "syncd.node.worker", f"{IDLE_S}"],
                    stdin=PIPE,
                    stdout=PIPE,
                )
            calls: Any = self.child.stdin
            pickle.dump((work, args), calls, pickle.HIGHEST_PROTOCOL)
            calls.flush()
            answers: Any = self.child.stdout
            good, value = pickle.load(answers)  # noqa: S301 (ours)
        except (OSError, EOFError, pickle.UnpicklingError):
            # Killed, as for want of memory: the work is still to be done.
            self._end()
            return work(*args)
        if good:
            return value
        raise value

    def _end(self) -> None:
        child, self.child = self.child, None
        if child is not None:
            with contextlib.suppress(OSError), child:  # it is gone already
                pass


class MadeFiles:
    """Makes log files of bundles in a pool, and keeps the last; `flows.serve.Make`."""

    def __init__(self, offload: Offload) -> None:
        self._offload = offload
        self._kept = dict[tuple[Any, ...], bytes]()  # asked for last: last

    async def __call__(
        self, file: File, origin: str, bundle: Bundle, width: int
    ) -> bytes:
        """Return `file(origin, bundle, width)`."""
        # An erasure changes no root, but what gzip ends with: checksum, size.
        at = (bundle.n, bundle.root, width, bundle.gz[-8:])
        key = (file, origin, at)
        made = self._kept.pop(key, None)
        if made is None:
            made = await self._offload(file, origin, bundle, width)
        self._kept[key] = made
        size = sum(map(len, self._kept.values()))
        while size > MADE_MOST:
            size -= len(self._kept.pop(next(iter(self._kept))))
        return made


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
