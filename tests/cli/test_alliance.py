"""The never-list that a new alliance begins with."""

from syncd.cli import never_edits


def test_whom_nobody_may_report() -> None:
    """Emergency, anti-fraud, bank and clearing numbers, shorteners."""
    listed = {row.value for row in never_edits.ours()}
    assert listed > {"cn:110", "cn:96110", "cn:95588", "cn:95516", "bit.ly/"}
