"""Erase payloads, salts and claims in mirror.db, or all behind a point.

An erasure (from, to, by) acts on entries from ≤ index < min(to, by) of types
1–7 and on nothing else. It is remembered, so that a slow mirror cannot bring
back what is gone. Ranges that were acted on before are not walked again,
however often a log repeats them.

A log is cut where the roster chose another branch of one that forked, or said
where it ended. What later entries said goes: bundles, claims, and what they
had ended or erased of earlier ones. A payload that was erased by an entry
which is gone is withheld from then on; merging begins again before it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, delete, func, select, update

from syncd.errors import DamagedError, MalformedError, Message
from syncd.flows.ports import Finding, MirrorHead
from syncd.indicator import codec, statement, token
from syncd.indicator.absent import RETIRED, Range, Span, spans
from syncd.indicator.claims import Claim
from syncd.store import bundles, kept_notes, log_rows, retracting, tables
from syncd.store.portable import upsert
from syncd.store.prepared import MANY, Prepared, given
from syncd.store.tables import bundle, claim, ending, mirror_sighting, missing
from syncd.tlog import checkpoint
from syncd.tlog.merkle import BUNDLE, BUNDLE_LEVEL, Frontier

held, mark = claim.c, ending.c
_DROP = [  # what entries say, by token
    Prepared(delete(t).where(given(t.c.token, t.c.log_id, t.c.idx)))
    for t in (claim, mirror_sighting)
]
_STOOD = Prepared(
    select(held.token, held.idx, held.kind_epoch, held.record).where(
        given(held.token, held.log_id, held.idx), held.ended_by.is_(None)
    )
)
_OF_CLAIM = and_(*(mark[key.name] == key for key in claim.primary_key))
LEAST = (  # of the retracts that name a claim
    select(func.min(mark.by_idx)).where(_OF_CLAIM).scalar_subquery()
)
_NAMED = Prepared(
    select(*(mark[key.name] for key in claim.primary_key), mark.by_idx)
    .join(claim, _OF_CLAIM)
    .where(given(mark.log_id), mark.by_idx.in_(MANY))
)
_END_ANEW = Prepared(
    update(claim).values(ended_by=LEAST).where(given(*claim.primary_key))
)
_REMEMBER = Prepared(upsert(tables.erased), *tables.erased.c.keys())


def erased(c: Connection, log_id: int) -> list[Range]:
    """Return all erasures known of a log."""
    log, *which = tables.erased.c
    rows = c.execute(select(*which).where(log == log_id).order_by(*which))
    return [(start, stop, by) for start, stop, by in rows]


def remember(c: Connection, log_id: int, ranges: Iterable[Range]) -> None:
    """Keep erasures of a log."""
    _REMEMBER.many(c, [(log_id, *one) for one in ranges])


def erase(
    c: Connection,
    log_id: int,
    origin: str,
    ranges: Iterable[Range],
    *,
    day: int | None = None,
) -> list[Finding]:
    """Remember the ranges and act on what is here; return what went wrong.

    With a `day` (since 1970) it was the log's author who erased: what still
    said something on that day is a breach. It is erased all the same.
    """
    ordered = list(ranges)
    if not ordered:
        return []
    before = spans(erased(c, log_id))
    remember(c, log_id, ordered)
    fresh = without(spans(ordered), before)
    if not fresh:
        return []
    acted = Erasure(c, log_id, origin, day)
    acted.act(_numbers(c, log_id, fresh), fresh)
    return [*acted.failed, *(acted.breaches() if day else ())]


def erase_ours(
    c: Connection, log_id: int, origin: str, ranges: Sequence[Range]
) -> None:
    """Act on erasures in a log of ours in own.db: values go, too.

    But for those of a retired epoch, which may be reported again.
    """
    found = spans(ranges)
    for n, gone in _shares(found, _numbers(c, log_id, found)):
        bundles.close(c, log_id, origin, n, gone)
    for start, end, by in ranges:
        if by != RETIRED:
            retracting.forget(c, log_id, (start, min(end, by) - 1), by)


def _numbers(c: Connection, log_id: int, found: Sequence[Span]) -> list[int]:
    """Return the numbers of the bundles that spans may touch."""
    n = bundle.c.n
    if not found:
        return []
    first, last = found[0][0] // BUNDLE, (found[-1][1] - 1) // BUNDLE
    its = select(n).filter_by(log_id=log_id)
    return [*c.scalars(its.where(n.between(first, last)).order_by(n))]


def _shares(
    found: Sequence[Span], numbers: Iterable[int]
) -> Iterator[tuple[int, set[int]]]:
    """Yield what of each of some bundles is in disjoint sorted spans."""
    ends = [end for _, end in found]
    for n in numbers:
        low, high = n * BUNDLE, (n + 1) * BUNDLE
        gone = set[int]()
        for start, end in found[bisect_right(ends, low) :]:
            if start >= high:
                break
            gone.update(range(max(start, low), min(end, high)))
        if gone:
            yield n, gone


def without(these: Sequence[Span], those: Sequence[Span]) -> list[Span]:
    """Return what is in the spans `these` and in none of `those`."""
    found = list[Span]()
    for start, end in these:
        at = start
        for low, high in those:
            if high <= at:
                continue
            if low >= end:
                break
            if at < low:
                found.append((at, low))
            at = high
        if at < end:
            found.append((at, end))
    return found


class Erasure(msgspec.Struct):
    """Erases in one log; what came of it.

    With a `day` (since 1970) it is noted what still said something on it.
    """

    c: Connection
    log_id: int
    origin: str
    day: int | None = None
    failed: list[Finding] = []
    in_force: list[int] = []  # claims that stood
    unended: list[int] = []  # their retracts, and
    # not with them the claims that these ended

    def breaches(self) -> Iterator[Finding]:
        """Yield what a writer should not have erased, as findings."""
        stood = Message("its author erased a claim that stood")
        ended = Message("its author erased a retract, and not what it ended")
        for at, why in ((self.in_force, stood), (self.unended, ended)):
            n = len(at) - 1
            more = Message("{why}, and {n} more", why=why, n=n) if n else why
            if at:
                yield Finding("erase_breach", self.origin, min(at), more)

    def act(self, numbers: Sequence[int], found: Sequence[Span]) -> None:
        """Act on disjoint sorted spans in some bundles; pack each once.

        In order of the log: what a retract ended goes before the retract does.
        """
        for n, gone in _shares(found, numbers):
            try:
                self._close(n, gone)
            except DamagedError as e:
                at = n * BUNDLE
                self.failed.append(Finding("damaged", self.origin, at, e.text))

    def _close(self, n: int, gone: set[int]) -> None:
        """Close the records of types 1–7 that are `gone`; drop their claims."""
        c, log_id = self.c, self.log_id
        closed = bundles.close(c, log_id, self.origin, n, gone)
        places = [(token_of(p), log_id, index) for index, p in closed.items()]
        if (day := self.day) is not None:
            self.in_force += [p[2] for p in places if self._stood(p, day)]
        for drop in _DROP:
            drop.many(c, places)
        log_rows.drop(c, missing, log_id, missing.c.idx.in_(closed))
        # What retracts there ended stands again, where no other ended it.
        named = [*_NAMED.within(c, closed, log_id)]
        log_rows.drop(c, ending, log_id, mark.by_idx.in_(closed))
        log_rows.drop(c, ending, log_id, mark.idx.in_(closed))
        _END_ANEW.many(c, [row[:4] for row in named])
        self.unended += sorted({row[4] for row in named})

    def _stood(self, place: tuple[Any, ...], day: int) -> bool:
        """Tell whether a claim at a place says something on a day."""
        rows = _STOOD.all(self.c, *place)
        stated = (Claim.parse("", *row).statement for row in rows)
        ends = [getattr(one, "expires", "") for one in stated]
        return any(not end or day < statement.day(end) for end in ends)


def token_of(payload: bytes) -> bytes:
    """Return the token that a payload names, or b"" if none."""
    try:
        match msgspec.json.decode(payload):
            case {"token": str() as text}:
                return token.decode(text)
    except (msgspec.DecodeError, MalformedError, UnicodeDecodeError):
        pass
    return b""


def cut(c: Connection, log_id: int, head: MirrorHead, size: int) -> MirrorHead:
    """Return what is left of a log: its first `size` entries, uncontested.

    Its note is the largest kept checkpoint of the entries that are left.

    Raises:
        DamagedError: a bundle of them is missing.
    """
    origin, tail = head.origin, list[bytes]()
    n, width = divmod(size, BUNDLE)
    roots = bundles.roots(c, log_id, 0, n)
    last = bundles.need(c, log_id, origin, n) if width else None
    log_rows.drop(c, bundle, log_id, bundle.c.n >= n)
    if last:
        bundles.put(c, log_id, [codec.narrow(origin, last, width)])
        tail = codec.leaf_hashes(codec.records(origin, last)[:width])
    frontier = Frontier.EMPTY.extend(roots, BUNDLE_LEVEL).extend(tail)
    merged = min(head.merged, size, _undo_erasures(c, log_id, size))
    _cut_rows(c, log_id, merged, size)
    newest = b""
    for at, raw in reversed(kept_notes.of_log(c, log_id).items()):
        signed = checkpoint.read(raw).root
        if at <= size and signed == bundles.root_at(c, log_id, origin, at):
            newest = raw
            break
        kept = tables.kept_note
        log_rows.drop(c, kept, log_id, kept.c.size == at)
    return MirrorHead(origin, frontier, merged, newest)


def _undo_erasures(c: Connection, log_id: int, size: int) -> int:
    """Forget erasures by entries from `size` on; return the first undone.

    A roster's erasure in a tree of just that size is forgotten with them: it
    is ordered again.
    """
    known = erased(c, log_id)
    log_rows.drop(c, tables.erased, log_id, tables.erased.c.by_idx >= size)
    epochs = [  # by themselves, not by a later entry
        (start, min(stop, size), by)
        for start, stop, by in known
        if by == RETIRED and start < size
    ]
    remember(c, log_id, epochs)
    gone = [row for row in known if size <= row[2] < RETIRED]
    stay = [row for row in known if row[2] < size] + epochs
    undone = without(spans(gone), spans(stay))
    return undone[0][0] if undone else size


def _cut_rows(c: Connection, log_id: int, merged: int, size: int) -> None:
    """Drop what entries from `merged` on said, and end nothing by them."""
    for table in (claim, mirror_sighting):
        log_rows.drop(c, table, log_id, table.c.idx >= merged)
    log_rows.drop(c, ending, log_id, mark.by_idx >= merged)
    c.execute(
        update(claim)
        .values(ended_by=LEAST)
        .where(held.log_id == log_id, held.ended_by >= merged)
    )
    log_rows.drop(c, missing, log_id, missing.c.idx >= size)
    beyond = tables.spent.c.log_id == log_id, tables.spent.c.size > merged
    c.execute(update(tables.spent).values(size=merged).where(*beyond))
