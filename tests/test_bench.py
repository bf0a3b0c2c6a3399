"""The benchmark runs, and what it prints is true of what it did."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SYNC = Path(__file__).parent.parent / "bench" / "sync.py"


@pytest.mark.slow
def test_sync_verifies_every_leaf_in_little_memory() -> None:
    """50,000 statements: all verified and merged, within wire and memory.

    Rates are not judged: they say more about the machine's other work.
    """
    done = subprocess.run(
        [sys.executable, SYNC, "--entries", "50000"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "verified leaves  50,000 = entries: True" in done.stdout
    wire = re.search(r"^wire, B/entry +([\d.]+)", done.stdout, re.MULTILINE)
    assert wire is not None
    assert 34 < float(wire[1]) <= 80
    peak = re.search(r"^peak memory, MB +(\d+)", done.stdout, re.MULTILINE)
    assert peak is not None
    assert int(peak[1]) <= 256
