"""What all tests share: how hard hypothesis tries, and `tests.alliance`."""

import gc
import os
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, find, settings
from hypothesis.strategies import none

# Tests are imported one by one, not as a package: this makes it one.
sys.path.insert(0, str(Path(__file__).parents[1]))

# By itself it shows each traceback with all locals, which takes seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ],
    # Not where a command under test writes in the meantime.
    logger_factory=structlog.PrintLoggerFactory(sys.__stderr__),
)

# Hundreds of databases are founded, each write of which waits for the disk:
# where there is room for them in memory, they lie there.
MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

for name, examples in (("dev", 25), ("gate", 50), ("soak", 2000)):
    # No deadlines: two shared cores, and a slow example is no wrong one.
    settings.register_profile(
        name,
        max_examples=examples,
        # The same ones each time: what turns red was changed. `make examples`
        # looks for new ones.
        derandomize=name != "soak",
        deadline=None,
        # What examples share of a fixture, each finds as it was.
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.function_scoped_fixture,
        ],
    )
settings.load_profile("dev")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of all tests of a module."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture
def chinese() -> Iterator[None]:
    """Chinese is spoken, until the test is over."""
    from syncd.messages import catalogue

    if not catalogue.choose("zh"):
        pytest.skip("no catalogue is compiled")
    yield
    catalogue.choose("en")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have thousands of tests collected, and looked through by no collector.

    They stay until the end: to find so each time takes a fifth of all.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        # Hypothesis looks once, at its first, for what would be kept by then.
        find(none(), lambda _: True)
        gc.callbacks.append(_keep)


def _keep(phase: str, found: dict[str, int]) -> None:
    """Have what is left by a full collection be looked through by no other."""
    if phase == "stop" and found["generation"] == 2:
        gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make soak-import` say how long a list is."""
    parser.addoption(
        "--import-rows",
        type=int,
        default=40_000,
        help="rows of the list in tests/whole/test_imports.py",
    )
    parser.addoption(
        "--engine",
        choices=("sqlite", "postgresql", "postgresql18"),
        default="sqlite",
        help="where members' databases are: the second is Debian's, or the"
        " same as the third, the wheel's",
    )
    parser.addoption(
        "--pictures",
        type=Path,
        help="where tests/console/browser leaves its pictures: `make pictures`",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Have members' databases where `--engine` says."""
    from tests import postgres

    postgres.engine = config.getoption("--engine")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Skip what is about SQLite's own files on another engine."""
    if config.getoption("--engine") != "sqlite":
        for item in items:
            if item.get_closest_marker("sqlite"):
                item.add_marker(pytest.mark.skip(reason="is about a file"))
