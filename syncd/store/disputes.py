"""Find the disputes that concern some logs: against them, or theirs."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from syncd.indicator.claims import Claim
from syncd.store.tables import claim, mirror_log

READ = 10_000  # disputes of one log that are looked at, the newest
OF_ONE = 500  # of these, that are returned: nobody crowds out the others'
_STANDS = sa.text("substr(record, 1, 1) = x'03' AND ended_by IS NULL")

sa.Index("claim_dispute", claim.c.log_id, claim.c.idx, sqlite_where=_STANDS)


def find(c: sa.Connection, ours: Collection[str]) -> list[Claim]:
    """Return disputes in force on what a log of `ours` has a claim on too."""
    logs = c.execute(sa.select(mirror_log.c.id, mirror_log.c.origin)).all()
    mine = [id_ for id_, origin in logs if origin in ours]
    return [
        Claim.parse(origin, (token, index, key, record))
        for id_, origin in logs
        for token, index, key, record in c.execute(_of_log(id_, mine))
    ]


def _of_log(log_id: int, mine: Collection[int]) -> sa.Select[Any]:
    newest = sa.select(claim).where(claim.c.log_id == log_id, _STANDS)
    newest = newest.order_by(claim.c.idx.desc()).limit(READ)
    one, beside = newest.subquery(), claim.alias()
    concerns = sa.exists().where(
        beside.c.token == one.c.token,
        beside.c.kind_epoch == one.c.kind_epoch,
        beside.c.log_id.in_(mine),
    )
    row = one.c.token, one.c.idx, one.c.kind_epoch, one.c.record
    return sa.select(*row).where(concerns).limit(OF_ONE)
