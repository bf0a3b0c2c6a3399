"""The environment: read in one place, each variable into its own field."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from syncd import config
from syncd.config import Environment
from syncd.store.failpoint import Plan
from tests.cases import ROOT, each
from tests.refusals import misused

DOC = ROOT / "docs" / "configuration.md"


def test_every_variable_is_documented() -> None:
    """Each variable that is read stands in the document."""
    source = (ROOT / "syncd/config/environment.py").read_text()
    names = set(re.findall(r'"([A-Z]+_[A-Z_]+)"', source))
    assert names >= {"SYNCD_HOME", "WATCHDOG_USEC"}
    for name in names:
        assert f"`{name}`" in DOC.read_text(), f"{name} is not documented"


def test_the_environment_is_read_once() -> None:
    """Each variable ends in its own field."""
    assert config.environment(
        {
            "SYNCD_HOME": "/srv/bank",
            "SYNCD_SECRET_FILE": "/etc/secret",
            "SYNCD_TOKEN_FILE": "/etc/token",
            "CREDENTIALS_DIRECTORY": "/run/credentials/syncd",
            "WATCHDOG_USEC": "60000000",
            "SYNCD_FAILPOINTS": "append.head:3,merge.claims",
        }
    ) == Environment(
        home=Path("/srv/bank"),
        secret_file=Path("/etc/secret"),
        token_file=Path("/etc/token"),
        credentials=Path("/run/credentials/syncd"),
        watchdog_s=60.0,
        failpoints=Plan({"append.head": 3, "merge.claims": 1}),
    )


def test_a_child_hears_nothing_of_our_manager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither its sockets nor its watchdog, and its own secret only."""
    for name in ("SYNCD_HOME", "LISTEN_FDS", "NOTIFY_SOCKET", "WATCHDOG_PID"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("LANG", "C.UTF-8")
    child = config.for_child(Path("/etc/secret"))
    assert child["SYNCD_SECRET_FILE"] == "/etc/secret"
    assert child["LANG"] == "C.UTF-8"
    ours = re.findall(r"(?:SYNCD|LISTEN|NOTIFY|WATCHDOG)_\w+", " ".join(child))
    assert ours == ["SYNCD_SECRET_FILE"]
    assert "SYNCD_SECRET_FILE" not in config.for_child(None)


def test_what_was_meant_for_another_process_is_left() -> None:
    """A parent's watchdog is not ours."""
    parent = str(os.getppid())
    found = config.environment({"WATCHDOG_PID": parent, "WATCHDOG_USEC": "1"})
    assert found == Environment()


@each("config/settings", "environment", "variables")
def test_a_variable_that_makes_no_sense(variables: Any) -> None:
    """It is refused under its own name."""
    with misused(r"^[A-Z]+_[A-Z]+: "):
        config.environment(variables)
