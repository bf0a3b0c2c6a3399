"""Keep the refused rows of a list at the daemon, and write them to a file.

The file holds raw values: it is the owner's alone, and nothing is replaced by
it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from syncd.cli import api_client as local
from syncd.cli import terminal
from syncd.cli.api_client import ApiClient
from syncd.cli.grid import Item
from syncd.lists import refused_rows
from syncd.lists.columns import Columns
from syncd.lists.refused_rows import OURS, Refused
from syncd.lists.rows import Row, Table
from syncd.messages import catalogue

_LONG = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4,}")
_CELLS = 2000  # rows whose cells are sent at once
_BYTES = 1 << 18  # of them, likewise


def _items(api: ApiClient, import_id: int) -> Iterator[Item]:
    """Yield an import's refused rows, from the daemon's pages."""
    after = 0
    while True:
        page = api.get(f"/v1/imports/{import_id}/refused", after=after)
        yield from page["items"]
        after = page.get("next", 0)
        if not after:
            return


def kept(api: ApiClient, import_id: int) -> Iterator[Refused]:
    """Yield what the daemon has."""
    for one in _items(api, import_id):
        why = catalogue.whole(local.problem(one["problem"]))
        yield Refused(one["row"], why, one.get("cells", {}))


def reasons(rows: Iterable[Refused]) -> Counter[str]:
    """Return why rows were refused, and how many.

    Days, sizes, and places of bytes are left out: they differ row by row.
    """
    return Counter(_LONG.sub("…", one.why) for one in rows)


def write(path: Path, rows: Callable[[], Iterable[Refused]]) -> None:
    """Write refused rows down.

    Raises:
        UsageError: the file is there, or cannot be written.
    """
    with terminal.new_file(path, private=True) as file:
        refused_rows.write(file, rows, catalogue.language())


def cells(row: Row, table: Table, columns: Columns) -> dict[str, str]:
    """Return a row's cells by columns, under names that are read again."""
    if not row.cells:
        return {"value": row.raw}
    if isinstance(row.cells, Mapping):
        return {**row.cells}
    header = table.header or ("",) * table.width
    return {
        name or columns.at.get(at) or str(at + 1): row.cells[at]
        for at, name in enumerate(header)
        if name not in OURS
    }


def send_cells(
    api: ApiClient, import_id: int, table: Table, columns: Columns
) -> None:
    """Have the daemon keep the cells of all rows that it refused."""
    wanted = {
        one["row"] for one in _items(api, import_id) if not one.get("cells")
    }
    if not wanted:
        return
    some, size = [], 0
    where = f"/v1/imports/{import_id}/refused"
    # A row of several values, of which some were refused, is mended whole.
    for row in table.whole(0, 0):
        if row.number in wanted:
            some.append((row.number, cells(row, table, columns)))
            size += len(row.raw)
        if len(some) == _CELLS or size > _BYTES:
            api.post(where, {"rows": some})
            some, size = [], 0
    api.post(where, {"rows": some})
