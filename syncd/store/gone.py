"""Find what a list had and its newest file lacks.

A value is gone when the import did not find it; it is due to be taken back
when the import before, too, did not. What was refused counts as present: its
cell is known again; where it is not, what mended rows brought stays. Taken
back are reports that lists brought and no other list holds now; official ones
never. Where that looks like a mistake it stops until somebody names the
number.
"""

import sqlalchemy as sa
from sqlalchemy import Connection, func, select, update

from syncd.errors import Message, MissingError, RefusedError
from syncd.flows.submission import ImportEnd
from syncd.indicator.active import OFFICIAL
from syncd.store import imports, retracting
from syncd.store.database import Database
from syncd.store.portable import public_field
from syncd.store.tables import (
    import_job,
    import_list,
    import_refused,
    list_value,
    vault,
    vault_fields,
)

MOST = 100  # rows that one import takes back unasked
PART = 100  # one of so many of a list, likewise
REASON = "list_dropped"
_at, _job = list_value.c, import_job.c
# Reports that lists brought, on what one has not found for so long and no
# other holds now. No retract of ours can end what stands in a log that ended.
_held, _vault = list_value.alias(), vault.c
_DUE = (
    select(_vault.id, _vault.value_mac)
    .select_from(list_value)
    .join(vault, _vault.value_mac == _at.mac)
    .join(vault_fields)
    .where(
        _vault.type == 1,
        _vault.state < 2,
        sa.or_(_vault.state == 0, _vault.log_id == retracting.NEWEST),
        _vault.import_id.is_not(None),
        public_field(vault_fields.c.fields, "evidence").not_in(
            sorted(OFFICIAL)
        ),
        ~sa.exists().where(
            import_list.c.id != _at.list_id,
            _held.c.list_id == import_list.c.id,
            _held.c.mac == _at.mac,
            _held.c.last >= func.coalesce(import_list.c.latest, 0),
        ),
    )
)
# What was found last in rows that somebody mended: it may stand in the file
# as one of the rows that are refused still, and that no cell tells us of.
_MENDED = select(_job.id).filter_by(list_id=_at.list_id, whole=2)


async def finish(
    db: Database, import_id: int, end: ImportEnd, now: int, day: str
) -> None:
    """Note that an import has ended; count and take back what is gone.

    `now` is in unix seconds, `day` the one in the roster's zone. Running it
    again changes nothing.

    Raises:
        RefusedError: more would be taken back than goes unasked; the import
            has not ended.
        MissingError: there is no such import.
    """
    # For itself: it stays so where the rest is refused.
    await db.write(lambda c: imports.close(c, import_id, end))
    await db.write(lambda c: _finish(c, import_id, end, now, day))


def _finish(
    c: Connection, import_id: int, end: ImportEnd, now: int, day: str
) -> None:
    before = func.coalesce(import_list.c.latest, 0)
    wanted = select(_job.list_id, _job.refused, _job.finished_at, before)
    wanted = wanted.join_from(
        import_job, import_list, import_list.c.id == _job.list_id
    )
    job = c.execute(wanted.where(_job.id == import_id)).first()
    if job is None:
        raise MissingError("import: none of that id")
    list_id, refused, finished_at, latest = job
    if finished_at is not None:
        return
    counts = (0, 0, 0)
    # An import before the newest that has ended says nothing of the list.
    if latest < import_id and (end.complete or end.gone):
        lost = [_at.list_id == list_id, _at.last < latest]
        if _touch_refused(c, import_id, list_id):
            lost.append(_at.last.not_in(_MENDED))
        gone = _count(c, list_id, import_id)
        found = dict(map(tuple, c.execute(_DUE.where(*lost))))
        due = len(set(found.values()))
        counts = (gone, due, due if end.gone else 0)
        if end.gone:
            if due and due != end.gone_at_most:
                _check(due, _count(c, list_id), refused, end)
            retracting.by_ids(c, found, retracting.Terms(REASON, day, (1,)))
            c.execute(sa.delete(list_value).where(*lost))
        if end.complete or due:
            this = update(import_list).filter_by(id=list_id)
            c.execute(this.values(latest=import_id))
    done = dict(zip(("gone", "due", "dropped"), counts, strict=True))
    ended = update(import_job).filter_by(id=import_id)
    c.execute(ended.values(finished_at=now, **done))


def _check(due: int, size: int, refused: int, end: ImportEnd) -> None:
    may = min(MOST, size // PART)
    if end.gone_at_most is not None:
        may = min(may, end.gone_at_most)
    if not end.complete:
        why = Message("the file ended early")
    elif refused > imports.MOST_REFUSED:
        why = Message(
            "{refused} rows were refused, too many to know them again",
            refused=refused,
        )
    elif due > may:
        why = Message("at most {may} go unasked", may=may)
    else:
        return
    raise RefusedError(
        "gone: {due} of the list's {size} values would be taken back: {why}",
        due=due,
        size=size,
        why=why,
    )


def _count(c: Connection, list_id: int, before: int = 2**53) -> int:
    """Return how many values a list has, last found before an import."""
    lost = (_at.list_id == list_id, _at.last < before)
    return c.scalar(select(func.count()).where(*lost)) or 0


def _touch_refused(c: Connection, import_id: int, list_id: int) -> bool:
    """Have what was refused count as found: its cell was there.

    Tell whether there are refused rows whose cell is nothing's that we know.
    """
    lost = (_at.list_id == list_id, _at.last < import_id)
    raw = import_refused.c.raw
    cells = select(raw).filter_by(import_id=import_id)
    unknown = cells.where(raw.not_in(select(_at.raw).where(*lost)))
    any_ = c.execute(unknown.limit(1)).first()
    found = update(list_value).where(*lost, _at.raw.in_(cells))
    c.execute(found.values(last=import_id))
    return any_ is not None
