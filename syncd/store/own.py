"""own.db: our own log and all that must not be lost.

An append is one durable transaction, then the high-water mark (the new
checkpoint, in a file beside the database), then release: `released` is the
note that may be served. After a crash in between, the mark is behind and is
written again at open. A database behind its mark was set back, a server's
perhaps while we run: refused, because the next append would fork our log.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from syncd.errors import DamagedError, StaleError, UsageError, becoming
from syncd.flows.ports import Bundle, OwnHead, Published
from syncd.indicator.absent import Range
from syncd.roster.members import Cut
from syncd.store import bundles as bundle_rows
from syncd.store import durable, erasing, events, failpoint, retracting, tables
from syncd.store.book import Book, Clock, reads, writes
from syncd.store.database import Database
from syncd.store.portable import upsert
from syncd.store.tables import log, sighting
from syncd.tlog import checkpoint
from syncd.tlog import note as notes
from syncd.tlog.merkle import BUNDLE, Frontier

HIGH_WATER = "high-water.note"
_TOLD = delete(sighting).filter_by(id=bindparam("gone"))


def begin(c: Connection, head: OwnHead) -> int:
    """Keep a log at size 0; return its row id."""
    new = insert(log).values(origin=head.origin, **_tip(head))
    return int(c.execute(new.returning(log.c.id)).scalar_one())


def id_of(c: Connection, origin: str) -> int:
    """Return the row id of a log of ours, 0 if there is none."""
    return c.scalar(select(log.c.id).filter_by(origin=origin)) or 0


class OwnLogStore(Book):
    """flows.ports.OwnLog over own.db, with the high-water mark."""

    def __init__(self, database: Database, mark: Path, clock: Clock) -> None:
        """Take over the log and hold it against its mark.

        Raises:
            DamagedError: the database is behind the mark or contradicts it.
        """
        super().__init__(database, clock)
        self._mark = mark
        self._log_id = 0
        self._released = b""
        head = database.read_now(_newest)
        if head is not None and durable.read(mark) != head[1].note:
            head = database.write_now(_committed_again)
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
            raise StaleError("log: {origin}: founded at size 0 only", head)

        def job(c: Connection) -> int:
            if id_of(c, head.origin):
                raise StaleError("log: {origin} is there already", head)
            return begin(c, head)

        self._log_id = await self._db.write(
            job, lambda: self._release(head.note)
        )

    @reads
    def head(self, c: Connection) -> OwnHead:
        """Return the committed tip.

        Raises:
            UsageError: this home has no log yet.
            DamagedError: the database was set back while we ran.
        """
        mark, found = self._released, _newest(c)  # so: more may come
        if found is None:
            raise _no_log()
        if mark not in (b"", found[1].note):
            _compare(_read_note(found[1].note), _read_note(mark))
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
        effect: bool = False,
        erased: Sequence[Range] = (),
    ) -> None:
        """Commit bundles, tip and vault states, as the port says; mark; release.

        Raises:
            StaleError: also if one of `done` was done before.
        """
        _gapless(old, new, bundles)

        def job(c: Connection) -> None:
            _move(c, self._log_id, old, new)
            failpoint.hit("append.head")
            bundle_rows.put(c, self._log_id, bundles)
            failpoint.hit("append.bundles")
            retracting.publish(c, self._log_id, published)
            erasing.erase_ours(c, self._log_id, new.origin, erased)
            new_name = upsert(tables.done)
            for name in done:
                if c.execute(new_name.values(name=name)).rowcount != 1:
                    raise StaleError(
                        "log: {name} was written before", name=name
                    )
            if sighted:
                c.execute(_TOLD, [{"gone": id_} for id_ in sighted])
            now, size = self._clock(), new.frontier.size
            values = {"origin": new.origin, "size": size}
            if effect:  # others are asked for their receipts of that
                c.execute(tables.effect.insert(), values | {"at": now})
            if size > old.frontier.size:
                events.tell(c, now, "published", values)
            failpoint.hit("append.vault")

        def release() -> None:
            failpoint.hit("append.committed")
            self._release(new.note)

        await self._db.write(job, release, leading=True)

    async def release(self) -> bool:
        """Release what an append committed and could not; tell if it had.

        Raises:
            UnavailableError: the mark cannot be written yet either.
        """

        def step() -> bool:
            found = self._db.read_now(_newest)
            if found is None or found[1].note == self._released:
                return False
            _, tip = self._db.write_now(_committed_again) or found
            self._reconcile(tip)
            self._release(tip.note)
            return True

        return await self._db.in_writer(step)

    async def was_done(self, name: str) -> bool:
        """Tell whether an append with `name` among `done` was committed."""
        there = select(tables.done).filter_by(name=name)
        return bool(await self._rows(there))

    async def names_done(self, start: str) -> list[str]:
        """Return the names of committed appends that begin like that."""
        name = tables.done.c.name
        names = select(name).where(name.startswith(start, autoescape=True))
        return [found for (found,) in await self._rows(names)]

    async def sizes(self) -> dict[str, int]:
        """Return the size of each log of ours, the one that grows last."""
        sizes = select(log.c.origin, log.c.size).order_by(log.c.id)
        return dict(await self._rows(sizes))

    # One as committed, full or the partial tail; roots of full ones.
    bundle = reads(lambda self, c, n: bundle_rows.get(c, self._log_id, n))
    roots = reads(lambda self, c, *of: bundle_rows.roots(c, self._log_id, *of))

    @writes
    def erase(self, c: Connection, origin: str, gone: Sequence[Range]) -> None:
        """Act on erasures in a log of ours, as `erasing.erase_ours` does.

        `purge` makes the erased bytes themselves go.
        """
        erasing.erase_ours(c, id_of(c, origin), origin, gone)

    def _release(self, note: bytes) -> None:
        durable.write(self._mark, note, points="highwater")
        failpoint.hit("append.marked")
        self._released = note

    def _reconcile(self, tip: OwnHead) -> None:
        head = _read_note(tip.note)
        size, root = tip.frontier.size, tip.frontier.root()
        if (head.origin, head.size, head.root) != (tip.origin, size, root):
            raise DamagedError(
                "own.db: the tip at size {size} is not what its checkpoint "
                "of size {head_size} signs",
                size=size,
                head_size=head.size,
            )
        raw = durable.read(self._mark)
        if raw is None and head.size:
            raise DamagedError(
                "{file}: missing, while own.db is at size {size}",
                head,
                file=HIGH_WATER,
            )
        mark = _read_note(raw, HIGH_WATER) if raw is not None else None
        if mark is not None and (mark.origin == head.origin or head.size):
            _compare(head, mark)
            if head.size == mark.size:
                return
        # Behind, or a log just founded: the mark of the one before has done
        # its work, the roster says where that ended.
        durable.write(self._mark, tip.note)


def _compare(head: checkpoint.Checkpoint, mark: checkpoint.Checkpoint) -> None:
    """Refuse a tip that is behind the mark, or that it contradicts."""
    if mark.origin != head.origin:
        raise DamagedError(
            "{file}: of {origin}, own.db is of {head_origin}",
            mark,
            file=HIGH_WATER,
            head_origin=head.origin,
        )
    if head.size < mark.size:
        raise DamagedError(
            "own.db: at size {size}, but {file} says that size "
            "{mark_size} was released: the database was rolled back",
            head,
            file=HIGH_WATER,
            mark_size=mark.size,
        )
    if head.size == mark.size and head.root != mark.root:
        raise DamagedError(
            "own.db: another root than {file} at size {size}",
            head,
            file=HIGH_WATER,
        )


def _newest(c: Connection) -> tuple[int, OwnHead] | None:
    columns = select(log.c.id, log.c.origin, log.c.peaks, log.c.note)
    row = c.execute(columns.order_by(log.c.id.desc()).limit(1)).first()
    if row is None:
        return None
    log_id, origin, peaks, note = row
    with becoming(
        "own.db: log row {log_id}: {why}", DamagedError, log_id=log_id
    ):
        return log_id, OwnHead(origin, Frontier.parse(peaks), note)


def _committed_again(c: Connection) -> tuple[int, OwnHead] | None:
    """Return the tip. One that was not replicated is, once this commit is."""
    found = _newest(c)
    if found is not None:
        id_, tip = found
        _move(c, id_, tip, tip)
    return found


def _read_note(raw: bytes, where: str = "own.db") -> checkpoint.Checkpoint:
    # Form only: who could change these files could sign as us anyway.
    with becoming("{where}: {why}", DamagedError, where=where):
        return checkpoint.parse(notes.parse(raw).text)


def _no_log() -> UsageError:
    return UsageError("home: there is no log here yet")


def _gapless(old: OwnHead, new: OwnHead, bundles: Sequence[Bundle]) -> None:
    at, whole = old.frontier.size // BUNDLE * BUNDLE, True
    for bundle in bundles:
        whole = whole and bundle.n * BUNDLE == at
        at += bundle.width
    if not whole or at != new.frontier.size or at < old.frontier.size:
        raise StaleError(
            "log: bundles do not lead from {size} to the tip", old.frontier
        )


def _tip(head: OwnHead) -> dict[str, object]:
    at = head.frontier
    return {"size": at.size, "peaks": bytes(at), "note": head.note}


def _move(c: Connection, log_id: int, old: OwnHead, new: OwnHead) -> None:
    """Move our log's tip from one to the next, if it is there still."""
    at, size = log.c, old.frontier.size
    there = (at.id == log_id, at.origin == old.origin, at.size == size)
    if c.execute(update(log).where(*there).values(_tip(new))).rowcount != 1:
        raise StaleError("log: {origin}: not at {size} now", old, size=size)


class Succession(NamedTuple):
    """A log of ours that takes over from one that has ended."""

    head: OwnHead  # of the new log, at size 0
    before: str  # origin of the one that ended
    end: Cut  # where it did, as the roster says


def succeed(c: Connection, succession: Succession) -> None:
    """Begin the next log, unless it is there; all or nothing.

    What stands in the old log behind its end counts for nobody, so those
    reports wait again and will stand in the new one; and what was to be
    retracted, and no longer can be, is published again.
    """
    if not id_of(c, succession.head.origin):
        begin(c, succession.head)
        if old := id_of(c, succession.before):
            retracting.turn(c, old, _common(c, old, succession))


def _common(c: Connection, log_id: int, succession: Succession) -> int:
    """Return how many entries of an old log of ours count for all.

    None, if it is not the log that the roster ended: where the two parted is
    not known here, and a report that stands twice does less harm than one
    that stands nowhere.
    """
    end = succession.end
    size = c.scalar(select(log.c.size).filter_by(id=log_id)) or 0
    if size < end.size:
        return size  # rolled back: what we have is how it began
    try:
        root = bundle_rows.root_at(c, log_id, succession.before, end.size)
    except DamagedError:
        return 0
    return end.size if root == end.root else 0
