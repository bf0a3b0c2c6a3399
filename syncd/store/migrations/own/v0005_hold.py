"""Holding against a dishonest member, and telling the operator of it."""

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
    """Seal what lay open."""


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
