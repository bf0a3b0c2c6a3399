"""The vault: the raw identifiers behind our own reports, encrypted.

A row is accepted once and goes one way, in the transaction of the append
that makes it so:

    WAITING ──append──▶ PUBLISHED ──retract──▶ ENDING ──append──▶ ENDED
       └──────────────────retract────────────────────────────────▶┘

What is said of a token, by whoever has no value, is a row without one. Row
by row, the identifier is sealed with AES-256-GCM under a random nonce;
what must be found again is found by keyed hashes. The key does not live in
the database. The statement's public fields stand in clear: they are going to
be public, and name nobody. What ends rows is `retracting`, what is accepted
`accepting`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from syncd.errors import DamagedError, becoming
from syncd.flows.draft import NewReport
from syncd.flows.ports import State, VaultRow
from syncd.flows.submission import ImportMark, Outcome, Submission
from syncd.indicator import record
from syncd.indicator.claims import ANSWER, DISPUTE
from syncd.shape import Secret
from syncd.store import failpoint, retracting
from syncd.store.accepting import accept
from syncd.store.book import SealedBook, reads, writing
from syncd.store.imports import Refused
from syncd.store.portable import public_field
from syncd.store.prepared import MANY, Prepared, given
from syncd.store.sealing import VaultCipher
from syncd.store.tables import list_value, log, stood, vault, vault_fields

_at, _less = vault.c, func.coalesce
_ROW = (
    select(
        *(_at.id, _at.type, _at.kind, _at.sealed, vault_fields.c.fields),
        *(_at.value_mac, _at.state, _at.urgent, _at.accepted_at),
        *(_at.import_id, log.c.origin, _at.idx, _at.ended_idx),
        _less(_at.epoch, 0).label("epoch"),
        _less(_at.token, b"").label("token"),
        _less(_at.reason, "").label("reason"),
        _less(_at.caller, "").label("by"),
        _less(_at.elsewhere, "").label("elsewhere"),
    )
    .join_from(vault, vault_fields)
    .outerjoin(log, log.c.id == _at.log_id)
)
_NAMES = _ROW.selected_columns.keys()
_OLDEST, _NEWEST = _ROW.order_by(_at.id), _ROW.order_by(_at.id.desc())
_STANDING = Prepared(
    select(_at.id).where(_at.state < State.ENDING, _at.id.in_(MANY))
)
# The text has the states' numbers: an index holds the rows of one alone.
_WAITING = Prepared(
    _OLDEST.where(
        _at.state == sa.literal_column("0"), given(_at.kind, _at.urgent)
    ).limit(bindparam("most"))
)
_ENDING = _OLDEST.where(_at.state == sa.literal_column("2"))
_STOOD = select(stood.c.vault_id).join(log)
_PLACES = Prepared(
    _STOOD.add_columns(
        stood.c.epoch, stood.c.token, log.c.origin, stood.c.idx
    ).where(stood.c.vault_id.in_(MANY), log.c.id == retracting.NEWEST)
)


class Query(Secret, frozen=True):
    """Which rows of the vault are meant; what is empty does not matter."""

    before: int = 0  # smaller ids only
    limit: int = 100
    states: Collection[State] = ()
    kind: str = ""
    values: Sequence[tuple[str, str]] = ()
    label: str = ""
    caller: str = ""
    import_id: int = 0
    list_id: int = 0
    accepted: tuple[int, int] = (0, 0)  # unix seconds, from and before
    type: int = 0  # of the statement
    epoch: int = 0  # that one, or older
    lasting: str = ""  # day: what has run its course by then is not meant
    ids: Collection[int] | None = None


class Vault(SealedBook):
    """The vault, over own.db."""

    async def accept(
        self,
        reports: Sequence[NewReport],
        mark: ImportMark | None = None,
        how: Submission | None = None,
        refused: Sequence[Refused] = (),
    ) -> list[Outcome]:
        """Keep what is new, as `accepting.accept` does; durable on return."""
        given = reports, self._cipher, self._clock(), how or Submission()

        def then() -> None:
            if mark is not None:
                failpoint.hit("import.committed")

        return await self._db.write(
            lambda c: accept(c, *given, mark, refused), then
        )

    @reads
    def waiting(
        self, c: Connection, limit: int, kinds: Sequence[str]
    ) -> list[VaultRow]:
        """Return rows to publish: urgent ones first, then the oldest."""
        # Kind by kind: where holders are down, a million waiting phones
        # must not be walked to find one URL.
        rows = [
            row
            for kind in kinds
            for urgent in (1, 0)
            for row in self._read(_WAITING.all(c, kind, urgent, limit))
        ]
        rows.sort(key=lambda row: (not row.urgent, row.id))
        return rows[:limit]

    @reads
    def ending(self, c: Connection, limit: int) -> list[VaultRow]:
        """Return rows whose reports are to be retracted, oldest first.

        Then those that stand under older keys too, as they stand there.
        """
        rows = self._read(c.execute(_ENDING.limit(limit)))
        by_id = {row.id: row for row in rows}
        return rows + [
            replace(by_id[id_], epoch=epoch, token=short, position=(*place,))
            for id_, epoch, short, *place in _PLACES.within(c, by_id)
        ]

    async def find_value(self, kind: str, value: str) -> list[VaultRow]:
        """Return all rows about one identifier, ended ones too."""
        its = _at.value_mac == self._hash("value", kind, value)
        return await self._found(_OLDEST.where(its))

    async def by_index(self, origin: str, index: int) -> VaultRow | None:
        """Return the row whose statement is, or was, at a log's `index`."""
        there = log.c.origin == origin
        was = _STOOD.where(there, stood.c.idx == index)
        rows = await self._found(_ROW.where(there, _at.idx == index))
        rows = rows or await self._found(_ROW.where(_at.id.in_(was)))
        return rows[0] if rows else None

    async def page(self, wanted: Query) -> list[VaultRow]:
        """Return rows, newest first."""
        where = _where(self._cipher, wanted)
        return await self._found(_NEWEST.where(*where).limit(wanted.limit))

    async def counts(self) -> dict[tuple[str, State], int]:
        """Return the number of rows of each kind and state."""
        by = (_at.kind, _at.state)
        rows = await self._rows(select(*by, func.count()).group_by(*by))
        return {(kind, State(state)): n for kind, state, n in rows}

    async def count(self, wanted: Query) -> int:
        """Return how many rows there are in all."""
        count = select(func.count()).where(*_where(self._cipher, wanted))
        [[n]] = await self._rows(count)
        return int(n)

    async def of_import(self, import_id: int) -> list[int]:
        """Return the ids of all rows that an import brought."""
        ids = select(_at.id).filter_by(import_id=import_id)
        return [id_ for (id_,) in await self._rows(ids)]

    @reads
    def in_force(self, c: Connection, ids: Sequence[int]) -> set[int]:
        """Return which of the rows wait or are published."""
        return {id_ for (id_,) in _STANDING.within(c, ids)}

    async def note_elsewhere(self, notes: Mapping[int, str]) -> None:
        """Note on rows what another member took their values back for."""
        note = sa.update(vault).values(elsewhere=bindparam("text"))
        note = note.filter_by(id=bindparam("row"))
        rows = [{"row": id_, "text": text} for id_, text in notes.items()]
        if rows:
            await self._run(note, rows)

    retract = writing(retracting.by_ids)
    retire = writing(retracting.retire)

    async def _found(self, wanted: sa.Select[Any]) -> list[VaultRow]:
        return await self._db.read(lambda c: self._read(c.execute(wanted)))

    def _read(self, rows: Iterable[Sequence[Any]]) -> list[VaultRow]:
        return [
            self._opened(**dict(zip(_NAMES, row, strict=True))) for row in rows
        ]

    def _opened(
        self,
        fields: bytes,
        value_mac: bytes,
        sealed: bytes | None,
        origin: str,
        idx: int | None,
        ended_idx: int | None,
        **row: Any,
    ) -> VaultRow:
        value, again = "", ""
        with becoming(
            "vault: row {id} does not open",
            DamagedError,
            DamagedError,
            msgspec.DecodeError,
            id=row["id"],
        ):
            if sealed is not None:
                of = "vault", row["type"], row["kind"], value_mac, fields
                value, again = self._unseal(sealed, tuple[str, str], *of)
            content = record.decode(row["type"], fields)
        row |= {"state": State(row["state"]), "urgent": bool(row["urgent"])}
        return VaultRow(
            **row,
            value=value,
            again=again,
            fields=content,
            position=None if idx is None else (origin, idx),
            ended_by=None if ended_idx is None else (origin, ended_idx),
        )


def _where(cipher: VaultCipher, asked: Query) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of a query."""
    first, last = asked.accepted
    if asked.before:
        yield _at.id < asked.before
    if asked.ids is not None:
        yield _at.id.in_(asked.ids)
    if asked.states:
        yield _at.state.in_([*map(int, asked.states)])
    for name in ("type", "kind", "caller", "import_id"):
        if value := getattr(asked, name):
            yield _at[name] == value
    if asked.list_id:
        held, of = list_value.c, list_value.c.list_id == asked.list_id
        yield sa.exists().where(of, held.mac == _at.value_mac)
    if first:
        yield _at.accepted_at >= first
    if last:
        yield _at.accepted_at < last
    if asked.epoch:
        yield _at.epoch <= asked.epoch
    if asked.lasting:
        # What a dispute did to reports that nobody answered for stays.
        ends = public_field(vault_fields.c.fields, "expires") > asked.lasting
        said = select(vault_fields.c.id).where(ends)
        yield _at.type.between(DISPUTE, ANSWER) | _at.fields_id.in_(said)
    if asked.label:
        # Judged once for all rows that share their public fields.
        label = public_field(vault_fields.c.fields, "label")
        said = select(vault_fields.c.id).where(label == asked.label)
        yield _at.fields_id.in_(said)
    if asked.values:
        macs = [cipher.hash_of("value", *one) for one in asked.values]
        yield _at.value_mac.in_(macs)
