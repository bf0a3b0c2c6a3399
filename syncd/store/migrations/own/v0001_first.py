"""The first shape of own.db: own log, vault, imports, quotas, access records, tokens."""

import sqlalchemy as sa
from alembic import op

revision = "own_1"
down_revision = None

Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "access",
        sa.Column("id", Int, nullable=False),
        sa.Column("at", Int, nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("positions", sa.LargeBinary(), nullable=True),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("access_at", "access", ["at"], unique=False)
    op.create_table(
        "access_key",
        sa.Column("month", Int, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "bearer",
        sa.Column("id", Int, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", Int, nullable=False),
        sa.Column("revoked_at", Int, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "cosigned",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", Int, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("role", "origin"),
    )
    op.create_table(
        "debit",
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("at", Int, nullable=False),
        sa.PrimaryKeyConstraint("member", "request"),
    )
    op.create_index("debit_at", "debit", ["at"], unique=False)
    op.create_table(
        "done",
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
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
        "import_job",
        sa.Column("id", Int, nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", Int, nullable=False),
        sa.Column("options", sa.LargeBinary(), nullable=False),
        sa.Column("offset", Int, nullable=False),
        sa.Column("row", Int, nullable=False),
        sa.Column("prefix", sa.LargeBinary(), nullable=False),
        sa.Column("accepted", Int, nullable=False),
        sa.Column("known", Int, nullable=False),
        sa.Column("refused", Int, nullable=False),
        sa.Column("began_at", Int, nullable=False),
        sa.Column("finished_at", Int, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("import_file", "import_job", ["file"], unique=False)
    op.create_table(
        "log",
        sa.Column("id", Int, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", Int, nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("origin"),
    )
    op.create_table(
        "quota",
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("minute", Int, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("n", Int, nullable=False),
        sa.PrimaryKeyConstraint("member", "key", "minute", "purpose"),
    )
    op.create_table(
        "receipt",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("size", Int, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("at", Int, nullable=False),
        sa.PrimaryKeyConstraint("origin", "signer"),
    )
    op.create_table(
        "sighting",
        sa.Column("id", Int, nullable=False),
        sa.Column("day", Int, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("epoch", Int, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("count", Int, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "day", "kind", "epoch", "token", "outcome", name="sighting_once"
        ),
    )
    op.create_table(
        "usage",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("count", Int, nullable=False),
        sa.Column("denied", Int, nullable=False),
        sa.PrimaryKeyConstraint("day", "key", "member", "purpose"),
    )
    op.create_table(
        "vault_fields",
        sa.Column("id", Int, nullable=False),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("fields"),
    )
    op.create_table(
        "vault_key",
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("vault_id", Int, nullable=False),
        sa.PrimaryKeyConstraint("mac", "vault_id"),
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
        "vault",
        sa.Column("id", Int, nullable=False),
        sa.Column("type", Int, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("fields_id", Int, nullable=False),
        sa.Column("value_mac", sa.LargeBinary(), nullable=False),
        sa.Column("fields_mac", sa.LargeBinary(), nullable=False),
        sa.Column("state", Int, nullable=False),
        sa.Column("urgent", Int, nullable=False),
        sa.Column("accepted_at", Int, nullable=False),
        sa.Column("import_id", Int, nullable=True),
        sa.Column("log_id", Int, nullable=True),
        sa.Column("idx", Int, nullable=True),
        sa.Column("ended_idx", Int, nullable=True),
        sa.Column("epoch", Int, nullable=True),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["fields_id"],
            ["vault_fields.id"],
        ),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["import_job.id"],
        ),
        sa.ForeignKeyConstraint(
            ["log_id"],
            ["log.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "vault_ending",
        "vault",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 2"),
        postgresql_where=sa.text("state = 2"),
    )
    op.create_index("vault_import", "vault", ["import_id"], unique=False)
    op.create_index(
        "vault_position",
        "vault",
        ["idx"],
        unique=False,
        sqlite_where=sa.text("idx IS NOT NULL"),
        postgresql_where=sa.text("idx IS NOT NULL"),
    )
    op.create_index(
        "vault_waiting",
        "vault",
        ["kind", "urgent", "id"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
