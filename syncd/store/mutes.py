"""Things to do that are not shown until a day, by whom and why.

A mute stands sealed, for somebody wrote why.
"""

from collections.abc import Collection

import msgspec
import sqlalchemy as sa

from syncd.store.book import SealedBook
from syncd.store.portable import upsert
from syncd.store.tables import Bytes, Text, column, own_table

_muted = own_table(
    "muted",
    column("subject", Text, primary_key=True),  # a code, and whom it names
    column("mute", Bytes),  # sealed JSON
    sqlite_with_rowid=False,
)


class Mute(msgspec.Struct, frozen=True):
    """Until when, and who said so."""

    until: str  # day, not included
    by: str  # name of a bearer token
    at: int  # unix seconds
    why: str


class Mutes(SealedBook):
    """The mutes, over own.db."""

    async def put(self, subjects: Collection[str], mute: Mute) -> None:
        """Mute subjects; a new mute takes an old one's place."""
        raw = msgspec.json.encode(mute)
        rows = [
            {"subject": one, "mute": self._cipher.seal(raw, one.encode())}
            for one in subjects
        ]
        await self._run(upsert(_muted, "mute"), rows)

    async def on(self, day: str) -> dict[str, Mute]:
        """Return what is muted on a day, by subject."""
        found = {
            row.subject: msgspec.json.decode(
                self._cipher.open(row.mute, row.subject.encode()), type=Mute
            )
            for row in await self._rows(sa.select(_muted))
        }
        return {one: mute for one, mute in found.items() if mute.until > day}
