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
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, func, select, update

from syncd import canonical
from syncd.errors import MissingError, StaleError, UsageError
from syncd.flows.submission import (
    ImportBegin,
    ImportEnd,
    ImportMark,
    ImportStatus,
    Outcome,
)
from syncd.shape import Secret
from syncd.store.book import SealedBook, highest, reads, writes
from syncd.store.portable import upsert
from syncd.store.prepared import Prepared
from syncd.store.sealing import VaultCipher
from syncd.store.tables import (
    import_job,
    import_list,
    import_refused,
    list_value,
    vault,
)

MOST_REFUSED = 100_000  # refused rows that are kept of a list
REFUSED_S = 30 * 86_400  # how long they are kept
_PAGE = 1000  # refused rows in one page


class Refused(Secret, frozen=True):
    """A row that was not taken, and why."""

    row: int  # in the file, from 1
    why: bytes  # JSON, as the caller knows it
    raw: str = ""  # its cell with the value
    cells: bytes = b""  # JSON: all of its cells


job = import_job.c
_OPEN = job.finished_at.is_(None)
_CAME = ("accepted", "known", "taken_back", "refused")
_STATUS = select(
    *(job.id, import_list.c.mac, import_list.c.sealed.label("list")),
    *(job.sealed.label("name"), job.caller.label("by"), job.began_at),
    *(job.finished_at, job.size, job.offset, job.row, job.prefix),
    *(job.accepted, job.known, job.taken_back, job.refused),
    *(job.gone, job.due, job.dropped),
    select(func.count())
    .where(vault.c.import_id == job.id, vault.c.elsewhere.is_not(None))
    .scalar_subquery()
    .label("elsewhere"),
).join_from(import_job, import_list, import_list.c.id == job.list_id)
_wanted, _refused = sa.bindparam, import_refused.c
_CELLS = Prepared(
    update(import_refused)
    .filter_by(import_id=_wanted("import"), row=_wanted("at"))
    .values(cells=_wanted("sealed")),
    *("sealed", "import", "at"),
)
_REFUSE = Prepared(upsert(import_refused), "import_id", "row", "raw", "why")
_HOLD = Prepared(upsert(list_value, "raw", "last"), *list_value.c.keys())


class Imports(SealedBook):
    """The imports and lists of own.db."""

    @writes
    def begin(
        self, c: Connection, wanted: ImportBegin, caller: str = ""
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
        mac = self._cipher.mac(b"import-file\0" + known_by)
        there = self._state(c, job.file == mac, _OPEN)
        if there is not None and not wanted.anew:
            return there
        name = wanted.list or wanted.name  # the list is made if there is none
        of = {"mac": self._hash("list", name)}
        of["sealed"] = self._seal(name, "list", of["mac"])
        c.execute(upsert(import_list).values(of))
        list_id = self._named(c, name)
        self._end_others(c, list_id, anew=wanted.anew)
        c.execute(_dropped(job.list_id == list_id))
        id_ = highest(c, job.id) + 1
        nothing = hashlib.sha256().hexdigest()
        row = dict.fromkeys(("offset", "row", *_CAME), 0) | {
            "id": id_,
            "file": mac,
            "size": wanted.size,
            "prefix": self._seal(nothing, "prefix", id_, 0),
            "began_at": self._clock(),
            "list_id": list_id,
            "caller": caller,
            "sealed": self._seal(wanted.name, "import", id_),
        }
        c.execute(sa.insert(import_job).values(row))
        [begun] = self._states(c, 1, job.id == id_)
        return begun

    def _end_others(self, c: Connection, list_id: int, *, anew: bool) -> None:
        open_ = (job.list_id == list_id, _OPEN)
        other = self._state(c, *open_, job.row > 0, job.whole == 0)
        if other is not None and not anew:
            raise UsageError(
                "list: its import {id} stopped at row {row}, with another"
                " file or other options",
                other,
            )
        ended = update(import_job).where(*open_)
        c.execute(ended.values(finished_at=self._clock()))

    @reads
    def state(self, c: Connection, import_id: int) -> ImportStatus:
        """Return how far an import has come.

        Raises:
            MissingError: there is none of that id.
        """
        found = self._state(c, job.id == import_id)
        if found is None:
            raise MissingError("import: none of that id")
        return found

    @reads
    def history(
        self,
        c: Connection,
        before: int = 0,
        limit: int = 100,
        list_name: str = "",
    ) -> list[ImportStatus]:
        """Return imports, newest first; of one list, or of all.

        Raises:
            UsageError: no list has that name.
        """
        where = [job.id < (before or 2**53)]
        if list_name:
            where.append(job.list_id == self._named(c, list_name))
        return self._states(c, limit, *where)

    @reads
    def refused(
        self, c: Connection, import_id: int, after: int = 0
    ) -> tuple[list[Refused], bool]:
        """Return refused rows behind a row, and whether there are more."""
        at = import_refused.c
        wanted = (
            select(at.row, at.why, at.cells)
            .where(at.import_id == import_id, at.row > after)
            .order_by("row")
            .limit(_PAGE + 1)
        )

        def opened(sealed: bytes | None, *of: object) -> bytes:
            if not sealed:
                return b""
            return bytes(self._unseal(sealed, bytes, "refused", *of))

        found = [
            Refused(
                *(row, opened(why, import_id, row, "why")),
                cells=opened(cells, import_id, row, "cells"),
            )
            for row, why, cells in c.execute(wanted)
        ]
        return found[:_PAGE], len(found) > _PAGE

    async def keep_cells(
        self, import_id: int, rows: Sequence[tuple[int, bytes]]
    ) -> None:
        """Keep all cells of refused rows."""
        seal, of = self._seal, ("refused", import_id)
        sealed = [
            (seal(cells, *of, row, "cells"), import_id, row)
            for row, cells in rows
        ]
        await self._db.write(lambda c: _CELLS.many(c, sealed))

    async def prune(self) -> None:
        """Drop the refused rows of imports that began too long ago."""
        await self._run(_dropped(job.began_at < self._clock() - REFUSED_S))

    def _named(self, c: Connection, name: str) -> int:
        """Return the number of a list.

        Raises:
            UsageError: none has that name.
        """
        mac = self._hash("list", name)
        at = import_list.c
        found: int | None = c.scalar(select(at.id).filter_by(mac=mac))
        if found is None:
            raise UsageError("list: none has that name")
        return found

    list_id = reads(_named)

    def _state(
        self, c: Connection, *where: ColumnElement[bool]
    ) -> ImportStatus | None:
        found = self._states(c, 1, *where)
        return found[0] if found else None

    def _states(
        self, c: Connection, most: int, *where: ColumnElement[bool]
    ) -> list[ImportStatus]:
        wanted = _STATUS.where(*where).order_by(job.id.desc()).limit(most)
        return [self._opened(**row) for row in c.execute(wanted).mappings()]

    def _opened(self, mac: bytes, **row: Any) -> ImportStatus:
        opened, id_ = self._unseal, row["id"]
        row["name"] = opened(row["name"], str, "import", id_)
        row["list"] = opened(row["list"], str, "list", mac)
        at = "prefix", id_, row["offset"]
        row["prefix"] = opened(row["prefix"], str, *at)
        return ImportStatus(finished=row["finished_at"] is not None, **row)


def close(c: Connection, import_id: int, end: ImportEnd) -> None:
    """Take nothing more into an import, if it has not ended."""
    this = update(import_job).where(job.id == import_id, _OPEN)
    c.execute(this.values(whole=1 if end.complete else 2))


def _dropped(imports: ColumnElement[bool]) -> sa.Delete:
    """Return what drops the refused rows of some imports."""
    of = select(job.id).where(imports)
    return sa.delete(import_refused).where(import_refused.c.import_id.in_(of))


def move(
    c: Connection,
    cipher: VaultCipher,
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
    count["refused"] = len(rows)
    prefix = cipher.seal_json(mark.prefix, "prefix", mark.id, mark.offset)
    at = {"offset": mark.offset, "row": mark.row, "prefix": prefix}
    there = job.id == mark.id, job.offset == mark.old_offset, _OPEN
    its = update(import_job).where(*there, job.whole == 0)  # not its end
    its = its.values({**at, **{k: job[k] + count[k] for k in _CAME}})
    done = c.execute(its.returning(job.list_id, job.refused)).first()
    if done is None:
        raise StaleError(
            "import: {id} is not at byte {offset} now",
            mark,
            offset=mark.old_offset,
        )
    list_id, refused = done
    # Sorted: random keys are slow in a tree that has grown.
    held = sorted(dict(found).items())
    _HOLD.many(c, [(list_id, *macs, mark.id) for macs in held])
    room = max(0, MOST_REFUSED - (refused - len(rows)))
    kept = [
        (
            *(mark.id, one.row),
            cipher.cell_hash(one.raw) if one.raw else b"",
            cipher.seal_json(one.why, "refused", mark.id, one.row, "why"),
        )
        for one in rows[:room]
    ]
    _REFUSE.many(c, kept)
