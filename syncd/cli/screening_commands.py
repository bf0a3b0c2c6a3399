"""`syncd screening`: which of our own customers are listed.

A list is handed in once. What is shown has the house's references and never
a value.
"""

from pathlib import Path

from syncd.cli import grid, terminal
from syncd.cli.command import Command, argument, option
from syncd.cli.hand_in import HandIn, ListOptions
from syncd.cli.lookup_client import moment
from syncd.cli.options import ApiOptions, KindOptions
from syncd.messages.catalogue import later

CHUNK = 1000  # rows in a call
REFERENCE = "reference customer customer_no id 编号 客户号 客户编号"
TOTAL = later("kept {kept}, refused {refused}")

noun = Command()


class _AddOptions(KindOptions, ListOptions):
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
    from syncd.lists.columns import Extra

    done = HandIn("/v1/screening", "items", TOTAL, ("kept", "refused"), CHUNK)
    return done.load(
        *(args, args.file),
        {**args.named, **args.given(expires="until")},
        fields=(*table_input.VALUE, "expires"),
        more={"reference": Extra(REFERENCE)},
    )


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
    rows = []
    for one in found["items"]:
        lists = {name: ", ".join(one[name]) for name in ("evidence", "roles")}
        cells = {**one, **lists, "since": moment(one["since"])}
        rows.append([str(cells[name]) for name in grid.HEADS["screening"]])
    args.show(found, grid.table("screening", rows))
    if found["stale"]:
        terminal.tell(
            "not complete: {n} entries are of an old token key and not compared"
            " with what is reported now; hand the list in anew",
            n=found["stale"],
        )
    return 1 if found["stale"] else 0
