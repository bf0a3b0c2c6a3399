"""`syncd lookup`: is it listed, by whom, and what should we do?

Exit code 0: all were answered, whatever the verdicts; 1: one was refused, or
could not be asked.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from syncd.cli import answers, api_client, grid, notices, terminal
from syncd.cli.asked import Asked
from syncd.cli.command import Noun, option
from syncd.cli.options import (
    Listed,
    Local,
    Named,
    Values,
    batches,
    is_table,
    not_given,
)
from syncd.errors import UsageError
from syncd.lists.rows import Told
from syncd.messages import catalogue
from syncd.messages.catalogue import t

KINDS = ("phone", "url", "account")
HEAD = ("#", "verdict", "action", "labels", "sectors", "seen", "expires")
SHEETS = (".xlsx", ".xls", ".xlsm", "")

noun = Noun()


class _Lookup(Values, Named, Listed, Local):
    purpose: str = option("call_check, transaction_check, …")
    reference: str = option("our own file number; it is kept")
    deadline_ms: int = option("to wait for holders", min=0, max=60_000)
    epoch: int = option("the lines are tokens of this epoch")
    file: Path | None = option("values one a line, or a table")
    out: Path | None = option("a new file for the answers")
    keep: list[str] = option("columns of the table to keep beside them")


@noun.verb(
    "lookup",
    "Look values up: from standard input, one a line, from a file, or asked"
    " for. Lines are values of --kind, or KIND TAB value.",
)
def _lookup(said: _Lookup) -> int:
    if not said.purpose:
        raise not_given("purpose", f"--purpose {_purposes()}")
    call = said.given("purpose", "reference", "deadline_ms")
    told = said.told(names=tuple(said.keep))
    if said.out is None:
        if (said.file and is_table(said.file)) or told != Told():
            raise UsageError(
                "the answers to a table go to a file",
                hint="say {ways}",
                ways="--out answers.csv",
            )
        return _lines(said, call)
    # Only this way reads tables.
    from syncd.cli import lookup_files

    if said.file is None or said.epoch:
        raise UsageError(
            "--out is for the values of a --file",
            hint="say {ways}",
            ways="--file customers.xlsx",
        )
    if said.out.suffix.lower() in SHEETS:
        raise UsageError(
            "--out: the answers are CSV",
            hint="say {ways}",
            ways="--out answers.csv",
        )
    terminal.check_new(said.out)
    wanted = lookup_files.understood(
        said.file, told, maps=said.map_, constants=said.named
    )
    with said.api() as own:
        return lookup_files.run(wanted, Asked(own, call), said.out, said)


def _lines(said: _Lookup, call: Mapping[str, Any]) -> int:
    """Look up values one a line, and show the answers."""
    wanted = [
        _item(line, number, said)
        for number, line in enumerate(said.values(), 1)
    ]
    items: list[Mapping[str, Any]] = []
    with said.api() as own:
        asking = Asked(own, call)
        for some in batches(wanted):
            items += asking.ask(some)
    whole = _whole if len(items) == 1 else _rows
    said.show({"items": items, "as_of": asking.as_of}, whole(items))
    if len(items) > 1 and not said.as_json:
        _tell_more(items)
    asking.tell()
    unknown = any(i.get("verdict", "unknown") == "unknown" for i in items)
    return 1 if unknown else 0


def _purposes() -> str:
    from syncd.indicator import vocabulary

    codes = vocabulary.FACETS["purpose"]
    house = ("publish", "rotate", "never")  # never a look-up's
    return ", ".join(c for c in codes if c not in house)


def _item(line: str, number: int, said: _Lookup) -> dict[str, Any]:
    kind = said.kind
    if not kind:
        named, tab, line = line.partition("\t")
        kind = named.strip()
        if not tab or kind not in KINDS:
            raise UsageError(
                "line {n}: no kind",
                hint="say --kind, or write lines as KIND TAB value",
                n=number,
            )
    name = "token" if said.epoch else "value"
    more = said.given("scheme", "region", "epoch")
    return {**more, "kind": kind, name: line.strip()}


def _rows(items: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield answers as a table."""
    rows = []
    for number, item in enumerate(items, 1):
        if "problem" in item:
            why = catalogue.of(api_client.problem(item["problem"]))
            rows.append([str(number), t("refused"), why, *[""] * 4])
            continue
        last = {"#": str(number), "seen": item.get("last_seen", "")}
        words = answers.words(item) | last
        rows.append([words[name] for name in HEAD])
    yield from grid.table(HEAD, rows)


def _tell_more(items: list[Mapping[str, Any]]) -> None:
    """Tell what is to be said of single answers, by their numbers."""
    for number, item in enumerate(items, 1):
        ours = answers.ours(item)
        hint = f" ({catalogue.told(item, 'hint')})" if item.get("hint") else ""
        for said in (
            answers.why(item) + hint if item.get("detail") else "",
            ours and t("by our own lists: {what}", what=ours),
            notices.of(item),
        ):
            if said:
                terminal.tell(f"{number}: {said}")


def _whole(items: list[Mapping[str, Any]]) -> list[str]:
    """Return one answer as lines of name and text."""
    (item,) = items
    if "problem" in item:
        problem = api_client.problem(item["problem"])
        said, hint = catalogue.of(problem), catalogue.hint_of(problem)
        return grid.pairs([(t("refused"), said), (t("hint"), hint)])
    parts = answers.words(item)
    parts["action"] = parts["action"] or "-"
    rests = t("rests on")
    return grid.pairs(
        [
            *((t(name), said) for name, said in parts.items()),
            *(
                (rests, f"{o}:{index}")
                for o, index in item.get("positions", ())
            ),
        ]
    )
