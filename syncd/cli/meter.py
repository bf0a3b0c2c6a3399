"""Show the progress of an import: a bar, where standard error is a terminal.

The part that is in is told by the file's offset.
"""

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

from syncd.messages.catalogue import t


@contextmanager
def meter(name: str, size: int) -> Iterator[Callable[[int, int], None]]:
    """Give what shows that an import has come to an offset and row."""
    console = Console(stderr=True)
    with Progress(
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(max_width=20, no_wrap=True),
        ),
        BarColumn(None),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(compact=True),
        console=console,
        expand=True,
        disable=not console.is_interactive,
    ) as bar:
        id_ = bar.add_task(name, total=max(size, 1), rows="")

        def at(offset: int, row: int) -> None:
            rows = t("{n} rows", n=f"{row:,}")
            bar.update(id_, completed=offset, rows=rows)

        yield at
