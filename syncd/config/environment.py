"""The environment that the process was started with, read once."""

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syncd.errors import UsageError
from syncd.store import failpoint


@dataclass(frozen=True, slots=True)
class Environment:
    """What the process was started with, apart from its arguments."""

    home: Path | None = None  # SYNCD_HOME
    secret_file: Path | None = None  # SYNCD_SECRET_FILE
    token_file: Path | None = None  # SYNCD_TOKEN_FILE
    credentials: Path | None = None  # CREDENTIALS_DIRECTORY, from systemd
    listen_fds: Mapping[str, int] = field(default_factory=dict)  # by name
    watchdog_s: float = 0.0  # WATCHDOG_USEC: 0 if none
    failpoints: failpoint.Plan | None = None  # SYNCD_FAILPOINTS, tests only

    def credential(self, name: str) -> Path | None:
        """Return a file that systemd passes on, if it does."""
        path = self.credentials and self.credentials / name
        return path if path and path.exists() else None

    def sockets(self) -> dict[str, socket.socket]:
        """Take the listening sockets that were handed down, by API.

        Names are `peer` and `own`, as in FileDescriptorName=.

        Raises:
            UsageError: one is not open, or no listening socket.
        """
        found = {}
        for name, fd in self.listen_fds.items():
            try:
                sock = socket.socket(fileno=fd)
            except OSError as e:
                raise UsageError(
                    "LISTEN_FDS: descriptor {fd} ({name}): {why}",
                    fd=fd,
                    name=name,
                    why=e.strerror,
                ) from e
            if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                sock.close()
                raise UsageError(
                    "LISTEN_FDS: {name} does not listen", name=name
                )
            sock.set_inheritable(False)
            sock.setblocking(False)
            found[name] = sock
        return found


def environment(
    variables: Mapping[str, str] | None = None, *, pid: int | None = None
) -> Environment:
    """Read the environment: the only place that does.

    Descriptors count only when LISTEN_PID is our own process, as systemd
    sets it; `sh -c 'LISTEN_PID=$$ exec syncd run'` does the same by hand.

    Raises:
        UsageError: a variable of ours that makes no sense.
    """
    env = os.environ if variables is None else variables
    ours = str(os.getpid() if pid is None else pid)
    watchdog = env.get("WATCHDOG_USEC", "0")
    if env.get("WATCHDOG_PID", ours) != ours:
        watchdog = "0"
    if not re.fullmatch(r"[0-9]{1,18}", watchdog, re.ASCII):
        raise UsageError(
            "WATCHDOG_USEC: {text} is no number", text=repr(watchdog)
        )
    return Environment(
        home=_path(env, "SYNCD_HOME"),
        secret_file=_path(env, "SYNCD_SECRET_FILE"),
        token_file=_path(env, "SYNCD_TOKEN_FILE"),
        credentials=_path(env, "CREDENTIALS_DIRECTORY"),
        listen_fds=_listen_fds(env, ours),
        watchdog_s=int(watchdog) / 1_000_000,
        failpoints=_failpoints(env.get("SYNCD_FAILPOINTS", "")),
    )


def for_child(secret: Path | None) -> dict[str, str]:
    """Return the environment for a `syncd` that we start ourselves.

    Nothing that a service manager told us is told on.
    """
    ours = ("SYNCD_", "LISTEN_", "NOTIFY_", "WATCHDOG_")
    child = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    if secret is not None:
        child["SYNCD_SECRET_FILE"] = str(secret)
    return child


def _path(env: Mapping[str, str], name: str) -> Path | None:
    return Path(env[name]).absolute() if env.get(name) else None


def _listen_fds(env: Mapping[str, str], pid: str) -> Mapping[str, int]:
    count = env.get("LISTEN_FDS", "")
    if not count or env.get("LISTEN_PID") != pid:
        return {}
    names = env.get("LISTEN_FDNAMES", "").split(":")
    known = {"peer", "own"} & set(names)
    if not str(len(names)) == str(len(known)) == count:
        raise UsageError(
            "LISTEN_FDNAMES: {names} for {n} sockets",
            names=repr(":".join(names)),
            n=repr(count),
        )
    return {name: 3 + i for i, name in enumerate(names)}


def _failpoints(text: str) -> failpoint.Plan | None:
    """Read `append.head:3,merge.claims`: at which hit, else the first."""
    if not text:
        return None
    given: dict[str, int] = {}
    for part in text.split(","):
        found = re.fullmatch(r"([a-z_.]+)(?::([1-9][0-9]*))?", part)
        if not found or found[1] not in failpoint.POINTS:
            raise UsageError(
                "SYNCD_FAILPOINTS: {part} is no point", part=repr(part)
            )
        given[found[1]] = int(found[2] or 1)
    return failpoint.Plan(at=given)
