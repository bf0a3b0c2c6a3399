"""Members of the demo as real processes on loopback.

Sockets are bound first and handed down to the daemons (as systemd does), so
that no port can be taken in between. Every step is the command that a person
would type in the demo's directory, run as a process of its own; passphrases
lie outside the homes.
"""

import json
import secrets
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from syncd import config
from syncd.cli import terminal
from syncd.cli.api_client import ApiClient
from syncd.config import Address
from syncd.errors import SyncdError, UnavailableError
from syncd.roster import members

START_S = 30.0  # for a daemon to answer
STOP_S = 15.0  # for a daemon to end after SIGTERM
SYNCD = (sys.executable, "-m", "syncd")

# A process that becomes the daemon: LISTEN_PID must be its own number.
_BECOME = (
    "import os, sys\n"
    "os.dup2(int(sys.argv[1]), 103), os.dup2(int(sys.argv[2]), 104)\n"
    "os.dup2(103, 3), os.dup2(104, 4)\n"
    "os.environ['LISTEN_PID'] = str(os.getpid())\n"
    "os.execv(sys.argv[3], sys.argv[3:])"
)


class StepError(SyncdError):
    """A step of the demo did not do what it must."""


def begin(where: Path, words: str, who: str) -> subprocess.Popen[str]:
    """Begin one `syncd` command; `who` has a passphrase from now on."""
    secret = where / "secrets" / who
    if not secret.exists():
        fresh = f"{secrets.token_urlsafe(24)}\n".encode()
        terminal.write_new(secret, fresh, private=True)
    return subprocess.Popen(
        [*SYNCD, *shlex.split(words)],
        cwd=where,
        env=config.for_child(secret),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(command: subprocess.Popen[str], ok: Sequence[int] = (0,)) -> str:
    """Wait for a command's end; return what it printed.

    Raises:
        StepError: it ended with another code than one of `ok`, or with one
            that is not 0 and nothing to show for it.
    """
    out, err = command.communicate()
    code = command.returncode
    if code not in ok or (code and not out):
        words = command.args if isinstance(command.args, list) else []
        raise StepError(
            "syncd {words}: exit {code}: {said}",
            words=shlex.join(words[len(SYNCD) :]),
            code=code,
            said=_last(err),
        )
    return out


def _last(text: str) -> str:
    return " / ".join(text.splitlines()[-3:])


class Member:
    """One member: its home, its sockets, its daemon."""

    def __init__(
        self, where: Path, id_: str, zh: str, en: str, evidence: str
    ) -> None:
        """Bind its sockets; `id_` is its sector too, then come its names."""
        self.where, self.id, self.zh, self.en = where, id_, zh, en
        self.evidence = evidence  # what its reports rest on
        self.home = where / "homes" / id_
        self.token_file = where / "secrets" / f"{id_}.token"
        self.log_file = where / "logs" / f"{id_}.log"
        self.domain = f"{id_}.example"
        self.origin = f"{self.domain}/syncd/txwz/1"
        self.sockets = [  # closed once the daemon has them
            socket.create_server(("127.0.0.1", 0), backlog=128)
            for _ in ("peer", "own")
        ]
        self.peer, self.own = (
            Address(*bound.getsockname()) for bound in self.sockets
        )
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, path: str, body: object = None) -> Any:
        """Return what its local API answers its operator, to a body if any."""
        token = self.token_file.read_text().strip()
        with closing(ApiClient(self.own, token, self.home)) as api:
            return api.get(path) if body is None else api.post(path, body)

    def begin(self, words: str) -> subprocess.Popen[str]:
        """Begin a command about its home."""
        return begin(self.where, f"--home homes/{self.id} {words}", self.id)

    def result(self, words: str, ok: Sequence[int]) -> tuple[int, Any]:
        """Run a command about its home; return its exit code and its JSON."""
        command = self.begin(f"{words} --json")
        value = json.loads(finish(command, ok))
        return command.returncode, value

    def start(self) -> None:
        """Start the daemon, and leave the sockets to it.

        Held by us as well, they would let callers wait for a daemon that has
        ended, and keep another from its addresses.
        """
        fds = [bound.fileno() for bound in self.sockets]
        child = config.for_child(self.where / "secrets" / self.id)
        become = (sys.executable, "-c", _BECOME, *map(str, fds))
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*become, *SYNCD, "--home", str(self.home), "run"],
                env={**child, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "peer:own"},
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.drop_sockets()

    def ready(self) -> None:
        """Wait until the daemon answers.

        Raises:
            StepError: it ended, or does not answer in time.
        """
        until = time.monotonic() + START_S
        while self.ended() is None and time.monotonic() < until:
            try:
                self.ask("/v1/status")
                return
            except UnavailableError:
                time.sleep(0.1)
        last = _last(self.log_file.read_text(errors="replace"))
        raise StepError(
            "{id}: did not get ready: {last}", id=self.id, last=last
        )

    @property
    def pid(self) -> int:
        """The number of its daemon's process."""
        return self.process.pid if self.process else 0

    def ended(self) -> int | None:
        """Return the exit code of its daemon, None as long as it runs."""
        return self.process.poll() if self.process else None

    def described(self, known: members.Member) -> dict[str, object]:
        """Return what demo.json says of it; `known` is its roster's row."""
        return {
            "id": self.id,
            "sector": self.id,
            "home": str(self.home),
            "pid": self.pid,
            "own_url": f"http://{self.own}",
            "token_file": str(self.token_file),
            "peer_url": f"https://{self.peer}",
            "origin": self.origin,
            "vkey": str(known.generation.log),
            "merged_vkey": str(known.keys.merged),
        }

    def drop_sockets(self) -> None:
        """Close our own descriptors of its sockets."""
        for bound in self.sockets:
            bound.close()


def stop(members: Sequence[Member]) -> None:
    """End all daemons that were started here."""
    running = [member.process for member in members if member.process]
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for member in members:
        member.drop_sockets()
