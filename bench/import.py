"""Rows a second of an import, and of its readers beside the bare libraries.

A member's daemon runs by itself on 127.0.0.1; `syncd report import` hands in
URLs, and the time runs from its start to its end: every row is durable by
then, and answered 202. Another build is checked out by `git worktree` and
measured in the same run, in turns with this one, the best turn counts.

    .venv/bin/python bench/import.py --base b8fde06
"""

import asyncio
import csv
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from beside import (  # type: ignore[import-not-found]
    HERE,
    asked,
    checked_out,
    options,
)

ROWS = 100_000
LEAST, LEAST_CSV, LEAST_XLSX = 15_000, 100_000, 40_000  # rows/s
HEAD = ("网址", "标签", "角色", "证据", "置信度", "发现日期", "备注")
WIDE = 4  # columns of the workbook, as in a list of a million rows


def listed(rows: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a list."""
    for n in range(rows):
        yield (
            f"http://h{n}.shop{n % 997}.example/{n % 13}/a",
            *("虚假购物服务", "钓鱼网站", "user_tag", str(50 + n % 40)),
            *(f"2026-11-{1 + n % 9:02}", f"第 {n} 行"),
        )


def write_csv(path: Path, rows: int) -> None:
    """Write the list as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEAD, *listed(rows)])


def write_xlsx(path: Path, rows: int) -> None:
    """Write the list as a workbook."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEAD[:WIDE])
    for row in listed(rows):
        sheet.append(row[:WIDE])
    book.save(path)


# ------------------------------------------------------------- one import


class Took(NamedTuple):
    """Seconds that a list takes, and of processors: whatever else runs."""

    wall: float
    importer: float
    daemon: float  # from its start to its end


def busy() -> float:
    """Return the processor seconds of children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def imported(path: Path) -> Took:
    """Return what a list takes, by the build in the directory."""
    from tests.alliance import Alliance, Process

    root = path.parent / "alliance"
    ids = ("police", "bank", "carrier")
    async with Alliance.found(root, ids, start=False) as alliance:
        process = await Process.start(alliance.police)
        if not await process.ready(60):
            raise SystemExit(process.text)
        token = path.with_suffix(".token")
        token.touch(0o600)
        token.write_text(alliance.police.token)
        before, began = busy(), time.perf_counter()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "syncd", "--home", alliance.police.home),
            *("report", "import", path, "--kind", "url", "--json"),
            *("--token-file", token),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await child.communicate()
        took, importer = time.perf_counter() - began, busy() - before
        await process.stop()
    if child.returncode or json.loads(out)["accepted"] != ROWS:
        raise SystemExit((out + err).decode())
    return Took(took, importer, busy() - before - importer)


def one_turn(tree: Path) -> Took:
    """Return what a tree takes, in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "list.csv"
        write_csv(path, ROWS)
        return Took(*asked(tree, path))


# --------------------------------------------------------- readers alone


def rate(read: Callable[[], int]) -> float:
    """Return the best rows a second of three turns of what reads rows."""
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        best = max(best, read() / (time.perf_counter() - began))
    return best


def readers(place: Path) -> Iterator[tuple[str, float, float, int]]:
    """Yield name, rows a second, the library's, and what is aimed at."""
    from python_calamine import load_workbook

    from syncd.lists import table
    from syncd.lists.rows import FileOptions

    text, book = place / "list.csv", place / "list.xlsx"
    write_csv(text, ROWS)
    write_xlsx(book, ROWS)

    def ours(path: Path) -> int:
        return sum(1 for _ in table.open_table(path, FileOptions()).rows(0, 0))

    def bare_csv() -> int:
        with text.open(encoding="utf-8", newline="") as file:
            return sum(1 for _ in csv.reader(file)) - 1

    def bare_xlsx() -> int:
        sheet = load_workbook(book).get_sheet_by_index(0)
        return sum(1 for _ in sheet.iter_rows()) - 1

    yield "csv", rate(lambda: ours(text)), rate(bare_csv), LEAST_CSV
    yield "xlsx", rate(lambda: ours(book)), rate(bare_xlsx), LEAST_XLSX


def beside(base: str, rounds: int) -> int:
    """Print all rates; return 1 if one of ours is below what is aimed at."""
    slow = 0
    with tempfile.TemporaryDirectory() as place:
        for name, here, bare, least in readers(Path(place)):
            slow |= here < least
            print(
                f"reader {name:5} {here:9,.0f} rows/s (want {least:,}), bare"
                f" {bare:9,.0f}: {here / bare:.2f}"
            )
    with checked_out(base) as tree:
        turns = [(one_turn(HERE), one_turn(tree)) for _ in range(rounds)]
    for name, some in zip(
        ("here", base[:8]), zip(*turns, strict=True), strict=True
    ):
        best = Took(*map(min, zip(*some, strict=True)))
        slow |= name == "here" and ROWS / best.wall < LEAST
        print(
            f"import {name:8} {ROWS / best.wall:7,.0f} rows/s (want {LEAST:,});"
            f" importer {best.importer / ROWS * 1e6:.1f} µs a row, daemon"
            f" {best.daemon / ROWS * 1e6:.1f}"
        )
    return slow


def main() -> int:
    """Run what the arguments say."""
    given = options(
        __doc__,
        lambda one: asyncio.run(imported(Path(one.play))),
        base="b8fde06",
        rounds=3,
    )
    return beside(given.base, given.rounds)


if __name__ == "__main__":
    sys.exit(main())
