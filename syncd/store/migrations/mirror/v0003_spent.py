"""What was merged of each log today: a restart is no new day."""

import sqlalchemy as sa
from alembic import op

revision = "mirror_3"
down_revision = "mirror_2"

Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "spent",
        sa.Column("log_id", Int, nullable=False),
        sa.Column("day", Int, nullable=False),
        sa.Column("entries", Int, nullable=False),
        sa.Column("octets", Int, nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["log.id"]),
        sa.PrimaryKeyConstraint("log_id"),
    )
