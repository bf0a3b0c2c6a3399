"""`syncd access`: who looked up what for, and what a person may hear of it."""

from pathlib import Path

from syncd.cli import grid, sheet_file
from syncd.cli.command import Command, option
from syncd.cli.lookup_client import moment
from syncd.cli.options import (
    ApiOptions,
    KindOptions,
    ValueOptions,
    one_value,
)
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import t

noun = Command()


class _ReportOptions(ApiOptions):
    since: str = option("first day")
    until: str = option("last day")
    by: str = option("token or person: as whose they are counted")
    out: Path | None = option("a new file: .csv or .xlsx")


@noun.verb("report", "Report who looked up how much, for what, by the day.")
def _report(args: _ReportOptions) -> None:
    with args.api() as own:
        items = own.get("/v1/access", **args.given("since", "until", "by"))[
            "items"
        ]
    rows = [
        [
            *(
                one | {"purpose": answers.name("purpose", one["purpose"])}
            ).values()
        ]
        for one in items
    ]
    sheet_file.table("access", rows, items, args, args.out)


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
            t("yes") if "listed" in one else "",
            answers.name("action", one.get("action", "")),
        ]
        for one in items
    ]
    nothing = [t("no look-up of ours is to be told")]
    args.show(
        {"items": items}, grid.table("access about", rows) if rows else nothing
    )
