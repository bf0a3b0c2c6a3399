"""Appeals: measures of ours to look at again, and what came of each.

Somebody contests one, or a listing ended on which a look-up was answered
with one. File number, positions and reasons are sealed, and bound to the
rest that never changes: one that was moved to another's place does not open.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from syncd.errors import DamagedError, RefusedError
from syncd.flows.ports import Position
from syncd.store import events
from syncd.store.database import Database
from syncd.store.sealing import Cipher
from syncd.store.tables import OWN, Bytes, Int, Text

Cause = Literal["person", "ended"]
Decision = Literal["granted", "refused"]
Step = Literal["granted", "refused", "told", "lifted"]
EVENTS: Final = 20  # told one by one of what came at once; then how many more
_PAGE = 1000  # rows

_appeal = sa.Table(
    "appeal",
    OWN,
    sa.Column("id", Int, primary_key=True),
    sa.Column("cause", Text, nullable=False),
    sa.Column("by", Text, nullable=False),  # whose token wrote or asked
    sa.Column("access_id", Int),  # of the look-up
    sa.Column("purpose", Text, nullable=False),  # of the look-up: a code
    sa.Column("measure", Text, nullable=False),  # an action's code
    sa.Column("received_at", Int, nullable=False),
    sa.Column("decision", Text, nullable=False),  # "" until there is one
    sa.Column("decided_by", Text, nullable=False),
    sa.Column("decided_at", Int),
    sa.Column("told_at", Int),
    sa.Column("lifted_at", Int),
    sa.Column("sealed", Bytes, nullable=False),
)
_ended = sa.text("cause = 'ended'")
sa.Index(
    "appeal_access",
    _appeal.c.access_id,
    unique=True,
    sqlite_where=_ended,
    postgresql_where=_ended,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """A measure to look at again; times are unix seconds."""

    id: int = 0  # 0 before it is kept
    cause: Cause
    by: str
    access_id: int | None = None
    purpose: str = ""
    measure: str = ""
    received_at: int
    decision: Decision | Literal[""] = ""
    decided_by: str = ""
    decided_at: int | None = None
    told_at: int | None = None
    lifted_at: int | None = None
    reference: str = ""  # the file's number
    positions: tuple[Position, ...] = ()
    why: str = ""  # of the decision

    @property
    def hours(self) -> int | None:
        """Full hours until it was lifted, else told; None before both."""
        end = self.lifted_at or self.told_at
        return (end - self.received_at) // 3600 if end else None


_SEALED: Final = ("reference", "positions", "why")
_BOUND: Final = (
    *("cause", "by", "access_id", "purpose", "measure", "received_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealQuery:
    """Which are wanted: all, but for what is named."""

    after: int = 0  # larger ids only
    limit: int = _PAGE
    by: str = ""
    open: bool = False  # only those on which something is to do


class Appeals:
    """The register, over own.db."""

    def __init__(
        self, database: Database, cipher: Cipher, clock: Callable[[], int]
    ) -> None:
        self._db = database
        self._cipher = cipher
        self._clock = clock

    async def add(self, appeals: Sequence[Appeal]) -> list[int]:
        """Keep new ones, and tell of those whose listing ended.

        Returns their ids. Of a look-up that stands there already there is
        no second one.
        """

        def job(c: sa.Connection) -> list[int]:
            made = []
            for appeal in appeals:
                row = {k: v for k, v in self._row(appeal).items() if k != "id"}
                new = sa.insert(_appeal).prefix_with("OR IGNORE").values(row)
                done = c.execute(new)
                if done.rowcount:
                    made.append(replace(appeal, id=done.lastrowid))
            self._tell(c, [one for one in made if one.cause == "ended"])
            return [one.id for one in made]

        return await self._db.write(job)

    async def page(self, wanted: AppealQuery) -> list[Appeal]:
        """Return those that are wanted, oldest first."""
        rows = sa.select(_appeal).where(_appeal.c.id > wanted.after)
        if wanted.by:
            rows = rows.where(_appeal.c.by == wanted.by)
        if wanted.open:
            rows = rows.where(~_CLOSED)
        rows = rows.order_by(_appeal.c.id).limit(wanted.limit)
        return await self._db.read(
            lambda c: [self._opened(row._asdict()) for row in c.execute(rows)]
        )

    async def open(self) -> int:
        """Return on how many something is to do."""
        count = sa.select(sa.func.count()).where(~_CLOSED)
        return await self._db.read(lambda c: c.execute(count).scalar_one())

    async def move(
        self, id_: int, step: Step, *, by: str, why: str = "", only: str = ""
    ) -> Appeal | None:
        """Note that a step was taken; one that was before keeps its time.

        None if there is none of that id, of `only` if that is a name.

        Raises:
            RefusedError: it cannot be taken any more, or not yet.
        """
        this = _appeal.c.id == id_

        def job(c: sa.Connection) -> Appeal | None:
            row = c.execute(sa.select(_appeal).where(this)).first()
            if row is None or (only and row.by != only):
                return None
            old = self._opened(row._asdict())
            new = _after(old, step, self._clock(), by, why)
            c.execute(sa.update(_appeal).where(this).values(self._row(new)))
            return new

        return await self._db.write(job)

    async def prune(self, days: int) -> None:
        """Drop what was received so long ago and is done with."""
        oldest = self._clock() - days * 86_400
        gone = sa.delete(_appeal).where(
            _appeal.c.received_at < oldest, _CLOSED
        )
        await self._db.write(lambda c: c.execute(gone).close())

    # ------------------------------------------------------------ innards

    def _tell(self, c: sa.Connection, ended: Sequence[Appeal]) -> None:
        told = [
            {"access": one.access_id, "code": one.measure, "id": one.id}
            | {"purpose": one.purpose}
            for one in ended[:EVENTS]
        ]
        if more := len(ended) - len(told):
            told.append({"n": more})
        for data in told:
            events.tell(c, self._clock(), "undo", data)

    def _row(self, appeal: Appeal) -> dict[str, Any]:
        row = {name: getattr(appeal, name) for name in _FIELDS}
        content = msgspec.json.encode([row.pop(name) for name in _SEALED])
        return row | {"sealed": self._cipher.seal(content, _bound(row))}

    def _opened(self, row: dict[str, Any]) -> Appeal:
        raw = self._cipher.open(row.pop("sealed"), _bound(row))
        try:
            content = msgspec.json.decode(
                raw, type=tuple[str, tuple[Position, ...], str]
            )
        except msgspec.DecodeError as e:
            raise DamagedError("vault: a row does not open") from e
        row |= zip(_SEALED, content, strict=True)
        return Appeal(**row)


_FIELDS: Final = tuple(Appeal.__dataclass_fields__)
_CLOSED: Final = sa.and_(
    sa.or_(_appeal.c.decision == "refused", _appeal.c.lifted_at.is_not(None)),
    sa.or_(_appeal.c.cause == "ended", _appeal.c.told_at.is_not(None)),
)


def _after(old: Appeal, step: Step, now: int, by: str, why: str) -> Appeal:
    """Return an appeal after a step.

    Raises:
        RefusedError: that step cannot follow what was done.
    """
    match step:
        case "granted" | "refused":
            if old.decision == step:
                return old
            if old.told_at or old.lifted_at:
                raise RefusedError("appeal: it was acted on as decided before")
            decided = {"decision": step, "decided_by": by, "decided_at": now}
            return replace(old, **decided, why=why)  # type: ignore[arg-type]
        case "told":
            if not old.decision:
                raise RefusedError(
                    "appeal: nothing is decided yet",
                    hint="syncd appeal decide comes first",
                )
            return replace(old, told_at=old.told_at or now)
        case "lifted":
            if old.decision == "refused":
                raise RefusedError("appeal: it was refused: nothing to lift")
            granted = (
                old if old.decision else _after(old, "granted", now, by, "")
            )
            return replace(granted, lifted_at=old.lifted_at or now)


def _bound(row: dict[str, Any]) -> bytes:
    """Return what an appeal's sealed part is bound to."""
    clear = msgspec.json.encode([row[name] for name in _BOUND])
    return b"syncd-appeal-v1\0%b" % clear
