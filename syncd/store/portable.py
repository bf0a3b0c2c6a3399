"""What SQLite and PostgreSQL each say in words of their own."""

import zlib
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

# What tells a PostgreSQL server's timeline: a failover's is new.
TIMELINE = "left(pg_walfile_name(pg_current_wal_lsn()), 8)"


def upsert(
    table: sa.Table,
    *renewed: str,
    added: Iterable[str] = (),
    once: Iterable[str] = (),
    least: str = "",
) -> sa.Insert:
    """Return an insert that renews columns of a row that has its key.

    What others have is `added` to what is there. Columns that are unique
    `once` may stand for the key; a row that has more of `least` stays.

    Without any it does nothing where a row has it, or another unique value.
    """
    new = insert(table)  # SQLite says it alike
    if not (renewed or added):
        return new.on_conflict_do_nothing()
    return new.on_conflict_do_update(
        index_elements=[*(once or table.primary_key.columns.keys())],
        set_={
            **{name: new.excluded[name] for name in renewed},
            **{name: table.c[name] + new.excluded[name] for name in added},
        },
        where=new.excluded[least] >= table.c[least] if least else None,
    )


class byte_place(GenericFunction[int]):
    """Where in bytes others begin, from 1; 0 where they do not."""

    type, inherit_cache = sa.Integer(), True


class public_field(GenericFunction[str]):
    """A text of the JSON object that a column of bytes holds, or NULL."""

    type, inherit_cache = sa.Text(), True


def _says(function: type, engine: str, text: str) -> None:
    """Have an engine say a function so; {0} and {1} are what it is of."""

    @compiles(function, engine)
    def said(of: Any, compiler: Any, **kw: Any) -> str:
        return text.format(*(compiler.process(x, **kw) for x in of.clauses))


_says(byte_place, "sqlite", "instr({0}, {1})")
_says(byte_place, "postgresql", "position({1} IN {0})")
_says(public_field, "sqlite", "json_extract(CAST({0} AS TEXT), '$.' || {1})")
_says(public_field, "postgresql", "(convert_from({0}, 'UTF8')::json ->> {1})")


def writing_lock(schema: str) -> int:
    """Return the advisory lock of who writes in a schema of PostgreSQL."""
    return zlib.crc32(f"syncd {schema}".encode())
