"""Claims in mirror.db: everybody's, by token and by position."""

from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from functools import partial

import sqlalchemy as sa

from syncd.flows.ports import Position
from syncd.indicator import claims as claim_rows
from syncd.indicator import codec
from syncd.indicator.claims import Claim, Row
from syncd.store import bundles as bundle_rows
from syncd.store import disputes as dispute_rows
from syncd.store import elsewhere, erasing, log_rows
from syncd.store.book import Book
from syncd.store.database import FEW, Database, select_in
from syncd.tlog.merkle import BUNDLE

_PAGE = 10_000  # rows read at a time when all are walked
_TOKENS_KEPT = 65_536  # tokens of entries that claims rest on

Key = tuple[bytes, int, int, int]  # (token, key, log_id, index) of a claim
Sizes = Mapping[str, int]  # merged entries, by origin


class StoredClaims(Book):
    """The claims that stand, or stood at some sizes of the logs."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        super().__init__(database, clock)
        self._tokens: dict[tuple[int, int], bytes] = {}  # by (log_id, index)

    async def claims(
        self,
        tokens: Sequence[bytes],
        kind: int,
        epoch: int,
        at: Sizes | None = None,
    ) -> Mapping[bytes, Sequence[Claim]]:
        """Return the claims in force of each token that has any.

        In force: not ended by a retract, not erased; now, or `at` such
        sizes. Expired ones are among them: what a day makes of a claim is
        the verdict's work.
        """
        key = claim_rows.key(kind, epoch)

        def job(c: sa.Connection) -> dict[bytes, list[Claim]]:
            found: dict[bytes, list[Claim]] = {}
            for value, origin, idx, record, ended_by in select_in(
                c,
                "SELECT token, origin, idx, record, ended_by"
                " FROM claim JOIN log ON id = log_id"
                " WHERE kind_epoch = ? AND (ended_by IS NULL OR ?)"
                " AND token IN (?*)",
                list(dict.fromkeys(tokens)),
                *(key, at is not None),
            ):
                if _in_force(origin, idx, ended_by, at):
                    found.setdefault(value, []).append(
                        Claim.parse(origin, (value, idx, key, record))
                    )
            return found

        return await self._db.read(job, few=len(tokens) <= FEW)

    async def claims_at(
        self, positions: Sequence[Position], at: Sizes | None = None
    ) -> Mapping[Position, Claim]:
        """Return the claims in force at some positions: for a `basis`.

        There is no index by position; the entry itself names its token. A
        position of our own log is found only through `own`'s bundles, so
        the caller asks for those by token.
        """
        known = self._tokens

        def job(c: sa.Connection) -> dict[Position, Claim]:
            found: dict[Position, Claim] = {}
            for origin, index in positions:
                log_id = log_rows.id_of(c, origin)
                value = _token_at(c, known, log_id, index)
                claim = _claim(c, origin, log_id, index, value, at)
                if claim is not None:
                    found[origin, index] = claim
            return found

        return await self._db.read(job)

    async def claim_of(
        self, origin: str, index: int, value: bytes, at: Sizes | None = None
    ) -> Claim | None:
        """Return the claim in force at a position whose token is known."""
        return await self._db.read(
            lambda c: _claim(
                c, origin, log_rows.id_of(c, origin), index, value, at
            )
        )

    async def disputes(self, ours: Collection[str]) -> list[Claim]:
        """Return disputes in force on what `ours` have a claim on too."""
        return await self._db.read(lambda c: dispute_rows.find(c, ours))

    async def taken_back(
        self,
        tokens: Sequence[bytes],
        key: tuple[int, int],
        reasons: Collection[str],
        ours: Collection[str],
    ) -> Mapping[bytes, tuple[str, str]]:
        """Return who, by origin, took a token back, and why: not `ours`."""
        return await self._db.read(
            lambda c: elsewhere.find(c, tokens, key, reasons, ours)
        )

    async def page(
        self, after: tuple[bytes, int], limit: int
    ) -> list[tuple[bytes, int, list[Claim]]]:
        """Return the next tokens that have claims in force, with these.

        Each is (token, key, claims), in the order of (token, key); `after`
        is such a pair, (b"", 0) for the first page.
        """
        found: dict[tuple[bytes, int], list[Claim]] = {}
        for value, number, origin, idx, record in await self._db.rows(
            "SELECT c.token, c.kind_epoch, origin, c.idx, c.record"
            " FROM (SELECT DISTINCT token, kind_epoch FROM claim"
            " WHERE (token, kind_epoch) > (?, ?) AND ended_by IS NULL"
            " ORDER BY token, kind_epoch LIMIT ?) AS next"
            " JOIN claim AS c ON c.token = next.token"
            " AND c.kind_epoch = next.kind_epoch"
            " JOIN log ON log.id = c.log_id"
            " WHERE c.ended_by IS NULL"
            " ORDER BY c.token, c.kind_epoch, c.log_id, c.idx",
            *(*after, limit),
        ):
            row = value, idx, number, record
            found.setdefault((value, number), []).append(
                Claim.parse(origin, row)
            )
        return [(*pair, claims) for pair, claims in found.items()]

    async def rows(self, origin: str, size: int) -> AsyncIterator[list[Row]]:
        """Yield the rows of `origin` that stand at a size ≤ `merged`.

        In order of the token, some thousand at a time, each page from one
        snapshot. Rows are only added above `merged`, and marked with the
        index that ended them, so merging between two pages changes nothing.
        """
        log_id = await self._db.read(lambda c: log_rows.id_of(c, origin))
        after: Key | None = (b"", -1, -1, -1)
        while after is not None:
            page, after = await self._db.read(
                partial(_page, log_id=log_id, size=size, after=after)
            )
            if page:
                yield page


def _token_at(
    c: sa.Connection,
    known: dict[tuple[int, int], bytes],
    log_id: int,
    index: int,
) -> bytes:
    """Return the token that an entry names, b"" if none is here.

    What its bundle names is remembered in `known`: inflating one costs a
    look-up's worth of time.
    """
    value = known.get((log_id, index))
    if value is not None:
        return value
    bundle = bundle_rows.get(c, log_id, index // BUNDLE)
    if bundle is None or index % BUNDLE >= bundle.width:
        return b""
    value = erasing.token_of(codec.payload_at(bundle, index % BUNDLE))
    if value:
        if len(known) >= _TOKENS_KEPT:
            known.clear()
        known[log_id, index] = value
    return value


def _in_force(
    origin: str, index: int, ended_by: int | None, at: Sizes | None
) -> bool:
    """Tell whether a claim stands, now or at some sizes."""
    if at is None:
        return ended_by is None
    return _stood(index, ended_by, at.get(origin, 0))


def _stood(index: int, ended_by: int | None, size: int) -> bool:
    return index < size and (ended_by is None or ended_by >= size)


def _claim(
    c: sa.Connection,
    origin: str,
    log_id: int,
    index: int,
    value: bytes,
    at: Sizes | None,
) -> Claim | None:
    row = c.exec_driver_sql(
        "SELECT kind_epoch, record, ended_by FROM claim"
        " WHERE token = ? AND log_id = ? AND idx = ?",
        (value, log_id, index),
    ).fetchone()
    if row is None or not _in_force(origin, index, row[2], at):
        return None
    return Claim.parse(origin, (value, index, row[0], row[1]))


def _page(
    c: sa.Connection, *, log_id: int, size: int, after: Key
) -> tuple[list[Row], Key | None]:
    """Return what stands of one log among the next `_PAGE` rows of all."""
    rows = c.exec_driver_sql(
        "SELECT token, kind_epoch, log_id, idx, record, ended_by FROM claim"
        " WHERE (token, kind_epoch, log_id, idx) > (?, ?, ?, ?)"
        " ORDER BY token, kind_epoch, log_id, idx LIMIT ?",
        (*after, _PAGE),
    ).fetchall()
    page = [
        (value, idx, key, record)
        for value, key, owner, idx, record, ended_by in rows
        if owner == log_id and _stood(idx, ended_by, size)
    ]
    if len(rows) < _PAGE:
        return page, None
    value, key, owner, idx, _, _ = rows[-1]
    return page, (value, key, owner, idx)
