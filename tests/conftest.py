"""What all tests share: how hard hypothesis tries, and `tests.alliance`."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Tests are imported one by one, not as a package: this makes it one.
sys.path.insert(0, str(Path(__file__).parents[1]))

for name, examples in (("dev", 25), ("gate", 50), ("soak", 2000)):
    # No deadlines: two shared cores, and a slow example is no wrong one.
    settings.register_profile(
        name,
        max_examples=examples,
        # The same ones each time: what turns red was changed. `make examples`
        # looks for new ones.
        derandomize=name != "soak",
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make soak-import` say how long a list is."""
    parser.addoption(
        "--import-rows",
        type=int,
        default=40_000,
        help="rows of the list in tests/whole/test_imports.py",
    )
