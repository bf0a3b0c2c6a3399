"""Claims in mirror.db: everybody's, by token and by position."""

from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from typing import Any

import sqlalchemy as sa

from syncd.errors import MalformedError
from syncd.flows.ports import Position
from syncd.indicator import claims as claim_rows
from syncd.indicator import codec, statement
from syncd.indicator.claims import Claim, Row
from syncd.indicator.statement import Retract
from syncd.store import bundles as bundle_rows
from syncd.store import erasing, log_rows
from syncd.store.book import Book
from syncd.store.database import FEW, Database
from syncd.store.hot import select_in
from syncd.store.tables import claim, mirror_log
from syncd.tlog.merkle import BUNDLE

_ROWS = 64  # of some tokens, that are read at once
_PAGE = 10_000  # rows read at a time when all are walked
_TOKENS_KEPT = 65_536  # tokens of entries that claims rest on
READ = 10_000  # disputes of one log that are looked at, the newest
OF_ONE = 500  # of these, that are returned: nobody crowds out the others'
_DISPUTES = sa.text("substr(record, 1, 1) = x'03' AND ended_by IS NULL")

sa.Index("claim_dispute", claim.c.log_id, claim.c.idx, sqlite_where=_DISPUTES)

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

        if few := len(tokens) <= FEW:  # a member says as much as it likes
            there = await self._db.rows(
                "SELECT 1 FROM claim WHERE kind_epoch = ? AND token IN "  # noqa: S608
                f"({','.join('?' * len(tokens))}) LIMIT {_ROWS + 1}",
                *(key, *tokens),
                few=True,
            )
            few = len(there) <= _ROWS
        return await self._db.read(job, few=few)

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

        def job(c: sa.Connection) -> list[Claim]:
            logs = c.execute(sa.select(mirror_log.c.id, mirror_log.c.origin))
            names = dict(map(tuple, logs))
            mine = [id_ for id_, origin in names.items() if origin in ours]
            return [
                Claim.parse(origin, (token, index, key, record))
                for id_, origin in names.items()
                for token, index, key, record in c.execute(
                    _disputes(id_, mine)
                )
            ]

        return await self._db.read(job)

    async def taken_back(
        self,
        tokens: Sequence[bytes],
        key: tuple[int, int],
        reasons: Collection[str],
        ours: Collection[str],
    ) -> Mapping[bytes, tuple[str, str]]:
        """Return origin and reason for each token that somebody took back.

        Args:
            tokens: 16 bytes each.
            key: kind and epoch that they are of.
            reasons: of a retract, that matter.
            ours: origins of our own logs, which do not.
        """

        def job(c: sa.Connection) -> dict[bytes, tuple[str, str]]:
            rows = select_in(
                c,
                "SELECT token, origin, log_id, ended_by"
                " FROM claim JOIN log ON id = log_id"
                " WHERE kind_epoch = ? AND ended_by IS NOT NULL"
                " AND substr(record, 1, 1) = x'01' AND token IN (?*)",
                list(dict.fromkeys(tokens)),
                claim_rows.key(*key),
            )
            found: dict[bytes, tuple[str, str]] = {}
            read: dict[tuple[int, int], str] = {}  # one retract names many
            for token, origin, log_id, by in sorted(
                rows, key=lambda row: row[2:]
            ):
                if origin in ours:
                    continue
                if (log_id, by) not in read:
                    read[log_id, by] = _reason(_payload(c, log_id, by))
                if read[log_id, by] in reasons:
                    found[token] = (origin, read[log_id, by])
            return found

        return await self._db.read(job)

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

    async def rows(
        self, origin: str, size: int
    ) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows of `origin` that stand at a size ≤ `merged`.

        In order of the token, some thousand at a time, each page from one
        snapshot. Rows are only added above `merged`, and marked with the
        index that ended them, so merging between two pages changes nothing.
        """
        log_id = await self._db.read(lambda c: log_rows.id_of(c, origin))
        token, key, index = b"", -1, -1
        while page := await self._db.rows(
            "SELECT token, idx, kind_epoch, record FROM claim"
            " WHERE (token, kind_epoch, log_id, idx) > (?, ?, ?, ?)"
            " AND log_id = ? AND idx < ?"
            " AND (ended_by IS NULL OR ended_by >= ?)"
            " ORDER BY token, kind_epoch, log_id, idx LIMIT ?",
            *(token, key, log_id, index, log_id, size, size, _PAGE),
        ):
            yield page
            token, index, key, _ = page[-1]


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
    value = erasing.token_of(_payload(c, log_id, index))
    if value:
        if len(known) >= _TOKENS_KEPT:
            known.clear()
        known[log_id, index] = value
    return value


def _payload(c: sa.Connection, log_id: int, index: int) -> bytes:
    """Return the payload of an entry, b"" if none is here."""
    bundle = bundle_rows.get(c, log_id, index // BUNDLE)
    if bundle is None or index % BUNDLE >= bundle.width:
        return b""
    return codec.payload_at(bundle, index % BUNDLE)


def _reason(payload: bytes) -> str:
    """Return why a retract says it was written, "" if it does not any more."""
    try:
        content = statement.decode(payload, 2)
    except MalformedError:  # erased
        return ""
    return content.reason if isinstance(content, Retract) else ""


def _disputes(log_id: int, mine: Collection[int]) -> sa.Select[Any]:
    """Select the newest disputes of a log on what others have a claim on."""
    newest = sa.select(claim).where(claim.c.log_id == log_id, _DISPUTES)
    newest = newest.order_by(claim.c.idx.desc()).limit(READ)
    one, beside = newest.subquery(), claim.alias()
    concerns = sa.exists().where(
        beside.c.token == one.c.token,
        beside.c.kind_epoch == one.c.kind_epoch,
        beside.c.log_id.in_(mine),
    )
    row = one.c.token, one.c.idx, one.c.kind_epoch, one.c.record
    return sa.select(*row).where(concerns).limit(OF_ONE)


def _in_force(
    origin: str, index: int, ended_by: int | None, at: Sizes | None
) -> bool:
    """Tell whether a claim stands, now or at some sizes."""
    if at is None:
        return ended_by is None
    size = at.get(origin, 0)
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
