"""Keep what is in this process's memory out of core files and debuggers."""

import contextlib
import ctypes
import resource

_PR_SET_DUMPABLE = 4  # Linux


def no_core_dumps() -> None:
    """Have neither a crash nor another process of our user read memory."""
    with contextlib.suppress(OSError, ValueError):  # the unit may forbid it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(AttributeError):  # no Linux
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
