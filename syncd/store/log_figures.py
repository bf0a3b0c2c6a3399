"""What all merged logs say, counted by the database itself.

A million rows would keep the interpreter from answering look-ups.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Select, func, select

from syncd.indicator import vocabulary
from syncd.indicator.claims import DISPUTE, REPORT
from syncd.indicator.notation import day_text
from syncd.store.book import Book, reads
from syncd.store.portable import byte_place
from syncd.store.tables import ENDED, Bytes, claim, ending, record_is, spent
from syncd.store.tables import mirror_log as log
from syncd.store.tables import mirror_sighting as seen

Figures = dict[tuple[str, str, str], Counter[str]]
"""(month, member, label) → what is counted"""

# Bits of a report's flags (indicator/claims): 2 a test, 4 a case follows
_TESTS, _CASES = ([bytes((n,)) for n in range(8) if n & bit] for bit in (2, 4))


def _bytes(record: Any, *place: Any) -> Any:
    """Return some bytes: the first, from 1, and how many."""
    return func.substr(record, *place, type_=Bytes)


def _label(record: Any) -> Any:
    """Return the label of a report's record: its text's first word."""
    case = _bytes(record, 2, 1).in_(_CASES)
    text = sa.case((case, _bytes(record, 32)), else_=_bytes(record, 24))
    return _bytes(text, 1, byte_place(text, sa.literal(b" ", Bytes)) - 1)


def _label_on(row: Any) -> Any:
    """Return the label of a report on the token of a row: the first of all."""
    report = claim.alias().c
    label = _label(report.record)
    same = [report[n] == row[n] for n in ("token", "kind_epoch")]
    is_report = _bytes(report.record, 1, 1) == bytes((REPORT,))
    all_ = select(label).where(*same, is_report).order_by(label)
    return all_.limit(1).scalar_subquery()


def _counted(rows: Select[Any], *which: Any) -> Select[Any]:
    """Select distinct rows, and how many there are of each."""
    each = rows.where(*which).subquery().c
    return select(*each, func.count()).group_by(*each)


def _hour(index: Any) -> Any:
    """Return the hour in which an entry of a claim's log was merged."""
    later = select(spent.c.hour).where(
        spent.c.log_id == claim.c.log_id, spent.c.size > index
    )
    first = later.order_by(spent.c.size, spent.c.hour).limit(1)
    return first.scalar_subquery()


_held, _end, _seen = claim.c, ending.c, seen.c
_BEGAN, _ENDED = _hour(_held.idx), _hour(_held.ended_by)
_ON = _bytes(_held.record, 4, 4)
_REPORTS = _counted(
    select(
        *(_held.log_id, _label(_held.record), _ON, _end.day),
        sa.case((_end.day.is_not(None), _BEGAN // 24)).label("began"),
        sa.case((_end.day >= _ENDED // 24, _ENDED - _BEGAN)).label("hours"),
    ).outerjoin(ending, ENDED),
    *(record_is(REPORT), _bytes(_held.record, 2, 1).not_in(_TESTS)),
)
_SAID = _bytes(_held.record, 3, 4)
_DISPUTES = _counted(
    select(_held.log_id, _label_on(_held), _SAID), record_is(DISPUTE)
)
_LAST, _TIMES = _bytes(_seen.record, 10, 4), _bytes(_seen.record, 14, 1)
_SIGHTINGS = _counted(select(_seen.log_id, _label_on(_seen), _LAST, _TIMES))


class LogFigures(Book):
    """Counts over the claims and sightings of mirror.db."""

    @reads
    def figures(self, c: Connection, member: Callable[[str], str]) -> Figures:
        """Return `reports`, `retracted`, `disputes` and `sightings` by member.

        A report counts in the month of its `on`; a retracted one in that of
        its retract, with the hours from when we merged the one until we merged
        the other, or what their days leave of them, under `hours_least` and
        `hours_most`; a sighting in that of its last day, as often as it says
        at least. What is said of a value counts under a label of its reports,
        "" if it has none. Labels that we do not know are one, and tests do
        not count.
        """
        logs = c.execute(select(log.c.id, log.c.origin))
        members = {id_: member(origin) for id_, origin in logs}
        found: Figures = defaultdict(Counter)

        def add(of: int, label: bytes, day: int, **counts: int) -> None:
            word = label and vocabulary.read("label", label.decode())
            found[day_text(day)[:7], members[of], word or ""].update(counts)

        for of, label, on, end, began, hours, n in c.execute(_REPORTS):
            add(of, label, _day(on), reports=n)
            if end is not None:
                least = most = hours
                if hours is None or began > _day(on):  # came here late
                    days = max(end - _day(on), 0)
                    least, most = 24 * max(days - 1, 0), 24 * (days + 1)
                sums = {"hours_least": n * least, "hours_most": n * most}
                add(of, label, end, retracted=n, **sums)
        for of, label, on, n in c.execute(_DISPUTES):
            add(of, label, _day(on), disputes=n)
        for of, label, last, times, n in c.execute(_SIGHTINGS):
            add(of, label, _day(last), sightings=n * times[0])
        return found


def _day(raw: bytes) -> int:
    return int.from_bytes(raw, "big")
