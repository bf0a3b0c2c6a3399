"""What the process asks of its system about its memory, and of Python.

Nothing of it goes into core files or to debuggers, and what was large and is
free goes back: glibc else keeps blocks of up to 32 MB for later.
"""

import contextlib
import ctypes
import resource
import sys


def harden() -> None:
    """Have neither a crash nor another process of our user read memory.

    Freed blocks above 128 KiB go back at once, and a thread that computes
    lets others in soon: look-ups wait for it.
    """
    with contextlib.suppress(OSError, ValueError):  # the unit may forbid it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(AttributeError):  # no Linux
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    with contextlib.suppress(AttributeError):  # no glibc
        ctypes.CDLL(None).mallopt(-3, 128 << 10)  # M_MMAP_THRESHOLD
    sys.setswitchinterval(0.0005)
