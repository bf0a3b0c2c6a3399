"""`syncd lookup`: is it listed, by whom, and what should we do?

Exit code 0: all were answered, whatever the verdicts; 1: one was refused, or
could not be asked.
"""

from collections.abc import Iterator
from pathlib import Path

from syncd.cli import api_client, grid, terminal
from syncd.cli.command import Command, option
from syncd.cli.grid import Item
from syncd.cli.lookup_client import Question
from syncd.cli.options import (
    ApiOptions,
    FormatOptions,
    KindOptions,
    ValueOptions,
    batches,
    values,
)
from syncd.errors import UsageError
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import t

LOOKUPS = 1000  # values in one call: a token has but a share of the hour

noun = Command()


class LookupOptions(ValueOptions, KindOptions, FormatOptions, ApiOptions):
    """What is looked up, for what, and where the answers go."""

    purpose: str = option("a code: syncd vocabulary purpose", needed=True)
    reference: str = option("our own file number; it is kept")
    deadline_ms: int = option("to wait for holders", min=0, max=60_000)
    file: Path | None = option("values one a line, or a table")
    out: Path | None = option("a new file: .csv or .xlsx")
    receipt: Path | None = option("a new file: shows later that one was asked")
    keep: list[str] = option("columns of the table to keep beside them")


@noun.verb(
    "lookup",
    "Look values up: from standard input, one a line, from a file, or asked"
    " for.",
)
def _lookup(args: LookupOptions) -> int:
    call = args.given("purpose", "reference", "deadline_ms")
    if args.out is None:
        if args.keep or args.is_list(args.file, "txt"):
            raise UsageError(
                "the answers to a table go to a file", ways="--out answers.csv"
            )
        return _lines(args, call)
    if args.receipt:
        raise UsageError("--receipt is of one value")
    # Only this way reads tables.
    from syncd.cli import lookup_files

    if args.file is None:
        raise UsageError(
            "--out is for the values of a --file", ways="--file customers.xlsx"
        )
    terminal.check_new(args.out)
    return lookup_files.run(args, args.file, args.out, call)


def _lines(args: LookupOptions, call: Item) -> int:
    """Look up values one a line, and show the answers."""
    args.check_kind()
    wanted = [{**args.named, "value": line} for line in values(args.file)]
    items: list[Item] = []
    if file := args.receipt:
        if len(wanted) != 1:
            raise UsageError("--receipt is of one value")
        terminal.check_new(file)
        call = {**call, "receipt": True}
    with args.api() as own:
        asking = Question(own, call)
        for some in batches(wanted, LOOKUPS):
            items += asking.ask(some)
    if file and (made := items[0].get("receipt")):
        terminal.write_new(file, terminal.as_json(made).encode(), private=True)
    whole = _whole if len(items) == 1 else _rows
    args.show({"items": items, "as_of": asking.as_of}, whole(items))
    if len(items) > 1 and not args.as_json:
        _tell_more(items)
    asking.tell()
    unknown = any(i.get("verdict", "unknown") == "unknown" for i in items)
    return 1 if unknown else 0


def _rows(items: list[Item]) -> Iterator[str]:
    """Yield answers as a table."""
    rows = []
    for number, item in enumerate(items, 1):
        if "problem" in item:
            why = catalogue.of(api_client.problem(item["problem"]))
            words = {"verdict": t("refused"), "action": why}
        else:
            words = answers.words(item) | {"seen": item.get("last_seen", "")}
        rows.append({"#": number, **words})
    yield from grid.items("lookup", rows)


def _tell_more(items: list[Item]) -> None:
    """Tell what is to be said of single answers, by their numbers."""
    for number, item in enumerate(items, 1):
        ours = answers.ours(item)
        hint = f" ({catalogue.text(item, 'hint')})" if item.get("hint") else ""
        for line in (
            answers.why(item) + hint if item.get("detail") else "",
            ours and t("by our own lists: {what}", what=ours),
            answers.notices(item),
        ):
            if line:
                terminal.tell(f"{number}: {line}")


def _whole(items: list[Item]) -> list[str]:
    """Return one answer as lines of name and text."""
    (item,) = items
    if "problem" in item:
        problem = api_client.problem(item["problem"])
        text, hint = catalogue.of(problem), catalogue.hint_of(problem)
        return grid.pairs([(t("refused"), text), (t("hint"), hint)])
    parts = answers.words(item)
    parts["action"] = parts["action"] or "-"
    rests = t("rests on")
    return grid.pairs(
        [
            *((t(name), text) for name, text in parts.items()),
            *(
                (rests, f"{o}:{index}")
                for o, index in item.get("positions", ())
            ),
        ]
    )
