"""The targets of an import: reports to the alliance, or a list of our own."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncd.cli import api_client as local
from syncd.cli.api_client import ApiClient
from syncd.cli.grid import Item
from syncd.cli.importing import refused
from syncd.cli.table_input import Read, encode
from syncd.errors import SyncdError
from syncd.lists.columns import Columns
from syncd.lists.refused_rows import Refused
from syncd.lists.rows import Row, Table
from syncd.messages import catalogue

MOST_REFUSED = 100_000  # rows of one list that are kept


@dataclass(frozen=True, slots=True)
class Step:
    """Rows that go together, and where in the file they end."""

    row: int
    offset: int = 0
    reads: Sequence[Read] = ()

    @property
    def good(self) -> list[Read]:
        """The rows that are reports."""
        return [one for one in self.reads if one.problem is None]

    @property
    def bad(self) -> list[tuple[Row, SyncdError]]:
        """The rows that are none, and why."""
        return [(one.row, one.problem) for one in self.reads if one.problem]

    def body(self, details: Item) -> bytes:
        """Return the reports as a request, with what else is said."""
        reports = b",".join(one.json for one in self.good)
        return b'{"reports":[%b],%b' % (reports, encode(details)[1:])


@dataclass(slots=True)
class Reports:
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
        refused: list[dict[str, Any]] = []
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
        refused.send_cells(self.api, self.id, self.table, self.columns)
        where = f"/v1/imports/{self.id}/finish"
        ended: Item = self.api.post(where, self.end)
        return ended

    def refused(self) -> Iterator[Refused]:
        """Yield the refused rows."""
        return refused.kept(self.api, self.id)


@dataclass(slots=True)
class OwnList:
    """A list that we use and do not pass on; each run loads it anew."""

    api: ApiClient
    table: Table
    columns: Columns
    name: str
    part: bool  # rows are added, and none is dropped
    end: Item
    load: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: list[Refused] = field(default_factory=list)

    def begin(self, *, anew: bool) -> tuple[int, int, str]:
        """Begin a load."""
        del anew  # it always does
        self.counts.clear()
        self.rows.clear()
        if not self.part:
            begun = self.api.post("/v1/own/loads", {"list": self.name})
            self.load = begun["load"]
        return 0, 0, ""

    def send(self, step: Step, at: int, prefix: str) -> Callable[[], Item]:
        """Send a step; return what waits for its answer."""
        del at, prefix  # a load is not gone on with
        known = (self.columns.known(row) for row, _ in step.bad)
        there = [details for details in known if details.get("value")]
        if not (step.good or there):
            return lambda: {"items": ()}
        details = {"list": self.name, "load": self.load}
        body = step.body({**details, "refused": there} if there else details)
        return self.api.post_ahead("/v1/own/local", body)

    def took(self, step: Step, answer: Item) -> None:
        """Count, and keep what was refused."""
        bad = step.bad
        self.counts["state", "refused"] += len(bad)
        for one, item in zip(step.good, answer["items"], strict=True):
            self.counts["state", item["state"]] += 1
            if item["state"] == "refused":
                bad.append((one.row, local.problem(item["problem"])))
        self.rows += [
            Refused(
                *(row.number, catalogue.whole(error)),
                refused.cells(row, self.table, self.columns),
            )
            for row, error in sorted(bad, key=lambda one: one[0].number)
        ][: MOST_REFUSED - len(self.rows)]

    def finish(self) -> Item:
        """All rows are in: drop what the list does not have any more."""
        counts = {state: n for (_, state), n in self.counts.items()}
        if self.part:
            return counts
        end = {"list": self.name, "load": self.load, **self.end}
        return {**counts, **self.api.post("/v1/own/removals", end)}

    def refused(self) -> Iterator[Refused]:
        """Yield the refused rows."""
        return iter(self.rows)
