"""Who may call the local API, each with a role: tokens, kept as hashes.

A certificate may stand in a token's place. It is kept, for TLS admits only
whom it has been given; and it is hashed and found as a token is.
"""

import hashlib
import secrets
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from syncd.errors import UsageError
from syncd.roster import certificate
from syncd.store.book import Book, reads_few, writes
from syncd.store.prepared import Prepared, given
from syncd.store.tables import own_table

PROXY = "proxy"  # opens nothing; says whose browser it speaks for
ROLES = (
    *("operator", "reviewer", "reader", "auditor", "compliance", "admin"),
    PROXY,
)
_PREFIX = "syncd_"

bearer = own_table(
    "bearer",
    "id int key, name text, role text",
    "hash bytes unique",  # SHA-256
    "added_at int, revoked_at int null",
    "certificate bytes null",  # DER
    "staff text",  # number of the person whose it is; "": a program's
    "person text",  # and the name
)
_at, LIVE = bearer.c, bearer.c.revoked_at.is_(None)
FIELDS = tuple(c for c in _at if c is not _at.hash)  # of a Bearer
_ALL = select(*FIELDS)
_CHECK = Prepared(_ALL.where(given(_at.hash), LIVE))


class Bearer(NamedTuple):
    """Who may call the local API, and as what."""

    id: int
    name: str
    role: str  # one of ROLES
    added_at: int  # unix seconds
    revoked_at: int | None
    certificate: bytes | None  # DER; None: a token
    staff: str = ""
    person: str = ""


class Bearers(Book):
    """The bearer tokens, over own.db."""

    @writes
    def add(
        self,
        c: Connection,
        name: str,
        role: str,
        der: bytes | None = None,
        staff: str = "",
        person: str = "",
    ) -> str:
        """Return a new token; it is shown this once and never again.

        With a certificate (DER), what stands for it: that is no secret.

        Raises:
            UsageError: no such role, the name is in use, or the certificate
                was added before.
        """
        if role not in ROLES:
            raise UsageError(
                "token: {role} is no role",
                role=repr(role),
                roles=", ".join(ROLES),
            )
        token = _PREFIX + secrets.token_urlsafe(32)
        if der is not None:
            token = certificate.credential(der)
        if c.execute(_ALL.where(_at.name == name, LIVE)).first():
            raise UsageError(
                "token: the name {name} is in use", name=repr(name)
            )
        if c.execute(_ALL.filter_by(hash=hash_of(token))).first():
            raise UsageError("token: this certificate was added before")
        new = insert(bearer).values(name=name, role=role, certificate=der)
        new = new.values(staff=staff, person=person, added_at=self._clock())
        c.execute(new.values(hash=hash_of(token)))
        return token

    @reads_few
    def check(self, c: Connection, token: str) -> Bearer | None:
        """Return whose token it is, or None.

        Read from the database each time: a revoked one is out at once. 256
        random bits need neither a slow hash nor a constant-time search.
        """
        row = _CHECK.one(c, hash_of(token))
        return Bearer(*row) if row else None

    @reads_few
    def lives(self, c: Connection, id_: int) -> bool:
        """Tell whether a token opens something."""
        return bool(c.scalar(select(LIVE).where(_at.id == id_)))

    @reads_few
    def of_staff(self, c: Connection, staff: str) -> Bearer | None:
        """Return the newest live token of a person, by the staff number."""
        its = _ALL.where(_at.staff == staff, _at.staff != "", LIVE)
        row = c.execute(its.order_by(_at.id.desc())).first()
        return Bearer(*row) if row else None

    @reads_few
    def ever(self, c: Connection, role: str) -> bool:
        """Tell whether a token of a role was ever added."""
        return c.execute(_ALL.filter_by(role=role)).first() is not None

    @reads_few
    def certificates(self, c: Connection) -> frozenset[bytes]:
        """Return the certificates (DER) that stand for somebody just now."""
        its = select(_at.certificate).where(LIVE)
        return frozenset(filter(None, c.scalars(its)))

    async def revoked_at(self, token: str) -> int | None:
        """Return when a token was revoked, None if it never was one."""
        its = select(_at.revoked_at).filter_by(hash=hash_of(token))
        rows = await self._rows(its)
        return rows[0][0] if rows else None

    async def all(self) -> list[Bearer]:
        """Return every token that was ever added, revoked ones too."""
        rows = await self._rows(_ALL.order_by("id"))
        return [Bearer(*row) for row in rows]

    async def revoke(self, name: str) -> bool:
        """Revoke the live token of that name; tell whether there was one."""
        this = update(bearer).where(_at.name == name, LIVE)
        return await self._run(this.values(revoked_at=self._clock())) > 0


def hash_of(token: str) -> bytes:
    """Return what a token is kept as."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
