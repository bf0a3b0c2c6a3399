"""Imports: lists by name, how far a file is in, and which rows were refused.

A list has a name and comes again and again; each time is an import of one
file. A step of a file is committed together with its rows (`move`), so an
import that was interrupted goes on where it stopped. Names of lists and of
files, and refused rows, are sealed: they may name persons. So are hashes of
files: one of a few numbers could be guessed by its hash.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from syncd import canonical
from syncd.errors import MissingError, StaleError, UsageError
from syncd.flows.submission import (
    ImportBegin,
    ImportMark,
    ImportStatus,
    Outcome,
)
from syncd.store import sealing
from syncd.store.book import SealedBook
from syncd.store.hot import execute_many
from syncd.store.sealing import Cipher

MOST_REFUSED = 100_000  # refused rows that are kept of a list
REFUSED_S = 30 * 86_400  # how long they are kept
_PAGE = 1000  # refused rows in one page


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken, and why."""

    row: int  # in the file, from 1
    why: bytes = field(repr=False)  # JSON, as the caller knows it
    raw: str = field(default="", repr=False)  # its cell with the value
    cells: bytes = field(default=b"", repr=False)  # JSON: all of its cells


class Imports(SealedBook):
    """The imports and lists of own.db."""

    async def begin(
        self, wanted: ImportBegin, caller: str = ""
    ) -> ImportStatus:
        """Begin an import, or find the one that has not ended.

        It is known by its file, list and options. Whether the file is still
        the same, the caller tells from `prefix` and `offset`. Refused rows of
        earlier imports of the list are dropped; with `anew` those of them
        that have not ended are over.

        Raises:
            UsageError: one of the list stopped, of another file.
        """
        known_by = canonical.dumps(
            [wanted.file, wanted.size, wanted.list, wanted.options]
        )

        def job(c: sa.Connection) -> ImportStatus:
            mac = self._cipher.mac(b"import-file\0" + known_by)
            there = self._state(c, "file = ? AND finished_at IS NULL", mac)
            if there is not None and not wanted.anew:
                return there
            list_id = self._list_id(c, wanted.list or wanted.name)
            self._end_others(c, list_id, anew=wanted.anew)
            c.exec_driver_sql(
                "DELETE FROM import_refused WHERE import_id IN"
                " (SELECT id FROM import_job WHERE list_id = ?)",
                (list_id,),
            )
            last = c.exec_driver_sql("SELECT max(id) FROM import_job")
            id_ = (last.scalar() or 0) + 1
            name = self._cipher.seal(wanted.name.encode(), b"import/%d" % id_)
            nothing = hashlib.sha256().digest()
            c.exec_driver_sql(
                'INSERT INTO import_job (id, file, size, "offset", row,'
                " prefix, accepted, known, refused, began_at, list_id, caller,"
                " sealed) VALUES (?, ?, ?, 0, 0, ?, 0, 0, 0, ?, ?, ?, ?)",
                (
                    *(id_, mac, wanted.size),
                    self._cipher.seal(nothing, _prefix_at(id_, 0)),
                    *(self._clock(), list_id, caller, name),
                ),
            )
            [begun] = self._states(c, "import_job.id = ?", [id_], 1)
            return begun

        return await self._db.write(job)

    def _end_others(
        self, c: sa.Connection, list_id: int, *, anew: bool
    ) -> None:
        where = "list_id = ? AND row > 0 AND whole = 0 AND finished_at IS NULL"
        other = self._state(c, where, list_id)
        if other is not None and not anew:
            raise UsageError(
                "list: its import {id} stopped at row {row}, with another"
                " file or other options",
                hint="use the same; or begin again with --anew: what is in"
                " already is known then, not doubled",
                id=other.id,
                row=other.row,
            )
        c.exec_driver_sql(
            "UPDATE import_job SET finished_at = ?"
            " WHERE list_id = ? AND finished_at IS NULL",
            (self._clock(), list_id),
        )

    async def state(self, import_id: int) -> ImportStatus:
        """Return how far an import has come.

        Raises:
            MissingError: there is none of that id.
        """
        found = await self._db.read(
            lambda c: self._state(c, "import_job.id = ?", import_id)
        )
        if found is None:
            raise MissingError("import: none of that id")
        return found

    async def history(
        self, before: int = 0, limit: int = 100, list_name: str = ""
    ) -> list[ImportStatus]:
        """Return imports, newest first; of one list, or of all.

        Raises:
            UsageError: no list has that name.
        """

        def job(c: sa.Connection) -> list[ImportStatus]:
            where, values = "import_job.id < ?", [before or 2**53]
            if list_name:
                where += " AND list_id = ?"
                values.append(self._named(c, list_name))
            return self._states(c, where, values, limit)

        return await self._db.read(job)

    async def list_id(self, name: str) -> int:
        """Return the number of a list.

        Raises:
            UsageError: none has that name.
        """
        return await self._db.read(lambda c: self._named(c, name))

    async def in_force(self, import_id: int) -> int:
        """Return how many of the rows that an import brought stand."""
        return await self._db.read(
            lambda c: c.exec_driver_sql(
                "SELECT count(*) FROM vault WHERE import_id = ? AND state < 2",
                (import_id,),
            ).scalar_one()
        )

    # ---------------------------------------------------- refused rows

    async def refused(
        self, import_id: int, after: int = 0
    ) -> tuple[list[Refused], bool]:
        """Return refused rows behind a row, and whether there are more."""

        def job(c: sa.Connection) -> tuple[list[Refused], bool]:
            rows = c.exec_driver_sql(
                "SELECT row, why, coalesce(cells, x'') FROM import_refused"
                " WHERE import_id = ? AND row > ? ORDER BY row LIMIT ?",
                (import_id, after, _PAGE + 1),
            ).fetchall()
            found = [
                Refused(
                    row,
                    self._cipher.open(why, _context(import_id, row, "why")),
                    "",
                    cells
                    and self._cipher.open(
                        cells, _context(import_id, row, "cells")
                    ),
                )
                for row, why, cells in rows[:_PAGE]
            ]
            return found, len(rows) > _PAGE

        return await self._db.read(job)

    async def keep_cells(
        self, import_id: int, rows: Sequence[tuple[int, bytes]]
    ) -> None:
        """Keep all cells of refused rows."""

        def job(c: sa.Connection) -> None:
            sealed = [
                (
                    self._cipher.seal(
                        cells, _context(import_id, row, "cells")
                    ),
                    *(import_id, row),
                )
                for row, cells in rows
            ]
            execute_many(
                c,
                "UPDATE import_refused SET cells = ?"
                " WHERE import_id = ? AND row = ?",
                sealed,
            )

        await self._db.write(job)

    async def prune(self) -> None:
        """Drop the refused rows of imports that began too long ago."""
        old = self._clock() - REFUSED_S
        await self._db.write(
            lambda c: c.exec_driver_sql(
                "DELETE FROM import_refused WHERE import_id IN"
                " (SELECT id FROM import_job WHERE began_at < ?)",
                (old,),
            ).close()
        )

    # -------------------------------------------------------- innards

    def _list_id(self, c: sa.Connection, name: str) -> int:
        """Return the number of a list, which is made if there is none."""
        mac = sealing.mac(self._cipher, "list", name)
        c.exec_driver_sql(
            "INSERT INTO import_list (mac, sealed) VALUES (?, ?)"
            " ON CONFLICT DO NOTHING",
            (mac, self._cipher.seal(name.encode(), b"list/" + mac)),
        )
        return self._named(c, name)

    def _named(self, c: sa.Connection, name: str) -> int:
        mac = sealing.mac(self._cipher, "list", name)
        found: int | None = c.exec_driver_sql(
            "SELECT id FROM import_list WHERE mac = ?", (mac,)
        ).scalar()
        if found is None:
            raise UsageError(
                "list: none has that name",
                hint="syncd report imports shows the lists by name",
            )
        return found

    def _state(
        self, c: sa.Connection, where: str, value: object
    ) -> ImportStatus | None:
        found = self._states(c, where, [value], 1)
        return found[0] if found else None

    def _states(
        self, c: sa.Connection, where: str, values: Sequence[object], most: int
    ) -> list[ImportStatus]:
        rows = c.exec_driver_sql(
            "SELECT import_job.id, mac, import_list.sealed AS list,"  # noqa: S608
            " import_job.sealed AS name, caller AS by, began_at, finished_at,"
            ' size, "offset", row, prefix, accepted, known, taken_back,'
            " refused, gone, due, dropped,"
            " (SELECT count(*) FROM vault WHERE vault.import_id ="
            " import_job.id AND elsewhere IS NOT NULL) AS elsewhere"
            " FROM import_job JOIN import_list"
            f" ON import_list.id = list_id WHERE {where}"
            " ORDER BY import_job.id DESC LIMIT ?",
            (*values, most),
        ).mappings()
        return [self._opened(**row) for row in rows]

    def _opened(self, mac: bytes, **row: Any) -> ImportStatus:
        opened, id_ = self._cipher.open, row["id"]
        row["name"] = opened(row["name"], b"import/%d" % id_).decode()
        row["list"] = opened(row["list"], b"list/" + mac).decode()
        prefix_at = _prefix_at(id_, row["offset"])
        row["prefix"] = opened(row["prefix"], prefix_at).hex()
        return ImportStatus(finished=row["finished_at"] is not None, **row)


def _prefix_at(import_id: int, offset: int) -> bytes:
    return b"prefix/%d/%d" % (import_id, offset)


def _context(import_id: int, row: int, what: str) -> bytes:
    return b"refused/%d/%d/%b" % (import_id, row, what.encode())


# ------------------------------------------------- inside a transaction


def move(
    c: sa.Connection,
    cipher: Cipher,
    mark: ImportMark,
    outcomes: Sequence[Outcome],
    found: Sequence[tuple[bytes, bytes]],
    rows: Sequence[Refused],
) -> None:
    """Commit a step: how far it is, what its list holds, what was refused.

    Args:
        c: the transaction that accepts the step's rows.
        cipher: seals what is refused.
        mark: the step.
        outcomes: what became of each row.
        found: value_mac and raw mac of each of them.
        rows: those that were refused.

    Raises:
        StaleError: the import is not at `mark.old_offset` any more.
    """
    count = Counter(one.state for one in outcomes)
    came = [count[state] for state in ("accepted", "known", "taken_back")]
    at = _prefix_at(mark.id, mark.offset)
    prefix = cipher.seal(bytes.fromhex(mark.prefix), at)
    done = c.exec_driver_sql(
        'UPDATE import_job SET "offset" = ?, row = ?, prefix = ?,'
        " accepted = accepted + ?, known = known + ?,"
        " taken_back = taken_back + ?, refused = refused + ?"
        ' WHERE id = ? AND "offset" = ? AND finished_at IS NULL'
        " RETURNING list_id, refused",
        (
            *(mark.offset, mark.row, prefix, *came, len(rows)),
            *(mark.id, mark.old_offset),
        ),
    ).fetchone()
    if done is None:
        raise StaleError(
            "import: {id} is not at byte {offset} now",
            id=mark.id,
            offset=mark.old_offset,
        )
    list_id, refused = done
    _hold(c, list_id, mark.id, found)
    room = max(0, MOST_REFUSED - (refused - len(rows)))
    _refuse(c, cipher, mark.id, rows[:room])


def _hold(
    c: sa.Connection,
    list_id: int,
    import_id: int,
    found: Sequence[tuple[bytes, bytes]],
) -> None:
    """Note that an import found these values in its list."""
    # Sorted: random keys are slow in a tree that has grown.
    execute_many(
        c,
        'INSERT INTO list_value (list_id, mac, raw, "last")'
        " VALUES (?, ?, ?, ?) ON CONFLICT (list_id, mac) DO UPDATE"
        ' SET raw = excluded.raw, "last" = excluded."last"',
        (
            (list_id, mac, raw, import_id)
            for mac, raw in sorted(dict(found).items())
        ),
    )


def _refuse(
    c: sa.Connection, cipher: Cipher, import_id: int, rows: Sequence[Refused]
) -> None:
    """Keep refused rows, sealed."""
    execute_many(
        c,
        "INSERT INTO import_refused (import_id, row, raw, why)"
        " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            (
                *(import_id, one.row),
                sealing.raw_mac(cipher, one.raw) if one.raw else b"",
                cipher.seal(one.why, _context(import_id, one.row, "why")),
            )
            for one in rows
        ),
    )
