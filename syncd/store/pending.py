"""What waits for a second person: sealed calls, and an import's held rows.

A call is kept with its body until it is decided, then without. Rows of an
import wait in the vault in a state of their own, of which no publisher knows:
they are let go, or deleted, in one transaction.
"""

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import Connection, delete, func, insert, select, update

from syncd.errors import MissingError, StaleError
from syncd.flows.ports import State
from syncd.flows.review import Change, Held, merged, summed
from syncd.flows.submission import ImportEnd
from syncd.indicator.statement import NAMES
from syncd.store import imports
from syncd.store.bearer import bearer
from syncd.store.book import SealedBook, highest, pruning, reads, writes
from syncd.store.events import tell
from syncd.store.tables import import_job, own_table, vault, vault_fields

FORBORNE = ("refused", "lapsed")
FINAL = (*FORBORNE, "done", "failed", "seen", "wrong")
Part = tuple[str, msgspec.Raw]  # route and body

_pending = own_table(
    "pending",
    "id int key, state text, until int",
    "mac bytes",  # keyed hash of the call, or of what it is part of
    "sealed bytes",  # all that is said of it
)
_part = own_table(
    "pending_part",
    "of int key pending.id, n int key",
    "sealed bytes",  # route and body
)
_at, _row, _job = _pending.c, vault.c, import_job.c
_NEWEST = select(func.max(_at.id)).scalar_subquery()
_COUNT = (
    select(_row.type, _row.kind, vault_fields.c.fields, func.count())
    .join_from(vault, vault_fields)
    .group_by(_row.type, _row.kind, vault_fields.c.id, vault_fields.c.fields)
)


class PendingBook(SealedBook):
    """The calls, over own.db."""

    @writes
    def put(
        self,
        c: Connection,
        held: Held,
        body: bytes,
        part_of: str = "",
        *,
        again: bool = False,
    ) -> Held:
        """Keep a call, or one more part of what is open; return what is kept.

        The same call that waits already is not kept twice; nor is one, if it
        may be made `again`, that was confirmed within its time.
        """
        own = held.call, str(held.import_), body
        mac = self._mac(part_of) if part_of else self._mac(*own)
        state = _at.state == ("open" if part_of else held.state)
        if again:
            good = _at.state.in_(("confirmed", "done"))
            state |= good & (_at.until > self._clock())
        for there in self._found(c, _at.mac == mac, state):
            if not part_of:
                return there
            held = merged(there, held)
        if not held.id:
            held = replace(held, id=highest(c, _at.id) + 1)
            blank = {"state": "", "until": 0, "sealed": b""}
            row = {"id": held.id, "mac": mac, **blank}
            c.execute(insert(_pending).values(row))
        self._keep(c, held)
        n = c.scalar(select(func.count()).where(_part.c.of == held.id)) or 0
        part = held.call, msgspec.Raw(body)
        sealed = self._seal(part, "pending part", held.id, n)
        c.execute(insert(_part).values(of=held.id, n=n, sealed=sealed))
        if held.state == "waiting":
            tell(c, self._clock(), "waiting", held.news)
        return held

    @reads
    def get(self, c: Connection, id_: int) -> Held:
        """Return one.

        Raises:
            MissingError: there is none of that id.
        """
        for one in self._found(c, _at.id == id_):
            return one
        raise MissingError("review: none of that id")

    async def page(
        self, states: Collection[str], before: int = 0, limit: int = 1000
    ) -> list[Held]:
        """Return those of some states or of all, the newest first."""
        where = [_at.id < (before or 2**53)]
        where += [_at.state.in_(states)] if states else []
        return await self._db.read(lambda c: self._found(c, *where)[:limit])

    @reads
    def parts(
        self, c: Connection, id_: int, most: int | None = None
    ) -> list[Part]:
        """Return routes and bodies of a held call, in order; the first."""
        its = select(_part.c.n, _part.c.sealed).filter_by(of=id_)
        return [
            self._unseal(sealed, Part, "pending part", id_, n)
            for n, sealed in c.execute(its.order_by("n").limit(most))
        ]

    @writes
    def move(self, c: Connection, old: Held, new: Held) -> Held:
        """Change one, if it is in its old state still.

        Raises:
            StaleError: somebody else was faster.
        """
        if not self._found(c, _at.id == old.id, _at.state == old.state):
            raise StaleError("review: {id} was decided meanwhile", old)
        self._keep(c, new)
        return new

    async def forget(self) -> None:
        """Keep no body of what went: something that it said is erased."""
        went = select(_at.id).filter_by(state="after")
        await self._run(delete(_part).where(_part.c.of.in_(went)))

    @writes
    def lapse(self, c: Connection, part_of: str = "") -> None:
        """Let go what waited too long, or what is open and begun anew."""
        over = _at.until <= self._clock()
        if part_of:
            over = sa.and_(_at.mac == self._mac(part_of), _at.state == "open")
        for one in self._found(c, _at.state.in_(("open", "waiting")), over):
            self._keep(c, replace(one, state="lapsed"))

    async def counts(self) -> tuple[int, int]:
        """Return how many wait, and of how many the looking at is overdue."""
        found, now = await self.page(("waiting", "after")), self._clock()
        late = [one.state for one in found if one.until <= now]
        waiting = sum(one.state == "waiting" for one in found)
        return waiting - late.count("waiting"), late.count("after")

    # What was decided so long ago, but the newest: numbers go up.
    prune = pruning((_at.until, _at.id < _NEWEST, _at.state.in_(FINAL)))

    @writes
    def close_import(
        self, c: Connection, id_: int, end: ImportEnd
    ) -> tuple[Change, ...]:
        """Take nothing more into an import; return what it would say."""
        imports.close(c, id_, end)
        return summed(
            Change(
                NAMES[type_],
                kind,
                str(msgspec.json.decode(fields).get("label", "")),
                n,
            )
            for type_, kind, fields, n in c.execute(_COUNT.where(*_held(id_)))
        )

    @reads
    def staff(self, c: Connection, id_: int) -> list[str]:
        """Return who handed in the held rows of an import, by staff number."""
        names = select(_row.caller).where(*_held(id_)).distinct()
        its = select(bearer.c.staff).where(bearer.c.name.in_(names))
        return [*c.scalars(its)]

    @writes
    def release_import(self, c: Connection, id_: int) -> None:
        """Let the held rows of an import be published."""
        c.execute(update(vault).where(*_held(id_)).values(state=State.WAITING))

    def _mac(self, *of: str | bytes) -> bytes:
        return self._hash("pending", *of)

    def _keep(self, c: Connection, held: Held) -> None:
        row: dict[str, Any] = {"state": held.state, "until": held.until}
        row["sealed"] = self._seal(held, "pending", held.id, *row.values())
        c.execute(update(_pending).filter_by(id=held.id).values(row))
        if held.state in FINAL:
            c.execute(delete(_part).filter_by(of=held.id))
        if held.state in FORBORNE and held.import_:
            c.execute(delete(vault).where(*_held(held.import_)))
            over = update(import_job).filter_by(id=held.import_)
            over = over.where(_job.finished_at.is_(None))
            c.execute(over.values(finished_at=self._clock()))

    def _found(self, c: Connection, *where: Any) -> list[Held]:
        rows = select(_at.id, _at.state, _at.until, _at.sealed)
        rows = rows.where(*where).order_by(_at.id.desc()).limit(1000)
        return [
            self._unseal(sealed, Held, "pending", *clear)
            for *clear, sealed in c.execute(rows)
        ]


def _held(import_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return _row.import_id == import_id, _row.state == State.HELD
