"""The next generation of our log: it begins where the last one ended."""

from typing import NamedTuple

import sqlalchemy as sa

from syncd.errors import DamagedError
from syncd.flows.ports import OwnHead
from syncd.roster.members import Cut
from syncd.store import bundles, retracting
from syncd.store.database import Database
from syncd.store.own import begin, id_of
from syncd.store.tables import log


class Succession(NamedTuple):
    """A log of ours that takes over from one that has ended."""

    head: OwnHead  # of the new log, at size 0
    before: str  # origin of the one that ended
    end: Cut  # where it did, as the roster says


def succeed(database: Database, succession: Succession) -> None:
    """Begin the next log, unless it is there; all or nothing.

    What stands in the old log behind its end counts for nobody, so those
    reports wait again and will stand in the new one; and what was to be
    retracted, and no longer can be, is published again.
    """
    head = succession.head

    def job(c: sa.Connection) -> None:
        if not id_of(c, head.origin):
            begin(c, head)
            if old := id_of(c, succession.before):
                retracting.turn(c, old, _common(c, old, succession))

    database.write_now(job)


def _common(c: sa.Connection, log_id: int, succession: Succession) -> int:
    """Return how many entries of an old log of ours count for all.

    None, if it is not the log that the roster ended: where the two parted is
    not known here, and a report that stands twice does less harm than one
    that stands nowhere.
    """
    end = succession.end
    wanted = sa.select(log.c.size).where(log.c.id == log_id)
    size = int(c.execute(wanted).scalar_one())
    if size < end.size:
        return size  # rolled back: what we have is how it began
    try:
        root = bundles.root_at(c, log_id, succession.before, end.size)
    except DamagedError:
        return 0
    return end.size if root == end.root else 0
