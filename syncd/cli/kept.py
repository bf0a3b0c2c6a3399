"""Entries of our own lists on their way in: from values, or from a file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli import door, notices, report, terminal
from syncd.cli.door import Door
from syncd.cli.report import AsJson, Maps, TokenFile, given
from syncd.errors import SyncdError, UsageError
from syncd.messages import catalogue
from syncd.messages.catalogue import t

if TYPE_CHECKING:
    from syncd.lists.rows import Row, Table, Told

SHOWN = 20  # rows of a file that are told one by one
COUNTED = ("added", "known", "replaced", "refused")
OURS = {  # what a column may be called, beside those of an import
    "why": "why reason 原因 理由 事由",
    "code": "code 提示 提示类型",
    "text": "text remark note 备注 说明",
}

Why = Annotated[str, typer.Option(help="our reason; it is kept")]
Code = Annotated[
    str,
    typer.Option(help="shared_host, gateway, own_customer_line, other"),
]
Remark = Annotated[str, typer.Option("--text", help="what the note says")]
Until = Annotated[
    str, typer.Option(help="first day on which it counts no more")
]


class Kept:
    """What became of the entries that were handed in."""

    def __init__(self, own: Door, type_: str) -> None:
        self._own = own
        self._type = type_
        self.items: list[Mapping[str, Any]] = []  # each with its `row`

    def take(
        self, rows: Sequence[tuple[int, Mapping[str, Any] | SyncdError]]
    ) -> None:
        """Hand in entries by their rows' numbers; those that read."""
        entries = [one for _, one in rows if not isinstance(one, SyncdError)]
        answers: Iterator[Mapping[str, Any]] = iter(())
        if entries:
            wanted = {"type": self._type, "entries": entries}
            done = self._own.post("/v1/own/entries", wanted)
            answers = iter(done["items"])
        for number, one in rows:
            item = (
                _refused(one) if isinstance(one, SyncdError) else next(answers)
            )
            self.items.append({"row": number, **item})

    def show(self, as_json: bool, most: int) -> None:
        """Tell what became of each, of `most` at most; then the counts.

        Raises:
            Exit: one was refused.
        """
        states = [item["state"] for item in self.items]
        counts = {name: states.count(name) for name in COUNTED}
        if as_json:
            terminal.show_json({"items": self.items, **counts})
        else:
            self._show_each(most)
            terminal.say(
                t(
                    "added {added}, already known {known}, replaced"
                    " {replaced}, refused {refused}",
                    **{name: f"{n:,}" for name, n in counts.items()},
                )
            )
        if counts["refused"]:
            raise typer.Exit(1)

    def _show_each(self, most: int) -> None:
        """Tell all if they are few, else what a person must see."""
        few = len(self.items) <= most
        told = [
            item
            for item in self.items
            if few or item["state"] == "refused" or item.get("official")
        ]
        for item in told[:most]:
            if item["state"] == "refused":
                problem = door.problem(item["problem"])
                for line in notices.refused(item["row"], problem):
                    terminal.say(line)
            else:
                terminal.say(_kept(item))
        if len(told) > most:
            more = len(told) - most
            terminal.say(t("{n} more rows: see --json", n=f"{more:,}"))


def _refused(error: SyncdError) -> Mapping[str, Any]:
    """Return an outcome as the local API writes it."""
    said = {"status": error.status, "detail": catalogue.of(error)}
    if hint := catalogue.hint_of(error):
        said["hint"] = hint
    return {"state": "refused", "problem": said}


def _kept(item: Mapping[str, Any]) -> str:
    row, id_ = item["row"], item["id"]
    if item["state"] == "known":
        line = t("{n}: known as {id}", n=row, id=id_)
    else:
        line = t("{n}: kept as {id}", n=row, id=id_)
    remarks = []
    if item["state"] == "replaced":
        remarks.append(t("what stood before is history"))
    if item.get("official"):
        remarks.append(t("although an official report lists it"))
    return f"{line} ({'; '.join(remarks)})" if remarks else line


def add(noun: typer.Typer) -> None:
    """Add the verb that reads a file."""

    @noun.command(
        "load",
        help=(
            "Keep all rows of a CSV, TSV, TXT, NDJSON or XLSX file as exempt"
            " entries or notes."
        ),
    )
    def _load(
        ctx: typer.Context,
        file: Annotated[Path, typer.Argument()],
        type_: Annotated[
            str, typer.Option("--type", help="exempt, note")
        ] = "",
        map_: Maps = None,
        kind: Annotated[
            str, typer.Option(help="for rows that do not say it")
        ] = "",
        why: Why = "",
        code: Code = "",
        text_: Remark = "",
        until: Until = "",
        scheme: report.Scheme = "",
        region: report.Region = "",
        format_: report.Format = "",
        encoding: report.Detected = "",
        delimiter: report.Detected = "",
        no_header: report.NoHeader = False,
        sheet: report.Sheet = "",
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        # Only this verb reads tables.
        from syncd.cli import tables
        from syncd.cli.importing.meter import Meter
        from syncd.lists.rows import Told

        if type_ not in ("exempt", "note"):
            raise UsageError(
                t("not given: {names}", names="type"),
                hint=t("say {ways}", ways="--type exempt, note"),
            )
        if type_ == "exempt" and (code or text_):
            raise UsageError(t("--code and --text are a note's"))
        fields = given(kind=kind, scheme=scheme, region=region, expires=until)
        ours = given(why=why, code=code, text=text_)
        said = Told(format_, encoding, delimiter, not no_header, sheet)
        names = OURS if type_ == "note" else {"why": OURS["why"]}
        rows, read = _entries(file, said, map_ or [], names, fields, ours)
        with (
            Door.of(ctx, token_file) as own,
            Meter(file.name, rows.span) as meter,
        ):
            kept = Kept(own, type_)
            for some in tables.steps(rows, read):
                kept.take(
                    [(o.row.number, o.problem or o.fields) for o in some]
                )
                last = some[-1].row
                meter.at(min(last.end, rows.span), last.number)
        tables.tell_notes(file, rows.notes)
        kept.show(as_json, SHOWN)


def _entries(
    file: Path,
    said: "Told",
    maps: Sequence[str],
    names: Mapping[str, str],
    fields: Mapping[str, Any],
    ours: Mapping[str, Any],
) -> tuple["Table", Callable[["Row"], Mapping[str, Any]]]:
    """Return a file as a table, and what reads an entry from its rows."""
    from syncd.cli import tables

    rows, plan = tables.understood(
        file,
        said,
        maps=[m for m in maps if m.partition("=")[0] not in names],
        constants=fields,
        fields=(*tables.VALUE, "expires"),
    )
    more = tables.named(rows, names, maps)
    header = rows.header or ()
    picked = [header[at] for at in more.values() if isinstance(at, int)]
    unused = [name for name in plan.unused if name not in picked]
    tables.tell_unused(file, unused)

    def read(row: "Row") -> Mapping[str, Any]:
        cells = {n: tables.cell(row, at).strip() for n, at in more.items()}
        if cells.get("code"):
            cells["code"] = _code(cells["code"])
        return {**plan.report(row), **ours, **given(**cells)}

    return rows, read


def _code(word: str) -> str:
    """Return the code of a note that a cell says, by itself or by a name."""
    from syncd.indicator import vocabulary

    said = word.casefold()
    for one in vocabulary.FACETS["note"].values():
        if said in (one.zh, one.en.casefold()):
            return one.code
    return said
