"""A member's log as it grows, and stores on real files."""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from syncd.flows import publish
from syncd.flows.ports import Bundle, MirrorHead, OwnHead
from syncd.indicator import codec, folding, leaf, statement, token
from syncd.indicator.folding import Batch
from syncd.indicator.statement import Erase, Report, Retract
from syncd.store.database import Database
from syncd.store.home import OwnStore
from syncd.store.mirror import MirrorStore
from syncd.store.sealing import VaultCipher
from syncd.tlog import checkpoint
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.key import ED25519, SigningKey
from syncd.tlog.merkle import Frontier
from tests import said

NOW = 1_800_000_000


def value(n: int) -> bytes:
    """Return the n-th token of these tests."""
    return hashlib.sha256(b"token %d" % n).digest()[:16]


@dataclass
class Grower:
    """One origin's log in memory, as its owner would write it."""

    origin: str = "bank.example/syncd/txwz/1"
    frontier: Frontier = Frontier.EMPTY
    records: list[leaf.Record] = field(default_factory=list)

    @property
    def key(self) -> SigningKey:
        return SigningKey(self.origin, ED25519, b"k" * 32)

    def head(self) -> OwnHead:
        text = Checkpoint(
            self.origin, self.frontier.size, self.frontier.root()
        )
        return OwnHead(
            self.origin, self.frontier, bytes(checkpoint.sign(text, self.key))
        )

    def report(self, n: int, **other: object) -> Report:
        fields = {"token": token.encode(value(n)), "expires": "2027-01-01"}
        return said.report(**{**fields, **other})

    def retract(self, n: int, *ends: int) -> Retract:
        return Retract(
            on="2026-11-21",
            kind="phone",
            epoch=1,
            token=token.encode(value(n)),
            ends=ends,
            reason="wrong",
        )

    def erase(self, *ranges: tuple[int, int]) -> Erase:
        return Erase(ranges=ranges, reason="privacy")

    def grow(
        self, said: Sequence[statement.Statement]
    ) -> tuple[OwnHead, OwnHead, tuple[Bundle, ...]]:
        """Append statements; return the old head, the new and the bundles."""
        old = self.head()
        size = self.frontier.size
        payloads = [(statement.type_of(s), statement.encode(s)) for s in said]
        salts = b"".join(
            hashlib.sha256(b"%d" % (size + i)).digest()[:16]
            for i in range(len(said))
        )
        tail = self.records[size // 256 * 256 :]
        self.frontier, bundles = publish.grow(
            self.origin, self.frontier, tail, payloads, salts
        )
        whole = [r for b in bundles for r in codec.records(self.origin, b)]
        self.records = self.records[: size // 256 * 256] + whole
        return old, self.head(), bundles

    def mirrored(
        self, *said: statement.Statement, whole: bool = True
    ) -> tuple[MirrorHead, MirrorHead, tuple[Bundle, ...], Batch]:
        """Append, and return what a puller's mirror would advance by."""
        size = self.frontier.size
        old, new, bundles = self.grow(said)
        batch = folding.fold(self.origin, size, self.records[size:])
        return (
            MirrorHead(self.origin, old.frontier, size, old.note),
            MirrorHead(
                self.origin,
                new.frontier,
                new.frontier.size if whole else size,
                new.note,
            ),
            bundles,
            batch
            if whole
            else Batch(origin=self.origin, start=size, stop=size),
        )


class Clock:
    """Unix seconds that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def log() -> Grower:
    """Return an empty log."""
    return Grower()


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with migrated, empty databases: copies are quick."""
    home = tmp_path_factory.mktemp("fresh")
    Database(home / "own.db", "own").close()
    Database(home / "mirror.db", "mirror").close()
    return home


@pytest.fixture
def own(tmp_path: Path, clock: Clock, fresh: Path) -> Iterator[OwnStore]:
    """Return an own.db in a fresh home, without a log."""
    shutil.copy(fresh / "own.db", tmp_path)
    store = open_own(tmp_path, clock)
    yield store
    store.close()


def open_own(home: Path, clock: Clock, **other: object) -> OwnStore:
    """Open a home's own.db under this test's keys."""
    return OwnStore.open(
        home,
        cipher=VaultCipher(b"v" * 32),
        access_key=b"a" * 32,
        clock=clock,
        **other,  # type: ignore[arg-type]
    )


@pytest.fixture
def reopen(tmp_path: Path, clock: Clock) -> object:
    """Return what opens this test's own.db once more."""
    return lambda **other: open_own(tmp_path, clock, **other)


@pytest.fixture
def mirror(tmp_path: Path, clock: Clock, fresh: Path) -> Iterator[MirrorStore]:
    """Return an empty mirror.db."""
    shutil.copy(fresh / "mirror.db", tmp_path)
    store = MirrorStore.open(tmp_path / "mirror.db", clock=clock)
    yield store
    store.close()
