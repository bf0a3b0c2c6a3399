"""The environment that the process was started with, read once."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from syncd.errors import UsageError
from syncd.store import failpoint


class Environment(Struct, frozen=True):
    """What the process was started with, apart from its arguments."""

    home: Path | None = None  # SYNCD_HOME
    secret_file: Path | None = None  # SYNCD_SECRET_FILE
    pin_file: Path | None = None  # SYNCD_PIN_FILE
    token_file: Path | None = None  # SYNCD_TOKEN_FILE
    credentials: Path | None = None  # CREDENTIALS_DIRECTORY, from systemd
    watchdog_s: float = 0.0  # WATCHDOG_USEC: 0 if none
    failpoints: failpoint.Plan | None = None  # SYNCD_FAILPOINTS, tests only

    def credential(self, name: str) -> Path | None:
        """Return a file that systemd passes on, if it does."""
        path = self.credentials and self.credentials / name
        return path if path and path.exists() else None


def environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Read the environment: the only place that does.

    Raises:
        UsageError: a variable of ours that makes no sense.
    """
    env = os.environ if variables is None else variables
    watchdog, ours = env.get("WATCHDOG_USEC", "0"), str(os.getpid())
    if env.get("WATCHDOG_PID", ours) != ours:
        watchdog = "0"
    if not re.fullmatch(r"[0-9]{1,18}", watchdog, re.ASCII):
        raise UsageError(
            "WATCHDOG_USEC: {text} is no number", text=repr(watchdog)
        )
    return Environment(
        home=_path(env, "SYNCD_HOME"),
        secret_file=_path(env, "SYNCD_SECRET_FILE"),
        pin_file=_path(env, "SYNCD_PIN_FILE"),
        token_file=_path(env, "SYNCD_TOKEN_FILE"),
        credentials=_path(env, "CREDENTIALS_DIRECTORY"),
        watchdog_s=int(watchdog) / 1_000_000,
        failpoints=_failpoints(env.get("SYNCD_FAILPOINTS", "")),
    )


def for_child(secret: Path | None) -> dict[str, str]:
    """Return the environment for a `syncd` that we start ourselves.

    Nothing that a service manager told us is told on.
    """
    ours = ("SYNCD_", "LISTEN_", "NOTIFY_", "WATCHDOG_")
    child = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    if secret:
        child["SYNCD_SECRET_FILE"] = str(secret)
    return child


def _path(env: Mapping[str, str], name: str) -> Path | None:
    return Path(env[name]).absolute() if env.get(name) else None


def _failpoints(text: str) -> failpoint.Plan | None:
    """Read `append.head:3,merge.claims`: at which hit, else the first."""
    if not text:
        return None
    given = dict[str, int]()
    for part in text.split(","):
        found = re.fullmatch(r"([a-z_.]+)(?::([1-9][0-9]*))?", part)
        if not found or found[1] not in failpoint.POINTS:
            raise UsageError(
                "SYNCD_FAILPOINTS: {part} is no point", part=repr(part)
            )
        given[found[1]] = int(found[2] or 1)
    return failpoint.Plan(at=given)
