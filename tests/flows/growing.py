"""One growing log, who serves it, and a mirror in memory, for all flows."""

import asyncio
import copy
import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Self

from msgspec.structs import replace

from syncd.errors import AbsentError, StaleError, UnavailableError
from syncd.flows import pull, serve
from syncd.flows.ports import Bundle, Finding, MirrorHead, OwnHead, Published
from syncd.flows.pull import PullResult
from syncd.flows.pull_context import Budget, PullContext
from syncd.flows.serve import LogFiles
from syncd.indicator import codec, leaf, statement
from syncd.indicator.absent import Range
from syncd.indicator.claims import Row
from syncd.indicator.folding import Batch
from syncd.indicator.leaf import Record
from syncd.indicator.statement import Statement
from syncd.tlog import merkle, note
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import Frontier
from syncd.tlog.note import SigningKey
from tests import sample_statements

ORIGIN = "bank.example/syncd/txwz/1"
KEY = SigningKey(ORIGIN, note.ED25519, b"\7" * 32)
TOKEN = "A" * 22


def report(i: int = 0) -> bytes:
    return statement.encode(
        sample_statements.report(kind="url", confidence=i % 101)
    )


Said = tuple[int, bytes] | Record  # (type, payload), or a whole record


def bundled(first: int, records: Sequence[Record]) -> list[Bundle]:
    """Return records as bundles."""
    return [
        codec.bundled(n, records[at : at + 256])
        for n, at in enumerate(range(0, len(records), 256), first)
    ]


def record(origin: str, content: Said, salt: bytes) -> Record:
    """Return the record of an entry; of a pair, with this salt."""
    if len(content) == 3:
        return content
    type_, text = content
    return leaf.commit(origin, type_, salt, text), salt, text


def in_force(batch: Batch) -> list[Row]:
    """Return the rows of a batch that its own retracts do not end."""
    ended = {(token, index, key) for token, index, _, key, _ in batch.ends}
    return [row for row in batch.adds if row[:3] not in ended]


def proof(hashes: Sequence[bytes], old: int) -> list[bytes]:
    """Return the RFC 6962 proof that a tree begins with `old` leaves."""
    if old in (0, len(hashes)):
        return []
    nodes = merkle.consistency_nodes(
        old,
        len(hashes),
        lambda level, i: merkle.root(hashes[i << level : i + 1 << level]),
    )
    return nodes[1:] if old.bit_count() == 1 else nodes


class Log:
    """A growing log that can also misbehave; an `OwnLog`."""

    def __init__(self, key: SigningKey = KEY) -> None:
        self.key, self.origin = key, key.name
        self.frontier = Frontier.EMPTY
        self.bundles: list[Bundle] = []
        self.published: list[Published] = []
        self.effects: list[bool] = []  # of each append

    def copy(self) -> Self:
        other = copy.copy(self)
        other.bundles = list(self.bundles)
        other.published = []
        return other

    def add(self, *statements: Said, salt: bytes = b"s") -> None:
        """Append entries as they are, right or wrong."""
        tail: list[Record] = []
        first = self.frontier.size // 256
        if self.frontier.size % 256:
            tail = codec.records(self.origin, self.bundles.pop())
        fresh = [
            record(
                self.origin,
                one,
                hashlib.sha256(salt + b"%d" % at).digest()[:16],
            )
            for at, one in enumerate(statements, self.frontier.size)
        ]
        self.frontier = self.frontier.extend(codec.leaf_hashes(fresh))
        self.bundles += bundled(first, [*tail, *fresh])

    def say(self, *all_: Statement) -> None:
        self.add(*((statement.type_of(s), statement.encode(s)) for s in all_))

    def reports(self, count: int, salt: bytes = b"s") -> Self:
        self.add(*((1, report(i)) for i in range(count)), salt=salt)
        return self

    @property
    def records(self) -> list[Record]:
        found = (codec.records(self.origin, bundle) for bundle in self.bundles)
        return [*itertools.chain.from_iterable(found)]

    def statements(self) -> list[Any]:
        return [statement.decode(p, leaf[1]) for leaf, _, p in self.records]

    def head_at(self, size: int) -> Checkpoint:
        hashes = codec.leaf_hashes(self.records[:size])
        return Checkpoint(
            self.origin, size, Frontier.EMPTY.extend(hashes).root()
        )

    @property
    def signed(self) -> bytes:
        return self.tip.note

    @property
    def tip(self) -> OwnHead:
        return OwnHead.signed(self.key, self.frontier)

    async def head(self) -> OwnHead:
        return self.tip

    async def append(
        self,
        old: OwnHead,
        new: OwnHead,
        bundles: Sequence[Bundle],
        published: Sequence[Published],
        **how: Any,
    ) -> None:
        assert old == self.tip
        self.frontier = new.frontier
        self.bundles[bundles[0].n :] = bundles
        self.published += published
        self.effects.append(how["effect"])

    async def bundle(self, n: int) -> Bundle | None:
        return self.bundles[n] if n < len(self.bundles) else None

    async def roots(self, first: int, last: int) -> list[bytes]:
        return [b.root for b in self.bundles[first:last]]

    def files(self) -> LogFiles:
        return LogFiles(
            self.origin,
            self.frontier.size,
            self.signed,
            self.bundle,
            self.roots,
        )

    def close(self, *indices: int) -> Self:
        """Withhold or erase: records go, leaves stay."""
        other, gone = self.copy(), {*indices}
        for n, bundle in enumerate(other.bundles):
            records = codec.records(self.origin, bundle)
            for at in range(len(records)):
                if n * 256 + at in gone:
                    records[at] = leaf.close(records[at])
            other.bundles[n] = replace(bundle, gz=codec.deflate(records))
        return other


Tamper = Callable[[str, bytes], bytes]


class FakeSource:
    """Serves a log, counts what was asked, and lies on demand."""

    def __init__(
        self,
        log: Log,
        name: str = "peer",
        tamper: Tamper | None = None,
        most: int = 1000,
    ) -> None:
        self.name = name
        self.log = log
        self.asked: list[str] = []
        self._tamper = tamper or (lambda _, raw: raw)
        self._most = most

    async def files(
        self, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        payloads = paths[0].startswith("payload/")
        found = list[bytes]()
        for path in paths[: self._most] if payloads else paths:
            try:
                found.append(await self._file(path))
            except UnavailableError:
                if payloads and found:
                    break
                raise
        return found

    async def _file(self, path: str) -> bytes:
        self.asked.append(path)
        if path == "checkpoint":
            raw: bytes | None = self.log.signed
        else:
            raw = await serve.file(self.log.files(), path)
        if raw is None:
            raise AbsentError(f"{self.name}: no {path}")
        return self._tamper(path, raw)


class FakeMirror:
    """A mirror in memory, with compare-and-swap; can be cut back."""

    def __init__(self) -> None:
        self.proofs: list[bytes] = []
        self.left: list[bytes] = []
        self.held = MirrorHead(ORIGIN, Frontier.EMPTY)
        self.bundles: dict[int, Bundle] = {}
        self.kept: dict[int, bytes] = {}
        self.ranges: list[Range] = []
        self.batches: list[Batch] = []
        self.found: list[Finding] = []
        self.voids: list[int] = []

    async def head(self, origin: str) -> MirrorHead:
        return self.held

    async def advance(
        self,
        old: MirrorHead,
        new: MirrorHead,
        bundles: Sequence[Bundle],
        batch: Batch,
    ) -> None:
        if old != self.held:
            raise StaleError("mirror: moved")
        self.held = new
        self.bundles.update({b.n: b for b in bundles})
        self.ranges += batch.erases
        self.batches.append(batch)
        self.voids += [index for index, _ in batch.voids]

    async def bundle(self, origin: str, n: int) -> Bundle | None:
        return self.bundles.get(n)

    async def roots(self, origin: str, first: int, last: int) -> list[bytes]:
        return [self.bundles[n].root for n in range(first, last)]

    async def erased(self, origin: str) -> Sequence[Range]:
        return self.ranges

    async def erase(self, origin: str, ranges: Sequence[Range]) -> None:
        self.ranges += ranges

    async def replace_bundle(self, origin: str, bundle: Bundle) -> None:
        self.bundles[bundle.n] = bundle

    async def keep_note(self, origin: str, size: int, note: bytes) -> None:
        self.kept[size] = note

    async def notes(self, origin: str) -> dict[int, bytes]:
        return self.kept

    async def evidence(self, origin: str) -> list[bytes]:
        return self.proofs

    async def contest(
        self, origin: str, notes: Sequence[bytes], finding: Finding
    ) -> None:
        self.proofs += notes
        self.found.append(finding)
        self.held = replace(self.held, contested=True, missing=())

    async def decide(
        self, old: MirrorHead, size: int, rejected: Sequence[bytes]
    ) -> None:
        records = [
            record
            for n in sorted(self.bundles)
            for record in codec.records(ORIGIN, self.bundles[n])
        ][:size]
        self.left += rejected
        frontier = Frontier.EMPTY.extend(codec.leaf_hashes(records))
        self.bundles = {b.n: b for b in bundled(0, records)}
        note = old.note if size == old.mirrored else b""
        self.held = MirrorHead(ORIGIN, frontier, min(old.merged, size), note)

    @property
    def rows(self) -> list[int]:
        return sorted(row[1] for b in self.batches for row in b.adds)


async def offload(work: Callable[..., Any], *args: Any) -> Any:
    await asyncio.sleep(0)
    return work(*args)


class Pull:
    """One mirror and what was reported of its sources."""

    def __init__(self) -> None:
        self.mirror = FakeMirror()
        self.reported: list[Finding] = []
        self.rosters: list[int] = []  # that statements name

    async def __call__(
        self,
        log: Log,
        *sources: FakeSource,
        budget: Budget | None = None,
        excuse: bool = False,
    ) -> PullResult:
        async def told(said: Sequence[Any]) -> None:
            self.rosters += [getattr(one, "version", 0) for one in said]

        return await pull.pull(
            log.signed,
            KEY.verifier,
            self.context(
                *(sources or [FakeSource(log)]),
                budget=budget or Budget(),
                told=told,
                excuse=excuse,
            ),
        )

    def context(self, *sources: FakeSource, **other: Any) -> PullContext:
        async def keep(finding: Finding) -> None:
            self.reported.append(finding)

        return PullContext(
            mirror=self.mirror,
            offload=offload,
            sources=sources,
            report=keep,
            **other,
        )

    @property
    def root(self) -> bytes:
        return self.mirror.held.frontier.root()
