"""Holding against a dishonest member, and telling the operator of it."""

import sqlalchemy as sa
from alembic import op

Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "own_5"
down_revision = "own_4"


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
    """Make room to seal access records.

    The key is not here: records keep positions, a line feed and reference in
    `sealed`, with `previous` -1, until the store is opened with it.
    """
    op.drop_index("access_at", "access")
    op.rename_table("access", "access_open")
    op.create_table(
        "access",
        sa.Column("id", Int, nullable=False),
        sa.Column("at", Int, nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("previous", Int, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        "INSERT INTO access SELECT id, at, caller, purpose, kind, tag,"
        " CAST(coalesce(positions, '') || char(10) || reference AS BLOB),"
        " '', -1 FROM access_open"
    )
    op.drop_table("access_open")
    op.create_index("access_at", "access", ["at"])
    op.create_index("access_caller", "access", ["caller", "at"])
    op.create_table(
        "access_position",
        sa.Column("month", Int, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("access_id", Int, nullable=False),
        sa.PrimaryKeyConstraint("month", "mac", "access_id"),
        sqlite_with_rowid=False,
    )


def _quota() -> None:
    """Keep running sums."""


def _status() -> None:
    """Keep what was muted, by whom and why."""


def _notify() -> None:
    """Keep what is still to be sent."""


def _changes() -> None:
    """Keep how far changes were read, and whom we screen for."""


def _disputes() -> None:
    """Keep disputes against us."""


def _appeals() -> None:
    """Keep what is to be undone, and appeals."""
