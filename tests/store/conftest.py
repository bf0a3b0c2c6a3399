"""A member's log as it grows, and stores on real files."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from syncd.flows.ports import Bundle, MirrorHead, OwnHead, Published, VaultRow
from syncd.flows.submission import ImportBegin, ImportMark, Outcome
from syncd.indicator import folding
from syncd.indicator.statement import Report, Retract, Statement
from syncd.store import failpoint, sealing, vault
from syncd.store.database import Database
from syncd.store.home_stores import OwnStore, open_mirror
from syncd.store.mirror import MirrorStore
from syncd.tlog.key import ED25519, SigningKey
from tests import postgres, sample_statements
from tests.flows import growing

NOW = 1_800_000_000
Merged = tuple[MirrorHead, MirrorHead, Sequence[Bundle], folding.Batch]
Step = tuple[OwnHead, OwnHead, Sequence[Bundle]]
Reopen = Callable[..., OwnStore]


class Crash(BaseException):
    """Stands for SIGKILL: nothing in the store may catch it."""


accepted = partial(Outcome, "accepted")
known = partial(Outcome, "known")
taken_back = partial(Outcome, "taken_back")


def file(name: str, list_: str = "", *, anew: bool = False) -> ImportBegin:
    """Return a file that is to be imported."""
    return ImportBegin(
        name=f"{name}.csv", size=9, file=name, list=list_, anew=anew
    )


def step(id_: int, to: int = 9, old: int = 0, row: int = 9) -> ImportMark:
    """Return a step of an import; its hash is of nothing."""
    return ImportMark(
        id=id_, old_offset=old, offset=to, row=row, prefix=f"{to:064x}"
    )


async def row_of(own: OwnStore, id_: int) -> VaultRow:
    """Return one row of the vault."""
    [row] = await own.vault.page(vault.Query(before=id_ + 1, limit=1))
    assert row.id == id_
    return row


@contextmanager
def crash_at(point: str) -> Iterator[None]:
    """Die when the store gets there."""

    def act(name: str) -> None:
        raise Crash(name)

    failpoint.arm(failpoint.Plan(at={point: 1}, act=act))
    try:
        with pytest.raises(Crash):
            yield
    finally:
        failpoint.arm(None)


def sql(db: Database, text: str, **values: object) -> Any:
    """Run a statement as it stands; return its rows."""

    def job(c: sa.Connection) -> Any:
        done = c.execute(sa.text(text), values)
        return [*done] if done.returns_rows else []

    return db.write_now(job)


class Log(growing.Log):
    """Our log, and what a store is handed of each step of it."""

    def __init__(self, origin: str = growing.ORIGIN) -> None:
        super().__init__(SigningKey(origin, ED25519, b"k" * 32))

    def report(self, n: int, **other: object) -> Report:
        return sample_statements.report(
            **sample_statements.about(n, **{"expires": "2027-01-01", **other})
        )

    def reported(self, count: int) -> list[Statement]:
        return [self.report(n) for n in range(count)]

    def retract(self, n: int, *ends: int) -> Retract:
        return sample_statements.retract(*ends, n=n)

    def grow(self, *statements: Statement) -> Step:
        """Append statements; return the old head, the new and the bundles."""
        old = self.tip
        self.say(*statements)
        return old, self.tip, self.bundles[old.frontier.size // 256 :]

    async def write(
        self,
        own: OwnStore,
        *statements: Statement,
        rows: Sequence[Published] = (),
        **other: Any,
    ) -> Step:
        """Append statements in a store too, where the log may be new."""
        if not self.frontier.size:
            await own.log.found(self.tip)
        step = self.grow(*statements)
        await own.log.append(*step, rows, **other)
        return step

    async def merge(
        self, mirror: MirrorStore, *statements: Statement, whole: bool = True
    ) -> Merged:
        """Append, and let a mirror follow."""
        step = self.mirrored(*statements, whole=whole)
        await mirror.advance(*step)
        return step

    def mirrored(self, *statements: Statement, whole: bool = True) -> Merged:
        """Append, and return what a puller's mirror would advance by."""
        size = self.frontier.size
        old, new, bundles = self.grow(*statements)
        end = new.frontier.size if whole else size
        return (
            MirrorHead(self.origin, old.frontier, size, old.note),
            MirrorHead(self.origin, new.frontier, end, new.note),
            bundles,
            folding.fold(self.origin, size, self.records[size:end]),
        )


r, back = Log().report, Log().retract  # the same of any log


class Clock:
    """Unix seconds that a test moves."""

    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def log() -> Log:
    """Return an empty log."""
    return Log()


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
    if postgres.of(tmp_path) is None:
        shutil.copy(fresh / "own.db", tmp_path)
    store = open_own(tmp_path, clock)
    yield store
    store.close()


def open_own(home: Path, clock: Clock, **other: Any) -> OwnStore:
    """Open a home's own.db under this test's keys."""
    own = {"cipher": sealing.VaultCipher(b"v" * 32), "access_key": b"a" * 32}
    more = {**own, "server": postgres.of(home), **other}
    return OwnStore(home, clock=clock, **more)


@pytest.fixture
def reopen(tmp_path: Path, clock: Clock) -> Iterator[Reopen]:
    """Return what opens this test's own.db once more, and close that."""
    opened = []

    def again(**other: Any) -> OwnStore:
        opened.append(open_own(tmp_path, clock, **other))
        return opened[-1]

    yield again
    for store in opened:
        store.close()


@pytest.fixture
def mirror(tmp_path: Path, clock: Clock, fresh: Path) -> Iterator[MirrorStore]:
    """Return an empty mirror.db."""
    server = postgres.of(tmp_path)
    if server is None:
        shutil.copy(fresh / "mirror.db", tmp_path)
    store = open_mirror(tmp_path, clock=clock, server=server)
    yield store
    store.close()
