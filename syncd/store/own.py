"""own.db: our own log and all that must not be lost.

An append is one durable transaction, then the high-water mark (the new
checkpoint, in a file beside the database), then release: `released` is the
note that may be served. After a crash in between, the mark is behind and is
written again at open. A database behind its mark was rolled back: refused,
because the next append would fork our own log.

Vault, imports, quotas, access records and tokens are this database's too;
each has a module of its own in this room.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from syncd.errors import DamagedError, MalformedError, StaleError, UsageError
from syncd.flows.ports import Bundle, OwnHead, Published
from syncd.roster.members import Cut
from syncd.store import bundles as bundle_rows
from syncd.store import durable, events, failpoint, retracting
from syncd.store.database import Database
from syncd.tlog import checkpoint
from syncd.tlog import note as notes
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE, Frontier

HIGH_WATER = "high-water.note"


@dataclass(frozen=True, slots=True)
class Succession:
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
        rows = {
            str(origin): (int(id_), int(size))
            for id_, origin, size in c.exec_driver_sql(
                "SELECT id, origin, size FROM log"
            )
        }
        if head.origin in rows:
            return
        _begin(c, head)
        old = rows.get(succession.before)
        if old is not None:
            retracting.turn(c, old[0], _common(c, *old, succession))

    database.write_now(job)


def _begin(c: sa.Connection, head: OwnHead) -> int:
    """Keep a log at size 0; return its row id."""
    row = c.exec_driver_sql(
        "INSERT INTO log (origin, size, peaks, note) VALUES (?, 0, ?, ?)"
        " RETURNING id",
        (head.origin, bytes(head.frontier), head.note),
    )
    return int(row.scalar_one())


def _common(
    c: sa.Connection, log_id: int, size: int, succession: Succession
) -> int:
    """Return how many entries of an old log of ours count for all.

    None, if it is not the log that the roster ended: where the two parted is
    not known here, and a report that stands twice does less harm than one
    that stands nowhere.
    """
    end = succession.end
    if size < end.size:
        return size  # rolled back: what we have is how it began
    try:
        root = bundle_rows.root_at(c, log_id, succession.before, end.size)
    except DamagedError:
        return 0
    return end.size if root == end.root else 0


class OwnLogStore:
    """flows.ports.OwnLog on SQLite, with the high-water mark."""

    def __init__(
        self,
        database: Database,
        mark: Path,
        clock: Callable[[], int],
    ) -> None:
        """Take over the log and hold it against its mark.

        Raises:
            DamagedError: the database is behind the mark or contradicts it.
        """
        self._db = database
        self._mark = mark
        self._clock = clock
        self._log_id = 0
        self._released = b""
        head = database.read_now(_newest)
        if head is not None:
            self._log_id, tip = head
            self._reconcile(tip)
            self._released = tip.note

    def released(self) -> bytes:
        """Return the signed checkpoint that may be served.

        Raises:
            UsageError: this home has no log yet.
        """
        if not self._log_id:
            raise _no_log()
        return self._released

    async def found(self, head: OwnHead) -> None:
        """Begin our log, or its next generation, at size 0.

        Raises:
            StaleError: a log of that origin is there already.
        """
        if head.frontier.size:
            raise StaleError(
                "log: {origin}: founded at size 0 only", origin=head.origin
            )

        def job(c: sa.Connection) -> int:
            there = c.exec_driver_sql(
                "SELECT 1 FROM log WHERE origin = ?", (head.origin,)
            ).fetchone()
            if there is not None:
                raise StaleError(
                    "log: {origin} is there already", origin=head.origin
                )
            return _begin(c, head)

        self._log_id = await self._db.write(
            job, lambda: self._release(head.note)
        )

    async def head(self) -> OwnHead:
        """Return the committed tip.

        Raises:
            UsageError: this home has no log yet.
        """
        found = await self._db.read(_newest)
        if found is None:
            raise _no_log()
        return found[1]

    async def append(
        self,
        old: OwnHead,
        new: OwnHead,
        bundles: Sequence[Bundle],
        published: Sequence[Published],
        *,
        done: Sequence[str] = (),
        sighted: Sequence[int] = (),
    ) -> None:
        """Commit bundles, tip and vault states; mark; then release.

        `done` names statements that are written once only, such as one
        day's usage of one key; `sighted` are ids of sightings told by this
        append. Both go in the same transaction.

        Raises:
            StaleError: the tip is not `old` any more, or one of `done` was
                done before; nothing was written.
        """
        _check_gapless(old, new, bundles)

        def job(c: sa.Connection) -> None:
            moved = c.exec_driver_sql(
                "UPDATE log SET size = ?, peaks = ?, note = ?"
                " WHERE id = ? AND origin = ? AND size = ?",
                (
                    new.frontier.size,
                    bytes(new.frontier),
                    new.note,
                    self._log_id,
                    old.origin,
                    old.frontier.size,
                ),
            )
            if moved.rowcount != 1:
                raise StaleError(
                    "log: {origin}: not at {size} now",
                    origin=old.origin,
                    size=old.frontier.size,
                )
            failpoint.hit("append.head")
            bundle_rows.put(c, self._log_id, bundles)
            failpoint.hit("append.bundles")
            retracting.publish(c, self._log_id, published)
            _finish(c, done, sighted)
            size = new.frontier.size
            if size > old.frontier.size:
                values = {"origin": new.origin, "size": size}
                events.tell(c, self._clock(), "published", values)
            failpoint.hit("append.vault")

        def release() -> None:
            failpoint.hit("append.committed")
            self._release(new.note)

        await self._db.write(job, release)

    async def release(self) -> bool:
        """Release what an append committed and could not; tell if it had.

        Raises:
            UnavailableError: the mark cannot be written yet either.
        """

        def step() -> bool:
            found = self._db.read_now(_newest)
            if found is None or found[1].note == self._released:
                return False
            self._release(found[1].note)
            return True

        return await self._db.in_writer(step)

    async def was_done(self, name: str) -> bool:
        """Tell whether an append with `name` among `done` was committed."""
        return bool(
            await self._db.rows("SELECT 1 FROM done WHERE name = ?", name)
        )

    async def sizes(self) -> dict[str, int]:
        """Return the size of each log of ours, the one that grows last."""
        rows = await self._db.rows("SELECT origin, size FROM log ORDER BY id")
        return dict(map(tuple, rows))

    async def bundle(self, n: int, origin: str = "") -> Bundle | None:
        """Return bundle `n` as committed (full or the partial tail).

        Of the log that grows, or of the one of ours that is named.
        """
        return await self._db.read(
            lambda c: bundle_rows.get(c, self._id(c, origin), n)
        )

    async def roots(self, first: int, last: int) -> list[bytes]:
        """Return the roots of full bundles first..last-1, in order."""
        log_id = self._log_id
        return await self._db.read(
            lambda c: bundle_rows.roots(c, log_id, first, last)
        )

    async def rewrite(self, bundle: Bundle, origin: str = "") -> None:
        """Replace a bundle by the same one with payloads erased.

        `purge` makes the erased bytes themselves go.

        Raises:
            StaleError: the tail has grown meanwhile; nothing was written.
        """
        await self._db.write(
            lambda c: bundle_rows.rewrite(c, self._id(c, origin), bundle)
        )

    # --------------------------------------------------------- innards

    def _id(self, c: sa.Connection, origin: str) -> int:
        """Return the row id of a log of ours, "" for the one that grows."""
        if not origin:
            return self._log_id
        row = c.exec_driver_sql(
            "SELECT id FROM log WHERE origin = ?", (origin,)
        )
        return row.scalar() or 0

    def _release(self, note: bytes) -> None:
        durable.write(
            self._mark,
            note,
            step=lambda step: failpoint.hit(f"highwater.{step}"),
        )
        failpoint.hit("append.marked")
        self._released = note

    def _reconcile(self, tip: OwnHead) -> None:
        head = _read_note(tip.note, "own.db")
        if (head.origin, head.size, head.root) != (
            tip.origin,
            tip.frontier.size,
            tip.frontier.root(),
        ):
            raise DamagedError(
                "own.db: the tip at size {size} is not what its checkpoint "
                "of size {head_size} signs",
                size=tip.frontier.size,
                head_size=head.size,
            )
        raw = durable.read(self._mark)
        if raw is None and head.size:
            raise DamagedError(
                "{file}: missing, while own.db is at size {size}",
                hint="put it back; if it is lost, put there the newest"
                " checkpoint of this log that another member serves",
                file=HIGH_WATER,
                size=head.size,
            )
        mark = _read_note(raw, HIGH_WATER) if raw is not None else head
        if raw is None or (mark.origin != head.origin and head.size == 0):
            # A log just founded. The mark of the one before has done its
            # work: the roster says where that ended.
            durable.write(self._mark, tip.note)
            return
        if mark.origin != head.origin:
            raise DamagedError(
                "{file}: of {origin}, own.db is of {head_origin}",
                file=HIGH_WATER,
                origin=mark.origin,
                head_origin=head.origin,
            )
        if head.size < mark.size:
            raise DamagedError(
                "own.db: at size {size}, but {file} says that size "
                "{mark_size} was released: the database was rolled back",
                hint="restore the newest own.db; appending to this one would"
                " fork the log. If it is lost: syncd join update OUT"
                " --next-log",
                size=head.size,
                file=HIGH_WATER,
                mark_size=mark.size,
            )
        if head.size == mark.size and head.root != mark.root:
            raise DamagedError(
                "own.db: another root than {file} at size {size}",
                file=HIGH_WATER,
                size=head.size,
            )
        if head.size > mark.size:
            durable.write(self._mark, tip.note)


def _newest(c: sa.Connection) -> tuple[int, OwnHead] | None:
    row = c.exec_driver_sql(
        "SELECT id, origin, peaks, note FROM log ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    log_id, origin, peaks, note = row
    try:
        return log_id, OwnHead(origin, Frontier.parse(peaks), note)
    except MalformedError as e:
        raise DamagedError(
            "own.db: log row {log_id}: {why}", log_id=log_id, why=e
        ) from e


def _read_note(raw: bytes, where: str) -> Checkpoint:
    # Form only: who could change these files could sign as us anyway.
    try:
        return checkpoint.parse(notes.parse(raw).text)
    except MalformedError as e:
        raise DamagedError("{where}: {why}", where=where, why=e) from e


def _no_log() -> UsageError:
    return UsageError("home: there is no log here yet", hint="run syncd init")


def _check_gapless(
    old: OwnHead, new: OwnHead, bundles: Sequence[Bundle]
) -> None:
    size = old.frontier.size // BUNDLE * BUNDLE
    for bundle in bundles:
        if bundle.n * BUNDLE != size or size % BUNDLE:
            raise StaleError(
                "log: bundle {n} does not go on at {size}",
                n=bundle.n,
                size=size,
            )
        size += bundle.width
    if size != new.frontier.size or size < old.frontier.size:
        raise StaleError(
            "log: bundles end at {size}, the tip at {frontier_size}",
            size=size,
            frontier_size=new.frontier.size,
        )


def _finish(
    c: sa.Connection, done: Sequence[str], sighted: Sequence[int]
) -> None:
    for name in done:
        row = c.exec_driver_sql(
            "INSERT INTO done (name) VALUES (?) ON CONFLICT DO NOTHING",
            (name,),
        )
        if row.rowcount != 1:
            raise StaleError("log: {name} was written before", name=name)
    if sighted:
        c.exec_driver_sql(
            "DELETE FROM sighting WHERE id = ?", [(i,) for i in sighted]
        )
