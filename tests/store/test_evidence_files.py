"""Evidence is kept for its owner alone, once, and a little of each."""

import stat
from pathlib import Path

from syncd.store.evidence_files import MOST, keep
from tests.refusals import unavailable


def test_a_few_of_each(tmp_path: Path) -> None:
    """What is kept stays; beyond a few nothing is added."""
    names = [keep(tmp_path, "bank", b"%d" % n) for n in range(MOST + 2)]
    assert len({*names}) == MOST + 1
    assert names[MOST:] == ["", ""]
    assert keep(tmp_path, "bank", b"0") == names[0]
    assert keep(tmp_path, "bank-2", b"0")
    kept = {p.read_bytes() for p in tmp_path.glob("evidence/bank/*")}
    assert kept == {b"%d" % n for n in range(MOST)}
    there = tmp_path / "evidence" / names[0]
    for path, mode in zip(
        (there, *there.parents), (0o600, 0o700, 0o700), strict=False
    ):
        assert stat.S_IMODE(path.stat().st_mode) == mode  # its owner's alone


def test_a_disk_that_does_not_let_us(tmp_path: Path) -> None:
    """Says where."""
    (tmp_path / "evidence").write_bytes(b"in the way")
    with unavailable("evidence"):
        keep(tmp_path, "bank", b"x")
