"""Run a command that tells somebody: bounded, and nothing of ours goes along."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence

from syncd.errors import UnavailableError

TIME_S = 10.0
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


async def run(command: Sequence[str], body: bytes) -> None:
    """Have a command read `body` from its standard input, and end well.

    It, and what it started in its process group, is gone on return.

    Raises:
        UnavailableError: it cannot be started, fails, or takes too long.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
        )
    except OSError as e:
        raise UnavailableError("command: {why}", why=e.strerror) from e
    try:
        async with asyncio.timeout(TIME_S):
            await process.communicate(body)
    except TimeoutError as e:
        raise UnavailableError(
            "command: not done after {s} s", s=TIME_S
        ) from e
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode:
        raise UnavailableError(
            "command: exit code {code}", code=process.returncode
        )
