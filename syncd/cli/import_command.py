"""`syncd report import`: whole lists, reported or kept for ourselves.

A list has a name and comes again; an import is one file of it. The daemon
keeps what was refused, sealed, for operators.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli import import_outcome, previewing, terminal
from syncd.cli.command import argument, option
from syncd.cli.options import ApiOptions, FieldOptions, FormatOptions
from syncd.cli.report_commands import noun
from syncd.errors import UsageError
from syncd.messages.catalogue import t

if TYPE_CHECKING:
    from syncd.cli.api_client import ApiClient
    from syncd.cli.importing.upload import Upload
    from syncd.lists.columns import Columns, ListDescription
    from syncd.lists.rows import FileOptions, Table


class _ImportOptions(FormatOptions, FieldOptions, ApiOptions):
    file: Path = argument()
    dry_run: bool = option("read and show, send nothing")
    kind: str = option("for rows that do not say it: phone, url, account")
    split: str = option("a column of several values a cell")
    widths: str = option("columns of fixed width: 1-19,20-60")
    trailer: str = option("the last line: TRAILER|{count}|*")
    control: Path | None = option("a file that says the count")
    count: int | None = option("rows that must be there")
    write_codes: Path | None = option("write a mapping file after a dry run")
    list_: str = option("the list's name; else the file's")
    local: bool = option("for our own answers: not sent")
    refresh: bool = option("rows with no day: seen today")
    gone: str = option("retract: what the list lacks twice running")
    gone_at_most: int | None = option("rows, if that many may go")
    refused: Path | None = option("write refused rows there, to be mended")
    anew: bool = option("do not go on, begin again")

    def how(self) -> "FileOptions":
        """Return how the file is to be read."""
        return self.file_options(
            split=self.split,
            widths=self.widths,
            trailer=self.trailer,
            control=self.control,
            count=self.count,
        )


@noun.verb(
    "import",
    "Report all rows of a CSV, TSV, TXT, NDJSON or XLSX file; run it again to"
    " go on where it stopped.",
)
def _import_list(args: _ImportOptions) -> int:
    # Only this verb reads tables.
    from syncd.cli import table_input

    constants = {
        name: ";".join(value) if isinstance(value, list) else value
        for name, value in args.recorded().items()
    }
    how, meant = table_input.options_of(
        args.how(), args.map_, constants, table_input.zone_of(args)
    )
    rows, plan = _understood(args.file, how, meant)
    before = rows.notes  # some are known when all rows are read
    if args.dry_run or args.write_codes is not None:
        return _rehearse(args, (how, meant), rows, plan)
    _check(args, rows)
    with args.api() as own:
        upload = _upload(
            args, own, rows, plan, _options(rows, how, meant, plan)
        )
        upload.budget = args.settings().own.max_request_bytes
        upload.anew = args.anew
        counts = upload.run()
        table_input.tell_notes(args.file, rows.notes, before)
        return import_outcome.tell(args, upload, counts, args.refused)


def _rehearse(
    args: _ImportOptions,
    how: "tuple[FileOptions, ListDescription]",
    rows: "Table",
    plan: "Columns",
) -> int:
    """Show what an import would do; return its exit code."""
    from syncd.cli import table_input
    from syncd.lists import mapping

    before = rows.notes
    found = previewing.show(args, rows, plan)
    table_input.tell_notes(args.file, rows.notes, before)
    if args.write_codes is not None:
        text = mapping.written(*how, found.columns, found.unknown, t)
        terminal.write_new(args.write_codes, text.encode(), private=True)
    return previewing.end(found, args.file, codes=args.write_codes)


def _check(args: _ImportOptions, rows: "Table") -> None:
    """Pass if the options go together and the refused rows can be kept."""
    if args.gone not in ("", "retract"):
        raise UsageError("--gone: want retract")
    if args.local and (args.refresh or args.gone or args.again):
        raise UsageError("--local takes no --refresh, --gone, or --again")
    if args.gone and _is_part(rows):
        raise UsageError(
            "{path}: has mended rows of a list, not all of it",
            hint="leave out --gone: what it lacks is not gone",
            path=args.file,
        )
    if args.refused is not None:
        terminal.check_new(args.refused)


def _understood(
    file: Path, how: "FileOptions", described: "ListDescription"
) -> "tuple[Table, Columns]":
    """Return a list, and what its columns mean."""
    from syncd.cli import table_input
    from syncd.cli.importing.refused import OURS
    from syncd.lists import columns, table

    rows = table.open_table(file, how)
    plan = columns.plan(rows.header, rows.width, described, where=str(file))
    plan = plan.surveyed(rows.rows(0, 0))
    terminal.tell(f"{file}: {rows.about}")
    table_input.tell_notes(file, rows.notes)
    table_input.tell_unused(
        file, [name for name in plan.unused if name not in OURS]
    )
    return rows, plan


def _options(
    rows: "Table",
    how: "FileOptions",
    described: "ListDescription",
    plan: "Columns",
) -> dict[str, Any]:
    """Return what a list was read by: with other options it is another."""
    return {
        "about": rows.about,
        "map": sorted(described.columns.items()),
        "constants": plan.constants,
        "codes": sorted([*k, v] for k, v in described.words.items()),
        "told": [str(part) for part in (how.header, how.sheet, how.split)],
    }


def _is_part(rows: "Table") -> bool:
    """Tell whether these are refused rows of a list that were mended."""
    from syncd.cli.importing.refused import OURS

    return not OURS.isdisjoint(rows.header or ())


def _upload(
    args: _ImportOptions,
    own: "ApiClient",
    rows: "Table",
    plan: "Columns",
    options: dict[str, Any],
) -> "Upload":
    from syncd.cli.importing import upload
    from syncd.cli.importing.targets import OwnList, Reports

    file, name = args.file, args.list_ or args.file.name
    end = args.given("gone", "gone_at_most")
    target: OwnList | Reports
    if args.local:
        target = OwnList(own, rows, plan, name, _is_part(rows), end)
    else:
        how = args.given("refresh", "again")
        given = {
            "name": file.name,
            "size": file.stat().st_size,
            "file": upload.identity(file),
            "list": name,
            "options": {**options, **how},
        }
        end["complete"] = not _is_part(rows)
        target = Reports(own, rows, plan, given, how, end)
    return upload.Upload(file, rows, plan, target)
