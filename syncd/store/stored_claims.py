"""Claims in mirror.db: everybody's, by token and by position."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam, or_, select, tuple_

from syncd.errors import MalformedError
from syncd.flows.ports import Position
from syncd.indicator import claims as claim_rows
from syncd.indicator import codec, statement
from syncd.indicator.claims import REPORT, Claim
from syncd.store import bundles as bundle_rows
from syncd.store import erasing, log_rows
from syncd.store.book import Book, Clock, reads
from syncd.store.database import FEW, Database
from syncd.store.prepared import MANY, Prepared, given
from syncd.store.tables import DISPUTES, claim, mirror_log, record_is
from syncd.tlog.merkle import BUNDLE

_ROWS = 64  # of some tokens, that are read at once
_TOKENS_KEPT = 65_536  # tokens of entries that claims rest on
READ = 10_000  # disputes of one log that are looked at, the newest
OF_ONE = 500  # of these, that are returned: nobody crowds out the others'

Sizes = Mapping[str, int]  # merged entries, by origin

held, log = claim.c, mirror_log.c
_AND_LOG = claim.join(mirror_log, log.id == held.log_id)
_OF_TOKENS = given(held.kind_epoch), held.token.in_(MANY)
_STANDS = held.ended_by.is_(None)
_PAIR, _PLACE = [held.token, held.kind_epoch], [held.log_id, held.idx]
_OF_ALL = (
    select(*(held.token, log.origin, held.idx, held.record, held.ended_by))
    .select_from(_AND_LOG)
    .where(*_OF_TOKENS)
)
_FIRST = Prepared(_OF_ALL.limit(_ROWS + 1))  # ended ones are read too
_FOUND = Prepared(
    _OF_ALL.where(or_(_STANDS, bindparam("past", type_=sa.Boolean)))
)
_PLACED = Prepared(
    select(held.kind_epoch, held.record, held.ended_by).where(
        given(held.token, *_PLACE)
    )
)
_ENDED = Prepared(  # reports
    select(held.token, log.origin, held.log_id, held.ended_by)
    .select_from(_AND_LOG)
    .where(*_OF_TOKENS, held.ended_by.is_not(None), record_is(REPORT))
)


_LAST = [
    bindparam(f"last_{column.name}", type_=column.type) for column in _PAIR
]
_NEXT = (
    select(*_PAIR)
    .distinct()
    .where(tuple_(*_PAIR) > tuple_(*_LAST), _STANDS)
    .order_by(*_PAIR)
    .limit(bindparam("limit"))
    .subquery()
)
_SAME = sa.and_(*(_NEXT.c[column.name] == column for column in _PAIR))
_PAGE_OF_ALL = Prepared(
    select(*_PAIR, log.origin, held.idx, held.record)
    .select_from(_AND_LOG.join(_NEXT, _SAME))
    .where(_STANDS)
    .order_by(*_PAIR, *_PLACE)
)


class StoredClaims(Book):
    """The claims that stand, or stood at some sizes of the logs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self._tokens = dict[tuple[int, int], bytes]()  # by (log_id, index)
        self.cuts = 0  # how often `forget` was called

    def forget(self) -> None:
        """Look anew what stands at each index: a log was cut.

        A read that began before goes on with the old tokens, and leaves
        nothing behind.
        """
        self._tokens = {}
        self.cuts += 1

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
        each = dict.fromkeys(tokens)

        def opened(rows: Iterable[Any]) -> dict[bytes, list[Claim]]:
            found = defaultdict[bytes, list[Claim]](list)
            for value, origin, idx, record, ended_by in rows:
                if _in_force(origin, idx, ended_by, at):
                    row = Claim.parse(origin, value, idx, key, record)
                    found[value].append(row)
            return dict(found)

        if len(tokens) <= FEW:  # a member says as much as it likes
            rows = await self._db.read(
                lambda c: [*_FIRST.within(c, each, key)], few=True
            )
            if len(rows) <= _ROWS:
                return opened(rows)
        past = at is not None
        return await self._db.read(
            lambda c: opened(_FOUND.within(c, each, key, past))
        )

    @reads
    def claims_at(
        self,
        c: Connection,
        positions: Sequence[Position],
        at: Sizes | None = None,
    ) -> Mapping[Position, Claim]:
        """Return the claims in force at some positions: for a `basis`.

        There is no index by position; the entry itself names its token.
        """
        known = self._tokens
        found = dict[Position, Claim]()
        for origin, index in positions:
            log_id = log_rows.id_of(c, origin)
            value = _token_at(c, known, log_id, index)
            for key, record, by in _PLACED.all(c, value, log_id, index):
                if _in_force(origin, index, by, at):
                    row = Claim.parse(origin, value, index, key, record)
                    found[origin, index] = row
        return found

    @reads
    def disputes(self, c: Connection, ours: Collection[str]) -> list[Claim]:
        """Return disputes in force on what `ours` have a claim on too."""
        any_ = sa.exists().where(claim.c.log_id == mirror_log.c.id, DISPUTES)
        names = mirror_log.c.id, mirror_log.c.origin
        logs = c.execute(select(*names, any_)).all()
        mine = [id_ for id_, origin, _ in logs if origin in ours]
        return [
            Claim.parse(origin, token, index, key, record)
            for id_, origin, disputes in logs
            if disputes
            for token, index, key, record in c.execute(_disputes(id_, mine))
        ]

    @reads
    def taken_back(
        self,
        c: Connection,
        tokens: Sequence[bytes],
        key: tuple[int, int],
        reasons: Collection[str],
        ours: Collection[str],
    ) -> Mapping[bytes, tuple[str, str]]:
        """Return origin and reason for each token that somebody took back.

        Args:
            c: the snapshot.
            tokens: 16 bytes each.
            key: kind and epoch that they are of.
            reasons: of a retract, that matter.
            ours: origins of our own logs, which do not.
        """
        rows = _ENDED.within(c, dict.fromkeys(tokens), claim_rows.key(*key))
        found = dict[bytes, tuple[str, str]]()
        read = dict[tuple[int, int], str]()  # one retract names many
        for token, origin, log_id, by in sorted(rows, key=lambda row: row[2:]):
            if origin in ours:
                continue
            if (log_id, by) not in read:
                read[log_id, by] = _reason(_payload(c, log_id, by))
            if read[log_id, by] in reasons:
                found[token] = (origin, read[log_id, by])
        return found

    @reads
    def page(
        self, c: Connection, after: tuple[bytes, int], limit: int
    ) -> list[tuple[bytes, int, list[Claim]]]:
        """Return the next tokens that have claims in force, with these.

        Each is (token, key, claims), in the order of (token, key); `after`
        is such a pair, (b"", 0) for the first page.
        """
        found = defaultdict[tuple[bytes, int], list[Claim]](list)
        rows = _PAGE_OF_ALL.all(c, *after, limit)
        for value, number, origin, idx, record in rows:
            row = Claim.parse(origin, value, idx, number, record)
            found[value, number].append(row)
        return [(*pair, claims) for pair, claims in found.items()]


def _token_at(
    c: Connection, known: dict[tuple[int, int], bytes], log_id: int, index: int
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


def _payload(c: Connection, log_id: int, index: int) -> bytes:
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
    return content.reason if isinstance(content, statement.Retract) else ""


def _disputes(log_id: int, mine: Collection[int]) -> sa.Select[Any]:
    """Select the newest disputes of a log on what others have a claim on."""
    newest = select(claim).where(claim.c.log_id == log_id, DISPUTES)
    newest = newest.order_by(claim.c.idx.desc()).limit(READ)
    one, beside = newest.subquery(), claim.alias()
    concerns = sa.exists().where(
        beside.c.token == one.c.token,
        beside.c.kind_epoch == one.c.kind_epoch,
        beside.c.log_id.in_(mine),
    )
    row = one.c.token, one.c.idx, one.c.kind_epoch, one.c.record
    return select(*row).where(concerns).limit(OF_ONE)


def _in_force(
    origin: str, index: int, ended_by: int | None, at: Sizes | None
) -> bool:
    """Tell whether a claim stands, now or at some sizes."""
    if at is None:
        return ended_by is None
    size = at.get(origin, 0)
    return index < size and (ended_by is None or ended_by >= size)
