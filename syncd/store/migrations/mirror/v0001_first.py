"""The shape of the first release: what the tables say until it is out."""

from alembic import op

from syncd.store.tables import MIRROR

revision = "mirror_first"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    MIRROR.create_all(op.get_bind())
