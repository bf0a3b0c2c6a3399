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
from syncd.flows.ports import State, VaultRow
from syncd.flows.submission import ImportMark, Outcome, Submission
from syncd.indicator import record
from syncd.store import failpoint, retracting, sealing
from syncd.store.accepting import accept
from syncd.store.book import SealedBook
from syncd.store.hot import select_in
from syncd.store.imports import Refused
from syncd.store.retracting import Terms, Withdrawn
from syncd.store.sealing import Cipher

_ROW = (
    "SELECT vault.id, type, kind, sealed, fields, fields_mac, state, urgent,"
    " accepted_at, import_id, log.origin, idx, ended_idx,"
    " coalesce(epoch, 0) AS epoch, coalesce(token, x'') AS token,"
    " coalesce(reason, '') AS reason, coalesce(caller, '') AS \"by\","
    " coalesce(elsewhere, '') AS elsewhere"
    " FROM vault JOIN vault_fields ON vault_fields.id = vault.fields_id"
    " LEFT JOIN log ON log.id = vault.log_id"
)


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows of the vault are meant; what is empty does not matter."""

    before: int = 0  # smaller ids only
    limit: int = 100
    states: Collection[State] = ()
    kind: str = ""
    values: Sequence[tuple[str, str]] = field(default=(), repr=False)
    label: str = ""
    caller: str = ""
    import_id: int = 0
    list_id: int = 0
    seen: tuple[str, str] = ("", "")  # days, from and to
    accepted: tuple[int, int] = (0, 0)  # unix seconds, from and before
    type: int = 0  # of the statement


class Vault(SealedBook):
    """The vault, over own.db."""

    async def accept(
        self,
        reports: Sequence[NewReport],
        mark: ImportMark | None = None,
        how: Submission | None = None,
        refused: Sequence[Refused] = (),
    ) -> list[Outcome]:
        """Keep what is new; durable on return, in the order given.

        All in one transaction, the import's mark with it, and what of that
        step was `refused`.

        Raises:
            StaleError: the import is not at `mark.old_offset` any more.
        """
        terms = how or Submission()

        def job(c: sa.Connection) -> list[Outcome]:
            given = (reports, self._cipher, self._clock(), terms)
            return accept(c, *given, mark, refused)

        def then() -> None:
            if mark is not None:
                failpoint.hit("import.committed")

        return await self._db.write(job, then)

    # --------------------------------------------------------- reading

    async def waiting(
        self, limit: int, kinds: Sequence[str]
    ) -> list[VaultRow]:
        """Return rows to publish: urgent ones first, then the oldest."""

        def job(c: sa.Connection) -> list[VaultRow]:
            # Kind by kind: where holders are down, a million waiting phones
            # must not be walked to find one URL.
            rows = [
                self._opened(**row)
                for kind in kinds
                for urgent in (1, 0)
                for row in c.exec_driver_sql(
                    f"{_ROW} WHERE state = 0 AND kind = ? AND urgent = ?"
                    " ORDER BY vault.id LIMIT ?",
                    (kind, urgent, limit),
                ).mappings()
            ]
            rows.sort(key=lambda row: (not row.urgent, row.id))
            return rows[:limit]

        return await self._db.read(job)

    async def ending(self, limit: int) -> list[VaultRow]:
        """Return rows whose reports are to be retracted, oldest first."""
        where = "WHERE state = 2 ORDER BY vault.id LIMIT ?"
        return await self._rows(where, limit)

    async def find_value(self, kind: str, value: str) -> list[VaultRow]:
        """Return all rows about one identifier, ended ones too."""
        return await self._find(
            sealing.mac(self._cipher, "value", kind, value)
        )

    async def find_token(
        self, kind: str, epoch: int, token: bytes
    ) -> list[VaultRow]:
        """Return all rows that were made by a token, ended ones too."""
        return await self._find(
            sealing.mac(self._cipher, "token", kind, epoch, token)
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

    async def page(self, wanted: Query) -> list[VaultRow]:
        """Return rows, newest first."""
        where, values = _where(self._cipher, wanted)
        sql = f"WHERE {where} ORDER BY vault.id DESC LIMIT ?"
        return await self._rows(sql, *values, wanted.limit)

    async def counts(self) -> dict[tuple[str, State], int]:
        """Return the number of rows of each kind and state."""

        def job(c: sa.Connection) -> dict[tuple[str, State], int]:
            rows = c.exec_driver_sql(
                "SELECT kind, state, count(*) FROM vault GROUP BY kind, state"
            )
            return {(kind, State(state)): n for kind, state, n in rows}

        return await self._db.read(job)

    async def of_import(self, import_id: int) -> list[int]:
        """Return the ids of all rows that an import brought."""
        return await self._db.read(
            lambda c: [
                *c.exec_driver_sql(
                    "SELECT id FROM vault WHERE import_id = ?", (import_id,)
                ).scalars()
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

    async def retract(self, ids: Iterable[int], how: Terms) -> Withdrawn:
        """Have rows end; return what came of it."""
        return await self._db.write(lambda c: retracting.by_ids(c, ids, how))

    async def retire(self, epochs: Iterable[tuple[str, int]]) -> None:
        """End the rows that were published under retired epochs."""
        found = [*epochs]
        await self._db.write(lambda c: retracting.retire(c, found))

    # -------------------------------------------------------- innards

    async def _rows(self, where: str, *values: object) -> list[VaultRow]:
        return await self._db.read(
            lambda c: [
                self._opened(**row)
                for row in c.exec_driver_sql(
                    f"{_ROW} {where}", values
                ).mappings()
            ]
        )

    def _opened(
        self,
        fields: bytes,
        fields_mac: bytes,
        sealed: bytes | None,
        origin: str,
        idx: int | None,
        ended_idx: int | None,
        **row: Any,
    ) -> VaultRow:
        value, again = "", ""
        try:
            if sealed is not None:
                context = sealing.context(row["type"], row["kind"], fields_mac)
                value, again = msgspec.json.decode(
                    self._cipher.open(sealed, context), type=tuple[str, str]
                )
            content = record.decode(row["type"], fields)
        except (DamagedError, msgspec.DecodeError) as e:
            raise DamagedError(
                "vault: row {id} does not open", id=row["id"]
            ) from e
        row |= {"state": State(row["state"]), "urgent": bool(row["urgent"])}
        return VaultRow(
            **row,
            value=value,
            again=again,
            fields=content,
            position=None if idx is None else (origin, idx),
            ended_by=None if ended_idx is None else (origin, ended_idx),
        )


def _where(cipher: Cipher, wanted: Query) -> tuple[str, list[object]]:
    """Return the conditions of a query, and their values.

    Labels and days stand in the public fields, which many rows share: so each
    distinct one is judged once.
    """
    macs = [sealing.mac(cipher, "value", k, v) for k, v in wanted.values]
    states = [int(state) for state in wanted.states]
    first, last = wanted.accepted
    seen_from, seen_to = wanted.seen
    parts: list[tuple[str, Sequence[object]]] = [
        ("vault.id < ?", [wanted.before] if wanted.before else []),
        (f"state IN ({_marks(states)})", states),
        ("vault.type = ?", [wanted.type] if wanted.type else []),
        ("vault.kind = ?", [wanted.kind] if wanted.kind else []),
        ("caller = ?", [wanted.caller] if wanted.caller else []),
        ("import_id = ?", [wanted.import_id] if wanted.import_id else []),
        (
            "EXISTS (SELECT 1 FROM list_value WHERE list_id = ?"
            " AND mac = vault.value_mac)",
            [wanted.list_id] if wanted.list_id else [],
        ),
        ("accepted_at >= ?", [first] if first else []),
        ("accepted_at < ?", [last] if last else []),
        (_said("label", "= ?"), [wanted.label] if wanted.label else []),
        (_said("seen", ">= ?"), [seen_from] if seen_from else []),
        (_said("seen", "BETWEEN '0' AND ?"), [seen_to] if seen_to else []),
        (
            "vault.id IN (SELECT vault_id FROM vault_value"  # noqa: S608
            f" WHERE mac IN ({_marks(macs)}))",
            [mac[:8] for mac in macs],
        ),
        (f"value_mac IN ({_marks(macs)})", macs),
    ]
    asked = [(sql, values) for sql, values in parts if values]
    text = " AND ".join(sql for sql, _ in asked) or "vault.id > 0"
    return text, [v for _, values in asked for v in values]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values)) or "NULL"


def _said(name: str, test: str) -> str:
    """Return the condition that a public field passes a test."""
    return (
        "fields_id IN (SELECT id FROM vault_fields"  # noqa: S608
        f" WHERE json_extract(CAST(fields AS TEXT), '$.{name}') {test})"
    )
