"""One list from its file to the daemon, and what came of it."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.cli import grid, table_input, terminal
from syncd.cli.importing import targets
from syncd.cli.importing.targets import OwnList, Reports
from syncd.cli.importing.upload import Upload, identity
from syncd.cli.options import OutputOptions
from syncd.cli.terminal import tell
from syncd.errors import PendingError, UsageError
from syncd.flows.report import Rules
from syncd.lists import columns, mapping, preview, table
from syncd.lists.columns import Columns, ListDescription
from syncd.lists.preview import Preview
from syncd.lists.refused_rows import OURS, is_part
from syncd.lists.rows import FileOptions, Table
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import later, t
from syncd.node import pinned

if TYPE_CHECKING:
    from syncd.cli.report_commands import ImportOptions

SHOWN = 8  # reasons of refused rows
IF_SOME = {  # said of an import behind its first line, by their counts
    "pending": later(
        "nothing of it is published yet: it waits for a second person, as"
        " {pending} (syncd pending show {pending})"
    ),
    "taken_back": later(
        "not accepted, as we took it back before: {taken_back} (--again REASON"
        " reports it all the same)"
    ),
    "elsewhere": later(
        "accepted, but taken back by another member: {elsewhere}"
    ),
    "gone": later(
        "no more on the list: {gone}; missing twice running: {due};"
        " retracted: {dropped}"
    ),
}
PREVIEWED = 20  # reasons of them, before anything is sent
LOCAL = ("added", "known", "replaced", "refused", "removed")


def import_list(args: "ImportOptions") -> int:
    """Import a list, or show what that would do; return the exit code."""
    constants = {
        name: ";".join(value) if isinstance(value, list) else value
        for name, value in args.recorded().items()
    }
    how, meant = table_input.options_of(
        args.file_options(), args.map_, constants, table_input.zone_of(args)
    )
    rows, plan = understood(args.file, how, meant)
    before = rows.notes  # some are known when all rows are read
    if args.dry_run or args.write_codes:
        found = _preview(args, rows, plan)
        table_input.tell_notes(args.file, rows.notes, before)
        if args.write_codes:
            text = mapping.written(how, meant, found.columns, found.unknown, t)
            terminal.write_new(args.write_codes, text.encode(), private=True)
        return _next(found, args.file, codes=args.write_codes)
    _check(args, rows)
    with args.api() as own:
        file, name = args.file, args.list_ or args.file.name
        end = args.given("gone", "gone_at_most")
        if args.local:
            target: Reports = OwnList(own, rows, plan, {"list": name}, {}, end)
        else:
            given = {"name": file.name, "list": name}
            of_all = args.given("refresh", "again")
            target = Reports(own, rows, plan, given, of_all, end)
            complete(target, file, how, meant)
        budget = args.settings().own.max_request_bytes
        upload = Upload(file, target, budget, args.anew)
        counts = upload.run()
        table_input.tell_notes(args.file, rows.notes, before)
        return _tell(args, upload, counts)


def _check(args: "ImportOptions", rows: Table) -> None:
    """Pass if the options go together and the refused rows can be kept."""
    if args.gone not in ("", "retract"):
        raise UsageError("--gone: want retract")
    if args.local and (args.refresh or args.gone or args.again):
        raise UsageError("--local takes no --refresh, --gone, or --again")
    if args.gone and is_part(rows):
        raise UsageError(
            "{path}: has mended rows of a list, not all of it", path=args.file
        )
    terminal.check_new(args.refused)


def understood(
    file: Path, how: FileOptions, described: ListDescription
) -> tuple[Table, Columns]:
    """Return a list, and what its columns mean."""
    rows = table.open_table(file, how)
    plan = columns.plan(rows.header, rows.width, described, where=str(file))
    plan = plan.surveyed(rows.rows(0, 0))
    tell(f"{file}: {rows.about}")
    table_input.tell_notes(file, rows.notes)
    table_input.tell_unused(file, [n for n in plan.unused if n not in OURS])
    return rows, plan


def complete(
    target: Reports, file: Path, how: FileOptions, described: ListDescription
) -> None:
    """Complete what a file of reports is known by.

    That is what it was read by, too: with other options it is another.
    """
    table, plan = target.table, target.columns
    target.given = {
        **target.given,
        "size": file.stat().st_size,
        "file": identity(file),
        "options": {
            "about": table.about,
            "map": sorted(described.columns.items()),
            "constants": plan.constants,
            "codes": sorted([*k, v] for k, v in described.words.items()),
            "told": [*map(str, (how.header, how.sheet, how.split))],
            **target.how,
        },
    }
    target.end = {**target.end, "complete": not is_part(table)}


def _tell(args: "ImportOptions", upload: Upload, counts: grid.Item) -> int:
    rows = upload.target.refused
    where = None
    if counts.get("refused") and args.refused:
        targets.write(args.refused, rows)
        where = str(args.refused)
    more = {"import": counts.get("id"), "refused_file": where}
    args.show({**counts, **more}, _counted(counts))
    for (what, code), n in sorted(upload.target.counts.items()):
        remark = answers.notices({"notices": (code,)})
        if what == "taken_back":
            why = catalogue.word("retract_reason", code)
            remark = t("taken back by us before, as {reason}", reason=why)
        if what in ("notice", "taken_back"):
            tell(f"{n:>9,} × {remark}")
    for (field, word), n in upload.target.columns.ignored.most_common(SHOWN):
        line = t("{field}: {word} is ignored", field=field, word=word)
        tell(f"{n:>9,} × {line}")
    waits = PendingError.exit_code if counts.get("pending") else 0
    if not counts.get("refused"):
        return waits
    reasons = targets.reasons(rows()).most_common()
    others = sum(n for _, n in reasons[SHOWN:])
    for why, n in [*reasons[:SHOWN], (t("other reasons"), others)]:
        if n:
            tell(f"{n:>9,} × {why}")
    if where:
        tell("refused rows, with reasons: {path}", path=where)
    elif "id" in counts:
        tell(
            "refused rows, with reasons: syncd report imports --refused"
            " {id} --out FILE.csv; mend them there and import that file"
            " like this one",
            id=counts["id"],
        )
    else:
        tell("write refused rows down with --refused FILE.csv")
    return waits or 1


def _counted(counts: grid.Item) -> Iterator[str]:
    n = Counter({k: v for k, v in counts.items() if isinstance(v, int)})
    number = {name: f"{n[name]:,}" for name in (*n, *LOCAL)}
    if "id" not in counts:
        yield t(
            "local list: added {added}, already known {known}, replaced"
            " {replaced}, refused {refused}; dropped {removed}",
            **number,
        )
        return
    number |= {name: str(counts.get(name, "")) for name in ("id", "pending")}
    yield t(
        "import {id}: accepted {accepted}, already known {known}, refused"
        " {refused}",
        **number,
    )
    for name in filter(n.get, IF_SOME):
        yield t(IF_SOME[name], **number)
    if n["due"] > n["dropped"]:
        yield t("--gone retract takes back what is missing twice")


# ----------------------------------------------- before anything is sent


def _preview(args: OutputOptions, rows: Table, plan: Columns) -> Preview:
    """Print what an import would do; return it."""
    settings = args.settings()
    member, roster = settings.member, pinned.trusted_roster(settings).current
    now = datetime.fromtimestamp(pinned.clock(), table_input.zone_of(args))
    rules = Rules(roster, now.date().isoformat(), member.region, member.id)
    found = preview.look(rows, plan, rules)
    value = {
        "columns": [{"column": n, "field": into} for n, into in found.columns],
        "rows": found.rows,
        "good": found.good,
        "twice": found.twice,
        "listed": [one._asdict() for one in found.listed],
        "unknown": [
            {"field": u.field, "word": u.shown, "near": u.near, "rows": u.rows}
            for u in found.unknown
        ],
        "reasons": [
            {"detail": str(r.why), "line": r.row, "rows": r.rows}
            for r in found.reasons
        ],
        "notices": found.notices,
    }
    args.show(value, _previewed(found, plan))
    return found


def _previewed(found: Preview, plan: Columns) -> Iterator[str]:
    yield t("Columns, and what they are understood as:")
    stored = ((name, into or t("not stored")) for name, into in found.columns)
    yield from grid.table("columns", stored)
    if plan.constants:
        constants = ", ".join(f"{k}={v}" for k, v in plan.constants.items())
        yield t("For all rows: {said}", said=constants)
    yield "\n" + t("The first rows as they would be listed:")
    listed = ({**x._asdict(), **x.fields} for x in found.listed)
    yield from grid.items("preview", listed)
    yield "\n" + answers.previewed(found)
    for code, n in sorted(found.notices.items()):
        yield f"{n:>9,} × {answers.notices({'notices': (code,)})}"
    for (field, word), n in sorted(found.ignored.items()):
        line = t("{field}: {word} is ignored", field=field, word=word)
        yield f"{n:>9,} × {line}"
    if found.unknown:
        yield "\n" + t("Unknown words, and the nearest codes:")
        yield from grid.table(
            "unknown",
            [(f"{u.rows:,}", u.field, u.shown, u.near) for u in found.unknown],
        )
        if found.more:
            yield t("{n} rows with further unknown words", n=found.more)
    if found.reasons:
        yield "\n" + t("Other reasons:")
        for one in found.reasons[:PREVIEWED]:
            line = t("first in line {n}", n=one.row)
            yield f"{one.rows:>9,} × {catalogue.whole(one.why)} [{line}]"


def _next(found: Preview, file: Path, *, codes: Path | None) -> int:
    if codes:
        tell(
            "mapping file: {path}; write the codes in, then import with"
            " --map {path}",
            path=codes,
        )
    elif found.unknown:
        tell(
            "--write-codes FILE.toml writes these words down, to be given"
            " their codes; --map FILE.toml gives it back"
        )
    elif found.good == found.rows:
        tell(
            "{path}: nothing was sent; without --dry-run it is imported",
            path=file,
        )
    return 1 if found.good < found.rows else 0
