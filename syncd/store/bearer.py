"""Bearer tokens of the local API: stored as hashes, each with a role."""

import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from syncd.errors import UsageError
from syncd.store.book import Book

ROLES = ("operator", "reader", "auditor", "compliance")
_PREFIX = "syncd_"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who may call the local API, and as what."""

    id: int
    name: str
    role: str  # one of ROLES
    added_at: int  # unix seconds
    revoked_at: int | None


class Bearers(Book):
    """The bearer tokens, over own.db."""

    async def add(self, name: str, role: str) -> str:
        """Return a new token; it is shown this once and never again.

        Raises:
            UsageError: no such role, or the name is in use.
        """
        if role not in ROLES:
            raise UsageError(
                "token: {role} is no role",
                hint="use {roles}",
                role=repr(role),
                roles=", ".join(ROLES),
            )
        token = _PREFIX + secrets.token_urlsafe(32)

        def job(c: sa.Connection) -> None:
            taken = c.exec_driver_sql(
                "SELECT 1 FROM bearer WHERE name = ? AND revoked_at IS NULL",
                (name,),
            ).fetchone()
            if taken is not None:
                raise UsageError(
                    "token: the name {name} is in use",
                    hint="revoke that one first, or choose another name",
                    name=repr(name),
                )
            c.exec_driver_sql(
                "INSERT INTO bearer (name, role, hash, added_at)"
                " VALUES (?, ?, ?, ?)",
                (name, role, _hash(token), self._clock()),
            )

        await self._db.write(job)
        return token

    async def check(self, token: str) -> Bearer | None:
        """Return whose token it is, or None.

        Read from the database each time: a revoked one is out at once. 256
        random bits need neither a slow hash nor a constant-time search.
        """
        rows = await self._db.rows(
            f"{_SELECT} hash = ? AND revoked_at IS NULL",
            _hash(token),
            few=True,
        )
        return Bearer(*rows[0]) if rows else None

    async def revoked_at(self, token: str) -> int | None:
        """Return when a token was revoked, None if it never was one."""
        found = await self._db.read(
            lambda c: _rows(c, "hash = ?", _hash(token))
        )
        return found[0].revoked_at if found else None

    async def all(self) -> list[Bearer]:
        """Return every token that was ever added, revoked ones too."""
        return await self._db.read(lambda c: _rows(c, "1 = 1 ORDER BY id"))

    async def revoke(self, name: str) -> bool:
        """Revoke the live token of that name; tell whether there was one."""

        def job(c: sa.Connection) -> bool:
            done = c.exec_driver_sql(
                "UPDATE bearer SET revoked_at = ?"
                " WHERE name = ? AND revoked_at IS NULL",
                (self._clock(), name),
            )
            return done.rowcount > 0

        return await self._db.write(job)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


_SELECT = "SELECT id, name, role, added_at, revoked_at FROM bearer WHERE"


def _rows(c: sa.Connection, where: str, *values: object) -> list[Bearer]:
    rows = c.exec_driver_sql(f"{_SELECT} {where}", values)
    return [Bearer(*row) for row in rows]
