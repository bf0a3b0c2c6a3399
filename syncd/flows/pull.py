"""Bring our mirror of one member's log up to a signed checkpoint.

    old     = await mirror.head(origin)
    new     = checkpoint.open_(raw, log_key)
    roots   = prove(source, old, new)            bundle roots under new.root
    fetched = await source.files(…)
    stretch = check(run, fetched)                each bundle under its root
    await mirror.advance(old, new, …)            compare-and-swap on `old`

The roots of all new bundles are proven first, from a few hash tiles; after
that each bundle stands or falls alone. A source that lies is left at its
first lie, and the next one goes on where it stopped: nothing that was
verified is fetched again.
"""

import asyncio
from asyncio import Task, create_task
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from syncd.errors import BrokenSourceError, UnavailableError, becoming
from syncd.flows import held, merge, stretch
from syncd.flows.merge import PullContext
from syncd.flows.ports import MirrorHead, Source
from syncd.flows.stretch import Run, Stretch, check
from syncd.flows.stretch_queue import StretchQueue
from syncd.grouped import cancelled
from syncd.indicator.absent import Range
from syncd.indicator.folding import Batch
from syncd.tlog import checkpoint, growth, merkle, tiles
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE
from syncd.tlog.note import VerifierKey

RUN = 64  # bundles fetched and checked together


class PullResult(NamedTuple):
    """What one pull changed."""

    origin: str
    before: int  # entries mirrored
    after: int
    merged: int
    missing: tuple[int, ...] = ()  # withheld indices that hold up the merge
    source: str = ""  # who gave the last bytes, "" if none were needed
    limited: bool = False  # the day's budget holds up the merge


async def pull(
    raw: bytes, log_key: VerifierKey, context: PullContext
) -> PullResult:
    """Advance the mirror to the checkpoint `raw`, or as far as one can.

    Raises:
        UntrustedError: `raw` is not signed by `log_key`.
        ForkError: the log contradicts what it signed before.
        UnavailableError: no source had the rest; what was verified is kept.
    """
    new, signed = checkpoint.open_(raw, log_key)
    return await pull_to(new, bytes(signed), context)


async def pull_to(
    new: Checkpoint, signed: bytes, context: PullContext
) -> PullResult:
    """Advance the mirror to a point that its log went through.

    As `pull`; `signed` is the log's own note of it, b"" if the roster says so.

    Raises:
        ForkError, UnavailableError: as `pull`.
    """
    mirror = context.mirror
    head = await mirror.head(new.origin)
    before, source = head.mirrored, ""
    if head.contested:
        return PullResult(new.origin, before, before, head.merged)
    if new.size <= head.mirrored:
        await held.copy(mirror, head).check(new)
        if signed and (
            not head.note or new.size > checkpoint.size_of(head.note)
        ):
            after = replace(head, note=signed)  # gone past without one
            at = head.merged
            nothing = Batch(origin=head.origin, start=at, stop=at)
            await mirror.advance(head, after, (), nothing)
            head = after
    else:
        if signed:
            await mirror.keep_note(new.origin, new.size, signed)
        source = await _Puller(new, signed, context).walk()
        head = await mirror.head(new.origin)
    if head.merged < head.mirrored:
        source = await merge.fill(head, context) or source
        head = await mirror.head(new.origin)
    return PullResult(
        new.origin,
        before,
        head.mirrored,
        head.merged,
        head.missing,
        source,
        limited=head.merged < head.mirrored and not context.budget.left,
    )


async def hash_tiles(
    source: Source, origin: str, tails: Sequence[str]
) -> Sequence[bytes]:
    """Fetch tiles by their paths after `tile/`, in order; none for none."""
    paths = [f"tile/{tail}" for tail in tails]
    return await source.files(origin, paths) if paths else ()


async def leaves(
    source: Source, origin: str, n: int, width: int
) -> list[bytes]:
    """Return the first `width` leaf hashes of bundle `n`, as a source says.

    Raises:
        UnavailableError: it has no such tile.
    """
    if not width:
        return []
    (raw,) = await source.files(
        origin, [f"tile/{tiles.tile_tail(0, n, width)}"]
    )
    with becoming("{member}: {why}", BrokenSourceError, member=source.name):
        return tiles.split_tile(raw, width)


class _Puller(Struct, eq=False):
    """The way from our mirror to one checkpoint, from source to source."""

    _new: Checkpoint
    _signed: bytes
    _context: PullContext
    _first: int = 0  # number of the first bundle of `_roots`
    _roots: list[bytes] = []  # proven, of bundles
    _tail: list[bytes] = []
    # proven leaf hashes of the last one
    _ahead: dict[Run, Task[Stretch]] = {}
    # one, or none

    async def walk(self) -> str:
        """Mirror up to the checkpoint; return the last source's name."""
        origin = self._new.origin
        last = UnavailableError("log: {origin}: nobody to ask", origin=origin)
        for source in self._context.sources:
            try:
                head = await self._context.mirror.head(origin)
                if not self._roots:
                    await self._prove(source, head)
                await self._follow(source, head)
            except BrokenSourceError as e:
                await self._context.wrong(origin, source, None, e.text)
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
            tail = await leaves(source, new.origin, *divmod(new.size, BUNDLE))
            fetched = await hash_tiles(source, new.origin, plan.tiles)
            roots = growth.bundle_roots(head.frontier, new, fetched, tail)
        except BrokenSourceError:
            await self._judge(source, head)
            raise
        self._first = head.mirrored // BUNDLE
        self._roots, self._tail = [*roots, merkle.root(tail)], tail

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
        fetched = await hash_tiles(source, head.origin, wanted)
        growth.compare(old, self._new, fetched)

    async def _follow(self, source: Source, head: MirrorHead) -> None:
        """Mirror, and where nothing is missing merge, all that is left.

        Three hands at once: while some runs of bundles are being merged,
        the next is checked, and the one after that is fetched.
        """
        line = StretchQueue()
        ahead = create_task(self._check_ahead(source, head, line))
        try:
            while ready := await line.take():
                head = await self._advance(head, stretch.join(ready))
            await ahead  # says why it ended early
        finally:
            await cancelled([ahead])

    async def _check_ahead(
        self, source: Source, head: MirrorHead, line: StretchQueue
    ) -> None:
        """Put all that a source has and that is right into the line."""
        fetching = create_task(self._fetch(source, head.mirrored))
        try:
            mine = held.copy(self._context.mirror, head).leaf_hashes
            run = self._run(
                head.mirrored,
                tuple(await mine(head.mirrored // BUNDLE)),
                tuple(await self._context.mirror.erased(head.origin)),
                merge=head.merged == head.mirrored
                and self._context.budget.left,
            )
            budget = replace(self._context.budget)  # as after the merges
            while run.have < self._new.size:
                fetched = await fetching
                after = (run.first + len(fetched)) * BUNDLE
                fetching = create_task(self._fetch(source, after))
                while fetched:
                    done = await self._checked(source, run, fetched, fetching)
                    fetched = fetched[len(done.bundles) :]
                    batch = done.batch
                    budget.spend(batch.stop - batch.start, batch.octets)
                    await line.put(done)
                    if done.why:
                        raise BrokenSourceError(
                            "{member}: bundle {first} is not what was signed: {why}",
                            done,
                            member=source.name,
                            first=run.first + len(done.bundles),
                        )
                    run = self._run(
                        done.stop,
                        (),
                        (*run.erased, *batch.erases),
                        merge=run.merge and not done.missing and budget.left,
                    )
        finally:
            await cancelled([fetching, *self._ahead.values()])
            self._ahead.clear()
            line.close()

    async def _checked(
        self,
        source: Source,
        run: Run,
        fetched: Sequence[bytes],
        fetching: Task[Sequence[bytes]],
    ) -> Stretch:
        """Check a run, and meanwhile have the next one checked.

        As if this one were whole, with nothing missing or erased: who checks
        never waits for us. Where it is not, the next is another run.
        """
        checking = self._ahead.pop(run, None) or create_task(
            self._check(source, run, fetched)
        )
        await cancelled(self._ahead.values())
        self._ahead.clear()
        have = (run.first + len(fetched)) * BUNDLE
        if have < self._new.size:
            guess = self._run(have, (), run.erased, merge=run.merge)
            self._ahead[guess] = create_task(
                self._check_next(source, guess, fetching)
            )
        return await checking

    async def _check_next(
        self, source: Source, run: Run, fetching: Task[Sequence[bytes]]
    ) -> Stretch:
        return await self._check(source, run, await asyncio.shield(fetching))

    def _run(
        self,
        have: int,
        mine: tuple[bytes, ...],
        erased: tuple[Range, ...],
        *,
        merge: bool,
    ) -> Run:
        wanted = self._wanted(have)
        return Run(
            origin=self._new.origin,
            first=have // BUNDLE,
            widths=tuple(width for _, width in wanted),
            roots=tuple(self._roots[n - self._first] for n, _ in wanted),
            have=have,
            mine=mine,
            merge=merge,
            erased=erased,
        )

    def _wanted(self, have: int) -> Sequence[tuple[int, int]]:
        """Return (number, width) of the next bundles to fetch."""
        upto = min(self._new.size, (have // BUNDLE + RUN) * BUNDLE)
        return growth.plan(have, upto).bundles if have < upto else ()

    async def _fetch(self, source: Source, have: int) -> Sequence[bytes]:
        wanted = self._wanted(have)
        if not wanted:
            return ()
        paths = [f"payload/{tiles.path(*place)}" for place in wanted]
        fetched = await source.files(self._new.origin, paths)
        if not 0 < len(fetched) <= len(wanted):
            raise BrokenSourceError(
                "{member}: {n} bundles", member=source.name, n=len(fetched)
            )
        return fetched

    async def _check(
        self, source: Source, run: Run, fetched: Sequence[bytes]
    ) -> Stretch:
        """Check a run of bundles, as far as it is right."""
        entries = dict[int, bytes]()
        while True:
            done: Stretch = await self._context.offload(
                check, run, fetched, entries
            )
            broken = run.first + len(done.bundles)
            if not done.why or broken in entries:
                return done
            # A void entry may bear another type byte than its payload says:
            # then only the leaves themselves tell.
            width = run.widths[len(done.bundles)]
            try:
                (entries[broken],) = await source.files(
                    run.origin, [f"tile/entries/{tiles.path(broken, width)}"]
                )
            except UnavailableError:
                return done

    async def _advance(self, head: MirrorHead, ready: Stretch) -> MirrorHead:
        """Commit a stretch, and return the head after it."""
        batch, bundles = ready.batch, ready.bundles
        frontier = head.frontier.at_bundles()
        whole = [b.root for b in bundles if b.width == BUNDLE]
        frontier = frontier.extend(whole, merkle.BUNDLE_LEVEL)
        if bundles[-1].width < BUNDLE:
            frontier = frontier.extend(self._tail)
        done = frontier.size == self._new.size and self._signed
        contiguous = batch.start == head.merged  # else a gap is before it
        after = MirrorHead(
            head.origin,
            frontier,
            merged=batch.stop if contiguous else head.merged,
            note=self._signed if done else head.note,
            missing=merge.first((*head.missing, *ready.missing)),
        )
        await self._context.mirror.advance(head, after, bundles, batch)
        self._context.budget.spend(batch.stop - batch.start, batch.octets)
        if batch.books:
            await self._context.told(batch.books)
        return await self._context.mirror.head(head.origin)
