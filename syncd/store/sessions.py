"""Sessions of the console: whose browser may see pages, for a while.

What the browser has is a secret; the row has its hash, and whose bearer token
began it. It ends with that, at log-out, when nobody uses it, and after a day.
A ticket is a secret that begins one session, within minutes.
"""

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, delete, insert, select, update

from syncd.errors import UsageError
from syncd.store import bearer as bearers
from syncd.store.bearer import Bearer, hash_of
from syncd.store.book import Book, any_daemon_writes
from syncd.store.tables import own_table

LONGEST_S = 86_400
TICKET_S = 300
_FRESH_S = 60  # when it was used last is not written more often

session = own_table(
    "session",
    "hash bytes key",  # SHA-256
    "bearer int",
    "ticket int",  # 1: begins a session, and opens no page
    "began_at int, used_at int, ends_at int, lang text",
    sqlite_with_rowid=False,
)
_at, _who = session.c, bearers.bearer.c
_WHOSE = select(
    *(_at.hash, _at.lang, _at.began_at, _at.used_at, _at.ends_at),
    *bearers.FIELDS,
).join(bearers.bearer, and_(_who.id == _at.bearer, bearers.LIVE))


class Session(NamedTuple):
    """A browser that somebody has logged in with."""

    id: str  # hex; opens nothing
    lang: str
    began_at: int  # unix seconds
    used_at: int
    ends_at: int
    bearer: Bearer


class Sessions(Book):
    """The sessions, over own.db."""

    idle_s = 1800  # one that nobody uses for so long ends

    @any_daemon_writes
    def begin(self, c: Connection, bearer: int, lang: str) -> str:
        """Begin a session of a token's; return its secret."""
        return self._put(c, bearer, lang, 0, LONGEST_S)

    @any_daemon_writes
    def ticket(self, c: Connection, name: str) -> str:
        """Return a secret that logs in once, as a token of that name.

        Raises:
            UsageError: no live one has it.
        """
        its = select(_who.id)
        found = c.scalar(its.where(_who.name == name, bearers.LIVE))
        if found is None:
            raise UsageError("no live token of that name")
        return self._put(c, found, "", 1, TICKET_S)

    @any_daemon_writes
    def take(self, c: Connection, ticket: str) -> Bearer | None:
        """Return whose a ticket is, and have it be worth nothing more."""
        found = self._find(c, ticket, 1)
        if found is not None:
            c.execute(delete(session).filter_by(hash=hash_of(ticket)))
        return found.bearer if found else None

    async def find(self, secret: str, *, used: bool = True) -> Session | None:
        """Return whose session that is, and note that it is in use."""
        one = await self._db.read(lambda c: self._find(c, secret, 0), few=True)
        if used and one and self._clock() - one.used_at >= _FRESH_S:
            await self._set(one.id, {"used_at": self._clock()})
        return one

    async def speak(self, of: str, lang: str) -> None:
        """Keep which language a session speaks."""
        await self._set(of, {"lang": lang})

    async def end(self, of: str) -> bool:
        """End a session; tell whether there was one."""
        its = delete(session).filter_by(hash=bytes.fromhex(of))
        return await self._run(its) > 0

    async def all(self) -> list[Session]:
        """Return the sessions that are open, the newest first."""
        newest = self._open(0).order_by(_at.began_at.desc())
        return [*map(_read, await self._rows(newest))]

    def _find(self, c: Connection, secret: str, ticket: int) -> Session | None:
        its = self._open(ticket).where(_at.hash == hash_of(secret))
        row = c.execute(its).first()
        return _read(row) if row else None

    def _open(self, ticket: int) -> Select[Any]:
        """Select those that have not ended."""
        now = self._clock()
        in_use = _at.ends_at > now, _at.used_at > now - self.idle_s
        return _WHOSE.where(_at.ticket == ticket, *in_use)

    def _put(
        self, c: Connection, bearer: int, lang: str, ticket: int, for_s: int
    ) -> str:
        now, secret = self._clock(), secrets.token_urlsafe(32)
        c.execute(delete(session).where(_at.ends_at <= now))
        row = hash_of(secret), bearer, ticket, now, now, now + for_s, lang
        c.execute(insert(session).values(row))
        return secret

    @any_daemon_writes
    def _set(self, c: Connection, of: str, to: Mapping[str, Any]) -> None:
        its = update(session).filter_by(hash=bytes.fromhex(of))
        c.execute(its.values(to))


def _read(row: Any) -> Session:
    hash_, lang, began, used, ends, *whose = row
    return Session(hash_.hex(), lang, began, used, ends, Bearer(*whose))
