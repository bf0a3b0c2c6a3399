"""Checks of long stretches run in a process that lives while it is needed."""

import asyncio
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from syncd.errors import HoldersError, SyncdError
from syncd.flows import publish
from syncd.flows.stretch import Run, check
from syncd.node import offload
from syncd.node.offload import LONG, InPool, InWorker
from syncd.tlog.merkle import Frontier
from tests.cases import tried
from tests.node.stand_in import alive, gone
from tests.refusals import forked

ORIGIN = "bank.example/syncd/txwz/1"


def run(*, mine: tuple[bytes, ...] = ()) -> tuple[Run, tuple[bytes, ...]]:
    """A log of `LONG` bundles, all of whose entries are void."""
    payloads = [(1, b'{"type":1}')] * (LONG * 256)
    salts = bytes(16 * len(payloads))
    _, made = publish.grow(ORIGIN, Frontier.EMPTY, (), payloads, salts)
    wanted = Run(
        origin=ORIGIN,
        first=0,
        widths=tuple(b.width for b in made),
        roots=tuple(b.root for b in made),
        have=len(mine),
        mine=mine,
        merge=True,
        erased=(),
    )
    return wanted, tuple(b.gz for b in made)


@pytest.fixture
async def worker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InWorker]:
    monkeypatch.setattr(offload, "IDLE_S", 0.1)
    pool = ThreadPoolExecutor(1)
    made = InWorker(InPool(pool))
    yield made
    made.close()
    pool.shutdown()


def started(worker: InWorker) -> int | None:
    return worker.child.pid if worker.child else None


async def whole(worker: InWorker) -> bool:
    """Tell whether it checks all of a long log."""
    wanted, fetched = run()
    return len((await worker(check, wanted, fetched, {})).bundles) == LONG


async def test_it_answers_as_the_work_itself_would(worker: InWorker) -> None:
    """Also errors come over; what is short needs no process."""
    wanted, fetched = run()
    assert await worker(check, wanted, fetched[:1], {}) == check(
        wanted, fetched[:1], {}
    )
    assert started(worker) is None
    assert await worker(check, wanted, fetched, {}) == check(
        wanted, fetched, {}
    )
    assert started(worker) is not None
    other, fetched = run(mine=(bytes(32),))
    with forked("does not extend size 1"):
        await worker(check, other, fetched, {})


async def test_it_rests_when_idle(worker: InWorker) -> None:
    """The process ends some time after the last check, and comes again."""
    assert await whole(worker)
    first = started(worker)
    assert first is not None
    await gone(first)
    assert await whole(worker)
    assert started(worker) not in (None, first)


async def test_a_killed_process_costs_only_time(worker: InWorker) -> None:
    """What it was asked is done here, and the next check has a new one."""
    assert await whole(worker)
    assert worker.child is not None
    worker.child.kill()
    assert await whole(worker)
    assert await whole(worker)
    assert started(worker) is not None


@tried("error", [SyncdError, HoldersError])
def test_errors_keep_their_hint_on_the_way(error: type[SyncdError]) -> None:
    """Pickled and back, an error says the same."""
    again = pickle.loads(pickle.dumps(error("a: b", hint="c")))
    assert (type(again), str(again), again.hint) == (error, "a: b", "c")


@pytest.mark.slow
async def test_it_does_not_outlive_a_killed_parent() -> None:
    """SIGKILL leaves the parent no time to say so, and need not."""
    script = f"""
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_offload import run
from syncd.flows.stretch import check
from syncd.node import offload
from syncd.node.offload import InPool, InWorker

async def main():
    worker = InWorker(InPool(ThreadPoolExecutor(1)))
    await worker(check, *run(), {{}})
    print(worker.child.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    parent = subprocess.Popen(  # noqa: ASYNC220 (it waits for nothing)
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid = int(await asyncio.to_thread(parent.stdout.readline))
        assert alive(pid)
        parent.kill()
    await gone(pid)


async def test_the_worker_imports_nothing_of_where_it_runs(
    worker: InWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that others may write to is no part of the program."""
    (tmp_path / "syncd").mkdir()
    code = f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()"
    (tmp_path / "syncd" / "__init__.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    assert await whole(worker)
    assert not (tmp_path / "ran").exists()
