"""Notes of a forked log that the roster decided against."""

import sqlalchemy as sa
from alembic import op

revision = "mirror_2"
down_revision = "mirror_1"

Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "rejected_note",
        sa.Column("log_id", Int, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["log.id"]),
        sa.PrimaryKeyConstraint("log_id", "hash"),
        sqlite_with_rowid=False,
    )
