"""The shape of own.db and mirror.db at the newest revision.

Portable: whole numbers, text and bytes only. Times are unix seconds, hashes
and tokens raw bytes. docs/store.md says what each table is for.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

OWN = sa.MetaData()
MIRROR = sa.MetaData()

# SQLite numbers its rows only through a column declared INTEGER.
Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Bytes = sa.LargeBinary


class Text(sa.Text):
    """Text that is sorted bytewise, whatever a server's own collation is."""


@compiles(Text, "postgresql")
def _column_type(*_: Any, **_kw: Any) -> str:
    return 'TEXT COLLATE "C"'


def _own(name: str, *parts: Any, **options: Any) -> sa.Table:
    return sa.Table(name, OWN, *parts, **options)


def _mirror(name: str, *parts: Any, **options: Any) -> sa.Table:
    return sa.Table(name, MIRROR, *parts, **options)


def _column(name: str, type_: Any, *args: Any, **kw: Any) -> sa.Column[Any]:
    return sa.Column(name, type_, *args, **{"nullable": False, **kw})


def partial_index(
    name: str,
    where: str | sa.ColumnElement[bool],
    *columns: sa.ColumnElement[Any],
) -> None:
    """Declare an index of those rows that a condition holds for."""
    some = sa.text(where) if isinstance(where, str) else where
    sa.Index(name, *columns, sqlite_where=some, postgresql_where=some)


# ---------------------------------------------------------------- own.db

log = _own(  # one row per generation of our own log
    "log",
    _column("id", Int, primary_key=True),
    _column("origin", Text, unique=True),
    _column("size", Int),  # entries
    _column("peaks", Bytes),  # bytes(Frontier)
    _column("note", Bytes),  # signed checkpoint, log line only
)

bundle = _own(  # both databases have it
    "bundle",
    _column("log_id", Int, sa.ForeignKey("log.id"), primary_key=True),
    _column("n", Int, primary_key=True),
    _column("width", Int),  # records, 1..256
    _column("gz", Bytes),  # gzip of the records
    _column("root", Bytes),  # RFC 6962 hash of its leaves
    _column("entries", Bytes),  # leaves, where records do not tell them
)

done = _own(  # one-off statements written: never twice
    "done",
    _column("name", Text, primary_key=True),
    sqlite_with_rowid=False,
)

vault = _own(
    "vault",
    _column("id", Int, primary_key=True),
    _column("type", Int),  # of the statement
    _column("kind", Text),
    _column("sealed", Bytes, nullable=True),  # None: said of a token
    _column("fields_id", Int, sa.ForeignKey("vault_fields.id")),
    _column("value_mac", Bytes),  # 16 bytes: kind and normal form
    _column("fields_mac", Bytes),  # 16 bytes: type, kind, value, fields
    _column("state", Int),  # own.State
    _column("urgent", Int),  # 0 or 1
    _column("accepted_at", Int),
    _column("import_id", Int, sa.ForeignKey("import_job.id"), nullable=True),
    _column("log_id", Int, sa.ForeignKey("log.id"), nullable=True),
    _column("idx", Int, nullable=True),  # of the statement
    _column("ended_idx", Int, nullable=True),  # of its retract
    _column("epoch", Int, nullable=True),
    _column("token", Bytes, nullable=True),
    _column("reason", Text, nullable=True),  # of the retract
    _column("caller", Text, nullable=True),  # who handed it in
    _column("ended_on", Text, nullable=True),  # day on which it was retracted
    # 1: taken back for what the value is; it holds back what says it anew
    _column("held", Int, server_default="0"),
    # what another member took the value back for: MEMBER REASON
    _column("elsewhere", Text, nullable=True),
)
sa.Index("vault_import", vault.c.import_id)
partial_index("vault_elsewhere", "elsewhere IS NOT NULL", vault.c.import_id)
partial_index(
    "vault_waiting", "state = 0", vault.c.kind, vault.c.urgent, vault.c.id
)
partial_index("vault_ending", "state = 2", vault.c.id)
partial_index("vault_position", "idx IS NOT NULL", vault.c.idx)

vault_value = _own(  # finds rows again; a table, so batches are sorted
    "vault_value",
    _column("mac", Bytes, primary_key=True),  # the first 8 of value_mac
    _column("vault_id", Int, primary_key=True),
    sqlite_with_rowid=False,
)

vault_fields = _own(  # what a million rows of one import say alike
    "vault_fields",
    _column("id", Int, primary_key=True),
    _column("fields", Bytes, unique=True),  # canonical JSON, public, no value
)

import_list = _own(  # a list has a name, and comes again and again
    "import_list",
    _column("id", Int, primary_key=True),
    _column("mac", Bytes, unique=True),  # of its name
    _column("sealed", Bytes),  # its name
    _column("latest", Int, nullable=True),  # import that was whole, newest
)

list_value = _own(  # what a list held when it was read last
    "list_value",
    _column("list_id", Int, sa.ForeignKey("import_list.id"), primary_key=True),
    _column("mac", Bytes, primary_key=True),  # vault.value_mac
    _column("raw", Bytes),  # 8 bytes: its cell in the list
    _column("last", Int),  # import that found it last
    sqlite_with_rowid=False,
)

import_job = _own(
    "import_job",
    _column("id", Int, primary_key=True),
    _column("file", Bytes),  # keyed hash of what the caller knows it by
    _column("size", Int),  # bytes
    _column("offset", Int),  # bytes of the file that are committed
    _column("row", Int),  # rows of the file that are committed
    _column("prefix", Bytes),  # SHA-256 of the committed bytes, sealed
    _column("accepted", Int),
    _column("known", Int),
    _column("refused", Int),
    _column("began_at", Int),
    _column("finished_at", Int, nullable=True),
    _column("whole", Int, server_default="0"),  # to the end; 2: of a part
    _column("taken_back", Int, server_default="0"),
    _column("gone", Int, server_default="0"),  # what its list had and lacks
    _column("due", Int, server_default="0"),  # of these, missing twice
    _column("dropped", Int, server_default="0"),  # of these, taken back
    _column("list_id", Int),
    _column("caller", Text),  # who handed it in
    _column("sealed", Bytes),  # name of the file
)
sa.Index("import_file", import_job.c.file)

import_refused = _own(  # of the newest imports, for some days
    "import_refused",
    _column(
        "import_id", Int, sa.ForeignKey("import_job.id"), primary_key=True
    ),
    _column("row", Int, primary_key=True),  # in the file, from 1
    _column("raw", Bytes),  # 8 bytes: the cell with its value
    _column("why", Bytes),  # sealed: the problem
    _column("cells", Bytes, nullable=True),  # sealed: the list's own
)

access = _own(
    "access",
    _column("id", Int, primary_key=True),
    _column("at", Int),
    _column("caller", Text),
    _column("purpose", Text),
    _column("kind", Text),
    _column("tag", Bytes),  # 8 bytes a token, or none
    # by the month's key: reference, positions, action
    _column("sealed", Bytes),
    _column("writer", Text),
    _column("previous", Int),  # its record before, or 0
)
sa.Index("access_at", access.c.at)
sa.Index("access_caller", access.c.caller, access.c.at)

access_key = _own(
    "access_key",
    _column("month", Int, primary_key=True),  # 30-day months since 1970
    _column("sealed", Bytes),
)

cosigned = _own(
    "cosigned",
    _column("role", Text, primary_key=True),  # seen, merged
    _column("origin", Text, primary_key=True),
    _column("size", Int),
    _column("root", Bytes),
    _column("note", Bytes),
)


def _receipts(name: str, *, one: bool) -> sa.Table:
    """Declare a table of others' cosignatures on our own log."""
    return _own(
        name,
        _column("origin", Text, primary_key=True),
        _column("signer", Text, primary_key=True),  # key name
        _column("size", Int, primary_key=not one),
        _column("note", Bytes),
        _column("at", Int),
    )


receipt = _receipts("receipt", one=True)  # the newest of each signer
kept_receipt = _receipts("kept_receipt", one=False)  # its first of an effect

effect = _own(  # sizes of our log at which something took effect
    "effect",
    _column("origin", Text, primary_key=True),
    _column("size", Int, primary_key=True),
    _column("at", Int),
    sqlite_with_rowid=False,
)

sighting = _own(  # met here, not yet told
    "sighting",
    _column("id", Int, primary_key=True),
    _column("week", Int),  # its Monday, days since 1970-01-01
    _column("kind", Text),
    _column("epoch", Int),
    _column("mac", Bytes),  # 16 bytes: keyed hash of the token
    _column("outcome", Text),
    _column("count", Int),
    _column("sealed", Bytes, server_default=""),  # the token
    sa.UniqueConstraint(
        "week", "kind", "epoch", "mac", "outcome", name="sighting_once"
    ),
)


finding = _own(  # both databases have it
    "finding",
    _column("id", Int, primary_key=True),
    _column("code", Text),
    _column("origin", Text),
    _column("idx", Int),  # -1: concerns no one entry
    _column("detail", Text),
    _column("first_at", Int),
    _column("last_at", Int),
    _column("count", Int),
    sa.UniqueConstraint("code", "origin", "idx", name="finding_once"),
)

event = _own(  # what happened; numbers are never used again
    "event",
    _column("id", Int, primary_key=True),
    _column("at", Int),
    _column("name", Text),
    _column("data", Bytes),  # JSON
)

told = _own(  # the newest state of something that an event has told
    "told",
    _column("name", Text, primary_key=True),
    _column("value", Text),
    sqlite_with_rowid=False,
)

# ------------------------------------------------------------- mirror.db

mirror_log = _mirror(
    "log",
    _column("id", Int, primary_key=True),
    _column("origin", Text, unique=True),
    _column("size", Int),  # mirrored: entries whose root is checked
    _column("peaks", Bytes),  # bytes(Frontier)
    _column("merged", Int),  # entries whose claims we hold
    _column("note", Bytes),  # largest signed checkpoint ≤ size
    _column("contested", Int),  # 0 or 1
)

bundle.to_metadata(MIRROR)

missing = _mirror(  # withheld: neither present nor erased
    "missing",
    _column("log_id", Int, sa.ForeignKey("log.id"), primary_key=True),
    _column("idx", Int, primary_key=True),
    sqlite_with_rowid=False,
)

kept_note = _mirror(  # verified signed checkpoints of a log
    "kept_note",
    _column("log_id", Int, sa.ForeignKey("log.id"), primary_key=True),
    _column("size", Int, primary_key=True),
    _column("note", Bytes),
)

fork_note = _mirror(  # the notes that contradict each other
    "fork_note",
    _column("log_id", Int, sa.ForeignKey("log.id"), primary_key=True),
    _column("hash", Bytes, primary_key=True),
    _column("note", Bytes),
    _column("rejected", Int),  # 1: of a branch that the roster left
)


def _by_token(name: str, *more: sa.Column[Any]) -> sa.Table:
    """Declare a table of what entries say, in the order of claims.Row."""
    return _mirror(
        name,
        _column("token", Bytes),
        _column("idx", Int),
        _column("kind_epoch", Int),  # claims.key
        _column("record", Bytes),
        _column("log_id", Int),
        *more,
        sa.PrimaryKeyConstraint("token", "kind_epoch", "log_id", "idx"),
        sqlite_with_rowid=False,
    )


# with the least retract naming it
claim = _by_token("claim", _column("ended_by", Int, nullable=True))
mirror_sighting = _by_token("sighting")  # others' sightings: no claims


def record_is(type_: int) -> sa.ColumnElement[bool]:
    """Return the condition that a claim's record is of a type.

    The byte itself stands in the text, for an index is found by its text.
    """
    byte = sa.cast(sa.literal_column(f"'{chr(type_)}'"), Bytes)
    first = sa.literal_column("1", Int)
    return sa.func.substr(claim.c.record, first, first) == byte


DISPUTES = sa.and_(record_is(3), claim.c.ended_by.is_(None))  # in force
partial_index("claim_dispute", DISPUTES, claim.c.log_id, claim.c.idx)

ending = _mirror(  # what each merged retract names: folding.End
    "ending",
    _column("token", Bytes),
    _column("idx", Int),
    _column("by_idx", Int),
    _column("kind_epoch", Int),
    _column("log_id", Int),
    sa.PrimaryKeyConstraint("log_id", "by_idx", "idx"),
    sqlite_with_rowid=False,
)

sa.Index("ending_of", ending.c.log_id, ending.c.idx)

erased = _mirror(  # entry `by_idx` erases start ≤ index < stop below itself
    "erased",
    _column("log_id", Int, primary_key=True),
    _column("start", Int, primary_key=True),
    _column("stop", Int, primary_key=True),
    _column("by_idx", Int, primary_key=True),
    sqlite_with_rowid=False,
)

spent = _mirror(  # merged of a log on the last day on which anything was
    "spent",
    _column("log_id", Int, sa.ForeignKey("log.id"), primary_key=True),
    _column("day", Int),  # days since 1970-01-01, UTC
    _column("entries", Int),
    _column("octets", Int),  # payload bytes
)

finding.to_metadata(MIRROR)
