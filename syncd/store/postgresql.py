"""PostgreSQL: a database is a schema of a server's, and its errors.

Reads are snapshots (REPEATABLE READ READ ONLY). One transaction at a time
writes in a schema, from whatever process: it takes a lock first, so that
each of its statements sees all that was committed before.

A commit whose answer was lost has happened or not. It is looked up by the
transaction's number before anything is said; only a server that promises to
keep what it commits is used at all.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from syncd.errors import (
    DamagedError,
    Message,
    SyncdError,
    UnavailableError,
    UsageError,
)
from syncd.store.portable import TIMELINE, writing_lock
from syncd.store.server import Server

try:
    import psycopg
except ImportError as e:
    raise UsageError("postgresql: its driver is not installed") from e

_CONNECT: Final[dict[str, Any]] = {  # what the URL names goes before
    "connect_timeout": 10,  # seconds
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
    "application_name": "syncd",
    "client_encoding": "UTF8",
}
_LOCK_MS = 10_000  # as long as SQLite's busy timeout
_SILENT_MS = 8_000  # after which a session ends, and what it holds is free
_LOST: Final = Message("what is committed may be lost")
_WANTED: Final = {  # of a server's settings
    "fsync": (("on",), _LOST),
    "full_page_writes": (("on",), _LOST),
    "synchronous_commit": (
        ("on", "remote_apply", "remote_write", "local"),
        _LOST,
    ),
    "in_hot_standby": (("off",), Message("a standby only reads")),
    "server_encoding": (("UTF8",), Message("names are in all scripts")),
}
_LATER: Final = (  # refusals that another try may not meet
    "starting up",
    "shutting down",
    "recovery",
    "too many",
    "connection slots",
)
_MAKE: Final = """DO $$ BEGIN
    IF to_regnamespace('{0}') IS NULL THEN CREATE SCHEMA {0}; END IF;
END $$"""  # by itself it wants the right, even where the schema is there
_IS_STANDBY: Final = "SELECT pg_is_in_recovery()"
_MESSAGE: Final = sa.text(  # a commit without any would wait for nobody
    "SELECT pg_logical_emit_message(true, 'syncd', '')"
)
_PAUSES_S: Final = (0, 0.2, 0.5, 1, 2, 4, 8, 15)  # before it is looked up


class PostgresqlEngine:
    """One schema: readers that see a snapshot, and one writer at a time."""

    errors: type[Exception] = psycopg.Error

    def __init__(
        self, server: Server, schema: str, *, read_only: bool, readers: int
    ) -> None:
        """Reach the server; make the schema unless it is only to be read.

        Raises:
            UsageError: it does not let us in, or is none that we can use.
            UnavailableError: it does not answer.
        """
        self.name = f"postgresql {schema}"
        self._server, self._schema = server, schema
        self._read_only, self._opened = read_only, False
        self._lock = sa.text(
            f"SELECT pg_advisory_xact_lock({writing_lock(schema)}),"
            f" pg_current_xact_id()::text, {TIMELINE}"
        )
        self._warnings = list[str]()  # of the transaction that writes
        self._read = self._engine(self._reader, readers + 1)
        self._write = self._engine(self._writer, 1)
        try:
            with self._reader() if read_only else self._writer() as raw:
                if not read_only:
                    raw.execute(_MAKE.format(schema))
        except psycopg.Error as e:
            raise self._refused(e) from e
        self._opened = True

    def _engine(self, creator: Callable[[], Any], most: int) -> Engine:
        return sa.create_engine(
            "postgresql+psycopg://",
            creator=creator,
            paramstyle="format",  # by position, as `Prepared` gives values
            pool_size=most,
            max_overflow=0,
            pool_pre_ping=True,  # the server may have been away
            hide_parameters=True,
            execution_options={"preserve_rowcount": True},  # of inserts, too
            use_native_hstore=False,  # or it asks for it at each connection
        )

    # ------------------------------------------------------ connections

    def _connected(self) -> "psycopg.Connection[Any]":
        named = psycopg.conninfo.conninfo_to_dict(self._server.url)
        more = {k: v for k, v in _CONNECT.items() if k not in named}
        more |= self._server.password()
        raw = psycopg.connect(self._server.url, autocommit=True, **more)
        raw.execute(f"SET search_path TO {self._schema}")
        return raw

    def _primary(self) -> "psycopg.Connection[Any]":
        """Return a connection to a server that knows all that was written.

        A standby may not know yet of a token that it was revoked.

        Raises:
            UnavailableError: a URL of several led to a standby just now.
        """
        raw = self._connected()
        if raw.execute(_IS_STANDBY).fetchone() == (True,):
            raw.close()
            raise UnavailableError("{name}: this server is a standby", self)
        return raw

    def _reader(self) -> "psycopg.Connection[Any]":
        raw = self._connected() if self._read_only else self._primary()
        raw.autocommit = False
        raw.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        raw.read_only = True
        return raw

    def _writer(self) -> "psycopg.Connection[Any]":
        raw = self._primary() if self._opened else self._connected()
        try:
            self._check(raw)
        except BaseException:
            raw.close()
            raise
        raw.execute(f"SET lock_timeout TO {_LOCK_MS}")
        raw.add_notice_handler(self._hear)
        raw.autocommit = False
        return raw

    def _check(self, raw: "psycopg.Connection[Any]") -> None:
        """Pass if the server can keep what we commit.

        Raises:
            UsageError: it cannot, or lacks what we need; says what.
        """
        found = raw.execute(
            "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name",
            [[*_WANTED]],
        )
        for setting, value in found:
            taken, why = _WANTED[setting]
            if value not in taken:
                raise UsageError(
                    "{name}: {setting} is {found}, want {want}: {why}",
                    self,
                    setting=setting,
                    found=value,
                    want=taken[0],
                    why=why,
                )

    def here(self) -> None:
        """Return None: a server that hangs must not hang the event loop."""

    def session(self, name: str) -> Connection:
        """Return a connection that ends when it is silent for a while."""

        def creator() -> "psycopg.Connection[Any]":
            raw = self._primary()
            raw.execute(f"SET idle_session_timeout TO {_SILENT_MS}")
            raw.execute(
                "SELECT set_config('application_name', %s, false)", [name]
            )
            return raw

        connection = self._engine(creator, 1).connect()
        connection.detach()  # it is closed, not kept, when it is left
        return connection

    def reading(self) -> AbstractContextManager[Connection]:
        """Return one consistent snapshot."""
        return self._taken(self._read)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a transaction, alone; it is durable afterwards.

        Raises:
            UnavailableError: it has not happened, or nobody can tell.
        """
        with self._taken(self._write) as connection:
            _, number, timeline = connection.execute(self._lock).one()
            yield connection
            self._warnings.clear()
            try:
                connection.commit()
            except DBAPIError as e:
                if not _lost(connection):
                    raise
                lost = e
            else:
                self._check_replicated()
                return
        self._look_up(number, timeline, lost)

    @contextmanager
    def _taken(self, engine: Engine) -> Iterator[Connection]:
        with engine.connect() as connection:
            try:
                yield connection
            finally:
                if _lost(connection):
                    connection.invalidate()

    # ---------------------------------------------------------- commits

    def _hear(self, notice: "psycopg.errors.Diagnostic") -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warnings.append(notice.message_primary or "")

    def _check_replicated(self) -> None:
        """Raise if a commit came with a warning.

        The server gives one where it did not wait for its standbys: what is
        only here may be lost with this machine, so nothing is said of it.
        """
        if self._warnings:
            raise UnavailableError(
                "{name}: committed, with a warning: {why}",
                self,
                why="; ".join(self._warnings),
            )

    def _look_up(self, number: str, timeline: str, lost: DBAPIError) -> None:
        """Pass if a transaction happened whose commit was not answered.

        Our lock is free only when its old connection has ended. On another
        timeline, after a failover, its number tells nothing. It may have
        waited for a standby still: a commit behind it waits for both.

        Raises:
            UnavailableError: it did not happen, or nobody can tell.
        """
        status = sa.text(f"SELECT pg_xact_status('{number}'::xid8)")
        for pause_s in _PAUSES_S:
            time.sleep(pause_s)
            try:
                with self._taken(self._write) as connection:
                    _, _, now = connection.execute(self._lock).one()
                    found = connection.execute(status).scalar()
                    if found == "committed" and now == timeline:
                        connection.execute(_MESSAGE)
                        self._warnings.clear()
                        connection.commit()
                        self._check_replicated()
            except (DBAPIError, SyncdError):  # away, or a standby for now
                continue
            if now != timeline:
                break
            if found == "committed":
                return
            raise UnavailableError(
                "{name}: the connection was lost; nothing was written", self
            ) from lost
        raise UnavailableError(
            "{name}: the connection was lost in a commit; whether it happened"
            " is not known",
            self,
        ) from lost

    # ------------------------------------------------------------ others

    def purge(self) -> None:
        """Rewrite all tables and indexes.

        What the server's log (WAL), its archive and its standbys still have
        of old rows is theirs to forget: docs/operations.md.
        """
        with self._taken(self._write) as connection:
            tables = sa.inspect(connection).get_table_names()
            connection.rollback()
            raw: Any = connection.connection.driver_connection
            raw.autocommit = True
            try:
                for table in tables:
                    raw.execute(f'VACUUM (FULL) "{table}"')
            finally:
                if not raw.closed:
                    raw.autocommit = False

    def close(self) -> None:
        """Close all connections."""
        self._read.dispose()
        self._write.dispose()

    def _refused(self, e: psycopg.Error) -> Exception:
        """Return what it means that a connection could not be made."""
        why = _first(e)
        later = "FATAL" not in why or any(word in why for word in _LATER)
        if later and (known := self.explained(e)) is not None:
            return known
        return UsageError(
            "{name}: {why}",
            self,
            hint="docs/operations.md says what a server must have and be",
            why=why,
        )

    def explained(self, cause: BaseException | None) -> Exception | None:
        """Return the error that a driver's is for us, if it is no mistake."""
        if not isinstance(cause, psycopg.Error):
            return None
        state = cause.sqlstate or ""
        kind = _KINDS.get(state) or _KINDS.get(state[:2])
        if kind is None and (
            state or not isinstance(cause, psycopg.OperationalError)
        ):
            return None
        return (kind or UnavailableError)(
            "{name}: {why}", name=self.name, why=_first(cause)
        )


_KINDS: Final[dict[str, type[SyncdError]]] = {
    "08": UnavailableError,  # connection
    "25006": UnavailableError,  # read only
    "40": UnavailableError,  # serialisation, deadlock
    "53": UnavailableError,  # disk full, memory, connections
    "55P03": UnavailableError,  # a lock that another holds
    "57": UnavailableError,  # shutdown, cancelled
    "58": UnavailableError,  # its disk
    "42501": UsageError,  # a right that we lack
    "28": UsageError,  # not let in
    "3D": UsageError,  # no such database
    "XX001": DamagedError,
    "XX002": DamagedError,
}


def _lost(connection: Connection) -> bool:
    """Tell whether a connection is of no more use."""
    if connection.invalidated:
        return True
    raw: Any = connection.connection.driver_connection
    return bool(raw.closed)


def _first(e: psycopg.Error) -> str:
    """Return what an error says, in one line, without any values."""
    return " ".join((e.diag.message_primary or str(e)).split())
