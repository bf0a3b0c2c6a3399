"""`syncd report import`: whole lists, reported or kept for ourselves.

A list has a name and comes again; an import is one file of it. The daemon
keeps what was refused, sealed, for operators.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli import door, imported, previewing, report, terminal
from syncd.cli.door import Door
from syncd.cli.report import AsJson, Detected, TokenFile, given
from syncd.errors import UsageError
from syncd.messages.catalogue import t

if TYPE_CHECKING:
    from syncd.cli.importing.journey import Journey
    from syncd.lists.columns import Columns, Said
    from syncd.lists.rows import Table, Told

Likewise = Annotated[str, typer.Option(help="likewise: a code")]


def add(noun: typer.Typer) -> None:
    """Add the verbs to the noun."""
    _add_import(noun)
    imported.add(noun)


def _add_import(noun: typer.Typer) -> None:
    @noun.command(
        "import",
        help=(
            "Report all rows of a CSV, TSV, TXT, NDJSON or XLSX file; run it"
            " again to go on where it stopped."
        ),
    )
    def _import(
        ctx: typer.Context,
        file: Annotated[Path, typer.Argument()],
        dry_run: Annotated[
            bool,
            typer.Option("--dry-run", help="read and show, send nothing"),
        ] = False,
        map_: report.Maps = None,
        kind: Annotated[
            str,
            typer.Option(
                help="for rows that do not say it: phone, url, account"
            ),
        ] = "",
        label: Likewise = "",
        role: Likewise = "",
        evidence: Likewise = "",
        confidence: report.Confidence = None,
        seen: report.Seen = "",
        expires: report.Expires = "",
        channel: report.Channel = "",
        technique: report.Technique = None,
        handling: report.Handling = "",
        scheme: report.Scheme = "",
        region: report.Region = "",
        spoofed: report.Spoofed = False,
        test: report.Drill = False,
        keep_query: report.KeepQuery = False,
        allow_personal: report.Personal = False,
        format_: report.Format = "",
        encoding: Detected = "",
        delimiter: Detected = "",
        no_header: report.NoHeader = False,
        sheet: report.Sheet = "",
        split: Annotated[
            str, typer.Option(help="a column of several values a cell")
        ] = "",
        widths: Annotated[
            str, typer.Option(help="columns of fixed width: 1-19,20-60")
        ] = "",
        trailer: Annotated[
            str, typer.Option(help="the last line: TRAILER|{count}|*")
        ] = "",
        control: Annotated[
            Path | None, typer.Option(help="a file that says the count")
        ] = None,
        count: Annotated[
            int | None, typer.Option(help="rows that must be there")
        ] = None,
        write_codes: Annotated[
            Path | None,
            typer.Option(
                "--write-codes",
                help="write a mapping file after a dry run",
            ),
        ] = None,
        list_: Annotated[
            str,
            typer.Option("--list", help="the list's name; else the file's"),
        ] = "",
        local: Annotated[
            bool,
            typer.Option("--local", help="for our own answers: not sent"),
        ] = False,
        refresh: Annotated[
            bool,
            typer.Option("--refresh", help="rows with no day: seen today"),
        ] = False,
        gone: Annotated[
            str,
            typer.Option(help="retract: what the list lacks twice running"),
        ] = "",
        gone_at_most: Annotated[
            int | None, typer.Option(help="rows, if that many may go")
        ] = None,
        again: Annotated[
            str, typer.Option(help="why, though we took some back")
        ] = "",
        refused: Annotated[
            Path | None,
            typer.Option(help="write refused rows there, to be mended"),
        ] = None,
        anew: Annotated[
            bool,
            typer.Option("--anew", help="do not go on, begin again"),
        ] = False,
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        constants = given(
            kind=kind,
            label=label,
            role=role,
            evidence=evidence,
            seen=seen,
            expires=expires,
            channel=channel,
            technique=";".join(technique or []),
            handling=handling,
            scheme=scheme,
            region=region,
            spoofed=spoofed,
            test=test,
            keep_query=keep_query,
            allow_personal=allow_personal,
        )
        if confidence is not None:
            constants["confidence"] = confidence
        # Only this verb reads tables.
        from syncd.cli import tables
        from syncd.lists import mapping
        from syncd.lists.rows import Told

        told = Told(
            *(format_, encoding, delimiter, not no_header, sheet),
            split=split,
            widths=widths,
            trailer=trailer,
            control=control,
            count=count,
        )
        how, said = tables.told_of(
            told, map_ or [], constants, tables.zone_of(ctx)
        )
        rows, plan, options = _understood(file, how, said)
        before = rows.notes  # some are known when all rows are read
        if dry_run or write_codes is not None:
            found = previewing.show(ctx, rows, plan, as_json=as_json)
            tables.tell_notes(file, rows.notes, before)
            if write_codes is not None:
                text = mapping.written(how, said, plan, found.unknown, t)
                terminal.write_new(write_codes, text.encode(), private=True)
            previewing.end(found, file, codes=write_codes)
            return
        if gone not in ("", "retract"):
            raise UsageError(t("--gone: want retract"))
        if local and (refresh or gone or again):
            raise UsageError(
                t("--local takes no --refresh, --gone, or --again")
            )
        if gone and _is_part(rows):
            raise UsageError(
                t(
                    "{path}: has mended rows of a list, not all of it",
                    path=file,
                ),
                hint=t("leave out --gone: what it lacks is not gone"),
            )
        if refused is not None:
            terminal.check_new(refused)
        with Door.of(ctx, token_file) as own:
            end = (
                {} if gone_at_most is None else {"gone_at_most": gone_at_most}
            )
            journey = _journey(
                (file, rows, plan),
                own,
                list_ or file.name,
                local=local,
                options=options,
                how=given(refresh=refresh, again=again),
                end={**end, **given(gone=gone)},
            )
            journey.budget = door.settings_of(ctx).own.max_request_bytes
            journey.anew = anew
            counts = journey.run()
            tables.tell_notes(file, rows.notes, before)
            imported.tell(journey, counts, refused, as_json=as_json)


def _understood(
    file: Path, how: "Told", said: "Said"
) -> tuple["Table", "Columns", dict[str, Any]]:
    """Return a list, what its columns mean, and what it was read by."""
    from syncd.cli import tables
    from syncd.cli.importing.refused import OURS
    from syncd.lists import columns, table

    rows = table.open_table(file, how)
    plan = columns.plan(rows.header, rows.width, said, where=str(file))
    plan = plan.surveyed(rows.rows(0, 0))
    terminal.tell(f"{file}: {rows.about}")
    tables.tell_notes(file, rows.notes)
    unused = [name for name in plan.unused if name not in OURS]
    tables.tell_unused(file, unused)
    options = {
        "about": rows.about,
        "map": sorted(said.columns.items()),
        "constants": plan.constants,
        "codes": sorted([*k, v] for k, v in said.words.items()),
        "told": [str(part) for part in (how.header, how.sheet, how.split)],
    }
    return rows, plan, options


def _is_part(rows: "Table") -> bool:
    """Tell whether these are refused rows of a list that were mended."""
    from syncd.cli.importing.refused import OURS

    return not OURS.isdisjoint(rows.header or ())


def _journey(
    of: tuple[Path, "Table", "Columns"],
    own: Door,
    name: str,
    *,
    local: bool,
    options: Mapping[str, Any],
    how: Mapping[str, Any],
    end: Mapping[str, Any],
) -> "Journey":
    from syncd.cli.importing import journey
    from syncd.cli.importing.aims import OwnList, Reports

    file, rows, plan = of
    part = _is_part(rows)
    aim: OwnList | Reports
    if local:
        aim = OwnList(own, rows, plan, name, part, end)
    else:
        given_ = {
            "name": file.name,
            "size": file.stat().st_size,
            "file": journey.identity(file),
            "list": name,
            "options": {**options, **how},
        }
        aim = Reports(
            own, rows, plan, given_, how, {"complete": not part, **end}
        )
    return journey.Journey(file, rows, plan, aim)
