"""The shape of own.db and mirror.db at the newest revision.

Portable: whole numbers, text and bytes only. Times are unix seconds, hashes
and tokens raw bytes. docs/store.md says what each table is for.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Index, MetaData, Table, and_
from sqlalchemy.ext.compiler import compiles

OWN = MetaData()
MIRROR = MetaData()

# SQLite numbers its rows only through a column declared INTEGER.
Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Bytes = sa.LargeBinary


class Text(sa.Text):
    """Text that is sorted bytewise, whatever a server's own collation is."""


@compiles(Text, "postgresql")
def _column_type(*_: Any, **_kw: Any) -> str:
    return 'TEXT COLLATE "C"'


_TYPES: Any = {"int": Int, "text": Text, "bytes": Bytes}


def _parts(said: Iterable[Any]) -> Iterator[Any]:
    """Yield the parts of a table, columns of their words.

    Those are the name, the type, and what else it is: `key`, `unique`, `null`
    (or none is), `default=0`, or TABLE.COLUMN that it refers to.
    """
    for part in said:
        if not isinstance(part, str):
            yield part
            continue
        for column in part.split(", "):
            name, type_, *more = column.split()
            default = [w.partition("=")[2] for w in more if "=" in w]
            yield sa.Column(
                *(name, _TYPES[type_]),
                *(sa.ForeignKey(word) for word in more if "." in word),
                primary_key="key" in more,
                unique="unique" in more or None,
                nullable="null" in more,
                server_default=default[0] if default else None,
            )


def _table(data: MetaData, name: str, *parts: Any, **options: Any) -> Table:
    """Declare a table of a database, its columns in words."""
    return Table(name, data, *_parts(parts), **options)


own_table, mirror_table = partial(_table, OWN), partial(_table, MIRROR)


def partial_index(
    name: str, where: str | ColumnElement[bool], *columns: ColumnElement[Any]
) -> None:
    """Declare an index of those rows that a condition holds for."""
    some = sa.text(where) if isinstance(where, str) else where
    Index(name, *columns, sqlite_where=some, postgresql_where=some)


# ---------------------------------------------------------------- own.db

log = own_table(  # one row per generation of our own log
    "log",
    "id int key, origin text unique",
    "size int",  # entries
    "peaks bytes",  # bytes(Frontier)
    "note bytes",  # signed checkpoint, log line only
)

bundle = own_table(  # both databases have it
    "bundle",
    "log_id int key log.id, n int key",
    "width int",  # records, 1..256
    "gz bytes",  # gzip of the records
    "root bytes",  # RFC 6962 hash of its leaves
    "entries bytes",  # leaves, where records do not tell them
)

done = own_table(  # one-off statements written: never twice
    "done", "name text key", sqlite_with_rowid=False
)

vault = own_table(
    "vault",
    "id int key, type int",  # of the statement
    "kind text",
    "sealed bytes null",  # None: said of a token
    "fields_id int vault_fields.id",
    "value_mac bytes",  # 16 bytes: kind and normal form
    "state int",  # own.State
    "urgent int",  # 0 or 1
    "accepted_at int, import_id int import_job.id null",
    "log_id int log.id null",
    "idx int null",  # of the statement
    "ended_idx int null",  # of its retract
    "epoch int null, token bytes null",
    "reason text null",  # of the retract
    "caller text null",  # who handed it in
    "ended_on text null",  # day on which it was retracted
    # 1: taken back for what the value is; it holds back what says it anew
    "held int default=0",
    # what another member took the value back for: MEMBER REASON
    "elsewhere text null",
)
Index("vault_value", vault.c.value_mac)
Index("vault_import", vault.c.import_id)
partial_index("vault_elsewhere", "elsewhere IS NOT NULL", vault.c.import_id)
partial_index(
    "vault_waiting", "state = 0", vault.c.kind, vault.c.urgent, vault.c.id
)
partial_index("vault_ending", "state = 2", vault.c.id)
partial_index("vault_position", "idx IS NOT NULL", vault.c.idx)

stood = own_table(  # where a row was said before it was under another key
    "stood",
    "log_id int key log.id, idx int key",
    "vault_id int vault.id, epoch int, token bytes",
    sqlite_with_rowid=False,
)
Index("stood_row", stood.c.vault_id)

vault_fields = own_table(  # what a million rows of one import say alike
    "vault_fields",
    "id int key, fields bytes unique",  # canonical JSON, public, no value
)

import_list = own_table(  # a list has a name, and comes again and again
    "import_list",
    "id int key, mac bytes unique",  # of its name
    "sealed bytes",  # its name
    "latest int null",  # import that was whole, newest
)

list_value = own_table(  # what a list held when it was read last
    "list_value",
    "list_id int key import_list.id, mac bytes key",  # vault.value_mac
    "raw bytes",  # 8 bytes: its cell in the list
    "last int",  # import that found it last
    sqlite_with_rowid=False,
)

import_job = own_table(
    "import_job",
    "id int key, file bytes",  # keyed hash of what the caller knows it by
    "size int",  # bytes
    "offset int",  # bytes of the file that are committed
    "row int",  # rows of the file that are committed
    "prefix bytes",  # SHA-256 of the committed bytes, sealed
    "accepted int, known int, refused int",
    "began_at int",
    "finished_at int null",
    "whole int default=0",  # to the end; 2: of a part
    "taken_back int default=0",
    "gone int default=0",  # what its list had and lacks
    "due int default=0",  # of these, missing twice
    "dropped int default=0",  # of these, taken back
    "list_id int",
    "caller text",  # who handed it in
    "sealed bytes",  # name of the file
)
Index("import_file", import_job.c.file)

import_refused = own_table(  # of the newest imports, for some days
    "import_refused",
    "import_id int key import_job.id, row int key",  # in the file, from 1
    "raw bytes",  # 8 bytes: the cell with its value
    "why bytes",  # sealed: the problem
    "cells bytes null",  # sealed: the list's own
)

access = own_table(
    "access",
    "id int key, at int, caller text, purpose text, kind text",
    "tag bytes",  # 8 bytes a token, or none
    "sealed bytes",  # by the month's key: reference, positions, action
    "writer text",
    "previous int",  # its record before, or 0
    "receipt text",  # hex hash of what its asker got, or ""
    "hash bytes",  # over this record and that one's hash
)
Index("access_at", access.c.at)
Index("access_caller", access.c.caller, access.c.at)

access_key = own_table(
    "access_key",
    "month int key",  # 30-day months since 1970
    "sealed bytes",
)

cosigned = own_table(
    "cosigned",
    "role text key",  # seen, merged
    "origin text key, size int, root bytes, note bytes",
)


receipt = own_table(  # others' cosignatures on our log: each key's newest
    "receipt", "origin text key, signer text key, size int, note bytes, at int"
)
kept_receipt = own_table(  # and its first of whatever took effect
    "kept_receipt",
    "origin text key, signer text key, size int key, note bytes, at int",
)

effect = own_table(  # sizes of our log at which something took effect
    "effect", "origin text key, size int key, at int", sqlite_with_rowid=False
)

sighting = own_table(  # met here, not yet told
    "sighting",
    "id int key, week int",  # its Monday, days since 1970-01-01
    "kind text, epoch int",
    "mac bytes",  # 16 bytes: keyed hash of the token
    "outcome text, count int",
    "sealed bytes default=",  # the token
    sa.UniqueConstraint(
        "week", "kind", "epoch", "mac", "outcome", name="sighting_once"
    ),
)


finding = own_table(  # both databases have it
    "finding",
    "id int key, code text, origin text",
    "idx int",  # -1: concerns no one entry
    "detail text, first_at int, last_at int, count int",
    sa.UniqueConstraint("code", "origin", "idx", name="finding_once"),
)

event = own_table(  # what happened; numbers are never used again
    "event",
    "id int key, at int, name text",
    "data bytes",  # JSON
)

told = own_table(  # the newest state of something that an event has told
    "told", "name text key, value text", sqlite_with_rowid=False
)

# ------------------------------------------------------------- mirror.db

mirror_log = mirror_table(
    "log",
    "id int key, origin text unique",
    "size int",  # mirrored: entries whose root is checked
    "peaks bytes",  # bytes(Frontier)
    "merged int",  # entries whose claims we hold
    "note bytes",  # largest signed checkpoint ≤ size
    "contested int",  # 0 or 1
)

bundle.to_metadata(MIRROR)

missing = mirror_table(  # withheld: neither present nor erased
    "missing", "log_id int key log.id, idx int key", sqlite_with_rowid=False
)

kept_note = mirror_table(  # verified signed checkpoints of a log
    "kept_note", "log_id int key log.id, size int key, note bytes"
)

fork_note = mirror_table(  # the notes that contradict each other
    "fork_note",
    "log_id int key log.id, hash bytes key, note bytes",
    "rejected int",  # 1: of a branch that the roster left
)


def _by_token(name: str, *more: str) -> Table:
    """Declare a table of what entries say, in the order of claims.Row."""
    return mirror_table(
        name,
        "token bytes",
        "idx int",
        "kind_epoch int",  # claims.key
        "record bytes",
        "log_id int",
        *more,
        sa.PrimaryKeyConstraint("token", "kind_epoch", "log_id", "idx"),
        sqlite_with_rowid=False,
    )


# with the least retract naming it
claim = _by_token("claim", "ended_by int null")
mirror_sighting = _by_token("sighting")  # others' sightings: no claims


def record_is(type_: int) -> ColumnElement[bool]:
    """Return the condition that a claim's record is of a type.

    The byte itself stands in the text, for an index is found by its text.
    """
    byte = sa.cast(sa.literal_column(f"'{chr(type_)}'"), Bytes)
    first = sa.literal_column("1", Int)
    return sa.func.substr(claim.c.record, first, first) == byte


DISPUTES = and_(record_is(3), claim.c.ended_by.is_(None))  # in force
partial_index("claim_dispute", DISPUTES, claim.c.log_id, claim.c.idx)

ending = mirror_table(  # what each merged retract names: folding.End
    "ending",
    "token bytes, idx int, by_idx int, kind_epoch int",
    "day int",  # of the retract, since 1970-01-01
    "log_id int",
    sa.PrimaryKeyConstraint("log_id", "by_idx", "idx"),
    sqlite_with_rowid=False,
)

Index("ending_of", ending.c.log_id, ending.c.idx)
ENDED = and_(  # of a claim, by its first retract
    *(ending.c.log_id == claim.c.log_id, ending.c.idx == claim.c.idx),
    ending.c.by_idx == claim.c.ended_by,
)

# entry `by_idx` erases start ≤ index < stop below itself
erased = mirror_table(
    "erased",
    "log_id int key, start int key, stop int key, by_idx int key",
    sqlite_with_rowid=False,
)

spent = mirror_table(  # merged of a log in an hour in which anything was
    "spent",
    "log_id int key log.id, hour int key",  # since 1970-01-01, UTC
    "size int",  # entries, when it ended
    "entries int",
    "octets int",  # payload bytes
)
Index("spent_size", spent.c.log_id, spent.c.size, spent.c.hour)

finding.to_metadata(MIRROR)
