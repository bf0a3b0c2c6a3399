"""The environment: read in one place, each variable into its own field."""

import os
import re
import socket
from contextlib import closing
from pathlib import Path

import pytest

from syncd import config
from syncd.config import Environment
from syncd.errors import UsageError
from syncd.store.failpoint import Plan
from tests.cases import each

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "configuration.md"


def test_every_variable_is_documented() -> None:
    """Each variable that is read stands in the document."""
    source = (ROOT / "syncd/config/environment.py").read_text()
    names = set(re.findall(r'"([A-Z]+_[A-Z_]+)"', source))
    assert names >= {"SYNCD_HOME", "LISTEN_FDS", "WATCHDOG_USEC"}
    for name in names:
        assert f"`{name}`" in DOC.read_text(), f"{name} is not documented"


def test_the_environment_is_read_once() -> None:
    """Each variable ends in its own field."""
    found = config.environment(
        {
            "SYNCD_HOME": "/srv/bank",
            "SYNCD_SECRET_FILE": "/etc/secret",
            "SYNCD_TOKEN_FILE": "/etc/token",
            "CREDENTIALS_DIRECTORY": "/run/credentials/syncd",
            "LISTEN_PID": "77",
            "LISTEN_FDS": "2",
            "LISTEN_FDNAMES": "own:peer",
            "WATCHDOG_USEC": "60000000",
            "SYNCD_FAILPOINTS": "append.head:3,merge.claims",
        },
        pid=77,
    )
    assert found == Environment(
        home=Path("/srv/bank"),
        secret_file=Path("/etc/secret"),
        token_file=Path("/etc/token"),
        credentials=Path("/run/credentials/syncd"),
        listen_fds={"own": 3, "peer": 4},
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
    """Sockets and watchdog of a parent are not ours."""
    found = config.environment(
        {
            "LISTEN_PID": "76",
            "LISTEN_FDS": "2",
            "WATCHDOG_PID": "76",
            "WATCHDOG_USEC": "1",
        },
        pid=77,
    )
    assert found == Environment()


@each("config/settings", "environment", "variables")
def test_a_variable_that_makes_no_sense(variables: dict[str, str]) -> None:
    """It is refused under its own name."""
    with pytest.raises(UsageError, match=r"^[A-Z]+_[A-Z]+: "):
        config.environment({"LISTEN_PID": "77"} | variables, pid=77)


def test_sockets_are_taken_over() -> None:
    """A listening descriptor is handed on, and not inherited further."""
    with closing(socket.create_server(("127.0.0.1", 0))) as given:
        fd = os.dup(given.fileno())
        os.set_inheritable(fd, True)
        (taken,) = Environment(listen_fds={"own": fd}).sockets().values()
        with closing(taken):
            assert taken.getsockname() == given.getsockname()
            assert not taken.get_inheritable()


def test_a_descriptor_that_is_no_listening_socket() -> None:
    """It is refused by its name."""
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        handed = Environment(listen_fds={"peer": os.dup(ours.fileno())})
        with pytest.raises(UsageError, match="peer does not listen"):
            handed.sockets()
    with pytest.raises(UsageError, match="descriptor 999"):
        Environment(listen_fds={"peer": 999}).sockets()
