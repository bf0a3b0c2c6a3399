"""What a pulled statement costs, stage by stage: µs of processor time each.

65,536 statements as `sync.py` makes them go through each stage of a pull by
itself, in runs as a worker checks them, on one core; the least of some turns
counts. The stages of `check` are its parts, what it takes beside them is
moving between them. `docs/performance.md` says what the numbers mean.

    python bench/stages.py
"""

import pickle
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import reduce
from operator import add
from pathlib import Path
from typing import TypeVar

from sync import statements  # type: ignore[import-not-found]

from syncd.flows import publish, stretch
from syncd.flows.stretch import Run
from syncd.indicator import absent, codec, folding, frames
from syncd.store.home_stores import open_mirror
from syncd.store.loading import load
from syncd.tlog import merkle
from syncd.tlog.merkle import BUNDLE, Frontier

ORIGIN = "bank.example/syncd/abcd/1"
COUNT, RUN, TURNS = 65_536, 64, 7
T = TypeVar("T")
U = TypeVar("U")


def runs() -> Iterator[tuple[Run, list[bytes]]]:
    """Yield what a puller asks a worker to check."""
    payloads = statements(COUNT, ORIGIN)
    salts = secrets.token_bytes(16 * COUNT)
    _, made = publish.grow(ORIGIN, Frontier.EMPTY, [], payloads, salts)
    for n in range(0, len(made), RUN):
        some = made[n : n + RUN]
        roots = tuple(b.root for b in some)
        widths = (BUNDLE,) * len(some)
        run = Run(ORIGIN, n, widths, roots, n * BUNDLE, (), True, ())
        yield run, [b.gz for b in some]


def timed(name: str, work: Callable[[U], T], over: list[U]) -> list[T]:
    """Print what a stage takes of all runs; return what it makes of them."""
    best, done = float("inf"), list[T]()
    for _ in range(TURNS):
        began = time.process_time()
        done = [*map(work, over)]
        best = min(best, time.process_time() - began)
    print(f"{name:34}{best / COUNT * 1e6:6.2f}")
    return done


def main() -> None:
    """Measure all stages."""
    given = [*runs()]
    raws = timed("inflate", lambda g: [*map(codec.inflate, g[1])], given)
    empty = codec.Bundle(0, BUNDLE, b"", b"")
    opened = timed(
        "records and leaves (1 hash)",
        lambda run: [codec.open_(ORIGIN, raw, empty) for raw in run],
        raws,
    )
    timed(
        "leaf hashes and root (2 hashes)",
        lambda run: [merkle.root(codec.leaf_hashes(found)) for found in run],
        opened,
    )
    records = [[one for found in run for one in found] for run in opened]
    timed("erasures", lambda run: absent.erases(0, run), records)
    reports = [[(i, r[2]) for i, r in enumerate(run)] for run in records]
    timed("payloads to cells", frames.cells, reports)
    timed(
        "fold: cells, sorted, in slices",
        lambda r: folding.fold(ORIGIN, 0, r),
        records,
    )
    done = timed(
        "check: all of the above", lambda g: stretch.check(*g, {}), given
    )
    raw = timed("to the pipe", lambda one: pickle.dumps(one, 5), done)
    timed("from the pipe", pickle.loads, raw)
    adds = reduce(add, [one.batch.adds for one in done])
    timed(
        "runs sorted together",
        lambda rows: sum(1 for _ in rows.slices),
        [adds],
    )
    with tempfile.TemporaryDirectory() as place:
        mirror = open_mirror(Path(place), clock=lambda: 0)
        numbers = iter(range(1, 99))
        timed(
            "claims into an empty mirror.db",
            lambda rows: mirror._db.write_now(
                lambda c: load(c, next(numbers), rows)
            ),
            [adds],
        )
        mirror.close()


if __name__ == "__main__":
    main()
