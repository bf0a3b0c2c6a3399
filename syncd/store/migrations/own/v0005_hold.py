"""Holding against a dishonest member, and telling the operator of it."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "own_5"
down_revision = "own_4"

Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make what each of the parts below keeps."""
    _access()
    _quota()
    _status()
    _notify()
    _changes()
    _disputes()
    _appeals()


def _access() -> None:
    """Make room to seal access records and sightings.

    The key is not here: records keep positions, a line feed and reference in
    `sealed`, with `previous` -1, until the store is opened with it. Sightings
    not told yet, of a day at most, are dropped: they name tokens in clear,
    and among them what case work has met.
    """
    _add("access", "sealed", sa.LargeBinary(), "")
    _add("access", "writer", sa.Text(), "")
    _add("access", "previous", Int, "-1")
    op.execute(
        "UPDATE access SET sealed = CAST("
        "coalesce(positions, '') || char(10) || reference AS BLOB)"
    )
    op.drop_column("access", "positions")
    op.drop_column("access", "reference")
    op.create_index("access_caller", "access", ["caller", "at"])
    op.create_table(
        "access_position",
        sa.Column("month", Int, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("access_id", Int, nullable=False),
        sa.PrimaryKeyConstraint("month", "mac", "access_id"),
        sqlite_with_rowid=False,
    )
    op.execute("DELETE FROM sighting")
    op.execute("ALTER TABLE sighting RENAME COLUMN day TO week")
    op.execute("ALTER TABLE sighting RENAME COLUMN token TO mac")
    _add("sighting", "sealed", sa.LargeBinary(), "")


def _add(table: str, name: str, type_: Any, default: str) -> None:
    column = sa.Column(name, type_, nullable=False, server_default=default)
    op.add_column(table, column)


def _quota() -> None:
    """Keep running sums, and how often a request was repeated."""
    op.create_table(
        "quota_sum",
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("window_s", Int, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("since", Int, nullable=False),
        sa.Column("n", Int, nullable=False),
        sa.PrimaryKeyConstraint("member", "key", "window_s", "purpose"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "published",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("n", Int, nullable=False),
        sa.PrimaryKeyConstraint("day", "origin", "key"),
        sqlite_with_rowid=False,
    )
    for name in ("hour", "again"):
        column = sa.Column(name, Int, nullable=False, server_default="0")
        op.add_column("debit", column)


def _status() -> None:
    """Keep what was muted, by whom and why."""


def _notify() -> None:
    """Keep what is still to be sent."""
    op.create_table(
        "notify_target",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cursor", Int, nullable=False),
        sa.Column("dropped", Int, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notice",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("number", Int, nullable=False),
        sa.Column("at", Int, nullable=False),
        sa.Column("tries", Int, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("target", "number"),
        sqlite_with_rowid=False,
    )


def _changes() -> None:
    """Keep how far changes were read, and whom we screen for."""
    op.create_table(
        "merge_mark",
        sa.Column("id", Int, nullable=False),
        sa.Column("at", Int, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("first", Int, nullable=False),
        sa.Column("stop", Int, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("merge_mark_origin", "merge_mark", ["origin", "id"])
    op.create_table(
        "screened",
        sa.Column("id", Int, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("ref", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("epoch", Int, nullable=False),
        sa.Column("until", Int, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mac", "ref", name="screened_once"),
    )
    op.create_index("screened_ref", "screened", ["ref"])
    op.create_index("screened_until", "screened", ["until"])
    listed = sa.text("state IS NOT NULL")
    op.create_index(
        *("screened_listed", "screened", ["id"]),
        sqlite_where=listed,
        postgresql_where=listed,
    )
    op.create_table(
        "screening_run",
        sa.Column("id", Int, nullable=False),
        sa.Column("at", Int, nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _disputes() -> None:
    """Keep disputes against us, and ours."""
    op.create_table(
        "dispute",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("idx", Int, nullable=False),
        sa.Column("by_us", Int, nullable=False),
        sa.Column("kind", Int, nullable=False),
        sa.Column("epoch", Int, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("due", Int, nullable=False),
        sa.Column("expires", Int, nullable=False),
        sa.Column("reminded", Int, nullable=False),
        sa.PrimaryKeyConstraint("origin", "idx"),
    )


def _appeals() -> None:
    """Keep what is to be looked at again of what we did."""
    op.create_table(
        "appeal",
        sa.Column("id", Int, nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("cause", "by", "purpose", "measure", "decision")
        ),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("received_at", Int, nullable=False),
        *(
            sa.Column(name, Int, nullable=True)
            for name in ("access_id", "decided_at", "told_at", "lifted_at")
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "appeal_access",
        "appeal",
        ["access_id"],
        unique=True,
        sqlite_where=sa.text("cause = 'ended'"),
    )
