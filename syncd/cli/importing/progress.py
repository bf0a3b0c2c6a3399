"""How an import is getting on: a bar on a terminal, else a line now and then.

The bar is of the file's offset, the rate of its rows.
"""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from syncd.cli import terminal
from syncd.cli.text import t

if TYPE_CHECKING:
    from rich.progress import Progress

EVERY_S = 5.0  # between lines, where there is no terminal


class Meter:
    """Shows how far an import is; everything goes to standard error."""

    def __init__(self, name: str, size: int, at: int, row: int) -> None:
        self._name = name
        self._size = max(size, 1)
        self._first = (at, row)
        self._at, self._row = at, row
        self._began = self._told = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> "Meter":
        if sys.stderr.isatty():
            # rich takes longer to import than most commands to run.
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                Progress,
                TaskProgressColumn,
                TextColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[rate]}", markup=False),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.add_task(
                self._name, total=self._size, completed=self._at, rate=""
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def at(self, offset: int, row: int) -> None:
        """Show that the import has come to an offset and row."""
        self._at, self._row = offset, row
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0], completed=offset, rate=self._rate()
            )
        elif time.monotonic() - self._told > EVERY_S:
            self._told = time.monotonic()
            terminal.tell(
                t(
                    "{name}: {part} %, row {row}, {rate}, {left} s left",
                    name=self._name,
                    part=100 * offset // self._size,
                    row=row,
                    rate=self._rate(),
                    left=self._left(),
                )
            )

    def _rate(self) -> str:
        took = max(time.monotonic() - self._began, 0.001)
        rate = (self._row - self._first[1]) / took
        return t("{n} rows/s", n=f"{rate:,.0f}")

    def _left(self) -> int:
        took = time.monotonic() - self._began
        done = self._at - self._first[0]
        return round(took * (self._size - self._at) / done) if done else 0
