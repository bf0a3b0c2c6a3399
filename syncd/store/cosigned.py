"""What our keys cosigned, and who cosigned ours."""

from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, tuple_

from syncd.errors import ForkError, StaleError
from syncd.flows.ports import Cosigned
from syncd.store import events, failpoint
from syncd.store.book import Book, pruning, reads, writes
from syncd.store.portable import upsert
from syncd.store.tables import cosigned, effect, kept_receipt, receipt

PAGE = 1000  # notes
_COSIGN = upsert(cosigned, "size", "root", "note")
_RENEW = upsert(receipt, "size", "note", "at")


class Receipt(NamedTuple):
    """The newest checkpoint of our log that another's key cosigned."""

    origin: str
    signer: str  # key name, …/seen or …/merged
    size: int  # entries
    note: bytes
    at: int  # unix seconds, when we got it


class CosignRows(Book):
    """flows.cosign.CosignBook, and the receipts for our own log."""

    @reads
    def cosigned(
        self, c: Connection, role: str, origin: str
    ) -> Cosigned | None:
        """Return the last one by our `seen` or `merged` key, or None."""
        return _cosigned(c, role, origin)

    async def cosign(
        self, role: str, origin: str, old: Cosigned | None, new: Cosigned
    ) -> None:
        """Replace `old` by `new`, as the port says."""

        def job(c: Connection) -> None:
            last = _cosigned(c, role, origin)
            if (last and last[:2]) != (old and old[:2]):
                raise StaleError(
                    "cosign: {origin}: signed meanwhile", origin=origin
                )
            if last is not None and new.size < last.size:
                raise StaleError(
                    "cosign: {origin}: size {size} after {last_size}",
                    new,
                    origin=origin,
                    last_size=last.size,
                )
            if last and new.size == last.size and new.root != last.root:
                raise ForkError(
                    "cosign: {origin}: another root at size {size}",
                    new,
                    origin=origin,
                )
            its = {"role": role, "origin": origin}
            c.execute(_COSIGN, its | new._asdict())
            failpoint.hit("cosign.row")

        await self._db.write(job, lambda: failpoint.hit("cosign.committed"))

    @writes
    def keep_receipt(
        self, c: Connection, origin: str, signer: str, size: int, note: bytes
    ) -> bool:
        """Keep a verified cosignature on our log if it is the largest yet.

        It is kept for good if it is the signer's first of a tree in which
        something took effect.
        """
        now, whose = self._clock(), {"origin": origin, "signer": signer}
        last = c.scalar(select(receipt.c.size).filter_by(**whose)) or 0
        if size <= last:
            return False
        row = {**whose, "size": size, "note": note, "at": now}
        c.execute(_RENEW, row)
        sizes = select(effect.c.size).filter_by(origin=origin)
        since = sizes.where(effect.c.size.between(last + 1, size))
        if c.scalar(since.limit(1)):
            c.execute(insert(kept_receipt), row)
        events.tell(c, now, "receipt", {"signer": signer, "size": size})
        return True

    async def receipts(self, origin: str) -> dict[str, Receipt]:
        """Return the newest receipt of each signer for one of our logs."""
        ours = select(receipt).filter_by(origin=origin)
        rows = await self._rows(ours.order_by("signer"))
        return {row.signer: Receipt(*row) for row in rows}

    @reads
    def first_receipts(
        self, c: Connection, origin: str, index: int
    ) -> list[Receipt]:
        """Return each signer's first receipt that we have of an entry."""
        found = dict[str, Receipt]()
        for table in (kept_receipt, receipt):
            of_log = table.c.origin == origin
            pair = table.c.signer, table.c.size
            least = select(pair[0], func.min(pair[1])).group_by(pair[0])
            first = least.where(of_log, pair[1] > index)
            rows = select(table).where(of_log, tuple_(*pair).in_(first))
            for row in c.execute(rows):
                found.setdefault(row.signer, Receipt(*row))
        return sorted(found.values(), key=lambda one: (one.at, one.signer))

    @reads
    def effect_at(self, c: Connection, origin: str, index: int) -> int:
        """Return when an entry that has effect took it, 0 if not known."""
        at = select(effect.c.at).where(effect.c.size > index)
        first = at.filter_by(origin=origin).order_by(effect.c.size)
        return c.scalar(first.limit(1)) or 0

    @reads
    def kept(self, c: Connection, origin: str, page: int) -> list[bytes]:
        """Return a page of others' first receipts of whatever took effect."""
        at = kept_receipt.c
        rows = select(at.note).filter_by(origin=origin)
        some = rows.order_by(at.signer, at.size).limit(PAGE)
        return [*c.scalars(some.offset(page * PAGE))]

    @reads
    def first_effect(self, c: Connection) -> int:
        """Return when the first thing took effect that we know of, 0 if none."""
        return c.scalar(select(func.min(effect.c.at))) or 0

    # Effects, and the first receipts of them, of long ago.
    prune = pruning((effect.c.at,), (kept_receipt.c.at,))


def _cosigned(c: Connection, role: str, origin: str) -> Cosigned | None:
    found = select(cosigned.c.size, cosigned.c.root, cosigned.c.note)
    row = c.execute(found.filter_by(role=role, origin=origin)).first()
    return None if row is None else Cosigned(*row)
