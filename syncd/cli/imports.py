"""`syncd report import`: whole lists, reported or kept for ourselves.

A list has a name and comes again; an import is one file of it. The daemon
keeps what was refused, sealed, for operators.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli import imported, previewing, terminal
from syncd.cli.command import argument, option
from syncd.cli.options import Listed, Local, Recorded
from syncd.cli.report import noun
from syncd.errors import UsageError
from syncd.messages.catalogue import t

if TYPE_CHECKING:
    from syncd.cli.api_client import ApiClient
    from syncd.cli.importing.upload import Upload
    from syncd.lists.columns import Columns, Said
    from syncd.lists.rows import Table, Told


class _Import(Listed, Recorded, Local):
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

    def how(self) -> "Told":
        """Return how the file is to be read."""
        return self.told(
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
def _import_list(said: _Import) -> int:
    # Only this verb reads tables.
    from syncd.cli import tables

    constants = {
        name: ";".join(value) if isinstance(value, list) else value
        for name, value in said.recorded().items()
    }
    how, meant = tables.told_of(
        said.how(), said.map_, constants, tables.zone_of(said)
    )
    rows, plan = _understood(said.file, how, meant)
    before = rows.notes  # some are known when all rows are read
    if said.dry_run or said.write_codes is not None:
        return _rehearse(said, (how, meant), rows, plan)
    _check(said, rows)
    with said.api() as own:
        upload = _upload(
            said, own, rows, plan, _options(rows, how, meant, plan)
        )
        upload.budget = said.settings().own.max_request_bytes
        upload.anew = said.anew
        counts = upload.run()
        tables.tell_notes(said.file, rows.notes, before)
        return imported.tell(said, upload, counts, said.refused)


def _rehearse(
    said: _Import,
    how: "tuple[Told, Said]",
    rows: "Table",
    plan: "Columns",
) -> int:
    """Show what an import would do; return its exit code."""
    from syncd.cli import tables
    from syncd.lists import mapping

    before = rows.notes
    found = previewing.show(said, rows, plan)
    tables.tell_notes(said.file, rows.notes, before)
    if said.write_codes is not None:
        text = mapping.written(*how, found.columns, found.unknown, t)
        terminal.write_new(said.write_codes, text.encode(), private=True)
    return previewing.end(found, said.file, codes=said.write_codes)


def _check(said: _Import, rows: "Table") -> None:
    """Pass if the options go together and the refused rows can be kept."""
    if said.gone not in ("", "retract"):
        raise UsageError("--gone: want retract")
    if said.local and (said.refresh or said.gone or said.again):
        raise UsageError("--local takes no --refresh, --gone, or --again")
    if said.gone and _is_part(rows):
        raise UsageError(
            "{path}: has mended rows of a list, not all of it",
            hint="leave out --gone: what it lacks is not gone",
            path=said.file,
        )
    if said.refused is not None:
        terminal.check_new(said.refused)


def _understood(
    file: Path, how: "Told", said: "Said"
) -> "tuple[Table, Columns]":
    """Return a list, and what its columns mean."""
    from syncd.cli import tables
    from syncd.cli.importing.refused import OURS
    from syncd.lists import columns, table

    rows = table.open_table(file, how)
    plan = columns.plan(rows.header, rows.width, said, where=str(file))
    plan = plan.surveyed(rows.rows(0, 0))
    terminal.tell(f"{file}: {rows.about}")
    tables.tell_notes(file, rows.notes)
    tables.tell_unused(
        file, [name for name in plan.unused if name not in OURS]
    )
    return rows, plan


def _options(
    rows: "Table", how: "Told", said: "Said", plan: "Columns"
) -> dict[str, Any]:
    """Return what a list was read by: with other options it is another."""
    return {
        "about": rows.about,
        "map": sorted(said.columns.items()),
        "constants": plan.constants,
        "codes": sorted([*k, v] for k, v in said.words.items()),
        "told": [str(part) for part in (how.header, how.sheet, how.split)],
    }


def _is_part(rows: "Table") -> bool:
    """Tell whether these are refused rows of a list that were mended."""
    from syncd.cli.importing.refused import OURS

    return not OURS.isdisjoint(rows.header or ())


def _upload(
    said: _Import,
    own: "ApiClient",
    rows: "Table",
    plan: "Columns",
    options: dict[str, Any],
) -> "Upload":
    from syncd.cli.importing import upload
    from syncd.cli.importing.targets import OwnList, Reports

    file, name = said.file, said.list_ or said.file.name
    end = said.given("gone", "gone_at_most")
    target: OwnList | Reports
    if said.local:
        target = OwnList(own, rows, plan, name, _is_part(rows), end)
    else:
        how = said.given("refresh", "again")
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
