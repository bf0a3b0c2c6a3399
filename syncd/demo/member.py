"""Members of the demo as real processes on loopback.

Every step is the command that a person would type in the demo's directory,
run as a process of its own; passphrases lie outside the homes.
"""

import asyncio
import json
import secrets
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any

from syncd import config
from syncd.cli import terminal
from syncd.cli.api_client import ApiClient
from syncd.errors import SyncdError, UnavailableError
from syncd.node.pinned import clock
from syncd.store.database import Database
from syncd.store.home_stores import OWN
from syncd.store.sessions import Sessions

START_S = 90  # of a busy machine
STOP_S = 15.0  # for a daemon to end after SIGTERM


def begin(
    where: Path, words: str, who: str, out: IO[str] | int = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Begin one `syncd` command; `who` has a passphrase from now on."""
    secret = where / "secrets" / who
    if not secret.exists():
        fresh = f"{secrets.token_urlsafe(24)}\n".encode()
        terminal.write_new(secret, fresh, private=True)
    return subprocess.Popen(
        [sys.executable, "-m", "syncd", *shlex.split(words)],
        cwd=where,
        env=config.for_child(secret),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        text=True,
    )


def run(where: Path, words: str, who: str, *also: int) -> tuple[int, str]:
    """Run one `syncd` command; return its exit code and what it printed.

    Raises:
        SyncdError: it ended with a code that is neither 0 nor one of `also`,
            or with nothing to show for one of these.
    """
    command = begin(where, words, who)
    out, err = command.communicate()
    code = command.returncode
    if code and not (code in also and out):
        raise SyncdError(
            "syncd {words}: exit {code}: {said}",
            words=words,
            code=code,
            said=" / ".join(err.splitlines()[-3:]),
        )
    return code, out


class Member:
    """One member: its home, its ports, its daemon."""

    process: subprocess.Popen[str]  # from `start` on

    def __init__(self, where: Path, id_: str, *said: str) -> None:
        """Take its ports; `id_` is its sector too.

        What is said: names in Chinese and English, and its reports' evidence.
        """
        self.where, self.id = where, id_
        self.zh, self.en, self.evidence = said
        self.home = where / "homes" / id_
        self.token_file = where / "secrets" / f"{id_}.token"
        self.log_file = where / "logs" / f"{id_}.log"
        self.domain = f"{id_}.example"
        self.origin = f"{self.domain}/syncd/txwz/1"
        self.taken = [  # until the daemon takes them
            socket.create_server(("127.0.0.1", 0)) for _ in ("peer", "own")
        ]
        self.peer, self.own = (
            f"127.0.0.1:{port.getsockname()[1]}" for port in self.taken
        )

    def ask(self, path: str, body: object = None) -> Any:
        """Return what its local API answers its operator, to a body if any."""
        with ApiClient.of(config.load(self.home), self.token_file) as api:
            return api.get(path) if body is None else api.post(path, body)

    def link(self) -> str:
        """Return what logs the operator into its console, once.

        The secret stands behind the #, which browsers send to nobody.
        """
        with closing(Database(self.home / OWN, "own", readers=1)) as own:
            made = asyncio.run(Sessions(own, clock).ticket("operator"))
        return f"http://{self.own}/login#{made}"

    def result(self, words: str, *also: int) -> tuple[int, Any]:
        """Run a command about its home; return its exit code and its JSON."""
        words = f"--home homes/{self.id} {words} --json"
        code, out = run(self.where, words, self.id, *also)
        return code, json.loads(out)

    def start(self) -> None:
        """Start the daemon on its ports."""
        for port in self.taken:
            port.close()
        words = f"--home homes/{self.id} run"
        with self.log_file.open("a") as log:
            self.process = begin(self.where, words, self.id, log)

    def ready(self) -> None:
        """Wait until the daemon answers.

        Raises:
            SyncdError: it ended, or does not answer in time.
        """
        until = time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < until:
            with suppress(UnavailableError):
                self.ask("/v1/status")
                return
            time.sleep(0.1)
        last = " / ".join(self.log_file.read_text().splitlines()[-3:])
        raise SyncdError("{id}: did not get ready: {last}", self, last=last)


def stop(started: Sequence[Member]) -> None:
    """End the daemons of members."""
    for member in started:
        member.process.terminate()
    for member in started:
        with suppress(subprocess.TimeoutExpired):
            member.process.wait(STOP_S)
        member.process.kill()  # unless it has ended
        member.process.wait()
