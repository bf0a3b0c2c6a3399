"""What the tests run in the browser is what its package has."""

import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "vendor"


def test_every_file_is_that_of_its_line() -> None:
    """No file without a line, no line without a file, no other bytes."""
    lines = (VENDOR / "README.md").read_text("utf-8")
    listed = dict(
        re.findall(r"^\| `(\S+)` .* `([0-9a-f]{64})` \|$", lines, re.MULTILINE)
    )
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.glob("*.js")
    }
    assert found == listed
    assert all(
        (VENDOR / name).exists() for name in re.findall(r"\(`(\S+)`\)", lines)
    )
