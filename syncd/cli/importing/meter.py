"""How an import is getting on: a bar on a terminal, else a line now and then.

Both go to standard error. The part that is in is told by the file's offset.
"""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from syncd.cli import terminal
from syncd.messages.catalogue import t

EVERY_S = 5.0  # between lines, where there is no terminal
_NAME = Column(max_width=20, no_wrap=True, overflow="ellipsis")
_RIGHT = Column(justify="right", no_wrap=True)


class Meter:
    """Shows how far an import is."""

    def __init__(self, name: str, size: int) -> None:
        console = Console(stderr=True)
        self._drawn = sys.stderr.isatty() and not console.is_dumb_terminal
        self._bar = Progress(
            TextColumn("{task.description}", markup=False, table_column=_NAME),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            TaskProgressColumn(table_column=_RIGHT),
            TextColumn("{task.fields[rows]}", table_column=_RIGHT),
            TimeRemainingColumn(compact=True, table_column=_RIGHT),
            console=console,
            expand=True,
            refresh_per_second=4,
            disable=not self._drawn,
        )
        self._task = self._bar.add_task(name, total=max(size, 1), rows="")
        self._told = time.monotonic()

    def __enter__(self) -> "Meter":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def at(self, offset: int, row: int) -> None:
        """Show that the import has come to an offset and row."""
        rows = t("{n} rows", n=f"{row:,}")
        self._bar.update(self._task, completed=offset, rows=rows)
        if not self._drawn and time.monotonic() - self._told > EVERY_S:
            self._told = time.monotonic()
            task = self._bar.tasks[0]
            said = f"{task.description}: {task.percentage:.0f} %, {rows}"
            if task.time_remaining is not None:
                left = t("{n} s left", n=round(task.time_remaining))
                said = f"{said}, {left}"
            terminal.tell(said)
