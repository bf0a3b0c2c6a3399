"""What SQLite and PostgreSQL each say in words of their own."""

import zlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


def upsert(table: sa.Table, *renewed: str) -> sa.Insert:
    """Return an insert that renews columns of a row that has its key."""
    new = insert(table)  # SQLite says it alike
    return new.on_conflict_do_update(
        index_elements=[*table.primary_key.columns],
        set_={name: new.excluded[name] for name in renewed},
    )


class byte_place(GenericFunction[int]):
    """Where in bytes others begin, from 1; 0 where they do not."""

    type, inherit_cache = sa.Integer(), True


@compiles(byte_place, "sqlite")
def _instr(of: Any, compiler: Any, **kw: Any) -> str:
    return f"instr{compiler.process(of.clause_expr, **kw)}"


@compiles(byte_place, "postgresql")
def _position(of: Any, compiler: Any, **kw: Any) -> str:
    raw, wanted = (compiler.process(one, **kw) for one in of.clauses)
    return f"position({wanted} IN {raw})"


class public_field(GenericFunction[str]):
    """A text of the JSON object that a column of bytes holds, or NULL."""

    type, inherit_cache = sa.Text(), True


@compiles(public_field, "sqlite")
def _json_extract(of: Any, compiler: Any, **kw: Any) -> str:
    raw, name = (compiler.process(one, **kw) for one in of.clauses)
    return f"json_extract(CAST({raw} AS TEXT), '$.' || {name})"


@compiles(public_field, "postgresql")
def _json_member(of: Any, compiler: Any, **kw: Any) -> str:
    raw, name = (compiler.process(one, **kw) for one in of.clauses)
    return f"(convert_from({raw}, 'UTF8')::json ->> {name})"


def timeline() -> sa.ColumnElement[str]:
    """Return what tells a PostgreSQL server's timeline: a failover's is new."""
    here = func.pg_walfile_name(func.pg_current_wal_lsn())
    return func.left(here, 8)


def writing_lock(schema: str) -> int:
    """Return the advisory lock of who writes in a schema of PostgreSQL."""
    return zlib.crc32(f"syncd {schema}".encode())
