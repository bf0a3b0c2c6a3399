"""Signed checkpoints in mirror.db: those that are ahead, and those of forks."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from syncd.flows.ports import Finding
from syncd.store import findings, log_rows
from syncd.store.book import Book
from syncd.store.hot import execute_many

_AHEAD = 32  # verified notes kept above `merged`, at most


class KeptNotes(Book):
    """What the keys of others' logs signed, as far as it matters still."""

    async def keep_note(self, origin: str, size: int, note: bytes) -> None:
        """Keep a verified signed checkpoint that is ahead of `mirrored`."""
        await self._db.write(
            lambda c: keep(c, log_rows.id_of(c, origin, make=True), size, note)
        )

    async def notes(self, origin: str) -> Mapping[int, bytes]:
        """Return the kept signed checkpoints by size."""
        return await self._db.read(
            lambda c: of_log(c, log_rows.id_of(c, origin))
        )

    async def contest(
        self, origin: str, notes: Sequence[bytes], finding: Finding
    ) -> None:
        """Freeze a forked origin, keeping both of its signed notes."""

        def job(c: sa.Connection) -> None:
            log_id = log_rows.id_of(c, origin, make=True)
            c.exec_driver_sql(
                "UPDATE log SET contested = 1 WHERE id = ?", (log_id,)
            )
            _keep_evidence(c, log_id, notes)
            findings.record(c, [finding], self._clock())

        await self._db.write(job)

    async def contested(self) -> frozenset[str]:
        """Return the forked origins."""
        rows = await self._db.rows(
            "SELECT origin FROM log WHERE contested = 1", few=True
        )
        return frozenset(origin for (origin,) in rows)

    async def evidence(self, origin: str) -> list[bytes]:
        """Return the notes of a log that contradict each other, or did."""
        rows = await self._db.rows(
            "SELECT fork_note.note FROM fork_note JOIN log ON id = log_id"
            " WHERE origin = ? ORDER BY hash",
            origin,
        )
        return [note for (note,) in rows]

    async def rejected(self, origin: str) -> list[bytes]:
        """Return those of them that the roster decided against."""
        return await self._db.read(
            lambda c: rejected(c, log_rows.id_of(c, origin))
        )


def of_log(c: sa.Connection, log_id: int) -> dict[int, bytes]:
    """Return the kept signed checkpoints of a log by size, in order."""
    rows = c.exec_driver_sql(
        "SELECT size, note FROM kept_note WHERE log_id = ? ORDER BY size",
        (log_id,),
    )
    return dict(map(tuple, rows))


def rejected(c: sa.Connection, log_id: int) -> list[bytes]:
    """Return a log's notes that the roster decided against."""
    rows = c.exec_driver_sql(
        "SELECT note FROM fork_note WHERE log_id = ? AND rejected = 1"
        " ORDER BY hash",
        (log_id,),
    )
    return [note for (note,) in rows]


def keep(c: sa.Connection, log_id: int, size: int, note: bytes) -> None:
    """Keep a note, and of all those only what receipts may still need.

    That is the largest one up to `merged`, and above it a thinned few: a
    merge that is far behind signs some of the sizes on its way, not all.
    """
    if note:
        c.exec_driver_sql(
            "INSERT INTO kept_note (log_id, size, note) VALUES (?, ?, ?)"
            " ON CONFLICT (log_id, size) DO UPDATE SET note = excluded.note",
            (log_id, size, note),
        )
    merged = c.exec_driver_sql(
        "SELECT merged FROM log WHERE id = ?", (log_id,)
    ).scalar_one()
    sizes = [*of_log(c, log_id)]
    ahead = [n for n in sizes if n > merged]
    gone = sizes[: len(sizes) - len(ahead)][:-1]
    if len(ahead) > _AHEAD:
        gone += ahead[1:-1:2]  # the nearest and the largest stay
    drop(c, log_id, "size", gone)


def reject(c: sa.Connection, log_id: int, notes: Sequence[bytes]) -> None:
    """Keep notes as evidence alone: they are of no account any more."""
    _keep_evidence(c, log_id, notes, rejected=1)
    drop(c, log_id, "note", notes)


def drop(
    c: sa.Connection, log_id: int, column: str, values: Iterable[object]
) -> None:
    """Keep some notes no longer, by their `size` or `note`."""
    execute_many(
        c,
        f"DELETE FROM kept_note WHERE log_id = ? AND {column} = ?",  # noqa: S608
        [(log_id, value) for value in values],
    )


def _keep_evidence(
    c: sa.Connection, log_id: int, notes: Iterable[bytes], rejected: int = 0
) -> None:
    execute_many(
        c,
        "INSERT INTO fork_note (log_id, hash, note, rejected)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (log_id, hash)"
        " DO UPDATE SET rejected = max(rejected, excluded.rejected)",
        [
            (log_id, hashlib.sha256(note).digest(), note, rejected)
            for note in notes
        ],
    )
