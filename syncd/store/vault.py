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

from collections.abc import (
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from syncd.errors import DamagedError
from syncd.flows.draft import NewReport
from syncd.flows.ports import Ending, Waiting
from syncd.indicator import record, statement
from syncd.store import failpoint, retracting, sealing, searching
from syncd.store.accepting import (
    Accepted,
    HeldBack,
    Known,
    Submission,
    accept,
)
from syncd.store.book import SealedBook
from syncd.store.database import select_in
from syncd.store.imports import ImportMark
from syncd.store.retracting import Terms, Withdrawn
from syncd.store.searching import Query
from syncd.store.vault_state import State

__all__ = [
    "Accepted",
    "HeldBack",
    "ImportMark",
    "Known",
    "NewReport",
    "Query",
    "State",
    "Submission",
    "Vault",
    "VaultRow",
    "Withdrawn",
]

SCANNED = 20_000  # rows that one page looks through, if few of them match


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultRow(Waiting):
    """One row, opened."""

    extras: bytes = field(repr=False)
    state: State
    accepted_at: int  # unix seconds
    import_id: int | None
    index: int | None  # of its statement in our log
    ended_index: int | None  # of its retract
    reason: str  # why it ends
    origin: str = ""  # the log of ours that its statement is in
    caller: str = ""  # who handed it in
    elsewhere: str = ""  # another member took it back: MEMBER REASON


_ROW = (
    "SELECT vault.id, type, kind, sealed, fields, fields_mac, state, urgent,"
    " accepted_at, import_id, idx, ended_idx, epoch, token, reason,"
    " (SELECT origin FROM log WHERE log.id = vault.log_id), caller,"
    " elsewhere"
    " FROM vault JOIN vault_fields ON vault_fields.id = vault.fields_id"
)


class Vault(SealedBook):
    """The vault, over own.db."""

    async def accept(
        self,
        reports: Sequence[NewReport],
        mark: ImportMark | None = None,
        how: Submission | None = None,
    ) -> list[Accepted | Known | HeldBack]:
        """Keep what is new; durable on return, in the order given.

        All in one transaction, the import's mark with it.

        Raises:
            StaleError: the import is not at `mark.old_offset` any more.
        """

        def step() -> list[Accepted | Known | HeldBack]:
            job = accept(
                reports, self._cipher, self._clock(), how or Submission(), mark
            )
            outcomes = self._db.write_now(job)
            if mark is not None:
                failpoint.hit("import.committed")
            return outcomes

        return await self._db.in_writer(step)

    # --------------------------------------------------------- reading

    async def waiting(
        self, limit: int, kinds: Sequence[str]
    ) -> list[VaultRow]:
        """Return rows to publish: urgent ones first, then the oldest."""

        def job(c: sa.Connection) -> list[VaultRow]:
            # Kind by kind: where holders are down, a million waiting phones
            # must not be walked to find one URL.
            rows = [
                self._opened(row)
                for kind in kinds
                for urgent in (1, 0)
                for row in c.exec_driver_sql(
                    f"{_ROW} WHERE state = 0 AND kind = ? AND urgent = ?"
                    " ORDER BY vault.id LIMIT ?",
                    (kind, urgent, limit),
                )
            ]
            rows.sort(key=lambda row: (not row.urgent, row.id))
            return rows[:limit]

        return await self._db.read(job)

    async def ending(self, limit: int) -> list[Ending]:
        """Return rows whose reports are to be retracted, oldest first."""

        def job(c: sa.Connection) -> list[Ending]:
            rows = c.exec_driver_sql(
                "SELECT id, kind, epoch, token, idx, reason FROM vault"
                " WHERE state = 2 ORDER BY id LIMIT ?",
                (limit,),
            )
            return [Ending(*row) for row in rows]

        return await self._db.read(job)

    async def get(self, id_: int) -> VaultRow | None:
        """Return one row."""
        rows = await self._rows("WHERE vault.id = ?", id_)
        return rows[0] if rows else None

    async def find_value(self, kind: str, value: str) -> list[VaultRow]:
        """Return all rows about one identifier, ended ones too."""
        return await self._find(sealing.value_mac(self._cipher, kind, value))

    async def find_token(
        self, kind: str, epoch: int, token: bytes
    ) -> list[VaultRow]:
        """Return all rows that were made by a token, ended ones too."""
        return await self._find(
            sealing.token_mac(self._cipher, kind, epoch, token)
        )

    async def _find(self, mac: bytes) -> list[VaultRow]:
        return await self._rows(
            "JOIN vault_value ON vault_value.vault_id = vault.id"
            " WHERE mac = ? AND value_mac = ? ORDER BY vault.id",
            mac[:8],
            mac,
        )

    async def by_index(self, origin: str, index: int) -> VaultRow | None:
        """Return the row whose statement is at `index` of a log of ours."""
        rows = await self._rows(
            "WHERE idx = ? AND log_id = (SELECT id FROM log WHERE origin = ?)",
            index,
            origin,
        )
        return rows[0] if rows else None

    async def page(self, wanted: Query) -> tuple[list[VaultRow], int]:
        """Return rows, newest first, and `before` of the next page or 0.

        Where few rows match, a page may hold less than its limit and still
        not be the last: it looks through so many, and says how to go on.
        """
        where, values = searching.where(self._cipher, wanted)

        def job(c: sa.Connection) -> tuple[list[VaultRow], int]:
            found: list[VaultRow] = []
            marked: dict[bytes, bool] = {}
            rows = c.exec_driver_sql(
                f"{_ROW} WHERE {where} ORDER BY vault.id DESC LIMIT ?",
                (*values, SCANNED),
            )
            for number, row in enumerate(rows, 1):
                fields = row[4]
                if fields not in marked:
                    marked[fields] = searching.matches(fields, wanted)
                if marked[fields]:
                    found.append(self._opened(row))
                if len(found) == wanted.limit or number == SCANNED:
                    return found, row[0]
            return found, 0

        return await self._db.read(job)

    async def counts(self) -> dict[tuple[str, State], int]:
        """Return the number of rows of each kind and state."""

        def job(c: sa.Connection) -> dict[tuple[str, State], int]:
            rows = c.exec_driver_sql(
                "SELECT kind, state, count(*) FROM vault GROUP BY kind, state"
            )
            return {(kind, State(state)): n for kind, state, n in rows}

        return await self._db.read(job)

    async def tokens(
        self, ids: Sequence[int]
    ) -> list[tuple[int, str, int, bytes]]:
        """Return id, kind, epoch and token of reports that are published."""
        return await self._db.read(
            lambda c: [
                *select_in(
                    c,
                    "SELECT id, kind, epoch, token FROM vault"
                    " WHERE type = 1 AND state = 1 AND token IS NOT NULL"
                    " AND sealed IS NOT NULL AND id IN (?*)",
                    ids,
                )
            ]
        )

    async def in_force(self, ids: Sequence[int]) -> set[int]:
        """Return which of the rows wait or are published."""
        sql = "SELECT id FROM vault WHERE state < 2 AND id IN (?*)"
        return await self._db.read(
            lambda c: {id_ for (id_,) in select_in(c, sql, ids)}
        )

    async def note_elsewhere(self, notes: Mapping[int, str]) -> None:
        """Note on rows what another member took their values back for."""
        rows = [(text, id_) for id_, text in notes.items()]

        def job(c: sa.Connection) -> None:
            c.exec_driver_sql(
                "UPDATE vault SET elsewhere = ? WHERE id = ?", rows
            )

        if rows:
            await self._db.write(job)

    # ------------------------------------------------------ retracting

    async def retract(
        self,
        ids: Sequence[int],
        reason: str,
        types: Collection[int] = tuple(record.KEPT),
        *,
        day: str = "",
    ) -> Withdrawn:
        """Have rows of some types end; return what came of it."""
        how = Terms(reason, day or self._day(), types)
        if not ids:
            return Withdrawn()
        return await self._db.write(lambda c: retracting.by_ids(c, ids, how))

    async def retract_import(
        self, import_id: int, reason: str, *, day: str = ""
    ) -> Withdrawn:
        """Have all rows that an import brought end, likewise."""
        how = Terms(reason, day or self._day())
        return await self._db.write(
            lambda c: retracting.by_import(c, import_id, how)
        )

    async def retire(self, epochs: Iterable[tuple[str, int]]) -> None:
        """End the rows that were published under retired epochs."""
        found = [*epochs]
        await self._db.write(lambda c: retracting.retire(c, found))

    # -------------------------------------------------------- innards

    def _day(self) -> str:
        return statement.day_text(self._clock() // 86_400)

    async def _rows(self, where: str, *values: object) -> list[VaultRow]:
        return await self._db.read(
            lambda c: [
                self._opened(row)
                for row in c.exec_driver_sql(f"{_ROW} {where}", values)
            ]
        )

    def _opened(self, row: Sequence[Any]) -> VaultRow:
        (
            id_,
            type_,
            kind,
            sealed,
            fields,
            fields_mac,
            state,
            urgent,
            accepted_at,
            import_id,
            index,
            ended_index,
            epoch,
            token,
            reason,
            origin,
            caller,
            elsewhere,
        ) = row
        value, extras = "", b""
        try:
            if sealed is not None:
                context = sealing.context(type_, kind, fields_mac)
                plain = self._cipher.open(sealed, context)
                value, extras = sealing.split(plain)
            content = record.decode(type_, fields)
        except (DamagedError, msgspec.DecodeError) as e:
            raise DamagedError("vault: row {id} does not open", id=id_) from e
        return VaultRow(
            id=id_,
            type=type_,
            kind=kind,
            value=value,
            extras=extras,
            fields=content,
            state=State(state),
            urgent=bool(urgent),
            accepted_at=accepted_at,
            import_id=import_id,
            index=index,
            ended_index=ended_index,
            epoch=epoch,
            token=token,
            reason=reason or "",
            origin=origin or "",
            caller=caller or "",
            elsewhere=elsewhere or "",
        )
