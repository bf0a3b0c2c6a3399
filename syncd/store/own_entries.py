"""A member's own lists, sealed: exempt entries, notes and local lists.

No row of this table is ever published, and none is rewritten: what is
removed or replaced stays as history, with who did it and why. A value, what
is said of it and the name of its list are sealed as the vault's rows are;
they are found by keyed hashes. Type, kind, days and the names of our own
people stand in clear.
"""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, func, select

from syncd.errors import DamagedError, RefusedError, becoming
from syncd.flows.entry import LOCAL, Entry, EntryFields, Filter, NewEntry
from syncd.flows.submission import Outcome
from syncd.indicator.identifier import Identifier
from syncd.store.book import SealedBook, highest, reads, writes
from syncd.store.database import FEW
from syncd.store.prepared import MANY, Prepared, given
from syncd.store.tables import own_table, partial_index

KEPT_S = 180 * 86_400  # that a local entry is kept after its end
GONE_UNASKED = 10  # rows that a new load of a list may lack; or 1 %
REPLACED = "replaced"

_CLEAR = (  # what of an entry stands in clear
    *("id", "type", "kind", "until", "by", "at", "removed_at", "removed_by"),
)
own_entry = own_table(  # exempt, note, local: our own lists, never published
    "own_entry",
    "id int key, type text, kind text",
    "mac bytes",  # 16 bytes: kind and normal form
    "name_mac bytes",  # and what stands once on it
    "said_mac bytes",  # that and what it says
    "list_mac bytes null",  # 16 bytes: name of its list
    "sealed bytes",
    "until int null",  # first day on which it is no more
    "added_by text",  # the bearer's name
    "added_at int",
    "load int null",  # the last one that had it
    "removed_at int null, removed_by text null",
    "removed_why bytes null",  # sealed
)
_at, _given = own_entry.c, sa.bindparam
_STANDS = _at.removed_at.is_(None)
partial_index("own_entry_mac", _STANDS, _at.mac)
partial_index("own_entry_list", _STANDS, _at.list_mac)
_ROW = select(
    *(_at.mac, _at.said_mac, _at.sealed, _at.removed_why, _at.id, _at.type),
    *(_at.kind, _at.until, _at.added_by, _at.added_at, _at.removed_at),
    func.coalesce(_at.removed_by, ""),
)
_ON = (_STANDS, _at.mac.in_(MANY))
_LASTS = func.coalesce(_at.until, 2**31) > _given("day")
_FIND = Prepared(_ROW.where(*_ON, _LASTS).order_by("id"))
_ANY = Prepared(select(_at.id).where(_STANDS).limit(1))
_THERE = select(_at.name_mac, _at.said_mac, _at.id).where(_STANDS)
_IDS = Prepared(select(_at.id).where(*_ON, given(_at.list_mac)))
_ADD = Prepared(sa.insert(own_entry), *own_entry.c.keys()[:12])
_this = sa.update(own_entry).filter_by(id=_given("row"))
_LOAD = Prepared(_this.values(load=_given("of")), "of", "row")
_END = Prepared(
    _this.values(
        removed_at=_given("now"),
        removed_by=_given("by"),
        removed_why=_given("why"),
    ),
    *("now", "by", "why", "row"),
)


# What nobody reads without the vault's key: a value, a name, what is said.
_CONTENT = tuple[str, str, EntryFields]


class OwnEntries(SealedBook):
    """The entries, over own.db."""

    @writes
    def add(
        self,
        c: Connection,
        entries: Sequence[NewEntry],
        by: str,
        load: int | None = None,
    ) -> list[Outcome]:
        """Keep entries in one transaction; durable on return, in order.

        Of one type and name (a note's code, a local entry's list) one stands
        on a value: another takes its place, the same is known. Each is added,
        known or replaced, which names the new one.
        """
        macs = [self._macs(entry) for entry in entries]
        on = _THERE.where(_at.mac.in_({mac for mac, _, _ in macs}))
        there = {name: (said, id_) for name, said, id_ in c.execute(on)}
        last = highest(c, _at.id)
        rows = list[tuple[object, ...]]()
        known = list[tuple[object, ...]]()
        replaced = list[int]()
        outcomes = []
        for entry, found_by in zip(entries, macs, strict=True):
            _, name_mac, said_mac = found_by
            fields, old = there.get(name_mac, (b"", 0))
            if fields == said_mac:
                known.append((load, old))
                outcomes.append(Outcome("known", old))
                continue
            id_ = last + len(rows) + 1
            rows.append((id_, *self._row(entry, found_by, by), load))
            there[name_mac] = (said_mac, id_)
            replaced += [old] if old else []
            outcomes.append(Outcome("replaced" if old else "added", id_))
        _ADD.many(c, rows)
        if load is not None:
            _LOAD.many(c, known)
        self._end(c, replaced, by, REPLACED)
        return outcomes

    def _row(
        self, entry: NewEntry, macs: tuple[bytes, bytes, bytes], by: str
    ) -> tuple[object, ...]:
        now, own = self._clock(), entry.type == LOCAL
        content = entry.value, entry.name, entry.fields
        # Who and when, too: a row that names somebody else is damaged.
        of = "own", entry.type, entry.kind, macs[2], by, now
        return (
            *(entry.type, entry.kind, *macs),
            self._hash("own-list", entry.name) if own else None,
            *(self._seal(content, *of), entry.until, by, now),
        )

    @writes
    def remove(
        self,
        c: Connection,
        ids: Collection[int],
        type_: str,
        by: str,
        why: str,
    ) -> int:
        """End entries of a type, or of any for ""; return how many stood."""
        its = select(_at.id).where(_STANDS, _at.id.in_(ids))
        if type_:
            its = its.filter_by(type=type_)
        return self._end(c, [*c.scalars(its)], by, why)

    @writes
    def remove_list(
        self,
        c: Connection,
        name: str,
        by: str,
        why: str,
        *,
        load: int | None = None,
        most: int | None = None,
    ) -> tuple[int, int]:
        """End a local list, or what a load of it lacks; return that, and the rest.

        Raises:
            RefusedError: a load lacks more than `most` of the list's rows,
                or without it more than a hundredth and GONE_UNASKED.
        """
        gone = there = self._of_list(c, name)
        if load is not None:
            gone = self._of_list(c, name, _at.load.is_distinct_from(load))
            usual = max(len(there) // 100, GONE_UNASKED)
            may = usual if most is None else most
            if len(gone) > may:
                raise RefusedError(
                    "list: {gone} of its {all} entries are not in the new"
                    " load, at most {may} may go",
                    gone=len(gone),
                    all=len(there),
                    may=may,
                )
        ended = self._end(c, gone, by, why)
        return ended, len(there) - ended

    def _end(self, c: Connection, ids: list[int], by: str, why: str) -> int:
        now, seal = self._clock(), self._seal
        rows = ((now, by, seal(why, "own end", i, now, by), i) for i in ids)
        return _END.many(c, rows)

    @reads
    def begin_load(self, c: Connection, name: str) -> tuple[int, int]:
        """Return the number of a new load of a local list, and its rows."""
        return highest(c, _at.load) + 1, len(self._of_list(c, name))

    @writes
    def touch(
        self,
        c: Connection,
        name: str,
        wanted: Collection[Identifier],
        load: int,
    ) -> None:
        """Have a load count entries of its list as present."""
        macs = {self._hash("own", i.kind, i.value) for i in wanted}
        rows = _IDS.within(c, sorted(macs), self._hash("own-list", name))
        _LOAD.many(c, [(load, id_) for (id_,) in rows])

    def _of_list(
        self, c: Connection, name: str, *more: sa.ColumnElement[bool]
    ) -> list[int]:
        its = _at.list_mac == self._hash("own-list", name)
        ids = select(_at.id).where(_STANDS, its, *more)
        return [*c.scalars(ids.order_by("id"))]

    async def find(
        self, wanted: Collection[Identifier], day: int
    ) -> dict[Identifier, list[Entry]]:
        """Return the entries that stand on some identifiers on a day."""

        def job(c: Connection) -> dict[Identifier, list[Entry]]:
            if _ANY.one(c) is None:  # most members have none: nothing hashed
                return {}
            by_mac = {self._hash("own", i.kind, i.value): i for i in wanted}
            found = dict[Identifier, list[Entry]]()
            for mac, *row in _FIND.within(c, sorted(by_mac), day):
                found.setdefault(by_mac[mac], []).append(self._opened(row))
            return found

        few = len(wanted) <= FEW
        return await self._db.read(job, few=few) if wanted else {}

    @reads
    def page(
        self, c: Connection, wanted: Filter, ids: Collection[int] = ()
    ) -> list[Entry]:
        """Return entries in the order of their ids; of some ids, or of all."""
        asked = {
            "type": wanted.type,
            "list_mac": wanted.list and self._hash("own-list", wanted.list),
        }
        rows = _ROW.where(_at.id > wanted.after)
        rows = rows.filter_by(**{k: v for k, v in asked.items() if v})
        if ids:
            rows = rows.where(_at.id.in_(ids))
        if not wanted.ended:
            rows = rows.where(_STANDS)
        rows = rows.order_by("id").limit(wanted.limit)
        return [self._opened(row) for _, *row in c.execute(rows)]

    async def prune(self, today: int) -> int:
        """Drop local entries that ended long ago; others' data is not hoarded.

        Exempt entries and notes are kept for good: they are the account of
        what we did.
        """
        over = sa.or_(
            _at.removed_at < self._clock() - KEPT_S,
            _at.until < today - KEPT_S // 86_400,
        )
        gone = sa.delete(own_entry).where(_at.type == LOCAL, over)
        return await self._run(gone)

    def _macs(self, entry: NewEntry) -> tuple[bytes, bytes, bytes]:
        """Return the hashes of value, name and what is said."""
        value = self._hash("own", entry.kind, entry.value)
        name = self._hash("own-name", entry.type, entry.name, value)
        return value, name, self._hash("own-said", name + entry.content)

    def _opened(self, row: Sequence[Any]) -> Entry:
        said_mac, sealed, why, *clear = row
        entry = dict(zip(_CLEAR, clear, strict=True))
        type_, gone_at = entry["type"], entry["removed_at"]
        of = type_, entry["kind"], said_mac, entry["by"], entry["at"]
        opened = self._unseal
        with becoming(
            "own_entry: row {id} does not open",
            DamagedError,
            DamagedError,
            msgspec.DecodeError,
            id=entry["id"],
        ):
            value, name, fields = opened(sealed, _CONTENT, "own", *of)
            if gone_at is not None:
                end = entry["id"], gone_at, entry["removed_by"]
                why = opened(why, str, "own end", *end)
        return Entry(
            **entry,
            value=value,
            fields=fields,
            list=name if type_ == LOCAL else "",
            removed_why=why or "",
        )
