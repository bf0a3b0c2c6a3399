"""`syncd`, run by a test in its own process."""

import pytest

from syncd.cli.main import main


def syncd(*words: object) -> int:
    """Run `syncd WORDS…`; return its exit code."""
    with pytest.raises(SystemExit) as end:
        main([*map(str, words)])
    return int(str(end.value.code))
