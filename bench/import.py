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
import os
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path

from beside import options, turns  # type: ignore[import-not-found]

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


def busy() -> float:
    """Return the processor seconds of children that have ended."""
    return sum(os.times()[2:4])


async def imported(place: Path) -> dict[str, float]:
    """Return seconds by the clock, and of processors, starts included."""
    from tests.alliance import Alliance, Process

    path = place / "list.csv"
    write_csv(path, ROWS)
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
    daemon = busy() - before - importer
    return {"clock": took, "importer": importer, "daemon": daemon}


def play(_: object) -> dict[str, float]:
    """Import with this build."""
    with tempfile.TemporaryDirectory() as place:
        return asyncio.run(imported(Path(place)))


# --------------------------------------------------------- readers alone


def rate(read: Callable[[], object]) -> float:
    """Return the best rows a second of three turns of what reads rows."""
    return ROWS / min(timeit.repeat(read, number=1, repeat=3))


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
            return sum(1 for _ in csv.reader(file))

    def bare_xlsx() -> int:
        sheet = load_workbook(book).get_sheet_by_index(0)
        return sum(1 for _ in sheet.iter_rows())

    yield "csv", rate(lambda: ours(text)), rate(bare_csv), LEAST_CSV
    yield "xlsx", rate(lambda: ours(book)), rate(bare_xlsx), LEAST_XLSX


def main() -> int:
    """Print all rates; return 1 if one of ours is below what is aimed at."""
    given = options(__doc__, play, base="b8fde06", rounds=3)
    slow = False
    with tempfile.TemporaryDirectory() as place:
        for name, here, bare, least in readers(Path(place)):
            slow |= here < least
            print(
                f"reader {name:5} {here:9,.0f} rows/s (want {least:,}), bare"
                f" {bare:9,.0f}: {here / bare:.2f}"
            )
    both = [*turns(given.base, given.rounds)]
    for name, best in zip(("here", given.base[:8]), both, strict=True):
        print(
            f"import {name:8} {ROWS / best['clock']:7,.0f} rows/s (want"
            f" {LEAST:,}); importer {best['importer'] / ROWS * 1e6:.1f} µs a"
            f" row, daemon {best['daemon'] / ROWS * 1e6:.1f}"
        )
    return slow or ROWS / both[0]["clock"] < LEAST


if __name__ == "__main__":
    sys.exit(main())
