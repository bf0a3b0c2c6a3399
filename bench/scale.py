"""What a member of a large alliance needs, computed from what is measured.

    python bench/scale.py [--rows N] [--url postgresql://…]

Fills files with so many rows of each kind that grows, and prints what each
takes; with the URL of an empty database it moves them there as
`syncd db migrate` does, and prints that too. Then it computes. Rates are those
of docs/performance.md; docs/scale.md says what follows.
"""

import asyncio
import secrets
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import beside  # type: ignore[import-not-found]
import psycopg
import sqlalchemy as sa
from sync import fill  # type: ignore[import-not-found]

from syncd.flows import publish
from syncd.store import tables
from syncd.store.database import Database
from syncd.store.home_stores import open_mirror
from syncd.store.moving import Move
from syncd.store.server import Server
from syncd.tlog.merkle import Frontier

ORIGIN = "bank.example/syncd/bench/1"
MEMBERS, STANDS_DAYS, KEPT_DAYS = 200, 180, 1100
PULL_US, SERVE_US, WIRE = 25.0, 0.9, 62  # a statement, into 10 M of others
PAGE, READ_S = 4096, 1e-4  # each claim's own, once the table is large
MEMORY = 32e9  # bytes, of which the rest is the system's to cache
LOOKUPS_S = 10  # of one member, day and night
LENGTHS = {"fields": 150, "sealed": 58, "tag": 8, "mac": 8}  # bytes, else 16
TABLES = (("claim",), ("bundle",), ("vault",), ("access", "access_position"))


def main() -> None:
    """Measure, then compute."""
    chosen = beside.options(__doc__, rows=200_000, url="")
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        home = Path(name)
        asyncio.run(write(home, chosen.rows))
        show("SQLite", of_files(home), chosen.rows)
        if chosen.url:
            with closing(Move(home, Server(chosen.url))) as move:
                for step in move.copied, move.compared:
                    began = time.perf_counter()
                    rate = sum(step()) / (time.perf_counter() - began)
                    print(f"{step.__name__}: {rate:,.0f} rows/s")
            show("PostgreSQL", of_server(chosen.url), chosen.rows)


async def write(home: Path, rows: int) -> None:
    """Fill a home's files."""
    with closing(open_mirror(home, clock=lambda: int(time.time()))) as mirror:
        await fill(mirror, rows)  # claims, by the merge
    salts = secrets.token_bytes(16 * rows)
    said = [
        beside.said(n, secrets.token_bytes(64), ORIGIN) for n in range(rows)
    ]
    _, made = publish.grow(ORIGIN, Frontier.EMPTY, [], said, salts)
    bundles = [(1, b.n, b.width, b.gz, b.root, b.entries) for b in made]
    with closing(Database(home / "mirror.db", "mirror")) as db:
        put(db, tables.bundle, bundles)
    with closing(Database(home / "own.db", "own")) as db:
        once, each = range(1, 2), range(rows)
        for name, numbers in {
            "log": once,
            "vault_fields": once,
            "vault": each,
            "access": each,
            "access_position": each[::10],  # of ten look-ups one
        }.items():
            table = tables.OWN.tables[name]
            put(db, table, (row(table, n) for n in numbers))


def row(table: sa.Table, n: int) -> tuple[Any, ...]:
    """Return a row whose cells are as long as of the demo's members."""
    found: list[Any] = []
    for column in table.columns:
        if column.nullable and column.name not in ("idx", "token"):
            found.append(None)
        elif column.foreign_keys:
            found.append(1)
        elif isinstance(column.type, sa.LargeBinary):
            length = LENGTHS.get(column.name, 16)
            found.append(secrets.token_bytes(length))
        else:
            number = isinstance(column.type, sa.BigInteger)
            found.append(n if number else "operator")
    return tuple(found)


def put(
    db: Database, table: sa.Table, rows: Iterable[tuple[Any, ...]]
) -> None:
    """Insert rows of all columns."""
    names = table.columns.keys()
    new = [dict(zip(names, one, strict=True)) for one in rows]
    db.write_now(lambda c: c.execute(sa.insert(table), new))


def of_files(home: Path) -> Counter[str]:
    """Return the bytes of each table, its indexes included."""
    asked = (
        "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master"
        " USING (name) GROUP BY 1"
    )
    found = Counter[str]()
    for file in home.glob("*.db"):
        with closing(sqlite3.connect(file)) as c:
            found.update(dict(c.execute(asked)))
    return found


def of_server(url: str) -> Counter[str]:
    """Return the same of a server."""
    asked = "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
    found = Counter[str]()
    with psycopg.connect(url) as c:
        for name, size in c.execute(f"{asked} WHERE relkind = 'r'"):
            found[name] += size
    return found


def show(engine: str, sizes: Counter[str], rows: int) -> None:
    """Print bytes of each kind of row, and what follows."""
    claim, entry, own, asked = (
        round(sum(sizes[name] for name in names) / rows) for names in TABLES
    )
    print(f"{engine}: bytes a {claim=}, {entry=}, vault row={own}, {asked=}")
    kept = LOOKUPS_S * 86400 * KEPT_DAYS * asked / 1e9
    print(f"  {LOOKUPS_S} look-ups/s: {kept:.0f} GB of records")
    for n in (10**7, 10**8, 10**9):
        new = n / STANDS_DAYS
        reads = n if n * claim > MEMORY else 0
        print(
            f"  {n:,} claims: {n * claim / 1e9:.1f} GB, their logs"
            f" {n * entry / 1e9:.1f}, our vault {n / MEMBERS * own / 1e9:.2f};"
            f" first pull {n * PULL_US / 3.6e9:.2f} h of CPU,"
            f" {reads * READ_S / 3600:.0f} h of reads,"
            f" {n * 2 * PAGE / 1e9:,.0f} GB written;"
            f" a day {new:,.0f} new: {new * (PULL_US + SERVE_US) / 1e6:.0f} s,"
            f" {new * WIRE / 1e6:.0f} MB in, {new * 2 * PAGE / 1e9:.1f} GB written"
        )


if __name__ == "__main__":
    main()
