"""The least that an answer can cost: what `lookup.py` compares with.

    python bench/floor.py DIRECTORY

A bare aiohttp POST that reads the same body, selects the same keys from SQLite
and commits one row (synchronous=FULL), together with whoever waits, before it
answers. Prints its port; ends with its standard input.
"""

import asyncio
import hashlib
import sqlite3
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

import beside  # type: ignore[import-not-found]
import msgspec
from aiohttp import web

CLAIMS = 20_000


def key(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()[:16]


class Commits:
    """Rows that are committed when the last commit has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._rows: SimpleQueue[tuple[bytes, asyncio.Future[None]]]
        self._rows = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    async def commit(self, row: bytes) -> None:
        done = self._loop.create_future()
        self._rows.put((row, done))
        await done

    def _run(self) -> None:
        db = sqlite3.connect(self._path)
        db.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE access (id INTEGER PRIMARY KEY, row BLOB);"
        )
        while True:
            rows = [self._rows.get()]
            rows += [self._rows.get() for _ in range(self._rows.qsize())]
            with db:
                db.executemany(
                    "INSERT INTO access (row) VALUES (?)",
                    [(row,) for row, _ in rows],
                )
            self._loop.call_soon_threadsafe(_tell, rows)


def _tell(rows: list[tuple[bytes, asyncio.Future[None]]]) -> None:
    for _, done in rows:
        done.set_result(None)


async def main(directory: Path) -> None:
    """Serve until standard input ends."""
    path = directory / "floor.db"
    with sqlite3.connect(path) as db:
        db.execute(
            "CREATE TABLE claim (key BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID"
        )
        db.executemany(
            "INSERT INTO claim VALUES (?, ?)",
            [
                (key(f"http://h{i}.example/"), b"x" * 100)
                for i in range(CLAIMS)
            ],
        )
    commits = Commits(path)

    async def look_up(request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read())
        found = [
            db.execute(
                "SELECT row FROM claim WHERE key = ?", (key(item["value"]),)
            ).fetchone()
            for item in body["items"]
        ]
        await commits.commit(b"y" * 200)
        listed = [{"verdict": "listed" if one else "none"} for one in found]
        return web.Response(
            body=msgspec.json.encode({"items": listed}),
            content_type="application/json",
        )

    app = web.Application()
    app.router.add_post("/v1/lookups", look_up)
    await beside.serve(app, None)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
