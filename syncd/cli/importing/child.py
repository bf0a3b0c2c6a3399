"""The process that reads an uploaded list, which only the daemon starts.

    python -m syncd.cli.importing.child

The list is a file in memory that it inherits, its standard input says how to
read it, and a socket is the local API, as for whoever uploaded it. A preview,
or the problem that it met, is what it prints. What it may use is bounded
before it looks at the list: this keeps a list from the daemon's memory, and
is no sandbox.
"""

import os
import pickle
import resource
import signal
import socket
import sys
from http.client import HTTPConnection
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from syncd.cli.api_client import ApiClient
from syncd.cli.importing import run
from syncd.cli.importing.targets import Reports
from syncd.cli.importing.upload import Upload
from syncd.config import Address
from syncd.errors import RefusedError, SyncdError
from syncd.lists import file_kinds, mapping, preview
from syncd.lists.columns import ListDescription
from syncd.lists.rows import FileOptions
from syncd.messages.catalogue import t
from syncd.node import hardening
from syncd.web import problem
from syncd.web.upload_forms import Reading, RefusedFor, Task, UploadPreview

MEMORY = 1 << 30  # bytes
CPU_S = 600


def main() -> None:
    """Read a list as the daemon says; print what came of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the daemon's to handle
    hardening.no_core_dumps()
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(what, (most, most + 1))  # at the first: a signal
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 (from our parent)
    file = Path(f"/proc/self/fd/{task.file}")
    try:
        done: object = _done(task, file)
    except SyncdError as e:
        for name, value in e.params.items():
            if str(value) == str(file):  # it has a name that its owner knows
                e.params[name] = task.how.name
        e.args = (str(e.text),)
        done = e
    pickle.dump(done, sys.stdout.buffer)


def _done(task: Task, file: Path) -> UploadPreview | None:
    how, said = described(task.how)
    rows, plan = run.understood(
        file, how, replace(said, zone=ZoneInfo(task.rules.roster.zone))
    )
    if not task.socket:
        found = preview.look(rows, plan, task.rules)
        same = "columns listed rows good twice unknown notices"
        return UploadPreview(
            about=rows.about,
            map=mapping.written(how, said, found.columns, say=t),
            reasons=tuple(
                RefusedFor(problem=problem.of(r.why), row=r.row, rows=r.rows)
                for r in found.reasons
            ),
            **{name: getattr(found, name) for name in same.split()},
        )
    asked, api = task.how, _Inherited(task.socket)
    given = {"list": asked.list or asked.name, "name": asked.name}
    of_all = {"refresh": asked.refresh}
    target = Reports(api, rows, plan, given, of_all, {})
    run.complete(target, file, how, said)
    Upload(file, rows, plan, target, anew=asked.anew).run()
    return None


def described(asked: Reading) -> tuple[FileOptions, ListDescription]:
    """Return how a file is read, and what is said of its list.

    Raises:
        UsageError: it is no mapping file, or says what cannot be.
    """
    how, said = mapping.read(asked.map, "map")
    if how.control:  # it would be read with the daemon's rights
        raise RefusedError("map: control names a file of the daemon's machine")
    words = {
        (field, word): code
        for field, codes in asked.words.items()
        for word, code in codes.items()
    }
    said = ListDescription(
        {**said.columns, **asked.columns},
        {**said.constants, **asked.constants},
        {**said.words, **words},
    )
    names = tuple(said.columns.values())
    kind = how.format or file_kinds.named(Path(asked.name))
    return replace(how, names=names, format=kind), said


class _Inherited(ApiClient):
    """The local API over a socket that was there when we began."""

    def __init__(self, number: int) -> None:
        super().__init__(Address(), "-", Path())
        self._connection = HTTPConnection("localhost")
        self._connection.sock = socket.socket(fileno=number)

    def close(self) -> None:
        """Stay connected: there is no other way back."""


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        os.abort()  # our parent knows it by the signal
