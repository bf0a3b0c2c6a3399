"""How an import is getting on: a bar on a terminal, else a line now and then.

The bar is of the file's offset; rate and time left are those of the last
half minute, so that a pause or a slow beginning is soon forgotten.
"""

import sys
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

from syncd.cli import terminal
from syncd.cli.text import t

if TYPE_CHECKING:
    from rich.progress import Progress

EVERY_S = 5.0  # between lines, where there is no terminal
_WINDOW_S = 30.0  # that rate and time left are of
_NAME = 20  # columns of a terminal
_NARROW = 70  # columns: with fewer, bar and rows give way to rate and time


class Meter:
    """Shows how far an import is; everything goes to standard error."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = max(size, 1)
        self._seen: deque[tuple[float, int, int]] = deque()
        self._first: tuple[float, int] | None = None
        self._told = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> "Meter":
        if sys.stderr.isatty():
            self._bar = _bar(self._name, self._size)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave what is shown as it is."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def begin(self, offset: int, row: int) -> None:
        """Count rate and time left from here."""
        self._seen.clear()
        if self._first is None:
            self._first = time.monotonic(), row
        if self._bar is not None:
            self._bar.start()
        self.at(offset, row)

    def at(self, offset: int, row: int) -> None:
        """Show that the import has come to an offset and row."""
        now = time.monotonic()
        self._seen.append((now, offset, row))
        while len(self._seen) > 2 and self._seen[1][0] < now - _WINDOW_S:
            self._seen.popleft()
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0],
                completed=offset,
                rows=t("{n} rows", n=f"{row:,}"),
                rate=self._rate(),
                left=self._left(),
            )
        elif now - self._told > EVERY_S:
            self._told = now
            said = (
                f"{100 * offset // self._size} %",
                t("{n} rows", n=f"{row:,}"),
                self._rate(),
                self._left(),
            )
            terminal.tell(f"{self._name}: {', '.join(filter(None, said))}")

    def sum_up(self) -> None:
        """Say how many rows this run took, and how long."""
        if self._first is None:
            return
        began, first = self._first
        took_s, rows = time.monotonic() - began, self._seen[-1][2] - first
        terminal.tell(
            t(
                "{n} rows in {time}, {rate}",
                n=f"{rows:,}",
                time=span(took_s),
                rate=rate(rows, took_s),
            )
        )

    def _rate(self) -> str:
        (began, _, first), (now, _, last) = self._seen[0], self._seen[-1]
        return rate(last - first, now - began) if now > began else ""

    def _left(self) -> str:
        (began, first, _), (now, last, _) = self._seen[0], self._seen[-1]
        if last <= first or last >= self._size:
            return ""
        left_s = (now - began) * (self._size - last) / (last - first)
        return t("{time} left", time=span(left_s))


def rate(rows: int, took_s: float) -> str:
    """Return rows a second as it is said."""
    return t("{n} rows/s", n=f"{rows / max(took_s, 0.001):,.0f}")


def span(seconds: float) -> str:
    """Return a time as m:ss or h:mm:ss."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"


def _bar(name: str, size: int) -> "Progress | None":
    """Return a bar for this terminal; None if none can be drawn there."""
    # rich takes longer to import than most commands to run.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        return None
    short = Column(max_width=_NAME, no_wrap=True, overflow="ellipsis")
    right = Column(justify="right", no_wrap=True)
    name_, part, rows, rate_, left = (
        TextColumn(said, markup=False, table_column=column)
        for said, column in (
            ("{task.description}", short),
            ("{task.percentage:.0f} %", right),
            ("{task.fields[rows]}", right),
            ("{task.fields[rate]}", right),
            ("{task.fields[left]}", right),
        )
    )
    drawn = BarColumn(bar_width=None, table_column=Column(ratio=1))
    bar = Progress(
        *(
            (name_, part, rate_, left)
            if console.width < _NARROW
            else (name_, drawn, part, rows, rate_, left)
        ),
        console=console,
        expand=True,
        refresh_per_second=4,
    )
    bar.add_task(name, total=size, rows="", rate="", left="")
    return bar
