"""The shape of the first release: what the tables say until it is out."""

from alembic import op

from syncd.store import home_stores as home_stores  # bring every table
from syncd.store import leading as leading
from syncd.store.tables import OWN

revision = "own_first"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    OWN.create_all(op.get_bind())
