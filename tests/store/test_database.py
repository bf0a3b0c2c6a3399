"""A database opens at this build's revision, or says why not."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from syncd.store import migrating, tables
from syncd.store.database import Database
from syncd.store.migrating import HEADS
from syncd.store.server import Server
from tests import postgres
from tests.cases import tried
from tests.refusals import damaged, misused, newer, unavailable
from tests.store.conftest import sql

REVISION = "SELECT version_num FROM alembic_version"
COUNT = "SELECT count(*) FROM done"


def place(home: Path) -> Path | Server:
    """Return where a home's own.db is, by the engine."""
    return postgres.of(home) or home / "own.db"


@tried("schema, metadata", [("own", tables.OWN), ("mirror", tables.MIRROR)])
def test_migrations_end_where_tables_stand(
    tmp_path: Path, schema: str, metadata: sa.MetaData
) -> None:
    """An empty one, migrated, has exactly the shape of tables.py."""
    with closing(Database(place(tmp_path), schema)) as db:
        differs = db.read_now(
            lambda c: compare_metadata(MigrationContext.configure(c), metadata)
        )
        assert differs == []
        assert sql(db, REVISION) == [(HEADS[schema],)]


@pytest.fixture
def own_db(tmp_path: Path) -> Iterator[Database]:
    """Return an empty own.db."""
    with closing(Database(place(tmp_path), "own")) as db:
        yield db


def later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str = ""
) -> Path:
    """Have a build that knows one revision more than a mirror.db."""
    path = tmp_path / "mirror.db"
    Database(path, "mirror").close()
    known = migrating.MIGRATIONS / "mirror"
    into = tmp_path / "migrations" / "mirror"
    into.mkdir(parents=True)
    for script in known.glob("v*.py"):
        (into / script.name).write_text(script.read_text())
    (into / "v9999_later.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = 'mirror_later'\ndown_revision = '{HEADS['mirror']}'\n"
        "def upgrade():\n"
        "    op.add_column('log', sa.Column('extra', sa.Text()))\n" + more
    )
    monkeypatch.setattr(migrating, "MIGRATIONS", into.parent)
    monkeypatch.setitem(HEADS, "mirror", "mirror_later")
    return path


def test_an_older_database_is_brought_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later revision is applied to a database that has rows."""
    with closing(Database(later(tmp_path, monkeypatch), "mirror")) as db:
        assert not sql(db, "SELECT extra FROM log")
        assert sql(db, REVISION) == [("mirror_later",)]


def test_a_failed_migration_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a migration happens, or nothing of it."""
    path = later(tmp_path, monkeypatch, "    raise OSError('power')\n")
    with pytest.raises(OSError, match="power"):
        Database(path, "mirror")
    monkeypatch.undo()
    with closing(Database(path, "mirror")) as db:
        columns = sql(db, "PRAGMA table_info(log)")
    assert "extra" not in [column[1] for column in columns]


@tried("read_only", [False, True])
def test_a_newer_database_is_refused(tmp_path: Path, read_only: bool) -> None:
    """The message names both revisions, the hint what to do."""
    where = place(tmp_path)
    with closing(Database(where, "own")) as db:
        sql(db, "UPDATE alembic_version SET version_num = 'own_99'")
    with newer(rf"own_99.*{HEADS['own']}") as e:
        Database(where, "own", read_only=read_only)
    assert "newer syncd" in e.value.hint


def test_something_else_is_damaged(tmp_path: Path) -> None:
    """A file that is no database is refused with the way out."""
    path = tmp_path / "mirror.db"
    path.write_bytes(b"not a database at all" * 400)
    with damaged(r"mirror\.db") as e:
        Database(path, "mirror")
    assert "backup" in e.value.hint


def test_reading_only_makes_nothing(tmp_path: Path) -> None:
    """Who only reads neither creates nor migrates."""
    with misused("no such file"):
        Database(tmp_path / "own.db", "own", read_only=True)
    assert list(tmp_path.iterdir()) == []


async def test_a_read_job_cannot_write(own_db: Database) -> None:
    """Only the writing thread writes."""
    with unavailable(r"read-?only"):
        await own_db.read(
            lambda c: c.exec_driver_sql("DELETE FROM vault").rowcount
        )


async def test_a_failed_job_leaves_nothing(own_db: Database) -> None:
    """An exception in the middle rolls all of it back."""

    def job(c: sa.Connection) -> None:
        c.exec_driver_sql("INSERT INTO done (name) VALUES ('x')")
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        await own_db.write(job)
    assert sql(own_db, COUNT) == [(0,)]


async def test_errors_do_not_show_values(own_db: Database) -> None:
    """A broken statement's error carries no parameter."""
    broken = sa.text("INSERT INTO done (nonsense) VALUES (:value)")
    with pytest.raises(sa.exc.DBAPIError) as e:
        await own_db.write(
            lambda c: c.execute(broken, {"value": "13800138000"})
        )
    assert "13800138000" not in str(e.value)


@pytest.mark.sqlite
@tried(
    "name, value",
    [
        *[("journal_mode", "wal"), ("synchronous", 2)],
        *[("foreign_keys", 1), ("secure_delete", 0)],
    ],
)
def test_commits_are_durable_ones(
    own_db: Database, name: str, value: object
) -> None:
    """WAL with synchronous=FULL: a commit is on the disk when it returns."""
    assert sql(own_db, f"PRAGMA {name}") == [(value,)]


async def test_reads_go_on_while_a_write_runs(own_db: Database) -> None:
    """A long transaction does not block readers, who see what was before."""
    begun, may_end = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def job(c: sa.Connection) -> None:
        c.exec_driver_sql("INSERT INTO done (name) VALUES ('x')")
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result(10)

    def count(c: sa.Connection) -> object:
        return c.exec_driver_sql(COUNT).scalar()

    writing = asyncio.create_task(own_db.write(job))
    await begun.wait()
    assert await own_db.read(count) == 0
    may_end.set()
    await writing
    assert await own_db.read(count) == 1


@pytest.mark.sqlite
async def test_a_purge_wants_room_beside_the_file(
    own_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its copy lies beside it, not in /tmp, which may be memory."""
    await own_db.purge()
    assert sql(own_db, "PRAGMA temp_store_directory") == [(str(tmp_path),)]
    room = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
    with unavailable("1 MB free, 0 MB are"):
        await own_db.purge()


@pytest.mark.sqlite
def test_only_its_owner_may_read_it(tmp_path: Path, own_db: Database) -> None:
    """The file and what SQLite puts beside it are ours alone."""
    sql(own_db, COUNT)
    modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()}
    assert "own.db" in modes
    assert set(modes.values()) == {0o600}
