"""`syncd appeal`: measures to look at again, and what came of each."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from syncd.cli import sheet_file, terminal
from syncd.cli.api_client import pages
from syncd.cli.command import Command, argument, option
from syncd.cli.lookup_client import moment
from syncd.cli.options import ApiOptions
from syncd.cli.sheet_file import Cells
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import t

MOST = 1_000_000  # entries in a list

noun = Command()


class _ListOptions(ApiOptions):
    all_: bool = option("also what is done with")
    out: Path | None = option("a new file: .csv or .xlsx")


@noun.verb("list", "List measures to look at again, and appeals.")
def _list(args: _ListOptions) -> None:
    with args.api() as own:
        get = partial(own.get, "/v1/appeals", open=int(not args.all_))
        items, _ = pages(lambda at, most: get(after=at, limit=most), 0, MOST)
    sheet_file.table("appeals", [*map(_row, items)], items, args, args.out)


def _row(item: Mapping[str, Any]) -> Cells:
    decision = item.get("decision", "")
    return [
        *(item["id"], catalogue.phrase("appeal", item["cause"]), item["by"]),
        answers.name("purpose", item.get("purpose", "")),
        answers.name("action", item.get("measure", "")),
        *(item.get("reference", ""), moment(item.get("received_at"))),
        *(
            decision and catalogue.phrase("appeal", decision),
            moment(item.get("decided_at")),
        ),
        *(moment(item.get(name)) for name in ("told_at", "lifted_at")),
        item.get("hours", ""),
        item.get("why", ""),
    ]


class _AddOptions(ApiOptions):
    reference: str = option("our file number; it is kept")
    measure: str = option("the measure: label … hold")
    received: str = option("day on which it came; today if not")


@noun.verb("add", "Enter an appeal that came in.")
def _add(args: _AddOptions) -> None:
    with args.api() as own:
        draft = args.given("reference", "measure", "received")
        [made] = own.post("/v1/appeals", draft)["items"]
    args.show(made, [t("kept as {id}", id=made["id"])])


class _NoteOptions(ApiOptions):
    step: str = argument()
    ids: list[int] = argument()
    why: str = option("of a decision; it is kept")


@noun.verb("note", "Note that it was granted, refused, told or lifted.")
def _note(args: _NoteOptions) -> None:
    step = {"step": args.step, **args.given("why")}
    done: list[Mapping[str, Any]] = []
    with args.api() as own:
        for number in args.ids:
            done += own.post(f"/v1/appeals/{number}", step)["items"]
            if not args.as_json:
                terminal.say("{id}: noted", id=number)
    args.show({"items": done}, ())
