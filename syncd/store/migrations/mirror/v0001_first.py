"""The first shape of mirror.db: mirrored logs, claims."""

import sqlalchemy as sa
from alembic import op

revision = "mirror_1"
down_revision = None

Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "claim",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("kind_epoch", Int, nullable=False),
        sa.Column("log_id", Int, nullable=False),
        sa.Column("idx", Int, nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("ended_by", Int, nullable=True),
        sa.PrimaryKeyConstraint("token", "kind_epoch", "log_id", "idx"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ending",
        sa.Column("log_id", Int, nullable=False),
        sa.Column("by_idx", Int, nullable=False),
        sa.Column("idx", Int, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("kind_epoch", Int, nullable=False),
        sa.PrimaryKeyConstraint("log_id", "by_idx", "idx"),
        sqlite_with_rowid=False,
    )
    op.create_index("ending_of", "ending", ["log_id", "idx"], unique=False)
    op.create_table(
        "erased",
        sa.Column("log_id", Int, nullable=False),
        sa.Column("start", Int, nullable=False),
        sa.Column("stop", Int, nullable=False),
        sa.Column("by_idx", Int, nullable=False),
        sa.PrimaryKeyConstraint("log_id", "start", "stop", "by_idx"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "finding",
        sa.Column("id", Int, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("idx", Int, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("first_at", Int, nullable=False),
        sa.Column("last_at", Int, nullable=False),
        sa.Column("count", Int, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", "origin", "idx", name="finding_once"),
    )
    op.create_table(
        "log",
        sa.Column("id", Int, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", Int, nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("merged", Int, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("contested", Int, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("origin"),
    )
    op.create_table(
        "sighting",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("kind_epoch", Int, nullable=False),
        sa.Column("log_id", Int, nullable=False),
        sa.Column("idx", Int, nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("token", "kind_epoch", "log_id", "idx"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bundle",
        sa.Column("log_id", Int, nullable=False),
        sa.Column("n", Int, nullable=False),
        sa.Column("width", Int, nullable=False),
        sa.Column("gz", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["log_id"],
            ["log.id"],
        ),
        sa.PrimaryKeyConstraint("log_id", "n"),
    )
    op.create_table(
        "fork_note",
        sa.Column("log_id", Int, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["log_id"],
            ["log.id"],
        ),
        sa.PrimaryKeyConstraint("log_id", "hash"),
    )
    op.create_table(
        "kept_note",
        sa.Column("log_id", Int, nullable=False),
        sa.Column("size", Int, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["log_id"],
            ["log.id"],
        ),
        sa.PrimaryKeyConstraint("log_id", "size"),
    )
    op.create_table(
        "missing",
        sa.Column("log_id", Int, nullable=False),
        sa.Column("idx", Int, nullable=False),
        sa.ForeignKeyConstraint(
            ["log_id"],
            ["log.id"],
        ),
        sa.PrimaryKeyConstraint("log_id", "idx"),
        sqlite_with_rowid=False,
    )
