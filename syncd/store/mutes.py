"""Things to do that are not shown until a day, by whom and why.

A mute stands sealed, for somebody wrote why.
"""

from collections.abc import Collection

from sqlalchemy import select

from syncd.flows.ports import Mute
from syncd.store.book import SealedBook
from syncd.store.portable import upsert
from syncd.store.tables import own_table

_muted = own_table(
    "muted",
    "subject text key",  # a code, and whom it names
    "mute bytes",  # sealed JSON
    sqlite_with_rowid=False,
)


class Mutes(SealedBook):
    """The mutes, over own.db."""

    async def put(self, subjects: Collection[str], mute: Mute) -> None:
        """Mute subjects; a new mute takes an old one's place."""
        rows = [
            {"subject": one, "mute": self._seal(mute, "mute", one)}
            for one in subjects
        ]
        await self._run(upsert(_muted, "mute"), rows)

    async def on(self, day: str) -> dict[str, Mute]:
        """Return what is muted on a day, by subject."""
        found = {
            one: self._unseal(mute, Mute, "mute", one)
            for one, mute in await self._rows(select(_muted))
        }
        return {one: mute for one, mute in found.items() if mute.until > day}
