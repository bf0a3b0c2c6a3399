"""What the process asks of its system about its memory, and of Python.

Nothing of it goes into core files or to debuggers, and what was large and is
free goes back: glibc else keeps blocks of up to 32 MB for later.
"""

import contextlib
import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4  # Linux
_M_MMAP_THRESHOLD = -3  # glibc
_SWITCH_S = 0.0005  # for which one thread may keep the interpreter's lock
_LARGE = 128 << 10  # bytes: glibc's own first threshold, which then grows


def no_core_dumps() -> None:
    """Have neither a crash nor another process of our user read memory."""
    with contextlib.suppress(OSError, ValueError):  # the unit may forbid it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(AttributeError):  # no Linux
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def give_back() -> None:
    """Have freed blocks above 128 KiB go back to the system at once."""
    with contextlib.suppress(AttributeError):  # no glibc
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)


def give_way() -> None:
    """Have a thread that computes let others in soon: look-ups wait for it."""
    sys.setswitchinterval(_SWITCH_S)
