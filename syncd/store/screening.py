"""Screening: whom of its own customers a member wants to hear of.

Of a customer's value neither the value nor the token is kept: an HMAC of the
token under a key of this home finds the row when a report comes in, and the
token's output beyond its 16 bytes is sealed, by which `know` is checked. The
house's reference and what the alliance says are sealed too.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from syncd.flows.ports import Position
from syncd.store import events
from syncd.store.database import Database, chunks
from syncd.store.sealing import Cipher, screening_mac
from syncd.store.tables import OWN, Bytes, Int, Text

Key = tuple[str, int, bytes]  # kind, epoch, token

_IN = 512  # hashes that one statement asks for

screened = sa.Table(
    "screened",
    OWN,
    sa.Column("id", Int, primary_key=True),
    sa.Column("mac", Bytes, nullable=False),  # 16 bytes: of the token
    sa.Column("ref", Bytes, nullable=False),  # 16 bytes: of the reference
    sa.Column("kind", Text, nullable=False),
    sa.Column("epoch", Int, nullable=False),
    sa.Column("until", Int, nullable=False),  # first day on which it is gone
    sa.Column("sealed", Bytes, nullable=False),  # output[16:48] ‖ reference
    sa.Column("state", Bytes, nullable=True),  # sealed; None: not listed
    sa.UniqueConstraint("mac", "ref", name="screened_once"),
)
_listed = screened.c.state.is_not(None)
sa.Index("screened_ref", screened.c.ref)
sa.Index("screened_until", screened.c.until)
sa.Index(
    "screened_listed",
    screened.c.id,
    sqlite_where=sa.text("state IS NOT NULL"),
    postgresql_where=sa.text("state IS NOT NULL"),
)

screening_run = sa.Table(  # reports that were made: who saw what, and when
    "screening_run",
    OWN,
    sa.Column("id", Int, primary_key=True),
    sa.Column("at", Int, nullable=False),
    sa.Column("caller", Text, nullable=False),
    sa.Column("details", Bytes, nullable=False),  # JSON: filters and counts
)


class Listed(msgspec.Struct, frozen=True):
    """What the alliance says of an entry that is listed."""

    verdict: str
    action: str
    evidence: tuple[str, ...]
    roles: tuple[str, ...]
    positions: tuple[Position, ...]
    handling: str  # code: no_tip_off if any report asks for it
    since: int  # unix seconds


class Entered(NamedTuple):
    """A customer's token that is to be screened for."""

    key: Key
    tail: bytes  # 32 bytes: output[16:48]
    reference: str
    until: int  # days since 1970


@dataclass(frozen=True, slots=True)
class Screened:
    """An entry."""

    id: int
    kind: str
    epoch: int
    until: int
    tail: bytes
    reference: str
    listed: Listed | None


class Run(NamedTuple):
    """A report that was made."""

    id: int
    at: int  # unix seconds
    caller: str
    details: Mapping[str, Any]


class _Filter:
    """Tells in memory that a hash is not kept: 16 MiB, whatever is kept.

    What it lets through is looked for in the database: a fifteenth of what is
    not there, at ten million entries.
    """

    def __init__(self) -> None:
        self._bits = bytearray(1 << 24)

    def add(self, mac: bytes) -> None:
        """Let a hash through from now on."""
        n = int.from_bytes(mac[:4], "big") >> 5
        self._bits[n >> 3] |= 1 << (n & 7)

    def __contains__(self, mac: bytes) -> bool:
        n = int.from_bytes(mac[:4], "big") >> 5
        return bool(self._bits[n >> 3] & 1 << (n & 7))


class ScreeningBook:
    """The entries, over own.db."""

    def __init__(
        self, database: Database, cipher: Cipher, clock: Callable[[], int]
    ) -> None:
        self._db = database
        self._cipher = cipher
        self._clock = clock
        self._loading = threading.Lock()
        self._filter: _Filter | None = None

    async def put(self, rows: Sequence[Entered]) -> list[int]:
        """Keep entries, renewing those that are there; return their ids."""

        def job(c: sa.Connection) -> list[int]:
            made, known = [self._row(row) for row in rows], self._known(c)
            for row in made:  # of a filter that is there: no load missed them
                known.add(row["mac"])
            return [int(c.execute(_PUT, row).scalar_one()) for row in made]

        return await self._db.write(job)

    async def find(self, keys: Sequence[Key]) -> list[tuple[Key, Screened]]:
        """Return the entries on some tokens."""

        def job(c: sa.Connection) -> list[tuple[Key, Screened]]:
            known = self._known(c)
            macs = {
                mac: key
                for key in keys
                if (mac := screening_mac(self._cipher, *key)) in known
            }
            return [
                (macs[row.mac], self._opened(row))
                for some in chunks(sorted(macs), _IN)
                for row in c.execute(_FIND, {"macs": some})
            ]

        return await self._db.read(job)

    def _known(self, c: sa.Connection) -> _Filter:
        """Return the filter, made of all hashes when it is asked for first."""
        with self._loading:
            if self._filter is None:
                made = _Filter()
                for mac in c.scalars(sa.select(screened.c.mac)):
                    made.add(mac)
                self._filter = made
            return self._filter

    async def listed(self) -> list[Screened]:
        """Return all that are listed."""
        return await self._rows(_listed)

    async def page(self, after: int, limit: int) -> list[Screened]:
        """Return entries behind one, in the order of their ids."""
        return await self._rows(screened.c.id > after, limit)

    async def move(
        self,
        states: Mapping[int, Listed | None],
        told: Sequence[Mapping[str, Any]],
    ) -> None:
        """Keep what is said of some entries now, with its events."""
        where = screened.c.id == sa.bindparam("entry")
        change = sa.update(screened).where(where)
        rows = [
            {
                "entry": id_,
                "state": state
                and self._cipher.seal(msgspec.json.encode(state), _state(id_)),
            }
            for id_, state in states.items()
        ]

        def job(c: sa.Connection) -> None:
            c.execute(change.values(state=sa.bindparam("state")), rows)
            for data in told:
                events.tell(c, self._clock(), "screening", data)

        if rows:
            await self._db.write(job)

    async def end(self, ids: Sequence[int], reference: str = "") -> int:
        """Drop entries, by ids or by the house's reference; tell how many."""
        by_id = screened.c.id.in_(ids)
        by_reference = screened.c.ref == self._ref(reference)
        return await self._drop(by_reference if reference else by_id)

    async def expire(self, day: int) -> int:
        """Drop what ends on a day or before; tell how many."""
        return await self._drop(screened.c.until <= day)

    async def counts(self) -> Counter[tuple[str, int, int]]:
        """Return how many there are by kind, epoch and last day."""
        by = (screened.c.kind, screened.c.epoch, screened.c.until)
        count = sa.select(*by, sa.func.count()).group_by(*by)
        return await self._db.read(
            lambda c: Counter({(*by,): n for *by, n in c.execute(count)})
        )

    async def file(self, caller: str, details: Mapping[str, Any]) -> Run:
        """Keep that a report was made; durable on return."""
        at, raw = self._clock(), msgspec.json.encode(details)
        row = {"at": at, "caller": caller, "details": raw}
        made = sa.insert(screening_run).returning(screening_run.c.id)
        id_ = await self._db.write(lambda c: c.execute(made, row).scalar_one())
        return Run(id_, at, caller, details)

    async def runs(self, limit: int = 1000) -> list[Run]:
        """Return the reports that were made, newest first."""
        wanted = sa.select(screening_run).order_by(screening_run.c.id.desc())
        rows = await self._db.read(
            lambda c: c.execute(wanted.limit(limit)).all()
        )
        return [
            Run(id_, at, caller, msgspec.json.decode(details))
            for id_, at, caller, details in rows
        ]

    # ---------------------------------------------------------------- rows

    async def _rows(
        self, where: sa.ColumnElement[bool], limit: int | None = None
    ) -> list[Screened]:
        rows = sa.select(screened).where(where).order_by(screened.c.id)
        return await self._db.read(
            lambda c: [self._opened(r) for r in c.execute(rows.limit(limit))]
        )

    async def _drop(self, where: sa.ColumnElement[bool]) -> int:
        gone = sa.delete(screened).where(where)
        return await self._db.write(lambda c: c.execute(gone).rowcount)

    def _ref(self, reference: str) -> bytes:
        return self._cipher.mac(b"screening-ref\0" + reference.encode())

    def _row(self, one: Entered) -> dict[str, Any]:
        mac, ref = (
            screening_mac(self._cipher, *one.key),
            self._ref(one.reference),
        )
        plain = one.tail + one.reference.encode()
        return {
            "mac": mac,
            "ref": ref,
            "kind": one.key[0],
            "epoch": one.key[1],
            "until": one.until,
            "sealed": self._cipher.seal(plain, _CONTEXT + mac),
        }

    def _opened(self, row: Any) -> Screened:
        plain = self._cipher.open(row.sealed, _CONTEXT + row.mac)
        state = row.state and msgspec.json.decode(
            self._cipher.open(row.state, _state(row.id)), type=Listed
        )
        return Screened(
            *(row.id, row.kind, row.epoch, row.until),
            *(plain[:32], plain[32:].decode(), state),
        )


_CONTEXT = b"syncd-screening-v1\0"
_insert = insert(screened)
_PUT = _insert.on_conflict_do_update(
    index_elements=("mac", "ref"), set_={"until": _insert.excluded.until}
).returning(screened.c.id)
_FIND = sa.select(screened).where(
    screened.c.mac.in_(sa.bindparam("macs", expanding=True))
)


def _state(id_: int) -> bytes:
    return b"syncd-screening-state-v1\0%d" % id_
