"""The publishing member of bench/sync.py: a real peer API, one log behind it.

    python bench/publisher.py DIR

Serves what `sync.py` built in DIR until standard input closes. It stands
alone so that what it takes is what serving takes.
"""

import asyncio
import sqlite3
import sys
from pathlib import Path

import beside  # type: ignore[import-not-found]
from aiohttp import web

from syncd import pinning
from syncd.flows.ports import Bundle
from syncd.flows.serve import LogFiles
from syncd.web import peer_api


class LogService:
    """Knows one caller and one log."""

    def __init__(self, files: LogFiles) -> None:
        self.files = files

    def caller(self, pin: str) -> tuple[str, str]:
        return "puller", "member"

    async def settled(self) -> None:
        """No roster is on its way."""

    async def own_log(self) -> LogFiles:
        return self.files


def log_files(directory: Path) -> LogFiles:
    store = sqlite3.connect(directory / "own.db")
    note = (directory / "checkpoint").read_bytes()
    origin, size = note.decode().split("\n")[:2]

    async def bundle(n: int) -> Bundle | None:
        row = store.execute("SELECT * FROM bundle WHERE n = ?", (n,))
        return Bundle(*row.fetchone())

    async def roots(first: int, last: int) -> list[bytes]:
        rows = store.execute(
            "SELECT root FROM bundle WHERE n >= ? AND n < ? ORDER BY n",
            (first, last),
        )
        return [root for (root,) in rows]

    return LogFiles(origin, int(size), note, bundle, roots)


def read_pin(request: web.Request) -> str | None:
    assert request.transport is not None
    return pinning.peer_pin(request.transport.get_extra_info("ssl_object"))


async def serve(directory: Path) -> None:
    tls = pinning.ServerTls(
        (directory / "publisher.der").read_bytes(),
        (directory / "publisher.pem").read_bytes(),
    )
    tls.update([(directory / "puller.der").read_bytes()])
    service = LogService(log_files(directory))
    app = peer_api.app(service, read_pin)
    await beside.serve(app, tls.context)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
