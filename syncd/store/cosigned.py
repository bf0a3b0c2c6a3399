"""What our keys cosigned, and who cosigned ours."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from syncd.errors import ForkError, StaleError
from syncd.flows.ports import Cosigned, OwnHead
from syncd.store import events, failpoint
from syncd.store.book import Book
from syncd.store.tables import cosigned, effect, kept_receipt, receipt


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
            row = {"size": new.size, "root": new.root, "note": new.note}
            c.execute(
                insert(cosigned)
                .values(role=role, origin=origin, **row)
                .on_conflict_do_update(cosigned.primary_key, set_=row)
            )
            failpoint.hit("cosign.row")

        await self._db.write(job, lambda: failpoint.hit("cosign.committed"))

    async def keep_receipt(
        self, origin: str, signer: str, size: int, note: bytes
    ) -> bool:
        """Keep a verified cosignature on our log if it is the largest yet.

        It is kept for good if it is the signer's first of a tree in which
        something took effect.
        """

        def job(c: sa.Connection) -> bool:
            last = c.scalar(
                sa.select(receipt.c.size).filter_by(
                    origin=origin, signer=signer
                )
            )
            if size <= (last or 0):
                return False
            row = {"size": size, "note": note, "at": self._clock()}
            whose = {"origin": origin, "signer": signer}
            new = insert(receipt).values(**whose, **row)
            c.execute(new.on_conflict_do_update(receipt.primary_key, set_=row))
            sizes = sa.select(effect.c.size).filter_by(origin=origin)
            since = sizes.where(effect.c.size.between((last or 0) + 1, size))
            if c.scalar(since.limit(1)):
                c.execute(sa.insert(kept_receipt).values(**whose, **row))
            key = {"signer": signer, "size": size}
            events.tell(c, self._clock(), "receipt", key)
            return True

        return await self._db.write(job)

    async def receipts(self, origin: str) -> dict[str, Receipt]:
        """Return the newest receipt of each signer for one of our logs."""
        ours = receipt.c.origin == origin
        rows = await self._db.read(
            lambda c: c.execute(
                sa.select(receipt).where(ours).order_by(receipt.c.signer)
            ).all()
        )
        return {row.signer: Receipt(*row) for row in rows}

    async def prune(self, days: int) -> None:
        """Forget effects, and the first receipts of them, of long ago."""
        oldest = self._clock() - days * 86_400

        def job(c: sa.Connection) -> None:
            for table in (effect, kept_receipt):
                c.execute(sa.delete(table).where(table.c.at < oldest))

        await self._db.write(job)


def take_effect(c: sa.Connection, head: OwnHead, now: int) -> None:
    """Note that something takes effect in a tree of our log."""
    size = head.frontier.size
    new = sa.insert(effect).values(origin=head.origin, size=size, at=now)
    c.execute(new)


def _tree(signed: Cosigned | None) -> tuple[int, bytes] | None:
    return (signed.size, signed.root) if signed else None


def _cosigned(c: sa.Connection, role: str, origin: str) -> Cosigned | None:
    found = sa.select(cosigned.c.size, cosigned.c.root, cosigned.c.note)
    row = c.execute(found.filter_by(role=role, origin=origin)).first()
    return None if row is None else Cosigned(*row)
