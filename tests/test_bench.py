"""The benchmark runs, and what it prints is true of what it did."""

import re
import subprocess
import sys

from tests.cases import ROOT, slow

BENCH = ROOT / "bench"


def said_by(program: str, *words: str) -> str:
    """Return what a benchmark prints, which ends well."""
    done = subprocess.run(
        [sys.executable, BENCH / program, *words],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@slow
def test_an_audit_proves_every_entry_in_little_memory() -> None:
    """Of logs ten times as long, in no more than a few MB more."""
    said = said_by("audit.py", "--logs", "3", "--entries", "5000")
    assert "entries proven   15,000" in said
    ((whole, tenth),) = re.findall(
        r"^peak memory, MB +(\d+); of a tenth (\d+)", said, re.MULTILINE
    )
    assert int(whole) <= int(tenth) + 10
    assert float(said.partition("trace ")[2].split()[0]) < 1


@slow
def test_sync_verifies_every_leaf_in_little_memory() -> None:
    """50,000 statements: all verified and merged, within wire and memory.

    Rates are not judged: they say more about the machine's other work.
    """
    said = said_by("sync.py", "--entries", "50000")
    assert "verified leaves  50,000 = entries: True" in said
    (wire,) = re.findall(r"^wire, B/entry +([\d.]+)", said, re.MULTILINE)
    assert 34 < float(wire) <= 80
    (peak,) = re.findall(r"^peak memory, MB +(\d+)", said, re.MULTILINE)
    assert int(peak) <= 256
