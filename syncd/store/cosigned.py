"""What our keys cosigned, and who cosigned ours."""

from dataclasses import dataclass

import sqlalchemy as sa

from syncd.errors import ForkError, StaleError
from syncd.flows.ports import Cosigned
from syncd.store import events, failpoint
from syncd.store.book import Book


@dataclass(frozen=True, slots=True)
class Receipt:
    """The newest checkpoint of our log that another's key cosigned."""

    origin: str
    signer: str  # key name, …/seen or …/merged
    size: int  # entries
    note: bytes
    at: int  # unix seconds, when we got it


class CosignRows(Book):
    """flows.cosign.CosignBook, and the receipts for our own log."""

    async def cosigned(self, role: str, origin: str) -> Cosigned | None:
        """Return the last one by our `seen` or `merged` key, or None."""
        return await self._db.read(lambda c: _cosigned(c, role, origin))

    async def cosign(
        self, role: str, origin: str, old: Cosigned | None, new: Cosigned
    ) -> None:
        """Replace `old` by `new`; durable on return.

        Raises:
            StaleError: the last one is not `old`, or `new` is smaller.
            ForkError: the same size with another root.
        """

        def job(c: sa.Connection) -> None:
            last = _cosigned(c, role, origin)
            if _tree(last) != _tree(old):
                raise StaleError(
                    "cosign: {origin}: signed meanwhile", origin=origin
                )
            if last is not None and new.size < last.size:
                raise StaleError(
                    "cosign: {origin}: size {size} after {last_size}",
                    origin=origin,
                    size=new.size,
                    last_size=last.size,
                )
            if last and new.size == last.size and new.root != last.root:
                raise ForkError(
                    "cosign: {origin}: another root at size {size}",
                    origin=origin,
                    size=new.size,
                )
            c.exec_driver_sql(
                "INSERT INTO cosigned (role, origin, size, root, note)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (role, origin)"
                " DO UPDATE SET size = excluded.size, root = excluded.root,"
                " note = excluded.note",
                (role, origin, new.size, new.root, new.note),
            )
            failpoint.hit("cosign.row")

        await self._db.write(job, lambda: failpoint.hit("cosign.committed"))

    async def keep_receipt(
        self, origin: str, signer: str, size: int, note: bytes
    ) -> bool:
        """Keep a verified cosignature on our log if it is the largest yet."""

        def job(c: sa.Connection) -> bool:
            done = c.exec_driver_sql(
                "INSERT INTO receipt (origin, signer, size, note, at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin, signer)"
                " DO UPDATE SET size = excluded.size, note = excluded.note,"
                " at = excluded.at WHERE excluded.size > receipt.size",
                (origin, signer, size, note, self._clock()),
            )
            kept = done.rowcount == 1
            if kept:
                key = {"signer": signer, "size": size}
                events.tell(c, self._clock(), "receipt", key)
            return kept

        return await self._db.write(job)

    async def receipts(self, origin: str) -> dict[str, Receipt]:
        """Return the newest receipt of each signer for one of our logs."""
        rows = await self._db.rows(
            "SELECT origin, signer, size, note, at FROM receipt"
            " WHERE origin = ? ORDER BY signer",
            origin,
        )
        return {row[1]: Receipt(*row) for row in rows}


def _tree(signed: Cosigned | None) -> tuple[int, bytes] | None:
    return (signed.size, signed.root) if signed else None


def _cosigned(c: sa.Connection, role: str, origin: str) -> Cosigned | None:
    row = c.exec_driver_sql(
        "SELECT size, root, note FROM cosigned WHERE role = ? AND origin = ?",
        (role, origin),
    ).fetchone()
    return None if row is None else Cosigned(*row)
