"""The stage of the demo: members as real processes on loopback.

Sockets are bound first and handed down to the daemons (as systemd does), so
that no port can be taken in between. Every step is the command that a person
would type, run as a process of its own; passphrases lie outside the homes.
"""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncd.errors import SyncdError, UnavailableError

ALLIANCE = "txwz"
START_S = 30.0  # for a daemon to open its doors
STOP_S = 15.0  # for a daemon to end after SIGTERM

# A process that becomes the daemon: LISTEN_PID must be its own number.
_BECOME = (
    "import os, sys\n"
    "peer, own = int(sys.argv[1]), int(sys.argv[2])\n"
    "os.dup2(peer, 103), os.dup2(own, 104)\n"
    "os.dup2(103, 3), os.dup2(104, 4)\n"
    "os.environ['LISTEN_PID'] = str(os.getpid())\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'syncd', *sys.argv[3:]])"
)


class StepError(SyncdError):
    """A step of the demo did not do what it must."""


@dataclass(slots=True)
class Actor:
    """One member of the demo: its home, its sockets, its daemon."""

    id: str
    sector: str
    name_zh: str
    name_en: str
    home: Path
    secret: Path
    token_file: Path
    log_file: Path
    peer_port: int
    own_port: int
    sockets: list[socket.socket]  # peer, own; none once it has them
    process: subprocess.Popen[bytes] | None = None
    files: list[Path] = field(default_factory=list)

    def drop_sockets(self) -> None:
        """Close our own descriptors of its sockets."""
        while self.sockets:
            self.sockets.pop().close()

    @property
    def peer_url(self) -> str:
        """Where its peer door is."""
        return f"https://127.0.0.1:{self.peer_port}"

    @property
    def own_url(self) -> str:
        """Where its own door is."""
        return f"http://127.0.0.1:{self.own_port}"

    @property
    def domain(self) -> str:
        """Begins the names of its keys."""
        return f"{self.id}.example"

    @property
    def origin(self) -> str:
        """The name of its log."""
        return f"{self.domain}/syncd/{ALLIANCE}/1"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask its own door as the operator; return the JSON answer.

        Raises:
            UnavailableError: it does not answer.
            StepError: it answers with a problem.
        """
        token = self.token_file.read_text().strip()
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.own_port, timeout=60
        )
        headers = {"Authorization": f"Bearer {token}"}
        raw = None
        if body is not None:
            raw = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, raw, headers)
            answer = connection.getresponse()
            data = answer.read()
        except OSError as e:
            raise UnavailableError(f"{self.id}: {e}") from e
        finally:
            connection.close()
        value = json.loads(data) if data else {}
        if answer.status >= 400:
            detail = value.get("detail") or value.get("title")
            raise StepError(f"{self.id}: {path}: {answer.status} {detail}")
        return value


class Stage:
    """All members of one demo, in one fresh directory."""

    def __init__(self, directory: Path) -> None:
        """Make the directory's parts.

        Args:
            directory: fresh; homes, secrets, logs and lists go below it.
        """
        self.directory = directory
        self.actors: list[Actor] = []
        for name in ("homes", "secrets", "logs", "admin", "lists"):
            (directory / name).mkdir(mode=0o700)

    def actor(self, id_: str, sector: str, zh: str, en: str) -> Actor:
        """Return a new member with its sockets bound and its passphrase."""
        where = self.directory
        peer, own = _listening(), _listening()
        made = Actor(
            id_,
            sector,
            zh,
            en,
            where / "homes" / id_,
            where / "secrets" / id_,
            where / "secrets" / f"{id_}.token",
            where / "logs" / f"{id_}.log",
            peer.getsockname()[1],
            own.getsockname()[1],
            [peer, own],
        )
        write_secret(made.secret)
        self.actors.append(made)
        return made

    def run(
        self,
        *words: str | Path,
        secret: Path | None = None,
        ok: Sequence[int] = (0,),
    ) -> str:
        """Run one `syncd` command to its end; return what it printed.

        Raises:
            StepError: it ended with another code than one of `ok`.
        """
        done = subprocess.run(
            [sys.executable, "-m", "syncd", *map(str, words)],
            env=_environment(secret),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in ok:
            said = done.stderr.strip().splitlines()
            raise StepError(
                f"syncd {' '.join(map(str, words))}: exit"
                f" {done.returncode}: {' / '.join(said[-3:])}"
            )
        return done.stdout

    def spawn(
        self, *words: str | Path, secret: Path | None = None
    ) -> subprocess.Popen[str]:
        """Begin one `syncd` command; `finish` waits for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "syncd", *map(str, words)],
            env=_environment(secret),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self, actor: Actor) -> None:
        """Start a member's daemon, and leave its sockets to it.

        Held by us as well, they would let callers wait for a daemon that has
        ended, and keep another from its addresses.
        """
        peer, own = (bound.fileno() for bound in actor.sockets)
        with actor.log_file.open("ab") as log:
            actor.process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    _BECOME,
                    str(peer),
                    str(own),
                    "--home",
                    str(actor.home),
                    "run",
                ],
                env={
                    **_environment(actor.secret),
                    "LISTEN_FDS": "2",
                    "LISTEN_FDNAMES": "peer:own",
                },
                pass_fds=(peer, own),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        actor.drop_sockets()

    def ready(self, actor: Actor) -> None:
        """Wait until a member's daemon answers.

        Raises:
            StepError: it ended, or does not answer in time.
        """
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if actor.process is None or actor.process.poll() is not None:
                break
            try:
                actor.call("GET", "/v1/status")
            except UnavailableError:
                time.sleep(0.1)
            else:
                return
        last = actor.log_file.read_text(errors="replace").splitlines()[-3:]
        raise StepError(f"{actor.id}: did not get ready: {' / '.join(last)}")

    def close(self) -> None:
        """End all daemons that were started here."""
        running = [a.process for a in self.actors if a.process is not None]
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        until = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for actor in self.actors:
            actor.drop_sockets()


def finish(
    command: subprocess.Popen[str], ok: Sequence[int] = (0,)
) -> tuple[int, str]:
    """Wait for a spawned command; return its code and what it printed.

    Raises:
        StepError: it ended with another code than one of `ok`, or with one
            that is not 0 and nothing to show for it.
    """
    out, err = command.communicate()
    if command.returncode not in ok or (command.returncode and not out):
        words = command.args if isinstance(command.args, list) else []
        raise StepError(
            f"syncd {' '.join(map(str, words[3:]))}: exit"
            f" {command.returncode}: {' / '.join(err.splitlines()[-3:])}"
        )
    return command.returncode, out


def write_secret(path: Path) -> None:
    """Write a fresh passphrase that only we can read."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(f"{secrets.token_urlsafe(24)}\n")


def _listening() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    bound.listen(128)
    return bound


def _environment(secret: Path | None) -> Mapping[str, str]:
    from syncd import config

    return config.for_child(secret)
