"""Show the progress of an import: a bar on a terminal, else a line at times.

Both go to standard error. The part that is in is told by the file's offset.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


@contextmanager
def meter(name: str, size: int) -> Iterator[Callable[[int, int], None]]:
    """Give what shows that an import has come to an offset and row."""
    console = Console(stderr=True)
    drawn = sys.stderr.isatty() and not console.is_dumb_terminal
    with Progress(
        TextColumn("{task.description}", markup=False, table_column=_NAME),
        BarColumn(bar_width=None, table_column=Column(ratio=1)),
        TaskProgressColumn(table_column=_RIGHT),
        TextColumn("{task.fields[rows]}", table_column=_RIGHT),
        TimeRemainingColumn(compact=True, table_column=_RIGHT),
        console=console,
        expand=True,
        refresh_per_second=4,
        disable=not drawn,
    ) as bar:
        id_ = bar.add_task(name, total=max(size, 1), rows="")
        shown_at = time.monotonic()

        def at(offset: int, row: int) -> None:
            nonlocal shown_at
            rows = t("{n} rows", n=f"{row:,}")
            bar.update(id_, completed=offset, rows=rows)
            if not drawn and time.monotonic() - shown_at > EVERY_S:
                shown_at = time.monotonic()
                task = bar.tasks[0]
                line = f"{task.description}: {task.percentage:.0f} %, {rows}"
                if task.time_remaining is not None:
                    left = t("{n} s left", n=round(task.time_remaining))
                    line = f"{line}, {left}"
                terminal.tell(line)

        yield at
