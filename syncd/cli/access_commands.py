"""`syncd access`: who looked up what for, and what a person may hear of it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from syncd.cli import answers, grid, sheet_file
from syncd.cli.api_client import PAGE, ApiClient
from syncd.cli.command import Noun, option
from syncd.cli.lookup_client import moment
from syncd.cli.options import (
    ApiOptions,
    KindOptions,
    ValueOptions,
    one_value,
)
from syncd.cli.sheet_file import Cells
from syncd.messages import catalogue
from syncd.messages.catalogue import later, t

DAY, CALLER, LISTED = later("day"), later("caller"), later("listed")
SUMS = (DAY, CALLER, "purpose", later("look-ups"), LISTED, later("measures"))
TOLD = (later("time"), later("purpose"), later("kind"), LISTED, "action")
EACH = ("id", TOLD[0], CALLER, *TOLD[1:], later("reference"))

noun = Noun()


class _ReportOptions(ApiOptions):
    since: str = option("first day")
    until: str = option("last day")
    by: str = option("whose token asked")
    purpose: str = option("code of what it was for")
    each: bool = option("single look-ups, with their file numbers")
    out: Path | None = option("a new file: .csv or .xlsx")


@noun.verb("report", "Report who looked up how much, for what, by the day.")
def _report(args: _ReportOptions) -> None:
    query = args.given("since", "until", "by", "purpose")
    with args.api() as own:
        records = _records(own, query)
        if args.as_json and args.each:
            args.show({"items": [*records]}, ())
            return
        head = EACH if args.each else SUMS
        rows = map(_each, records) if args.each else _sums(records)
        if args.out:
            sheet_file.write(args.out, head, map(_named, rows))
            return
        found = [*rows]
    items = [dict(zip(head, row, strict=True)) for row in found]
    cells = ([str(cell) for cell in _named(row)] for row in found)
    args.show({"items": items}, grid.table(head, cells))


def _records(
    own: ApiClient, query: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    after = 0
    while True:
        page = own.get("/v1/access", after=after, limit=PAGE, **query)
        yield from page["items"]
        after = page.get("next", 0)
        if not after:
            return


def _sums(records: Iterator[Mapping[str, Any]]) -> Iterator[Cells]:
    """Yield look-ups, those that were listed, and measures, each counted."""
    sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in records:
        counts = sums[one["on"], one["by"], one["purpose"]]
        for at, n in enumerate((1, "listed" in one, "measure" in one)):
            counts[at] += n
    for (on, by, purpose), counts in sorted(sums.items()):
        yield [on, by, purpose, *counts]


def _each(one: Mapping[str, Any]) -> Cells:
    return [
        *(one["id"], moment(one["at"]), one["by"], one["purpose"]),
        *(one.get("kind", ""), _yes(one), one.get("action", "")),
        one.get("reference", ""),
    ]


def _named(row: Cells) -> Cells:
    """Return a row of a report with what its codes are called."""
    each = len(row) == len(EACH)
    facets = {3: "purpose", 6: "action"} if each else {2: "purpose"}
    return [
        answers.name(facets[at], str(cell)) if at in facets else cell
        for at, cell in enumerate(row)
    ]


def _yes(one: Mapping[str, Any]) -> str:
    return t("yes") if "listed" in one else ""


class _AboutOptions(ValueOptions, KindOptions, ApiOptions):
    reference: str = option("our file number; it is kept")


@noun.verb(
    "about",
    "Answer a person who asks which look-ups of ours were on a value: from"
    " standard input, or asked for.",
)
def _about(args: _AboutOptions) -> None:
    args.check_kind()
    wanted = {**args.named, **args.given("reference")}
    wanted["value"] = one_value(args.file)
    with args.api() as own:
        items = own.post("/v1/access/about", wanted)["items"]
    lang = catalogue.language()
    rows = [
        [
            *(moment(one["at"]), one["purpose"][lang], one["kind"]),
            *(_yes(one), answers.name("action", one.get("action", ""))),
        ]
        for one in items
    ]
    nothing = [t("no look-up of ours is to be told")]
    args.show({"items": items}, grid.table(TOLD, rows) if rows else nothing)
