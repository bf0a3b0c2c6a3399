"""Pull: bring our mirror of one member's log up to a signed checkpoint.

    old     = await mirror.head(origin)
    new     = checkpoint.open_(raw, log_key)
    roots   = prove(source, old, new)            bundle roots under new.root
    bundles = await source.payloads(…)           each checked on arrival
    await mirror.advance(old, new, bundles, …)   compare-and-swap on `old`

The roots of all new bundles are proven first, from a few hash tiles; after
that each bundle stands or falls alone. A source that lies is left at its
first lie, and the next one goes on where it stopped: nothing that was
verified is fetched again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from syncd.errors import (
    BrokenSourceError,
    DamagedError,
    ForkError,
    MalformedError,
    StaleError,
    UnavailableError,
)
from syncd.flows import serve
from syncd.flows.ports import (
    Bundle,
    Finding,
    Mirror,
    MirrorHead,
    Offload,
    OwnLog,
    Source,
)
from syncd.flows.stretch import (
    MAX_OCTETS,
    Checked,
    Run,
    check,
    fold,
    joined,
    open_,
)
from syncd.flows.stretch import MAX_RAW as MAX_RAW  # audits bound it likewise
from syncd.flows.stretch import inflate as inflate
from syncd.indicator import claims
from syncd.indicator.claims import Batch, Range
from syncd.indicator.leaf import Record
from syncd.tlog import checkpoint, growth, merkle, tiles
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE
from syncd.tlog.note import VerifierKey

CHUNK = 512  # bundles in one transaction, at most: 131,072 entries
LEAST = 512  # bundles worth a transaction on a large store
LAST = 128  # the same at the end, when nothing else is left to do meanwhile
STORED = 256  # bundles of ours merged in one transaction
MOST_MISSING = 4096  # withheld indices that we keep in mind, per log
FILLED = 16  # bundles whose withheld payloads one pull asks for
FILL_FROM = 4  # sources that it asks for each
RUN = 64  # bundles fetched and checked together

Report = Callable[[Finding], Awaitable[None]]
Accepted = Callable[[Sequence[tuple[int, int, str]]], Awaitable[None]]


async def _nobody(_: object) -> None:
    """Hear what nobody asked for."""


@dataclass(slots=True)
class Budget:
    """What may still be merged of one origin today, by the roster's limits.

    Above it merging lags, mirroring goes on, and nothing is refused.
    """

    entries: int
    octets: int  # record bytes, inflated
    counted: bool = True  # else what is merged was merged before

    @property
    def left(self) -> bool:
        """Whether more may be merged."""
        return self.entries > 0 and self.octets > 0

    def spend(self, entries: int, octets: int) -> None:
        """Count what was merged; the last batch may go a little over."""
        self.entries -= entries
        self.octets -= octets


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one pull changed."""

    origin: str
    before: int  # entries mirrored
    after: int
    merged: int
    missing: tuple[int, ...] = ()  # withheld indices that hold up the merge
    source: str = ""  # who gave the last bytes, "" if none were needed
    limited: bool = False  # the day's budget holds up the merge


async def pull(
    raw: bytes,
    *,
    log_key: VerifierKey,
    sources: Sequence[Source],
    mirror: Mirror,
    offload: Offload,
    report: Report,
    budget: Budget | None = None,
    blame: Callable[[str], object] = len,
    accepted: Accepted = _nobody,
    excuse: bool = False,
) -> Pulled:
    """Advance the mirror to the checkpoint `raw`, or as far as one can.

    Args:
        raw: the signed checkpoint.
        log_key: what signed it.
        sources: whom to ask, in this order.
        mirror: our copy.
        offload: runs pure work elsewhere.
        report: keeps a finding.
        budget: what may be merged today.
        blame: takes the name of a source that gave what was not signed.
        accepted: takes the roster statements (index, version, hash) of what
            was merged, before more is fetched.
        excuse: an epoch is retired: what none of those asked opens was of it.

    Raises:
        UntrustedError: `raw` is not signed by `log_key`.
        ForkError: the log contradicts what it signed before.
        UnavailableError: no source had the rest; what was verified is kept.
    """
    new, signed = checkpoint.open_(raw, log_key)
    return await pull_to(
        new,
        bytes(signed),
        sources=sources,
        mirror=mirror,
        offload=offload,
        report=report,
        budget=budget,
        blame=blame,
        accepted=accepted,
        excuse=excuse,
    )


async def pull_to(
    new: Checkpoint,
    signed: bytes,
    *,
    sources: Sequence[Source],
    mirror: Mirror,
    offload: Offload,
    report: Report,
    budget: Budget | None = None,
    blame: Callable[[str], object] = len,
    accepted: Accepted = _nobody,
    excuse: bool = False,
) -> Pulled:
    """Advance the mirror to a point that its log went through.

    As `pull`; `signed` is the log's own note of it, b"" if the roster says so.

    Raises:
        ForkError, UnavailableError: as `pull`.
    """
    head = await mirror.head(new.origin)
    before, source = head.mirrored, ""
    budget = budget or Budget(2**63, 2**63)
    if head.contested:
        return Pulled(new.origin, before, before, head.merged)
    if new.size <= head.mirrored:
        if new.root != await root_at(mirror, head, new.size):
            raise ForkError(
                f"log: {new.origin} signed another root at size {new.size}"
            )
        if signed and (not head.note or new.size > size_of(head.note)):
            head = await _sign(head, signed, mirror)
    else:
        if signed:
            await mirror.keep_note(new.origin, new.size, signed)
        way = _Way(
            new, signed, mirror, offload, report, budget, blame, accepted
        )
        source = await way.walk(sources)
        head = await mirror.head(new.origin)
    if head.merged < head.mirrored:
        given = await _fill(
            head,
            sources,
            mirror,
            offload,
            report,
            budget,
            blame,
            accepted,
            excuse=excuse,
        )
        source = given or source
        head = await mirror.head(new.origin)
    return Pulled(
        new.origin,
        before,
        head.mirrored,
        head.merged,
        head.missing,
        source,
        limited=head.merged < head.mirrored and not budget.left,
    )


def size_of(signed: bytes) -> int:
    """Return the size in a checkpoint that was verified before."""
    return int(signed.split(b"\n", 2)[1])


async def _sign(head: MirrorHead, signed: bytes, mirror: Mirror) -> MirrorHead:
    """Keep a log's note of a point that we went past without one."""
    after = replace(head, note=signed)
    none = Batch(origin=head.origin, start=head.merged, stop=head.merged)
    await mirror.advance(head, after, (), none)
    return after


async def merge_own(
    own: OwnLog, mirror: Mirror, offload: Offload, *, excuse: bool = False
) -> int:
    """Fold our own log into the claims; return how far it is merged.

    Its bundles stay where they are: only claims and a position go over. With
    `excuse`, what we closed was of a retired epoch, if nothing else erased it.
    """
    origin = (await own.head()).origin
    while True:
        # In this order: a tip may not be older than what another caller of
        # ours has merged of a later one.
        old = await mirror.head(origin)
        tip = await own.head()
        if old.merged >= tip.frontier.size:
            return old.merged
        first = old.merged // BUNDLE
        last = min(first + STORED, -(-tip.frontier.size // BUNDLE))
        records: list[Record] = []
        for n in range(first, last):
            bundle = await own.bundle(n)
            if bundle is None:
                raise DamagedError(f"own.db: bundle {n} is missing")
            records += await offload(serve.records, origin, bundle)
        upto = min(tip.frontier.size, first * BUNDLE + len(records))
        fresh = records[old.merged - first * BUNDLE : upto - first * BUNDLE]
        erased = await mirror.erased(origin)
        left = claims.complete(old.merged, fresh, erased=erased)
        gone = claims.gone_with_epoch(left) if excuse else []
        erased = [*erased, *gone]
        batch, _ = await offload(
            partial(fold, merge=True), origin, old.merged, fresh, erased
        )
        batch.erases += gone
        if batch.stop == old.merged:
            raise DamagedError(
                f"own.db: entry {old.merged} is closed, and not erased"
            )
        new = replace(
            old, frontier=tip.frontier, merged=batch.stop, note=tip.note
        )
        try:
            await mirror.advance(old, new, (), batch, _voids(batch))
        except StaleError:
            # Another append of ours was folded by its own caller meanwhile.
            if await mirror.head(origin) == old:
                raise


async def own_root_at(own: OwnLog, size: int) -> bytes:
    """Return the root of the first `size` entries of our own log."""
    tip = await own.head()
    if size == tip.frontier.size:
        return tip.frontier.root()
    whole = size // BUNDLE
    roots = await own.roots(0, whole)
    tail: list[bytes] = []
    if size % BUNDLE:
        bundle = await own.bundle(whole)
        if bundle is None:
            raise DamagedError(f"own.db: bundle {whole} is missing")
        tail = serve.leaf_hashes(serve.records(tip.origin, bundle))
    return growth.prefix_root(size, roots, tail)


async def root_at(mirror: Mirror, head: MirrorHead, size: int) -> bytes:
    """Return the root of the first `size` entries of what we mirror."""
    if size == head.mirrored:
        return head.frontier.root()
    whole = size // BUNDLE
    roots = await mirror.roots(head.origin, 0, whole)
    tail: list[bytes] = []
    if size % BUNDLE:
        tail = await leaf_hashes(mirror, head.origin, whole)
    return growth.prefix_root(size, roots, tail)


async def leaf_hashes(mirror: Mirror, origin: str, n: int) -> list[bytes]:
    """Return the leaf hashes of a bundle that we mirror, none if it is not."""
    bundle = await mirror.bundle(origin, n)
    return serve.leaf_hashes(serve.records(origin, bundle)) if bundle else []


# ------------------------------------------------------------------ growing


class _Way:
    """The way from our mirror to one checkpoint, from source to source."""

    def __init__(
        self,
        new: Checkpoint,
        signed: bytes,
        mirror: Mirror,
        offload: Offload,
        report: Report,
        budget: Budget,
        blame: Callable[[str], object],
        accepted: Accepted,
    ) -> None:
        self._budget = budget
        self._blame = blame
        self._accepted = accepted
        self._new = new
        self._signed = signed
        self._mirror = mirror
        self._offload = offload
        self._report = report
        self._first = 0  # number of the first bundle of `_roots`
        self._roots: list[bytes] = []  # proven, whole bundles
        self._tail: list[bytes] = []  # proven leaf hashes of the last one
        self._proven = False

    async def walk(self, sources: Sequence[Source]) -> str:
        """Mirror up to the checkpoint; return the last source's name."""
        origin = self._new.origin
        last = UnavailableError(f"log: {origin}: nobody to ask")
        for source in sources:
            try:
                head = await self._mirror.head(origin)
                if not self._proven:
                    await self._prove(source, head)
                await self._stretch(source, head)
            except BrokenSourceError as e:
                self._blame(source.name)
                await self._report(
                    Finding("broken_source", origin, None, str(e))
                )
                last = e
            except UnavailableError as e:
                last = e
            else:
                return source.name
        raise last

    async def _prove(self, source: Source, head: MirrorHead) -> None:
        """Learn the bundle roots that lead to the signed root."""
        new = self._new
        plan = growth.plan(head.mirrored, new.size)
        try:
            tail = await self._fetch_tail(source)
            if plan.tiles:
                fetched = await source.hash_tiles(new.origin, plan.tiles)
                roots = growth.bundle_roots(head.frontier, new, fetched, tail)
            else:
                growth.roots_hold(head.frontier, new, [], tail, first=tail)
                roots = []
        except BrokenSourceError:
            await self._judge(source, head)
            raise
        self._first = head.mirrored // BUNDLE
        self._roots, self._tail, self._proven = roots, tail, True

    async def _fetch_tail(self, source: Source) -> list[bytes]:
        """Fetch the leaf hashes of the partial last bundle."""
        n, width = divmod(self._new.size, BUNDLE)
        if not width:
            return []
        path = tiles.tile_tail(0, n, width)
        (raw,) = await source.hash_tiles(self._new.origin, [path])
        try:
            return tiles.split_tile(raw, width)
        except MalformedError as e:
            raise BrokenSourceError(f"{source.name}: {e}") from e

    async def _judge(self, source: Source, head: MirrorHead) -> None:
        """Tell a source that lies from a log that has forked.

        Raises:
            ForkError: the tiles lead to the signed root, and not to ours.
            BrokenSourceError: the source gave tiles that are not the log's.
        """
        if head.mirrored == 0:
            return
        old = Checkpoint(head.origin, head.mirrored, head.frontier.root())
        wanted = growth.compare_plan(old.size, self._new.size)
        fetched = await source.hash_tiles(head.origin, wanted)
        growth.compare(old, self._new, fetched)

    async def _stretch(self, source: Source, head: MirrorHead) -> None:
        """Mirror, and where nothing is missing merge, all that is left.

        Three hands at once: while some runs of bundles are being merged,
        the next is checked, and the one after that is fetched.
        """
        line = _Line(-(-self._new.size // BUNDLE) - head.mirrored // BUNDLE)
        ahead = asyncio.create_task(self._check_ahead(source, head, line))
        try:
            while ready := await line.take():
                head = await self._advance(head, ready)
            await ahead  # says why it ended early
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _check_ahead(
        self, source: Source, head: MirrorHead, line: "_Line"
    ) -> None:
        """Put all that a source has and that is right into the line."""
        fetching = asyncio.create_task(self._fetch(source, head.mirrored))
        try:
            run = await self._first_run(head)
            budget = replace(self._budget)  # as it will be after the merges
            while run.have < self._new.size:
                fetched = await fetching
                after = (run.first + len(fetched)) * BUNDLE
                fetching = asyncio.create_task(self._fetch(source, after))
                while fetched:
                    done = await self._check(source, run, fetched)
                    fetched = fetched[len(done.bundles) :]
                    checked = done.checked
                    budget.spend(checked.merged, checked.octets)
                    await line.put(done)
                    if checked.broken is not None:
                        raise BrokenSourceError(
                            f"{source.name}: bundle {checked.broken} is not"
                            f" what was signed: {checked.why}"
                        )
                    run = self._run(
                        run.origin,
                        done.stop,
                        (),
                        (*run.erased, *checked.batch.erases),
                        merge=run.merge
                        and not checked.missing
                        and budget.left,
                    )
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)
            line.close()

    async def _first_run(self, head: MirrorHead) -> Run:
        mine: list[bytes] = []
        if head.mirrored % BUNDLE:
            first = head.mirrored // BUNDLE
            mine = await leaf_hashes(self._mirror, head.origin, first)
        return self._run(
            head.origin,
            head.mirrored,
            tuple(mine),
            tuple(await self._mirror.erased(head.origin)),
            merge=head.merged == head.mirrored and self._budget.left,
        )

    def _run(
        self,
        origin: str,
        have: int,
        mine: tuple[bytes, ...],
        erased: tuple[Range, ...],
        *,
        merge: bool,
    ) -> Run:
        wanted = self._wanted(have)
        return Run(
            origin=origin,
            first=have // BUNDLE,
            widths=tuple(width for _, width in wanted),
            roots=tuple(self._root(n) for n, _ in wanted),
            have=have,
            mine=mine,
            merge=merge,
            erased=erased,
        )

    def _wanted(self, have: int) -> Sequence[tuple[int, int]]:
        """Return (number, width) of the next bundles to fetch."""
        most = min(RUN, CHUNK)
        upto = min(self._new.size, (have // BUNDLE + most) * BUNDLE)
        return growth.plan(have, upto).bundles if have < upto else ()

    async def _fetch(self, source: Source, have: int) -> Sequence[bytes]:
        wanted = self._wanted(have)
        if not wanted:
            return ()
        fetched = await source.payloads(self._new.origin, wanted)
        if not 0 < len(fetched) <= len(wanted):
            raise BrokenSourceError(f"{source.name}: {len(fetched)} bundles")
        return fetched

    async def _check(
        self, source: Source, run: Run, fetched: Sequence[bytes]
    ) -> "_Ready":
        """Check a run of bundles, as far as it is right."""
        entries: dict[int, bytes] = {}
        while True:
            checked: Checked = await self._offload(
                check, run, fetched, entries
            )
            if checked.broken is None or checked.broken in entries:
                break
            # A void entry may bear another type byte than its payload says:
            # then only the leaves themselves tell.
            width = run.widths[checked.broken - run.first]
            try:
                entries[checked.broken] = await source.entries(
                    run.origin, checked.broken, width
                )
            except UnavailableError:
                break
        return _Ready(
            _bundles(run, fetched[: checked.count], entries), checked
        )

    def _root(self, n: int) -> bytes:
        at = n - self._first
        if at < len(self._roots):
            return self._roots[at]
        return merkle.root(self._tail)

    async def _advance(
        self, head: MirrorHead, ready: Sequence["_Ready"]
    ) -> MirrorHead:
        """Commit some runs, and return the head after them."""
        bundles = [bundle for run in ready for bundle in run.bundles]
        checked = [run.checked for run in ready]
        frontier = head.frontier.at_bundles()
        whole = [b.root for b in bundles if b.width == BUNDLE]
        frontier = frontier.extend(whole, merkle.BUNDLE_LEVEL)
        if bundles[-1].width < BUNDLE:
            frontier = frontier.extend(self._tail)
        note = head.note
        if frontier.size == self._new.size and self._signed:
            note = self._signed
        batch = joined(checked)
        batch.octets = sum(run.octets for run in checked)
        contiguous = batch.start == head.merged  # else a gap is before it
        done = MirrorHead(
            head.origin,
            frontier,
            merged=batch.stop if contiguous else head.merged,
            note=note,
            missing=_first(
                (*head.missing, *(i for c in checked for i in c.missing))
            ),
        )
        await self._mirror.advance(head, done, bundles, batch, _voids(batch))
        self._budget.spend(batch.stop - batch.start, batch.octets)
        if batch.rosters:
            await self._accepted(batch.rosters)
        return await self._mirror.head(head.origin)


def _bundles(
    run: Run, fetched: Sequence[bytes], entries: Mapping[int, bytes]
) -> list[Bundle]:
    numbers = range(run.first, run.first + len(fetched))
    return [
        Bundle(n, width, gz, root, entries.get(n, b""))
        for n, width, gz, root in zip(
            numbers, run.widths, fetched, run.roots, strict=False
        )
    ]


def _voids(batch: Batch) -> list[Finding]:
    return [
        Finding("void", batch.origin, index, why) for index, why in batch.voids
    ]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A run that is checked, and what was fetched of it."""

    bundles: Sequence[Bundle]
    checked: Checked

    @property
    def erases(self) -> bool:
        """Whether it brings erasures."""
        return bool(self.checked.batch.erases)

    @property
    def stop(self) -> int:
        """How many entries are mirrored once it is merged."""
        last = self.bundles[-1]
        return last.n * BUNDLE + last.width


class _Line:
    """What is checked and waits to be merged: at most one transaction.

    A transaction with random tokens touches every page of the claims, so a
    large store wants many rows in one; an empty one need not wait for them.
    """

    def __init__(self, bundles: int) -> None:
        """Expect so many bundles in all."""
        self._runs: deque[_Ready] = deque()
        self._left = bundles  # not taken yet
        self._least = 1  # bundles of the next transaction
        self._closed = False
        self._moved = asyncio.Event()

    async def put(self, run: _Ready) -> None:
        """Wait until there is room for a run, then add it."""
        while self._enough(CHUNK):
            await self._move()
        if run.bundles:
            self._runs.append(run)
            self._moved.set()

    async def take(self) -> list[_Ready]:
        """Wait until there is enough for a transaction; [] at the end."""
        while not (self._closed or self._enough(self._least)):
            await self._move()
        taken: list[_Ready] = []
        while self._runs and not (taken and self._runs[0].erases):
            taken.append(self._runs.popleft())
        bundles = sum(len(run.bundles) for run in taken)
        self._left -= bundles
        wanted = max(self._least, min(2 * bundles, LEAST, CHUNK))
        self._least = min(wanted, max(self._left // 2, LAST))
        self._moved.set()
        return taken

    def close(self) -> None:
        """Say that no more will come."""
        self._closed = True
        self._moved.set()

    async def _move(self) -> None:
        # Never both sides at once: one waits for room, the other for runs.
        self._moved.clear()
        await self._moved.wait()

    def _enough(self, bundles: int) -> bool:
        """Tell whether a transaction of at least so many bundles is here.

        Erasures come first in theirs: they act on what is merged already.
        """
        if any(run.erases for run in list(self._runs)[1:]):
            return True
        octets = sum(run.checked.octets for run in self._runs)
        here = sum(len(run.bundles) for run in self._runs)
        return here >= bundles or octets >= MAX_OCTETS


# ------------------------------------------------------------------ filling


async def _fill(
    head: MirrorHead,
    sources: Sequence[Source],
    mirror: Mirror,
    offload: Offload,
    report: Report,
    budget: Budget,
    blame: Callable[[str], object],
    accepted: Accepted,
    *,
    excuse: bool,
) -> str:
    """Merge what is mirrored already, asking others for what is withheld.

    With `excuse`, what nobody opens counts as erased with a retired epoch:
    no leaf tells of which epoch it is, and those who could tell have erased
    it themselves.
    """
    named = ""
    while True:
        for n in sorted({index // BUNDLE for index in head.missing})[:FILLED]:
            left: list[int] | None = None
            answers = 0
            for source in sources[:FILL_FROM]:
                left = await _complete(
                    head.origin, n, source, mirror, report, blame
                )
                answers += left is not None
                if left == []:
                    named = source.name
                    break
            if excuse and left and answers == len(sources[:FILL_FROM]):
                gone = claims.gone_with_epoch(left)
                await mirror.erase(head.origin, gone)
        while budget.left:
            old = await mirror.head(head.origin)
            if not await _merge_stored(old, mirror, offload, budget, accepted):
                break
        before, head = head, await mirror.head(head.origin)
        if not excuse or head.missing in ((), before.missing):
            return named


async def merge_stored(origin: str, mirror: Mirror, offload: Offload) -> None:
    """Merge all that is mirrored of a log up to what is withheld."""
    unlimited = Budget(2**63, 2**63, counted=False)
    while await _merge_stored(
        await mirror.head(origin), mirror, offload, unlimited, _nobody
    ):
        pass


def _first(missing: Sequence[int]) -> tuple[int, ...]:
    """Return the first withheld indices: the rest is found when due."""
    return tuple(missing[:MOST_MISSING])


async def _stored(mirror: Mirror, origin: str, n: int) -> Bundle:
    """Return a bundle that we mirrored, or raise DamagedError."""
    bundle = await mirror.bundle(origin, n)
    if bundle is None:
        raise DamagedError(f"mirror.db: {origin}: bundle {n} is missing")
    return bundle


async def _complete(
    origin: str,
    n: int,
    source: Source,
    mirror: Mirror,
    report: Report,
    blame: Callable[[str], object],
) -> list[int] | None:
    """Take payloads that we lack from a source; return what is left to have.

    None: it had no right answer.
    """
    mine = await _stored(mirror, origin, n)
    try:
        (gz,) = await source.payloads(origin, [(n, mine.width)])
        theirs = open_(
            origin, inflate(gz), mine.width, mine.entries, mine.root
        )
    except (MalformedError, BrokenSourceError) as e:
        blame(source.name)
        await report(
            Finding("broken_source", origin, n * BUNDLE, f"{source.name}: {e}")
        )
        return None
    except (UnavailableError, ValueError):
        return None
    ours = serve.records(origin, mine)
    joined = [a if a[1] else b for a, b in zip(ours, theirs, strict=True)]
    if joined != ours:
        gz = serve.deflate(joined)
        try:
            await mirror.replace_bundle(origin, replace(mine, gz=gz))
        except StaleError:
            return None
    erased = await mirror.erased(origin)
    return claims.complete(n * BUNDLE, joined, erased=erased)


async def _merge_stored(
    old: MirrorHead,
    mirror: Mirror,
    offload: Offload,
    budget: Budget,
    accepted: Accepted,
) -> bool:
    """Merge the next stretch of stored bundles; tell if it moved."""
    first = old.merged // BUNDLE
    last = min(first + STORED, -(-old.mirrored // BUNDLE))
    records: list[Record] = []
    for n in range(first, last):
        bundle = await _stored(mirror, old.origin, n)
        records += await offload(serve.records, old.origin, bundle)
    fresh = records[old.merged - first * BUNDLE :]
    if not fresh:
        return False
    erased = await mirror.erased(old.origin)
    batch, missing = await offload(
        _fold_stored, old.origin, old.merged, fresh, erased
    )
    above = old.merged + len(fresh)
    left = _first((*missing, *(i for i in old.missing if i >= above)))
    if batch.stop == old.merged and left == old.missing:
        return False
    new = replace(old, merged=batch.stop, missing=left)
    merged = fresh[: batch.stop - old.merged]
    octets = sum(len(payload) for _, _, payload in merged)
    batch.octets = octets if budget.counted else 0
    await mirror.advance(old, new, (), batch, _voids(batch))
    budget.spend(len(merged), octets)
    if batch.rosters:
        await accepted(batch.rosters)
    moved: bool = batch.stop > old.merged
    return moved


def _fold_stored(
    origin: str, start: int, fresh: Sequence[Record], erased: Sequence[Range]
) -> tuple[Batch, tuple[int, ...]]:
    batch, missing = fold(origin, start, fresh, erased, merge=True)
    batch.erases = []  # read when they were mirrored
    return batch, missing
