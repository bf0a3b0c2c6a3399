"""A member's own lists: exempt, note, local."""

import sqlalchemy as sa
from alembic import op

revision = "own_3"
down_revision = "own_2"

Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "own_entry",
        sa.Column("id", Int, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("name_mac", sa.LargeBinary(), nullable=False),
        sa.Column("said_mac", sa.LargeBinary(), nullable=False),
        sa.Column("list_mac", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("until", Int, nullable=True),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", Int, nullable=False),
        sa.Column("load", Int, nullable=True),
        sa.Column("removed_at", Int, nullable=True),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.Column("removed_why", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, column in (
        ("own_entry_mac", "mac"),
        ("own_entry_list", "list_mac"),
    ):
        op.create_index(
            name,
            "own_entry",
            [column],
            unique=False,
            sqlite_where=sa.text("removed_at IS NULL"),
        )
