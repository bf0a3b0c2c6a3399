"""The targets of an import: reports to the alliance, or a list of our own.

What was refused is kept at the daemon, and written to a file on demand: that
holds raw values, is the owner's alone, and nothing is replaced by it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, field

from syncd.cli import api_client, terminal
from syncd.cli.api_client import ApiClient
from syncd.cli.grid import Item
from syncd.cli.table_input import Read, encode
from syncd.errors import SyncdError
from syncd.lists import refused_rows
from syncd.lists.columns import Columns
from syncd.lists.refused_rows import OURS, Refused, is_part
from syncd.lists.rows import Row, Table
from syncd.messages import catalogue

MOST_REFUSED = 100_000  # rows of one list that are kept
_LONG = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4,}")
_CELLS = 2000  # rows whose cells are sent at once
_BYTES = 1 << 18  # of them, likewise


class Step(NamedTuple):
    """Rows that go together, and where in the file they end."""

    row: int
    offset: int = 0
    reads: Sequence[Read] = ()

    @property
    def good(self) -> list[Read]:
        """The rows that are reports."""
        return [one for one in self.reads if not one.problem]

    @property
    def bad(self) -> list[tuple[Row, SyncdError]]:
        """The rows that are none, and why."""
        return [(one.row, one.problem) for one in self.reads if one.problem]

    def body(self, details: Item) -> bytes:
        """Return the reports as a request, with what else is said."""
        reports = b",".join(one.json for one in self.good)
        return b'{"reports":[%b],%b' % (reports, encode(details)[1:])


class Reports(Struct):
    """Reports of ours; the daemon keeps how far the list is in."""

    api: ApiClient
    table: Table
    columns: Columns
    given: Item  # that it is begun with
    how: Item  # what is said of all its reports
    end: Item  # how it is ended
    id: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def begin(self, *, anew: bool) -> tuple[int, int, str]:
        """Return offset and row of what is in, and the hash of it."""
        begun = self.api.post("/v1/imports", {**self.given, "anew": anew})
        self.id = begun["id"]
        return begun["offset"], begun["row"], begun["prefix"]

    def send(self, step: Step, at: int, prefix: str) -> Callable[[], Item]:
        """Send a step; return what waits for its answer."""
        refused = list[Item]()
        if step.bad:
            # Only where a row is refused: its import takes longer than this.
            from syncd.web import problem

            refused = [
                {
                    "row": row.number,
                    "problem": problem.of(why),
                    "value": self.columns.value(row),
                }
                for row, why in step.bad
            ]
        mark = {
            "id": self.id,
            "old_offset": at,
            "offset": step.offset,
            "row": step.row,
            "prefix": prefix,
            "rows": [one.row.number for one in step.good],
            "refused": refused,
        }
        body = step.body({**self.how, "import": mark})
        return self.api.post_ahead("/v1/reports", body)

    def took(self, step: Step, answer: Item) -> None:
        """Count what the daemon's own counts leave out."""
        for item in answer["items"]:
            if item["state"] == "taken_back":
                self.counts["taken_back", item["reason"]] += 1
            for code in item.get("notices", ()):
                self.counts["notice", code] += 1

    def finish(self) -> Item:
        """All rows are in: return the counts."""
        self._send_cells()
        ended: Item = self.api.post(f"/v1/imports/{self.id}/finish", self.end)
        return ended

    def _send_cells(self) -> None:
        """Have the daemon keep the cells of all rows that it refused."""
        found = _items(self.api, self.id)
        wanted = {one["row"] for one in found if not one.get("cells")}
        if not wanted:
            return
        some, size = [], 0
        where = f"/v1/imports/{self.id}/refused"
        # A row of several values, of which some were refused, is mended whole.
        for row in self.table.whole(0, 0):
            if row.number in wanted:
                some.append((row.number, cells(row, self.table, self.columns)))
                size += len(row.raw)
            if len(some) == _CELLS or size > _BYTES:
                self.api.post(where, {"rows": some})
                some, size = [], 0
        self.api.post(where, {"rows": some})

    def refused(self) -> Iterator[Refused]:
        """Yield the refused rows."""
        return kept(self.api, self.id)


class OwnList(Reports):
    """A list that we use and do not pass on; each run loads it anew.

    Of mended rows alone: these are added, and none is dropped.
    """

    rows: list[Refused] = []

    def begin(self, *, anew: bool) -> tuple[int, int, str]:
        """Begin a load."""
        del anew  # it always does
        self.counts.clear()
        self.rows.clear()
        if not is_part(self.table):
            self.id = self.api.post("/v1/own/loads", self.given)["load"]
        return 0, 0, ""

    def send(self, step: Step, at: int, prefix: str) -> Callable[[], Item]:
        """Send a step; return what waits for its answer."""
        del at, prefix  # a load is not gone on with
        known = (self.columns.known(row) for row, _ in step.bad)
        there = [details for details in known if details.get("value")]
        if not (step.good or there):
            return lambda: {"items": ()}
        details: Item = {**self.given, "load": self.id}
        if there:
            details = {**details, "refused": there}
        return self.api.post_ahead("/v1/own/local", step.body(details))

    def took(self, step: Step, answer: Item) -> None:
        """Count, and keep what was refused."""
        bad = step.bad
        self.counts["state", "refused"] += len(bad)
        for one, item in zip(step.good, answer["items"], strict=True):
            self.counts["state", item["state"]] += 1
            if item["state"] == "refused":
                bad.append((one.row, api_client.problem(item["problem"])))
        self.rows += [
            Refused(
                *(row.number, catalogue.whole(error)),
                cells(row, self.table, self.columns),
            )
            for row, error in sorted(bad, key=lambda one: one[0].number)
        ][: MOST_REFUSED - len(self.rows)]

    def finish(self) -> Item:
        """All rows are in: drop what the list does not have any more."""
        counts: Item = {state: n for (_, state), n in self.counts.items()}
        if not is_part(self.table):
            end = {**self.given, "load": self.id, **self.end}
            counts = {**counts, **self.api.post("/v1/own/removals", end)}
        return counts

    def refused(self) -> Iterator[Refused]:
        """Yield the refused rows."""
        return iter(self.rows)


# ------------------------------------------------------------ refused rows


def _items(api: ApiClient, import_id: int) -> Iterator[Item]:
    """Yield an import's refused rows, from the daemon's pages."""
    after = 0
    while after is not None:
        page = api.get(f"/v1/imports/{import_id}/refused", after=after)
        yield from page["items"]
        after = page.get("next")


def kept(api: ApiClient, import_id: int) -> Iterator[Refused]:
    """Yield what the daemon has."""
    for one in _items(api, import_id):
        why = catalogue.whole(api_client.problem(one["problem"]))
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
