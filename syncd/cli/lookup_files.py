"""Look-ups from a table to a file: as many answers as rows, in their order.

The file is for spreadsheets (`lists.safe`), readable by its owner alone, and
gets its name when it is whole. Of a row it has the number and the columns to
be kept, never the raw value unless that is one of them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.cli import api_client, grid, sheet_file, table_input, terminal
from syncd.cli.lookup_client import Question
from syncd.errors import MalformedError, SyncdError, UsageError
from syncd.lists import column_names, safe
from syncd.lists.columns import Columns
from syncd.lists.rows import Row, Table
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import t

if TYPE_CHECKING:
    from syncd.cli.lookup_command import LookupOptions

REFUSED = ("refused", "")  # what a row counts as that was not asked
HEAD = grid.HEADS["answers"]  # behind the columns that are kept
Counts = Counter[tuple[str, str]]  # of rows, by verdict and action
Keep = Mapping[str, int | str]  # columns of the file, by their names


def run(args: "LookupOptions", file: Path, out: Path, call: grid.Item) -> int:
    """Look a table up, and tell what came of it.

    Returns the exit code: 1 if a row was refused, or stayed unknown.

    Raises:
        UsageError: the file of answers is there, or cannot be written.
        SyncdError: the daemon does not answer; then there is no file.
    """
    rows, plan = table_input.understood(file, args, args.named, keep=args.keep)
    terminal.tell(f"{file}: {rows.about}")
    keep = dict(_kept(column, rows) for column in args.keep)
    counts: Counts = Counter()
    with args.api() as own:
        asking = Question(own, call)
        steps = table_input.shown(file, rows, partial(_item, plan, keep))
        found = _answers(steps, rows, keep, asking, counts)
        sheet_file.write(out, [*keep, *map(str, HEAD)], found)
    table_input.tell_notes(file, rows.notes)
    refused = counts[REFUSED]
    value = {
        "out": str(out),
        "rows": counts.total(),
        "refused": refused,
        "unknown": asking.unknown,
        "counts": [
            {"verdict": verdict, "action": action, "rows": n}
            for (verdict, action), n in sorted(counts.items())
        ],
        "as_of": asking.as_of,
    }
    lines = [
        (
            t("refused")
            if verdict == "refused"
            else answers.name("verdict", verdict),
            answers.name("action", action),
            f"{n:,}",
        )
        for (verdict, action), n in counts.most_common()
    ]
    args.show(value, grid.table("counts", lines))
    asking.tell()
    if refused:
        terminal.tell("{n} rows were not asked: see column problem", n=refused)
    return 1 if refused or asking.unknown else 0


def _kept(column: str, rows: Table) -> tuple[str, int | str]:
    """Return the name of a column that the answers keep, and where it is."""
    at: int | str = column  # of rows that each name their own
    name = column
    if rows.header is not None:
        at = column_names.place(column, rows.header, rows.width, "--keep")
        name = rows.header[at] if rows.header else column
    if name in map(str, HEAD):
        raise UsageError(
            "--keep: the answer has a column {name} too", name=name
        )
    return name, at


def _answers(
    steps: Iterable[Sequence[table_input.Read]],
    rows: Table,
    keep: Keep,
    asking: Question,
    counts: Counts,
) -> Iterator[list[str]]:
    """Look every row up and yield its answer; count how many of each."""
    nowhere = set(keep)  # where each row names its own columns
    for some in steps:
        items = [one.fields for one in some if not one.problem]
        found = iter(asking.ask(items) if items else ())
        as_of = grid.moment(asking.oldest)
        for one in some:
            item = {} if one.problem else next(found)
            cells, counted = _cells(one.problem, item)
            kept = []  # one that says no more what it said is empty
            for at in keep.values():
                try:
                    kept.append(safe.plain(table_input.cell(one.row, at)))
                except MalformedError:
                    kept.append("")
            rests = "" if counted == REFUSED else as_of
            yield [*kept, str(one.row.number), *cells, rests]
            counts[counted] += 1
            nowhere.difference_update(one.row.cells)
    if rows.header is None and nowhere:
        names = ", ".join(sorted(nowhere))
        terminal.tell("--keep: no row has {names}", names=names)


def _item(plan: Columns, keep: Keep, row: Row) -> grid.Item:
    for name, at in keep.items():
        try:
            table_input.cell(row, at)
        except MalformedError as e:
            raise MalformedError("{field}: {why}", field=name, why=e) from None
    item = plan.report(row)
    if not item.get("value"):
        raise MalformedError("value: the cell is empty")
    return item


def _cells(
    problem: SyncdError | None, item: grid.Item
) -> tuple[list[str], tuple[str, str]]:
    """Return what is written of an answer, and what it counts as."""
    if "problem" in item:
        problem = api_client.problem(item["problem"])
    if problem:
        return [t("refused"), *[""] * 11, catalogue.whole(problem)], REFUSED
    words = answers.words(item)
    words["seen"] = item.get("last_seen", "")
    if not item.get("positions"):
        words["handling"] = ""
    words["problem"] = "; ".join(filter(None, (words["why"], words["hint"])))
    cells = [words[head.title] for head in HEAD[1:-1]]
    return cells, (item["verdict"], item.get("action", ""))
