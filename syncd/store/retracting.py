"""Retract rows of the vault, and mark what an append made public.

All of it runs inside somebody's transaction: functions over a connection.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from syncd.errors import StaleError
from syncd.flows.ports import Published, State
from syncd.indicator.record import KEPT
from syncd.indicator.vocabulary import ABOUT_THE_VALUE
from syncd.store.hot import chunks, execute_many, select_in

AT_ONCE = 10_000  # rows that are walked
RETURNED = 1000  # ids or positions of a retraction that are returned


@dataclass(slots=True)
class Withdrawn:
    """What came of a retraction."""

    ends: Counter[int] = field(default_factory=Counter)  # by type
    already: int = 0  # were ending or ended before
    spared: int = 0  # stand on, since their type was not meant
    ids: list[int] = field(default_factory=list)  # that end, some of them
    past: list[tuple[str, int]] = field(default_factory=list)
    # where some stand that no retract of ours can end


_IN_FORCE = (
    "SELECT vault.id, type, state, idx, origin,"
    " log_id < (SELECT max(id) FROM log)"
    " FROM vault LEFT JOIN log ON log.id = vault.log_id"
    " WHERE vault.id IN (?*)"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """How rows are to end."""

    reason: str
    day: str  # on which it was asked for, in the roster's zone
    types: Collection[int] = tuple(KEPT)


def by_ids(c: sa.Connection, ids: Iterable[int], how: Terms) -> Withdrawn:
    """Have rows end; return what came of it.

    A waiting row ends at once: nothing of it is public. Should it be on its
    way into the log just now, the append turns it into ENDING. A log ends
    only what it said itself: what stands in one that has ended is `past`.
    """
    done = Withdrawn()
    for some in chunks(sorted({*ids}), AT_ONCE):
        rows = select_in(c, _IN_FORCE, some)
        # Short lists are padded: a row may come twice.
        _withdraw(c, dict.fromkeys(rows), how, done)
    return done


def retire(c: sa.Connection, epochs: Iterable[tuple[str, int]]) -> None:
    """End the rows that were published under retired epochs.

    Their statements are erased, so nothing is left to retract. Values stay,
    and may be reported again.
    """
    found = [*epochs]
    execute_many(
        c,
        "UPDATE vault SET state = 3, token = NULL,"
        " reason = coalesce(reason, 'retired')"
        " WHERE state IN (1, 2) AND kind = ? AND epoch = ?",
        found,
    )
    execute_many(
        c,
        "UPDATE vault SET token = NULL WHERE kind = ? AND epoch = ?",
        found,
    )


def publish(
    c: sa.Connection, log_id: int, published: Sequence[Published]
) -> None:
    """Mark rows as published or ended, inside the append's transaction.

    Raises:
        StaleError: a row was published or ended before.
    """
    fresh = [
        (log_id, p.index, p.token, p.epoch, p.vault_id)
        for p in published
        if not p.ends
    ]
    ended = [(p.index, p.vault_id) for p in published if p.ends]
    if fresh:
        # A row that was retracted while it was on its way goes on to ENDING.
        done = c.exec_driver_sql(
            "UPDATE vault SET state = CASE state WHEN 0 THEN 1 ELSE 2 END,"
            " log_id = ?, idx = ?, token = ?, epoch = ?"
            " WHERE id = ? AND idx IS NULL",
            fresh,
        )
        _all(done.rowcount, len(fresh), "published")
    if ended:
        done = c.exec_driver_sql(
            "UPDATE vault SET state = 3, ended_idx = ?"
            " WHERE id = ? AND state = 2",
            ended,
        )
        _all(done.rowcount, len(ended), "ended")


def turn(c: sa.Connection, log_id: int, size: int) -> None:
    """Take leave of a log of which `size` entries count.

    Reports behind that wait again, and stand in the next log; what would
    have ended one before it, and did not, is undone: a log can only end what
    it said itself.
    """
    c.exec_driver_sql(
        "UPDATE vault SET state = CASE state WHEN 1 THEN 0 ELSE 3 END,"
        " log_id = NULL, idx = NULL, ended_idx = NULL,"
        # What was said of a token has nothing else to be said of again.
        " token = CASE WHEN sealed IS NULL THEN token END,"
        " epoch = CASE WHEN sealed IS NULL THEN epoch END"
        " WHERE log_id = ? AND idx >= ?",
        (log_id, size),
    )
    c.exec_driver_sql(
        "UPDATE vault SET state = 1, ended_idx = NULL, held = 0"
        " WHERE log_id = ? AND (state = 2 OR ended_idx >= ?)",
        (log_id, size),
    )


def _all(count: int, want: int, what: str) -> None:
    if count != want:
        raise StaleError(
            "vault: {want} rows were {what} before",
            want=want - count,
            what=what,
        )


def _withdraw(
    c: sa.Connection,
    rows: Iterable[Sequence[Any]],
    how: Terms,
    done: Withdrawn,
) -> None:
    """Have those of the rows (`_IN_FORCE`) end that can; count all."""
    live, again = [], []
    for id_, type_, state, index, origin, past in rows:
        if state >= State.ENDING:
            done.already += type_ in how.types
            if type_ == 1 and _holds(how):  # it ended for less, perhaps
                again.append((how.reason, how.day, id_))
        elif type_ not in how.types:
            done.spared += 1
        elif past and state == State.PUBLISHED:
            done.past.append((origin, index))
        else:
            held = int(type_ == 1 and _holds(how))
            live.append((how.reason, how.day, held, id_))
            done.ends[type_] += 1
    if live:
        c.exec_driver_sql(
            "UPDATE vault SET reason = ?, ended_on = ?, held = ?,"
            " state = CASE state WHEN 0 THEN 3 ELSE 2 END WHERE id = ?",
            live,
        )
    if again:
        c.exec_driver_sql(
            "UPDATE vault SET reason = ?, ended_on = ?, held = 1 WHERE id = ?",
            again,
        )
    done.ids += [id_ for *_, id_ in live]
    del done.ids[RETURNED:], done.past[RETURNED:]


def _holds(how: Terms) -> bool:
    return how.reason in ABOUT_THE_VALUE and 1 in how.types
