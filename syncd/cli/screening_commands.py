"""`syncd screening`: which of our own customers are listed.

A list is handed in once, in chunks; where that stops, `--from` goes on. What
is shown has the house's references and never a value.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli import api_client, grid, notices, terminal
from syncd.cli.command import Noun, argument, option
from syncd.cli.lookup_client import moment
from syncd.cli.options import (
    ApiOptions,
    FormatOptions,
    KindOptions,
    PageOptions,
    check_given,
)
from syncd.errors import RefusedError, UsageError
from syncd.messages.catalogue import later, t

if TYPE_CHECKING:
    from syncd.cli.table_input import Read

CHUNK = 1000  # rows in a call
SHOWN = 20  # refused rows that are printed
LATER = (429, 503)  # statuses of what may be tried again
REFERENCE = {
    "reference": "reference customer customer_no id 编号 客户号 客户编号"
}
HEAD = (
    *("id", "kind", "reference", "until", "verdict", "action"),
    *("evidence", "roles", "handling", "since"),
)

noun = Noun()


class _AddOptions(FormatOptions, KindOptions, ApiOptions):
    file: Path = argument("FILE; - for standard input from a file")
    kind: str = option("for rows that do not say it")
    until: str = option("for rows that do not say it: the day they end")
    from_: int = option("row to go on at", default=1, min=1)


@noun.verb(
    "add",
    "Hand in customers: columns for kind, value, reference and expires.",
)
def _add(args: _AddOptions) -> int:
    # Only this verb reads tables.
    from syncd.cli import table_input
    from syncd.store.database import chunks

    file = Path("/dev/stdin") if str(args.file) == "-" else args.file
    if file is not args.file and not file.is_file():
        raise UsageError(
            "standard input is no file: it is read twice",
            hint="syncd screening add - --format csv < FILE",
        )
    rows, plan = table_input.understood(
        file,
        args.file_options(),
        maps=[m for m in args.map_ if not m.startswith("reference=")],
        constants={**args.named, **args.given(expires="until")},
        fields=(*table_input.VALUE, "expires"),
    )
    more = table_input.named(rows, REFERENCE, args.map_)
    check_given(more, "reference")

    def read(row: Any) -> Mapping[str, Any]:
        said = dict(plan.report(row))
        until = said.pop("expires", "")
        reference = table_input.cell(row, more["reference"]).strip()
        return {**said, "until": until, "reference": reference}

    done = _Added()
    with args.api() as own:
        for some in table_input.steps(rows, read):
            for part in chunks(some, CHUNK):
                here = [r for r in part if r.row.number >= args.from_]
                if here and not done.take(own, here):
                    break
            if done.stopped:
                break
    table_input.tell_notes(file, rows.notes)
    return done.show(args)


class _Added:
    """What became of the rows."""

    def __init__(self) -> None:
        self.counts = {"clear": 0, "listed": 0, "refused": 0}
        self.refused: list[tuple[int, Any]] = []
        self.stopped = 0  # row at which to go on

    def take(self, own: api_client.ApiClient, rows: Sequence["Read"]) -> bool:
        """Hand rows in; tell whether to go on."""
        good = [row for row in rows if row.problem is None]
        items = [row.fields for row in good]
        done = own.post("/v1/screening", {"items": items}) if items else {}
        for row, one in zip(good, done.get("items", ()), strict=True):
            problem = one.get("problem")
            if problem and problem["status"] in LATER and not self.stopped:
                self.stopped = row.row.number
            self.counts[one["state"]] += 1
            if problem:
                why = api_client.problem(problem)
                self.refused.append((row.row.number, why))
        bad = [(r.row.number, r.problem) for r in rows if r.problem]
        self.refused += bad
        self.counts["refused"] += len(bad)
        return not self.stopped

    def show(self, args: _AddOptions) -> int:
        """Show the counts, and what was refused; return the exit code."""
        value = {**self.counts, "from": self.stopped or None}
        args.show(value, self._lines())
        if self.stopped:
            terminal.tell("go on later with --from {n}", n=self.stopped)
        return 1 if self.refused else 0

    def _lines(self) -> Iterator[str]:
        for row, why in sorted(self.refused, key=lambda r: r[0])[:SHOWN]:
            yield from notices.refused(row, why)
        yield t(
            "kept {clear} that are not listed and {listed} that are, refused"
            " {refused}",
            **self.counts,
        )


class _ListOptions(PageOptions):
    after: int = option("a larger id only")


@noun.verb("list", "List whom we screen for, by the house's references.")
def _list(args: _ListOptions) -> None:
    with args.api() as own:
        get = partial(own.get, "/v1/screening")
        args.show_pages(
            lambda at, most: get(after=at, limit=most),
            args.after,
            _table,
            later("more: --after {id}"),
        )


class _EndOptions(ApiOptions):
    reference: str = option("the house's own, of a customer")
    id_: list[int] = option("of the entry")
    yes: bool = option("do not ask")


@noun.verb("end", "Screen for some customers no more.")
def _end(args: _EndOptions) -> int:
    if bool(args.reference) == bool(args.id_):
        raise UsageError("name one of --reference, --id")
    if not (args.yes or terminal.agreed(t("End them? [y/N] "))):
        raise RefusedError("nothing was ended")
    wanted = args.given("reference", ids="id_")
    with args.api() as own:
        done = own.post("/v1/screening/end", wanted)
    args.show(done, [t("ended {n} entries", n=done["ended"])])
    return 0 if done["ended"] else 1


class _ReportOptions(ApiOptions):
    verdict: list[str] = option("confirmed, suspected, disputed")
    evidence: list[str] = option("what a report rests on")
    role: list[str] = option("what it was used as")
    filed: bool = option("only list the reports that were made")


@noun.verb("report", "Report which of our customers are listed; it is filed.")
def _report(args: _ReportOptions) -> int:
    path = "/v1/screening/reports"
    wanted = args.given("evidence", verdicts="verdict", roles="role")
    with args.api() as own:
        found = own.get(path) if args.filed else own.post(path, wanted)
    runs = found["items"] if args.filed else [found["run"]]
    head = ("run", "at", "by", "entries", "listed", "shown", "complete")
    table = [
        [moment(run["at"]) if k == "at" else str(run[k]) for k in head]
        for run in runs
    ]
    rows = [] if args.filed else _table(found["items"])
    args.show(found, [*rows, *grid.table(head, table)])
    if args.filed or runs[0]["complete"]:
        return 0
    terminal.tell(
        "not complete: entries of {keys} are not compared with what is"
        " reported now; hand the list in anew",
        keys=", ".join(runs[0]["stale"]),
    )
    return 1


def _table(items: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for item in items:
        since = item.get("since")
        cells = {
            **item,
            "evidence": ", ".join(item.get("evidence", ())),
            "roles": ", ".join(item.get("roles", ())),
            "since": moment(since) if since else "",
        }
        rows.append([str(cells.get(name, "")) for name in HEAD])
    return grid.table(HEAD, rows) if rows else []
