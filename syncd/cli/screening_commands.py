"""`syncd screening`: which of our own customers are listed.

A list is handed in once. What is shown has the house's references and never
a value.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from syncd.cli import grid, terminal
from syncd.cli.command import Noun, argument, option
from syncd.cli.lookup_client import moment
from syncd.cli.options import ApiOptions, FormatOptions, KindOptions, batches
from syncd.cli.own_commands import Kept
from syncd.errors import SyncdError
from syncd.messages.catalogue import later

CHUNK = 1000  # rows in a call
REFERENCE = "reference customer customer_no id 编号 客户号 客户编号"
HEAD = (
    *("id", "kind", "reference", "expires", "verdict"),
    *("evidence", "roles", "handling", "since"),
)

noun = Noun()


class _Customers(Kept):
    """What became of the customers that were handed in."""

    path = "/v1/screening"
    name = "items"
    counted = ("kept", "refused")
    total = later("kept {kept}, refused {refused}")

    def take(
        self, rows: Sequence[tuple[int, Mapping[str, Any] | SyncdError]]
    ) -> None:
        """Hand in customers, as many at a time as holders answer for."""
        for some in batches([*rows], CHUNK):
            super().take(some)


class _AddOptions(FormatOptions, KindOptions, ApiOptions):
    file: Path = argument()
    kind: str = option("for rows that do not say it")
    until: str = option("for rows that do not say it: the day they end")


@noun.verb(
    "add",
    "Hand in customers: columns for kind, value, reference and expires.",
)
def _add(args: _AddOptions) -> int:
    # Only this verb reads tables.
    from syncd.cli import table_input

    rows, read = table_input.entries(
        args.file,
        args,
        constants={**args.named, **args.given(expires="until")},
        more={"reference": REFERENCE},
    )
    with args.api() as own:
        return _Customers(own).load(args, args.file, rows, read)


class _ReportOptions(ApiOptions):
    verdict: list[str] = option(
        "confirmed, suspected, disputed; none: cleared"
    )
    evidence: list[str] = option("what a report rests on")
    role: list[str] = option("what it was used as")


@noun.verb("report", "Report which of our customers are listed; it is filed.")
def _report(args: _ReportOptions) -> int:
    wanted = args.given("evidence", verdicts="verdict", roles="role")
    with args.api() as own:
        found = own.post("/v1/screening/reports", wanted)
    args.show(found, grid.table(HEAD, _rows(found["items"])))
    if found["stale"]:
        terminal.tell(
            "not complete: {n} entries are of an old token key and not compared"
            " with what is reported now; hand the list in anew",
            n=found["stale"],
        )
    return 1 if found["stale"] else 0


def _rows(items: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    for item in items:
        cells = {
            **item,
            "evidence": ", ".join(item["evidence"]),
            "roles": ", ".join(item["roles"]),
            "since": moment(item["since"]),
        }
        yield [str(cells[name]) for name in HEAD]
