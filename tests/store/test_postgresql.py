"""A server that goes away, lies, refuses us, or is none that we can use."""

import asyncio
import functools
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from syncd.errors import SyncdError, UnavailableError, UsageError
from syncd.store import postgresql, tables
from syncd.store.database import Database
from syncd.store.server import Server
from tests import postgres
from tests.cases import tried
from tests.refusals import failing, misused, unavailable

pytestmark = pytest.mark.slow  # a server starts


@pytest.fixture
def server() -> Server:
    """Return an empty, migrated database of a server that is up."""
    return postgres.fresh()


@pytest.fixture
def own_db(server: Server) -> Iterator[Database]:
    """Return it, open."""
    with closing(Database(server, "own")) as db:
        yield db


def put(name: str, db: Database) -> None:
    """Write one row."""
    db.write_now(lambda c: c.execute(tables.done.insert().values(name=name)))


def names(db: Database) -> list[str]:
    """Return the rows that are there."""
    wanted = sa.select(tables.done.c.name).order_by(tables.done.c.name)
    return [*db.read_now(lambda c: c.execute(wanted).scalars().all())]


# ------------------------------------------------------------------ opening


@tried("promise", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_does_not_promise_durability(
    server: Server, promise: str
) -> None:
    """It is refused with the setting; who only reads does not care."""
    off = f"{promise} is off, want on: what"
    with postgres.setting(promise, "off"), misused(off):
        Database(server, "own")
    Database(server, "own", read_only=True).close()


def test_another_encoding_is_refused() -> None:
    """Names of members and lists are Chinese."""
    postgres.sql(
        "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII'"
        " LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    with misused("is SQL_ASCII, want UTF8"):
        Database(postgres.at("ascii"), "own")


def refused(url: str, password: Path | None = None) -> SyncdError:
    """Return the error of one that cannot be opened."""
    with failing() as e:
        Database(Server(url, password), "own")
    return e.value


def test_who_is_not_let_in_is_told_why(tmp_path: Path) -> None:
    """One sentence each, an exit code 2, and never the password."""
    host = f"host={postgres.started()}"
    wrong = tmp_path / "password"
    wrong.write_text("hunter2\n")
    postgres.sql("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    postgres.sql("CREATE ROLE plain LOGIN")
    database = f"postgresql:///postgres?{host}&user="
    error = refused(f"{database}guarded", wrong)
    assert isinstance(error, UsageError)
    assert "password authentication failed" in str(error)
    assert "hunter2" not in str(error)
    for url, why in (
        (f"postgresql:///nowhere?{host}&user=plain", 'nowhere" does not exi'),
        (f"{database}nobody", 'role "nobody" does not exist'),
        (f"{database}plain", "permission denied for database postgres"),
    ):
        error = refused(url)
        assert isinstance(error, UsageError)
        assert why in str(error)
        assert "\n" not in str(error)
    error = refused("postgresql://127.0.0.1:1/x")
    assert isinstance(error, UnavailableError)
    assert "Connection refused" in str(error)


# -------------------------------------------------------------------- faults


def test_one_writes_at_a_time(
    server: Server, own_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever process it is: who cannot wait any longer says so."""
    monkeypatch.setattr(postgresql, "_LOCK_MS", 50)
    with closing(Database(server, "own")) as other:

        def job(c: sa.Connection) -> None:
            with unavailable("lock timeout"):
                put("other", other)
            c.execute(tables.done.insert().values(name="one"))

        own_db.write_now(job)
        put("other", other)
    assert names(own_db) == ["one", "other"]


async def test_a_lost_commit_waits_for_standbys_too(own_db: Database) -> None:
    """Who is told that it happened may rely on it after a failover."""
    step, waits = functools.partial(put, "one", own_db), postgres.WAITS
    with postgres.unreplicated():
        writing = asyncio.create_task(own_db.in_writer(step))
        await asyncio.to_thread(postgres.wait_for, f"SELECT 1 {waits}")
        postgres.sql(f"SELECT pg_terminate_backend(pid, 5000) {waits}")
        done, _ = await asyncio.wait([writing], timeout=2)
        assert not done
    await writing
    assert names(own_db) == ["one"]


async def test_no_standby_is_read_or_led_by(
    own_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lags: a revoked token would open, a lock there keeps nobody off."""
    monkeypatch.setattr(postgresql, "_IS_STANDBY", "SELECT true")
    with unavailable("is a standby"):
        names(own_db)
    with unavailable("is a standby"):
        own_db.session("syncd one")


SOCKET = ".s.PGSQL.5432"


class Between:
    """What stands before the server, and breaks at one commit if told to."""

    breaks = ""  # or "before", "after" the server has it

    async def __call__(
        self, near: asyncio.StreamReader, back: asyncio.StreamWriter
    ) -> None:
        far, on = await asyncio.open_unix_connection(
            postgres.started() / SOCKET
        )
        await asyncio.gather(self._carry(near, on), self._carry(far, back))

    async def _carry(
        self, source: asyncio.StreamReader, into: asyncio.StreamWriter
    ) -> None:
        asks, answers = b"COMMIT", b"COMMIT\0"
        with closing(into), suppress(ConnectionError):
            while data := await source.read(65_536):
                before = self.breaks == "before" and asks in data
                after = data[:1] == b"C" and answers in data
                if before or (self.breaks and after):
                    self.breaks = ""
                    return
                into.write(data)


@tried("breaks", ["before", "after"])
async def test_a_commit_that_was_not_answered_is_looked_up(
    server: Server, tmp_path: Path, breaks: str
) -> None:
    """It has happened, and all is well; or it has not, and that is said."""
    between = Between()
    url = server.url.replace(str(postgres.started()), str(tmp_path))
    listener = await asyncio.start_unix_server(between, tmp_path / SOCKET)
    db = await asyncio.to_thread(Database, Server(url), "own")
    async with listener:
        await asyncio.to_thread(put, "first", db)
        between.breaks = breaks
        second = asyncio.to_thread(put, "second", db)
        if breaks == "after":
            await second
        else:
            with unavailable("nothing was written"):
                await second
        await asyncio.to_thread(put, "third", db)
        found = await asyncio.to_thread(names, db)
        db.close()
    there = ["second"] if breaks == "after" else []
    assert found == ["first", *there, "third"]
