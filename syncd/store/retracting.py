"""Retract rows of the vault, and mark what an append made public.

All of it runs inside somebody's transaction: functions over a connection.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Connection, bindparam, case, func, or_, select, update

from syncd.errors import StaleError
from syncd.flows.ports import Published, State
from syncd.indicator.record import KEPT
from syncd.indicator.vocabulary import ABOUT_THE_VALUE
from syncd.store.prepared import MANY, Prepared
from syncd.store.tables import log, sighting, stood, vault

AT_ONCE = 10_000  # rows that are walked
RETURNED = 1000  # ids or positions of a retraction that are returned


class Withdrawn(Struct):
    """What came of a retraction."""

    ends: Counter[int] = field(default_factory=Counter)  # by type
    already: int = 0  # were ending or ended before
    spared: int = 0  # stand on, since their type was not meant
    ids: list[int] = []  # that end, some of them
    past: list[tuple[str, int]] = []
    # where some stand that no retract of ours can end


_, _WAITING, _PUBLISHED, _ENDING, _ENDED = map(int, State)
NEWEST = select(func.max(log.c.id)).scalar_subquery()
_at, _wanted = vault.c, bindparam
_this = update(vault).filter_by(id=_wanted("row"))
_why: dict[str, Any] = {"reason": _wanted("why"), "ended_on": _wanted("day")}

_ROWS = Prepared(
    select(
        *(_at.id, _at.type, _at.state, _at.idx, log.c.origin),
        _at.log_id < NEWEST,
    )
    .select_from(vault.outerjoin(log))
    .where(_at.id.in_(MANY))
    .order_by(_at.id)
)
_END = Prepared(
    _this.values(
        **_why,
        held=_wanted("hold"),
        state=case((_at.state <= _WAITING, _ENDED), else_=_ENDING),
    ),
    *("why", "day", "hold", "row"),
)
_HOLD = Prepared(_this.values(**_why, held=1), "why", "day", "row")
_STANDS = _at.state.between(_PUBLISHED, _ENDING)
_PUBLISH = Prepared(
    _this.where(
        or_(_at.idx.is_(None), _STANDS & (_at.epoch < _wanted("of")))
    ).values(
        log_id=_wanted("log"),
        idx=_wanted("index"),
        token=_wanted("by"),
        epoch=_wanted("of"),
        # A row that was retracted while it was on its way goes on to ENDING.
        state=case((_at.state <= _PUBLISHED, _PUBLISHED), else_=_ENDING),
    ),
    *("log", "index", "by", "of", "row"),
)
_CLOSE = Prepared(
    _this.filter_by(state=_ENDING).values(
        state=_ENDED, ended_idx=_wanted("index")
    ),
    *("index", "row"),
)


class Terms(Struct, frozen=True):
    """How rows are to end."""

    reason: str
    day: str  # on which it was asked for, in the roster's zone
    types: Collection[int] = tuple(KEPT)
    dry: bool = False  # it is counted, and nothing ends


def by_ids(c: Connection, ids: Iterable[int], how: Terms) -> Withdrawn:
    """Have rows end; return what came of it.

    A waiting row ends at once: nothing of it is public. Should it be on its
    way into the log just now, the append turns it into ENDING. A log ends
    only what it said itself: what stands in one that has ended is `past`.
    """
    done = Withdrawn()
    wanted = sorted({*ids})
    for first in range(0, len(wanted), AT_ONCE):
        rows = _ROWS.within(c, wanted[first : first + AT_ONCE])
        _withdraw(c, rows, how, done)
    return done


def retire(c: Connection, epochs: Iterable[tuple[str, int]]) -> None:
    """End the rows that were published under retired epochs.

    Their statements are erased, so nothing is left to retract. Values stay,
    and may be reported again; what was said again stands where that is.
    """
    reason = func.coalesce(_at.reason, "retired")
    for kind, epoch in epochs:
        gone = update(vault).filter_by(kind=kind, epoch=epoch)
        c.execute(gone.where(_STANDS).values(state=_ENDED, reason=reason))
        c.execute(gone.values(token=None))
        its = stood.c.vault_id.in_(select(_at.id).filter_by(kind=kind))
        c.execute(stood.delete().where(its, stood.c.epoch == epoch))
        met = sighting.c.kind == kind, sighting.c.epoch == epoch
        c.execute(sighting.delete().where(*met))


def forget(c: Connection, log_id: int, span: tuple[int, int], by: int) -> None:
    """Keep no value of the rows whose statements in a log were erased.

    They stay ended, by the erasure, with keyed hashes alone: what was taken
    back for what the value is stays away, though a list has it.
    """
    blank = {"state": _ENDED, "sealed": None, "token": None, "idx": None}
    for at, left in (_at.idx, blank | {"ended_idx": by}), (_at.ended_idx, {}):
        new = update(vault).where(_at.log_id == log_id, at.between(*span))
        c.execute(new.values({at.name: None, **left}))
    its = stood.c.log_id == log_id, stood.c.idx.between(*span)
    c.execute(stood.delete().where(*its))


def publish(c: Connection, log_id: int, rows: Sequence[Published]) -> None:
    """Mark rows as published or ended, inside the append's transaction.

    Raises:
        StaleError: a row was published or ended before.
    """
    fresh = [
        (log_id, p.index, p.token, p.epoch, p.vault_id)
        for p in rows
        if not p.ends
    ]
    ends = {p.vault_id: p.index for p in rows if p.ends}  # once for a row
    was = _at.log_id, _at.idx, _at.id, _at.epoch, _at.token
    again = select(*was).where(_at.id.in_([row[-1] for row in fresh]), _STANDS)
    c.execute(stood.insert().from_select([*stood.c], again))
    for became, what, here in (
        (_PUBLISH, "published", fresh),
        (_CLOSE, "ended", [(ends[id_], id_) for id_ in ends]),
    ):
        if lacks := len(here) - became.many(c, here):
            raise StaleError(
                "vault: {want} rows were {what} before", want=lacks, what=what
            )


def turn(c: Connection, log_id: int, size: int) -> None:
    """Take leave of a log of which `size` entries count.

    Reports behind that wait again, and stand in the next log; what would
    have ended one before it, and did not, is undone: a log can only end what
    it said itself.
    """
    ours = update(vault).filter_by(log_id=log_id)
    # What was said of a token has nothing else to be said of again.
    bare = _at.sealed.is_(None)
    c.execute(
        ours.where(_at.idx >= size).values(
            state=case((_at.state == _PUBLISHED, _WAITING), else_=_ENDED),
            log_id=None,
            idx=None,
            ended_idx=None,
            token=case((bare, _at.token)),
            epoch=case((bare, _at.epoch)),
        )
    )
    undone = or_(_at.state == _ENDING, _at.ended_idx >= size)
    c.execute(
        ours.where(undone).values(state=_PUBLISHED, ended_idx=None, held=0)
    )


def _withdraw(
    c: Connection, rows: Iterable[Sequence[Any]], how: Terms, done: Withdrawn
) -> None:
    """Have those of the rows (`_ROWS`) end that can; count all."""
    live, again = [], []
    holds = how.reason in ABOUT_THE_VALUE and 1 in how.types
    for id_, type_, state, index, origin, past in rows:
        if state >= State.ENDING:
            done.already += type_ in how.types
            if type_ == 1 and holds:  # it ended for less, perhaps
                again.append((how.reason, how.day, id_))
        elif type_ not in how.types:
            done.spared += 1
        elif past and state == State.PUBLISHED:
            done.past.append((origin, index))
        else:
            live.append((how.reason, how.day, int(holds and type_ == 1), id_))
            done.ends[type_] += 1
    if not how.dry:
        _END.many(c, live)
        _HOLD.many(c, again)
    done.ids += [id_ for *_, id_ in live]
    del done.ids[RETURNED:], done.past[RETURNED:]
