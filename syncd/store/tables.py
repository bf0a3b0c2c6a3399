"""The shape of own.db and mirror.db at the newest revision.

Portable: whole numbers, text and bytes only. Times are unix seconds, hashes
and tokens raw bytes. docs/store.md says what each table is for.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Table
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


def own_table(name: str, *parts: Any, **options: Any) -> Table:
    """Declare a table of own.db."""
    return Table(name, OWN, *parts, **options)


def mirror_table(name: str, *parts: Any, **options: Any) -> Table:
    """Declare a table of mirror.db."""
    return Table(name, MIRROR, *parts, **options)


def column(name: str, type_: Any, *args: Any, **kw: Any) -> sa.Column[Any]:
    """Return a column; none is nullable that does not say so."""
    return sa.Column(name, type_, *args, **{"nullable": False, **kw})


def columns(type_: Any, *names: str) -> list[sa.Column[Any]]:
    """Return columns of one type."""
    return [column(name, type_) for name in names]


def key(name: str, type_: Any = Int, *args: Any) -> sa.Column[Any]:
    """Return a column of what a row is found by."""
    return column(name, type_, *args, primary_key=True)


def _of_log() -> sa.Column[Any]:
    """Return a column of what a log's row is found by."""
    return key("log_id", Int, sa.ForeignKey("log.id"))


def partial_index(
    name: str, where: str | ColumnElement[bool], *columns: ColumnElement[Any]
) -> None:
    """Declare an index of those rows that a condition holds for."""
    some = sa.text(where) if isinstance(where, str) else where
    sa.Index(name, *columns, sqlite_where=some, postgresql_where=some)


# ---------------------------------------------------------------- own.db

log = own_table(  # one row per generation of our own log
    "log",
    key("id"),
    column("origin", Text, unique=True),
    column("size", Int),  # entries
    column("peaks", Bytes),  # bytes(Frontier)
    column("note", Bytes),  # signed checkpoint, log line only
)

bundle = own_table(  # both databases have it
    "bundle",
    _of_log(),
    key("n"),
    column("width", Int),  # records, 1..256
    column("gz", Bytes),  # gzip of the records
    column("root", Bytes),  # RFC 6962 hash of its leaves
    column("entries", Bytes),  # leaves, where records do not tell them
)

done = own_table(  # one-off statements written: never twice
    "done", key("name", Text), sqlite_with_rowid=False
)

vault = own_table(
    "vault",
    key("id"),
    column("type", Int),  # of the statement
    column("kind", Text),
    column("sealed", Bytes, nullable=True),  # None: said of a token
    column("fields_id", Int, sa.ForeignKey("vault_fields.id")),
    column("value_mac", Bytes),  # 16 bytes: kind and normal form
    column("fields_mac", Bytes),  # 16 bytes: type, kind, value, fields
    column("state", Int),  # own.State
    column("urgent", Int),  # 0 or 1
    column("accepted_at", Int),
    column("import_id", Int, sa.ForeignKey("import_job.id"), nullable=True),
    column("log_id", Int, sa.ForeignKey("log.id"), nullable=True),
    column("idx", Int, nullable=True),  # of the statement
    column("ended_idx", Int, nullable=True),  # of its retract
    column("epoch", Int, nullable=True),
    column("token", Bytes, nullable=True),
    column("reason", Text, nullable=True),  # of the retract
    column("caller", Text, nullable=True),  # who handed it in
    column("ended_on", Text, nullable=True),  # day on which it was retracted
    # 1: taken back for what the value is; it holds back what says it anew
    column("held", Int, server_default="0"),
    # what another member took the value back for: MEMBER REASON
    column("elsewhere", Text, nullable=True),
)
sa.Index("vault_import", vault.c.import_id)
partial_index("vault_elsewhere", "elsewhere IS NOT NULL", vault.c.import_id)
partial_index(
    "vault_waiting", "state = 0", vault.c.kind, vault.c.urgent, vault.c.id
)
partial_index("vault_ending", "state = 2", vault.c.id)
partial_index("vault_position", "idx IS NOT NULL", vault.c.idx)

vault_value = own_table(  # finds rows again; a table, so batches are sorted
    "vault_value",
    key("mac", Bytes),  # the first 8 of value_mac
    key("vault_id"),
    sqlite_with_rowid=False,
)

vault_fields = own_table(  # what a million rows of one import say alike
    "vault_fields",
    key("id"),
    column("fields", Bytes, unique=True),  # canonical JSON, public, no value
)

import_list = own_table(  # a list has a name, and comes again and again
    "import_list",
    key("id"),
    column("mac", Bytes, unique=True),  # of its name
    column("sealed", Bytes),  # its name
    column("latest", Int, nullable=True),  # import that was whole, newest
)

list_value = own_table(  # what a list held when it was read last
    "list_value",
    key("list_id", Int, sa.ForeignKey("import_list.id")),
    key("mac", Bytes),  # vault.value_mac
    column("raw", Bytes),  # 8 bytes: its cell in the list
    column("last", Int),  # import that found it last
    sqlite_with_rowid=False,
)

import_job = own_table(
    "import_job",
    key("id"),
    column("file", Bytes),  # keyed hash of what the caller knows it by
    column("size", Int),  # bytes
    column("offset", Int),  # bytes of the file that are committed
    column("row", Int),  # rows of the file that are committed
    column("prefix", Bytes),  # SHA-256 of the committed bytes, sealed
    *columns(Int, "accepted", "known", "refused", "began_at"),
    column("finished_at", Int, nullable=True),
    column("whole", Int, server_default="0"),  # to the end; 2: of a part
    column("taken_back", Int, server_default="0"),
    column("gone", Int, server_default="0"),  # what its list had and lacks
    column("due", Int, server_default="0"),  # of these, missing twice
    column("dropped", Int, server_default="0"),  # of these, taken back
    column("list_id", Int),
    column("caller", Text),  # who handed it in
    column("sealed", Bytes),  # name of the file
)
sa.Index("import_file", import_job.c.file)

import_refused = own_table(  # of the newest imports, for some days
    "import_refused",
    key("import_id", Int, sa.ForeignKey("import_job.id")),
    key("row"),  # in the file, from 1
    column("raw", Bytes),  # 8 bytes: the cell with its value
    column("why", Bytes),  # sealed: the problem
    column("cells", Bytes, nullable=True),  # sealed: the list's own
)

access = own_table(
    "access",
    key("id"),
    column("at", Int),
    *columns(Text, "caller", "purpose", "kind"),
    column("tag", Bytes),  # 8 bytes a token, or none
    # by the month's key: reference, positions, action
    column("sealed", Bytes),
    column("writer", Text),
    column("previous", Int),  # its record before, or 0
    column("receipt", Text),  # hex hash of what its asker got, or ""
    column("hash", Bytes),  # over this record and that one's hash
)
sa.Index("access_at", access.c.at)
sa.Index("access_caller", access.c.caller, access.c.at)

access_key = own_table(
    "access_key",
    key("month"),  # 30-day months since 1970
    column("sealed", Bytes),
)

cosigned = own_table(
    "cosigned",
    key("role", Text),  # seen, merged
    key("origin", Text),
    column("size", Int),
    *columns(Bytes, "root", "note"),
)


def _receipts(name: str, *, one: bool) -> Table:
    """Declare a table of others' cosignatures on our own log."""
    return own_table(
        name,
        key("origin", Text),
        key("signer", Text),  # key name
        column("size", Int, primary_key=not one),
        column("note", Bytes),
        column("at", Int),
    )


receipt = _receipts("receipt", one=True)  # the newest of each signer
kept_receipt = _receipts("kept_receipt", one=False)  # its first of an effect

effect = own_table(  # sizes of our log at which something took effect
    "effect",
    key("origin", Text),
    key("size"),
    column("at", Int),
    sqlite_with_rowid=False,
)

sighting = own_table(  # met here, not yet told
    "sighting",
    key("id"),
    column("week", Int),  # its Monday, days since 1970-01-01
    column("kind", Text),
    column("epoch", Int),
    column("mac", Bytes),  # 16 bytes: keyed hash of the token
    column("outcome", Text),
    column("count", Int),
    column("sealed", Bytes, server_default=""),  # the token
    sa.UniqueConstraint(
        "week", "kind", "epoch", "mac", "outcome", name="sighting_once"
    ),
)


finding = own_table(  # both databases have it
    "finding",
    key("id"),
    *columns(Text, "code", "origin"),
    column("idx", Int),  # -1: concerns no one entry
    column("detail", Text),
    *columns(Int, "first_at", "last_at", "count"),
    sa.UniqueConstraint("code", "origin", "idx", name="finding_once"),
)

event = own_table(  # what happened; numbers are never used again
    "event",
    key("id"),
    column("at", Int),
    column("name", Text),
    column("data", Bytes),  # JSON
)

told = own_table(  # the newest state of something that an event has told
    "told", key("name", Text), column("value", Text), sqlite_with_rowid=False
)

# ------------------------------------------------------------- mirror.db

mirror_log = mirror_table(
    "log",
    key("id"),
    column("origin", Text, unique=True),
    column("size", Int),  # mirrored: entries whose root is checked
    column("peaks", Bytes),  # bytes(Frontier)
    column("merged", Int),  # entries whose claims we hold
    column("note", Bytes),  # largest signed checkpoint ≤ size
    column("contested", Int),  # 0 or 1
)

bundle.to_metadata(MIRROR)

missing = mirror_table(  # withheld: neither present nor erased
    "missing",
    _of_log(),
    key("idx"),
    sqlite_with_rowid=False,
)

kept_note = mirror_table(  # verified signed checkpoints of a log
    "kept_note",
    _of_log(),
    key("size"),
    column("note", Bytes),
)

fork_note = mirror_table(  # the notes that contradict each other
    "fork_note",
    _of_log(),
    key("hash", Bytes),
    column("note", Bytes),
    column("rejected", Int),  # 1: of a branch that the roster left
)


def _by_token(name: str, *more: sa.Column[Any]) -> Table:
    """Declare a table of what entries say, in the order of claims.Row."""
    return mirror_table(
        name,
        column("token", Bytes),
        column("idx", Int),
        column("kind_epoch", Int),  # claims.key
        column("record", Bytes),
        column("log_id", Int),
        *more,
        sa.PrimaryKeyConstraint("token", "kind_epoch", "log_id", "idx"),
        sqlite_with_rowid=False,
    )


# with the least retract naming it
claim = _by_token("claim", column("ended_by", Int, nullable=True))
mirror_sighting = _by_token("sighting")  # others' sightings: no claims


def record_is(type_: int) -> ColumnElement[bool]:
    """Return the condition that a claim's record is of a type.

    The byte itself stands in the text, for an index is found by its text.
    """
    byte = sa.cast(sa.literal_column(f"'{chr(type_)}'"), Bytes)
    first = sa.literal_column("1", Int)
    return sa.func.substr(claim.c.record, first, first) == byte


DISPUTES = sa.and_(record_is(3), claim.c.ended_by.is_(None))  # in force
partial_index("claim_dispute", DISPUTES, claim.c.log_id, claim.c.idx)

ending = mirror_table(  # what each merged retract names: folding.End
    "ending",
    column("token", Bytes),
    *columns(Int, "idx", "by_idx", "kind_epoch"),
    column("day", Int),  # of the retract, since 1970-01-01
    column("log_id", Int),
    sa.PrimaryKeyConstraint("log_id", "by_idx", "idx"),
    sqlite_with_rowid=False,
)

sa.Index("ending_of", ending.c.log_id, ending.c.idx)
ENDED = sa.and_(  # of a claim, by its first retract
    *(ending.c.log_id == claim.c.log_id, ending.c.idx == claim.c.idx),
    ending.c.by_idx == claim.c.ended_by,
)

# entry `by_idx` erases start ≤ index < stop below itself
erased = mirror_table(
    "erased",
    key("log_id"),
    key("start"),
    key("stop"),
    key("by_idx"),
    sqlite_with_rowid=False,
)

spent = mirror_table(  # merged of a log in an hour in which anything was
    "spent",
    _of_log(),
    key("hour"),  # since 1970-01-01, UTC
    column("size", Int),  # entries, when it ended
    column("entries", Int),
    column("octets", Int),  # payload bytes
)
sa.Index("spent_size", spent.c.log_id, spent.c.size, spent.c.hour)

finding.to_metadata(MIRROR)
