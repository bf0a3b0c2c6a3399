"""Bring a database to this build's newest revision, by alembic."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from syncd.errors import UsageError

# The newest revision of each database that this build knows. A test holds
# them equal to the scripts in migrations/; looking here saves the daemon and
# the command line the import of alembic.
HEADS: dict[str, str] = {"own": "own_first", "mirror": "mirror_first"}
MIGRATIONS = Path(__file__).parent / "migrations"

_VERSION = sa.Table(
    "alembic_version", sa.MetaData(), sa.Column("version_num", sa.Text)
)

# Of own, while it is moved to a server (moving.py), each with a number: the
# file's, that and once all of it is there, and the server's until then.
MOVE = "move-"
BEGUN, DONE, FILLING = f"{MOVE}begun-", f"{MOVE}done-", f"{MOVE}filling-"
AWAY = ".moved"  # added to a file's name


def revision(connection: Connection) -> str | None:
    """Return what a database is at; None if it is empty."""
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(sa.select(_VERSION)).scalar()


def mark(connection: Connection, found: str) -> None:
    """Say what a database is at, which has its tables."""
    connection.execute(sa.update(_VERSION).values(version_num=found))


def moved(name: str) -> UsageError:
    """Return the refusal of what was moved, or of what is not all there."""
    return UsageError(
        "{name}: was moved to a server, or a move to it was interrupted",
        name=name,
    )


def known(schema: str) -> set[str]:
    """Return the revisions that this build knows."""
    return {s.revision for s in _scripts(schema).walk_revisions()}


def upgrade(schema: str, connection: Connection) -> None:
    """Migrate inside the transaction that its caller holds, alone.

    A second process waits for that, then finds nothing left to do.
    """
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    scripts = _scripts(schema)

    def steps(now: Any, _context: object) -> Any:
        return scripts._upgrade_revs("head", now)

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=False)
        environment.run_migrations()


def _scripts(schema: str) -> Any:
    # alembic takes a quarter of a second to import: only when needed.
    from alembic.script import ScriptDirectory

    return ScriptDirectory(
        str(MIGRATIONS), version_locations=[str(MIGRATIONS / schema)]
    )
