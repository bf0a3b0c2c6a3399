"""Things to do that are not shown until a day, by whom and why.

What is muted is a message's code about the same members: of others it is
shown. Why stands sealed, for somebody wrote it.
"""

from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa

from syncd.store.book import SealedBook
from syncd.store.tables import OWN, Bytes, Int, Text

_muted = sa.Table(
    "muted",
    OWN,
    sa.Column("code", Text, primary_key=True),
    sa.Column("about", Text, primary_key=True),
    sa.Column("until", Text, nullable=False),  # day, not included
    sa.Column("by", Text, nullable=False),  # name of a bearer token
    sa.Column("at", Int, nullable=False),
    sa.Column("why", Bytes, nullable=False),  # sealed
    sqlite_with_rowid=False,
)


class Subject(NamedTuple):
    """What is muted: a message's code, and whom it is about."""

    code: str
    about: str


class Mute(NamedTuple):
    """Until when, and who said so."""

    until: str
    by: str
    at: int  # unix seconds
    why: str


class Mutes(SealedBook):
    """The mutes, over own.db."""

    async def put(
        self, subjects: Collection[Subject], until: str, by: str, why: str
    ) -> None:
        """Mute subjects until a day; a new mute takes an old one's place."""

        def job(c: sa.Connection) -> None:
            for code, about in subjects:
                row = {
                    "code": code,
                    "about": about,
                    "until": until,
                    "by": by,
                    "at": self._clock(),
                    "why": self._cipher.seal(why.encode(), code.encode()),
                }
                same = (_muted.c.code == code) & (_muted.c.about == about)
                c.execute(sa.delete(_muted).where(same))
                c.execute(sa.insert(_muted), row)

        await self._db.write(job)

    async def end(self, code: str) -> int:
        """End all mutes of a code; return how many there were."""
        wanted = sa.delete(_muted).where(_muted.c.code == code)
        return await self._db.write(lambda c: c.execute(wanted).rowcount)

    async def on(self, day: str) -> dict[Subject, Mute]:
        """Return what is muted on a day."""
        wanted = sa.select(_muted).where(_muted.c.until > day)

        def job(c: sa.Connection) -> dict[Subject, Mute]:
            return {
                Subject(row.code, row.about): Mute(
                    row.until,
                    row.by,
                    row.at,
                    self._cipher.open(row.why, row.code.encode()).decode(),
                )
                for row in c.execute(wanted)
            }

        return await self._db.read(job)
