"""Find what a list had and its newest file lacks.

A value is gone when the import did not find it; it is due to be taken back
when the import before, too, did not. What was refused counts as present: its
cell is known again; where it is not, what mended rows brought stays. Taken
back are reports that lists brought and no other list holds now; official ones
never. Where that looks like a mistake it stops until somebody names the
number.
"""

from typing import Final

import sqlalchemy as sa

from syncd import canonical
from syncd.errors import MissingError, RefusedError
from syncd.flows.submission import ImportEnd
from syncd.indicator.active import OFFICIAL
from syncd.store import retracting
from syncd.store.database import Database
from syncd.store.imports import MOST_REFUSED
from syncd.store.retracting import Terms

MOST = 100  # rows that one import takes back unasked
PART = 100  # one of so many of a list, likewise
REASON = "list_dropped"
# Reports that lists brought, on what one has not found for so long and no
# other holds now. No retract of ours can end what stands in a log that ended.
_DUE: Final = (
    "SELECT vault.id, value_mac FROM list_value"
    " JOIN vault_value ON vault_value.mac = substr(list_value.mac, 1, 8)"
    " JOIN vault ON vault.id = vault_id AND value_mac = list_value.mac"
    " JOIN vault_fields ON vault_fields.id = fields_id"
    ' WHERE list_id = ? AND "last" < ?'
    " AND state < 2 AND type = 1 AND import_id IS NOT NULL"
    " AND (state = 0 OR log_id = (SELECT max(id) FROM log))"
    " AND json_extract(CAST(fields AS TEXT), '$.evidence') NOT IN"
    " (SELECT value FROM json_each(?))"
    " AND NOT EXISTS (SELECT 1 FROM import_list AS other"
    " JOIN list_value AS held ON held.list_id = other.id"
    " WHERE other.id <> list_value.list_id AND held.mac = list_value.mac"
    ' AND held."last" >= coalesce(other.latest, 0))'
)
# What was found last in rows that somebody mended: it may stand in the file
# as one of the rows that are refused still, and that no cell tells us of.
_MENDED: Final = (
    ' AND "last" NOT IN (SELECT id FROM import_job'
    " WHERE import_job.list_id = list_value.list_id AND whole = 2)"
)
_HINT: Final = "look at the list; if it is right, say --gone-at-most {due}"


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
    sql = (
        "UPDATE import_job SET whole = ? WHERE id = ? AND finished_at IS NULL"
    )
    values = (1 if end.complete else 2, import_id)
    await db.write(lambda c: c.exec_driver_sql(sql, values))
    await db.write(lambda c: _finish(c, import_id, end, now, day))


def _finish(
    c: sa.Connection, import_id: int, end: ImportEnd, now: int, day: str
) -> None:
    job = c.exec_driver_sql(
        "SELECT list_id, refused, finished_at, coalesce(latest, 0)"
        " FROM import_job JOIN import_list ON import_list.id = list_id"
        " WHERE import_job.id = ?",
        (import_id,),
    ).fetchone()
    if job is None:
        raise MissingError("import: none of that id")
    list_id, refused, finished_at, before = job
    if finished_at is not None:
        return
    counts = (0, 0, 0)
    # An import before the newest that has ended says nothing of the list.
    if before < import_id and (end.complete or end.gone):
        but = _MENDED if _touch_refused(c, import_id, list_id) else ""
        gone = _count(c, list_id, import_id)
        official = canonical.dumps(sorted(OFFICIAL)).decode()
        rows = c.exec_driver_sql(f"{_DUE}{but}", (list_id, before, official))
        found = {row.id: row.value_mac for row in rows}
        due = len(set(found.values()))
        counts = (gone, due, due if end.gone else 0)
        if end.gone:
            if due and due != end.gone_at_most:
                _check(due, _count(c, list_id), refused, end)
            retracting.by_ids(c, found, Terms(REASON, day, (1,)))
            c.exec_driver_sql(
                "DELETE FROM list_value"  # noqa: S608
                f' WHERE list_id = ? AND "last" < ?{but}',
                (list_id, before),
            )
        if end.complete or due:
            c.exec_driver_sql(
                "UPDATE import_list SET latest = ? WHERE id = ?",
                (import_id, list_id),
            )
    c.exec_driver_sql(
        "UPDATE import_job SET finished_at = ?, gone = ?, due = ?,"
        " dropped = ? WHERE id = ?",
        (now, *counts, import_id),
    )


def _check(due: int, size: int, refused: int, end: ImportEnd) -> None:
    may = min(MOST, size // PART)
    if end.gone_at_most is not None:
        may = min(may, end.gone_at_most)
    if not end.complete:
        raise RefusedError(
            "gone: the file ended early; {due} of the list's {size} values"
            " would be taken back",
            hint=_HINT,
            due=due,
            size=size,
        )
    if refused > MOST_REFUSED:
        raise RefusedError(
            "gone: {refused} rows were refused, too many to know them again;"
            " {due} of the list's {size} values would be taken back",
            hint=_HINT,
            refused=refused,
            due=due,
            size=size,
        )
    if due > may:
        raise RefusedError(
            "gone: {due} of the list's {size} values would be taken back, at"
            " most {may} go unasked",
            hint=_HINT,
            due=due,
            size=size,
            may=may,
        )


def _count(c: sa.Connection, list_id: int, before: int = 2**53) -> int:
    """Return how many values a list has, last found before an import."""
    return int(
        c.exec_driver_sql(
            'SELECT count(*) FROM list_value WHERE list_id = ? AND "last" < ?',
            (list_id, before),
        ).scalar_one()
    )


def _touch_refused(c: sa.Connection, import_id: int, list_id: int) -> bool:
    """Have what was refused count as found: its cell was there.

    Tell whether there are refused rows whose cell is nothing's that we know.
    """
    lost = 'FROM list_value WHERE list_id = ? AND "last" < ?'
    cells = "SELECT raw FROM import_refused WHERE import_id = ?"
    unknown = c.exec_driver_sql(
        f"{cells} AND raw NOT IN (SELECT raw {lost}) LIMIT 1",
        (import_id, list_id, import_id),
    ).fetchone()
    c.exec_driver_sql(
        'UPDATE list_value SET "last" = ?'  # noqa: S608
        f' WHERE list_id = ? AND "last" < ? AND raw IN ({cells})',
        (import_id, list_id, import_id, import_id),
    )
    return unknown is not None
