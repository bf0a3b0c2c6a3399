"""`syncd report import`, `syncd report imports`: whole lists.

A list has a name and comes again; an import is one file of it. The daemon
keeps what was refused, sealed, for operators.
"""

from functools import partial
from pathlib import Path

from syncd.cli import terminal
from syncd.cli.command import argument, option
from syncd.cli.grid import Item
from syncd.cli.options import MORE, ApiOptions, FieldOptions, FormatOptions
from syncd.cli.report_commands import noun
from syncd.errors import UsageError
from syncd.messages.catalogue import t


class ImportOptions(FormatOptions, FieldOptions, ApiOptions):
    """How a list is read, and what becomes of it."""

    file: Path = argument()
    dry_run: bool = option("read and show, send nothing")
    kind: str = option("for rows that do not say it: phone, url, account")
    split: str = option("a column of several values a cell")
    widths: str = option("columns of fixed width: 1-19,20-60")
    trailer: str = option("the last line: TRAILER|{count}|*")
    control: Path | None = option("a file that says the count")
    write_codes: Path | None = option("write a mapping file after a dry run")
    list_: str = option("the list's name; else the file's")
    local: bool = option("for our own answers: not sent")
    refresh: bool = option("rows with no day: seen today")
    gone: str = option("retract: what the list lacks twice running")
    gone_at_most: int | None = option("rows, if that many may go")
    refused: Path | None = option("write refused rows there, to be mended")
    anew: bool = option("do not go on, begin again")


@noun.verb(
    "import",
    "Report all rows of a CSV, TSV, TXT, NDJSON or XLSX file; run it again to"
    " go on where it stopped.",
)
def _import_list(args: ImportOptions) -> int:
    # Only this verb reads tables.
    from syncd.cli.importing import run

    return run.import_list(args)


class _ImportsOptions(ApiOptions):
    list_: str = option("name of a list")
    refused: int = option("id: write its refused rows to --out")
    out: Path | None = option("a new CSV file, to be mended")
    limit: int = option("rows at most", default=20, min=1, max=1000)


@noun.verb("imports", "List what was imported; write down what was refused.")
def _imports(args: _ImportsOptions) -> None:
    if bool(args.refused) != bool(args.out):
        raise UsageError("--refused ID and --out FILE go together")
    with args.api() as own:
        if args.out:
            from syncd.cli.importing import targets

            terminal.check_new(args.out)
            state = own.get(f"/v1/imports/{args.refused}")
            kept = partial(targets.kept, own, args.refused)
            n = sum(1 for _ in kept())
            if not n:
                raise UsageError(
                    "import {id}: no refused rows are kept", id=args.refused
                )
            targets.write(args.out, kept)
            terminal.tell("{n} refused rows: {path}", n=n, path=args.out)
            if n < state["refused"]:
                terminal.tell(
                    "{n} of them are not kept any more", n=state["refused"] - n
                )
            return
        asked = {"limit": args.limit, **args.given("list_")}
        page = own.get("/v1/imports", **asked)
    args.table("imports", page, _shown)
    if page.get("next") and not args.as_json:
        terminal.tell(MORE)


def _shown(one: Item) -> Item:
    return {
        "state": t(
            "finished" if one["finished"] else "at row {n}", n=one["row"]
        )
    }
