"""What is in memory stays there."""

import subprocess
import sys

SHOWN = """
import ctypes, resource
from syncd.node import hardening
hardening.no_core_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3))
"""


def test_a_crash_leaves_no_core() -> None:
    """Nor may another process of the same user look into it."""
    done = subprocess.run(
        [sys.executable, "-c", SHOWN],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "(0, 0) 0\n"
