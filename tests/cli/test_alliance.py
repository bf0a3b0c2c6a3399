"""The never-list that a new alliance begins with, and lists of one's own."""

from pathlib import Path

import pytest

from syncd.cli import never_edits
from syncd.errors import UsageError


def test_whom_nobody_may_report() -> None:
    """Emergency, anti-fraud, bank and clearing numbers, shorteners."""
    listed = {row.value for row in never_edits.ours()}
    assert listed > {"cn:110", "cn:96110", "cn:95588", "cn:95516", "bit.ly/"}


def test_a_line_that_does_not_read(tmp_path: Path) -> None:
    """The error names the file and the line, not the value."""
    path = tmp_path / "never.tsv"
    path.write_text("# ours\nphone\t110\temergency\nphone\t12x45\n")
    with pytest.raises(UsageError, match="line 3") as error:
        never_edits.read(path)
    assert "12x45" not in str(error.value)
