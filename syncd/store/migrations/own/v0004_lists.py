"""Named lists, what each holds, refused rows; who reported; what came back.

The key of a vault row is its value alone: whether two rows say the same is
judged by their fields. Names and hashes of files were kept in clear, and are
not any more: those of earlier imports are dropped, and the imports over.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "own_4"
down_revision = "own_3"

Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Retract reasons that are about the value, as of this revision.
ABOUT_THE_VALUE = (
    *("appeal_upheld", "case_closed", "court_order", "entry_error"),
    *("false_positive", "reassigned", "victim_account"),
)


def upgrade() -> None:
    """Make the tables, and move what is there."""
    op.create_table(
        "import_list",
        sa.Column("id", Int, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("latest", Int, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mac"),
    )
    op.create_table(
        "list_value",
        sa.Column("list_id", Int, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("last", Int, nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["import_list.id"]),
        sa.PrimaryKeyConstraint("list_id", "mac"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_refused",
        sa.Column("import_id", Int, nullable=False),
        sa.Column("row", Int, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["import_job.id"]),
        sa.PrimaryKeyConstraint("import_id", "row"),
    )
    for name in ("whole", "taken_back", "gone", "due", "dropped"):
        op.add_column(
            "import_job",
            sa.Column(name, Int, nullable=False, server_default="0"),
        )
    for column in (
        sa.Column("list_id", Int, nullable=True),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
    ):
        op.add_column("import_job", column)
    forget = sa.text(
        "UPDATE import_job SET file = :nothing, prefix = :prefix,"
        " finished_at = coalesce(finished_at, began_at)"
    )
    prefix = hashlib.sha256().digest()
    op.execute(forget.bindparams(nothing=b"", prefix=prefix))
    op.drop_column("import_job", "name")
    op.drop_column("import_job", "options")
    for column in (
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("ended_on", sa.Text(), nullable=True),
        sa.Column("held", Int, nullable=False, server_default="0"),
        sa.Column("elsewhere", sa.Text(), nullable=True),
    ):
        op.add_column("vault", column)
    noted = sa.text("elsewhere IS NOT NULL")
    op.create_index(
        *("vault_elsewhere", "vault", ["import_id"]),
        sqlite_where=noted,
        postgresql_where=noted,
    )
    reasons = ", ".join(f"'{reason}'" for reason in ABOUT_THE_VALUE)
    op.execute(
        "UPDATE vault SET held = 1 WHERE type = 1 AND state >= 2"  # noqa: S608
        f" AND reason IN ({reasons})"
    )
    op.create_table(
        "vault_value",
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("vault_id", Int, nullable=False),
        sa.PrimaryKeyConstraint("mac", "vault_id"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO vault_value (mac, vault_id)"
        " SELECT substr(mac, 1, 8), vault_id FROM vault_key ORDER BY 1, 2"
    )
    op.drop_table("vault_key")
