"""Turn identifiers into OPRF outputs with the help of t holders.

Whom to ask, and whether it answered rightly, is the work of `quorums`. URLs
are public addresses and need nobody's help.
"""

import asyncio
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from syncd.errors import HoldersError, RefusedError, SyncdError
from syncd.flows.evaluation import CHECKED
from syncd.flows.quorums import NO_TIME, Quorums
from syncd.grouped import Grouped
from syncd.indicator import token
from syncd.indicator.identifier import Identifier
from syncd.roster.terms import BULK, KINDS, Epoch

BULK_BATCH = 1024  # identifiers in one request
# Those on their way together are what a busy holder may take seconds for.
LOOKUP_BATCH = 256
LANES = 3  # requests of one call on their way at once
SHARED = 2  # that small calls share, of a kind and purpose: if one waits for a
# silent holder, others go on
_GRACE_S = 0.05  # in which a request of ours that is out of time ends


class _Wish(NamedTuple):
    """Identifiers of one kind whose outputs somebody waits for."""

    identifiers: Sequence[Identifier]  # each once
    key: "_Key"
    deadline: float  # seconds of the clock


_Key = tuple[str, str, int]  # kind, purpose, epoch: 0 is the newest
Came = tuple[dict[Identifier, bytes], SyncdError | None]
"""the outputs that came, and why others did not"""


@dataclass(kw_only=True, eq=False)
class Tokeniser(Quorums):
    """Gets outputs from quorums of holders, each identifier's once."""

    cache_size: int = 0  # identifiers whose outputs are remembered

    def __post_init__(self) -> None:
        super().__post_init__()
        self._cache: dict[tuple[Identifier, int], bytes] = {}
        self._groups: dict[_Key, Grouped[_Wish, Came]] = {}

    def epoch(self, kind: str, number: int = 0) -> Epoch:
        """Return the newest epoch of `kind`, or that number.

        Raises:
            RefusedError: the roster has no key of that kind.
        """
        epoch = self.roster().epoch(kind, number)
        if epoch is None:
            raise RefusedError(
                "oprf: the roster has no {kind} epoch", kind=kind
            )
        return epoch

    def knows(self, one: Identifier) -> bool:
        """Tell whether its outputs are remembered: it costs no evaluation."""
        return bool(self._cache) and all(
            (one, number) in self._cache
            for number in self.roster().in_use(one.kind)
        )

    async def outputs(
        self, identifiers: Iterable[Identifier], **how: Any
    ) -> dict[Identifier, bytes]:
        """Return all outputs, asked for as `came` does.

        Raises:
            HoldersError: fewer than t holders gave a right answer in time;
                names the others.
        """
        done, error = await self.came(identifiers, **how)
        if error is not None:
            raise error
        return done

    async def came(
        self,
        identifiers: Iterable[Identifier],
        *,
        purpose: str,
        timeout_s: float,
        epochs: Mapping[str, int] = {},
    ) -> Came:
        """Return the 64-byte outputs that come in time, each asked for once.

        Of the newest epoch of each kind, or of that number.
        """
        done = dict[Identifier, bytes]()
        deadline = self.clock() + timeout_s
        wanted = dict.fromkeys(identifiers)
        in_use = self.roster().in_use
        numbers = {k: epochs.get(k) or in_use(k)[0] for k in KINDS}
        for one in wanted:
            if one.kind == "url":
                done[one] = token.url_output(one)
            elif had := self._cache.get((one, numbers[one.kind])):
                done[one] = had
        calls = []
        for kind in KINDS:
            rest = [i for i in wanted if i.kind == kind and i not in done]
            wish = _Wish(rest, (kind, purpose, numbers[kind]), deadline)
            alone = purpose in BULK or len(rest) >= CHECKED
            if rest:
                calls.append(self._all(wish) if alone else self._shared(wish))
        why = None
        for came, error in await asyncio.gather(*calls):
            done.update(came)
            why = why or error
        return done, why

    async def _shared(self, wish: _Wish) -> Came:
        """Return what came of a wish, asked together with others' small ones.

        What is asked as much as alone goes in requests of its own, so that
        the others need not wait for it.
        """
        if wish.key not in self._groups:
            self._groups[wish.key] = Grouped(self._together, SHARED)
        left = wish.deadline - self.clock()
        try:
            async with asyncio.timeout(max(left, 0) + _GRACE_S):
                came, error = await self._groups[wish.key].submit(wish)
        except TimeoutError:  # the others had more time
            return {}, HoldersError(NO_TIME, kind=wish.key[0])
        mine = {i: came[i] for i in wish.identifiers if i in came}
        return mine, None if len(mine) == len(wish.identifiers) else error

    async def _together(self, wishes: Sequence[_Wish]) -> list[Came]:
        every = dict.fromkeys(i for one in wishes for i in one.identifiers)
        latest = max(one.deadline for one in wishes)
        came = await self._all(_Wish([*every], wishes[0].key, latest))
        return [came] * len(wishes)

    async def _all(self, wish: _Wish) -> Came:
        """Return what came of a wish in time, and what went wrong."""
        purpose = wish.key[1]
        done: dict[Identifier, bytes] = {}
        lanes, failed = asyncio.Semaphore(LANES), list[SyncdError]()

        async def ask(part: Sequence[Identifier]) -> None:
            async with lanes:
                while part and (self.by_files() or not failed):
                    try:
                        some = await self._some(wish.key, part, wish.deadline)
                    except SyncdError as e:
                        failed.append(e)
                        return
                    done.update(some)
                    part = [one for one in part if one not in some]

        size = BULK_BATCH if purpose in BULK else LOOKUP_BATCH
        every = wish.identifiers
        if self.by_files() and purpose not in BULK and len(every) < CHECKED:
            size = 1  # so that it is the same when it is looked up again
        parts = (every[at : at + size] for at in range(0, len(every), size))
        await asyncio.gather(*map(ask, parts))
        return done, failed[0] if failed else None

    async def _some(
        self, key: _Key, part: Sequence[Identifier], deadline: float
    ) -> dict[Identifier, bytes]:
        """Return outputs of the first of a part: of all that is left to us.

        A holder that refuses so many may still give fewer.
        """
        kind, purpose, number = key
        epoch = self.epoch(kind, number)
        n = self.allowance.fit(epoch, purpose, len(part))
        while True:
            try:
                fresh, _ = await self.batch(epoch, part[:n], purpose, deadline)
            except HoldersError:
                less = self.allowance.fit(epoch, purpose, n)
                if less == n:
                    raise
                n = less
            else:
                self._remember(epoch, fresh)
                return fresh

    def _remember(
        self, epoch: Epoch, fresh: Mapping[Identifier, bytes]
    ) -> None:
        """Keep outputs in memory, the newest `cache_size` of them.

        Under the epoch that they were asked of: a new one may have come
        meanwhile.
        """
        if not self.cache_size:
            return
        self._cache.update({(one, epoch.epoch): fresh[one] for one in fresh})
        over = max(len(self._cache) - self.cache_size, 0)
        for old in list(itertools.islice(self._cache, over)):
            del self._cache[old]
