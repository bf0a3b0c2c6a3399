"""`syncd lookup`: is it listed, by whom, and what should we do?

Exit code 0: all were answered, whatever the verdicts; 1: one was refused, or
could not be asked.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd.cli import answers, door, grid, notices, report, terminal
from syncd.cli.asked import Asked
from syncd.cli.door import Door
from syncd.errors import UsageError
from syncd.lists.rows import Told
from syncd.messages import catalogue
from syncd.messages.catalogue import t

KINDS = ("phone", "url", "account")


def add(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        "lookup",
        help=(
            "Look values up: from standard input, one a line, from a file, or"
            " asked for. Lines are values of --kind, or KIND TAB value."
        ),
    )
    def _lookup(
        ctx: typer.Context,
        on_line: report.Refused = None,
        kind: report.Kind = "",
        purpose: Annotated[
            str, typer.Option(help="call_check, transaction_check, …")
        ] = "",
        reference: Annotated[
            str, typer.Option(help="our own file number; it is kept")
        ] = "",
        deadline_ms: Annotated[
            int, typer.Option(help="to wait for holders", min=0, max=60_000)
        ] = 0,
        scheme: report.Scheme = "",
        region: report.Region = "",
        epoch: Annotated[
            int, typer.Option(help="the lines are tokens of this epoch")
        ] = 0,
        file: Annotated[
            Path | None, typer.Option(help="values one a line, or a table")
        ] = None,
        out: Annotated[
            Path | None, typer.Option(help="a new file for the answers")
        ] = None,
        keep: Annotated[
            list[str] | None,
            typer.Option(help="columns of the table to keep beside them"),
        ] = None,
        map_: report.Maps = None,
        format_: report.Format = "",
        encoding: report.Detected = "",
        delimiter: report.Detected = "",
        no_header: report.NoHeader = False,
        sheet: report.Sheet = "",
        token_file: report.TokenFile = None,
        as_json: report.AsJson = False,
    ) -> None:
        report.refuse_arguments(on_line)
        if not purpose:
            raise UsageError(
                t("not given: {names}", names="purpose"),
                hint=t("say {ways}", ways=f"--purpose {_purposes()}"),
            )
        call = report.given(
            purpose=purpose, reference=reference, deadline_ms=deadline_ms
        )
        said = Told(
            *(format_, encoding, delimiter, not no_header, sheet),
            names=tuple(keep or ()),
        )
        more = report.given(scheme=scheme, region=region, epoch=epoch)
        if out is None:
            if (file and report.is_table(file)) or said != Told():
                raise UsageError(
                    t("the answers to a table go to a file"),
                    hint=t("say {ways}", ways="--out answers.csv"),
                )
            _lines(ctx, token_file, kind, more, file, call, as_json)
            return
        # Only this way reads tables.
        from syncd.cli import lookup_files

        if file is None or epoch:
            raise UsageError(
                t("--out is for the values of a --file"),
                hint=t("say {ways}", ways="--file customers.xlsx"),
            )
        if out.suffix.lower() in (".xlsx", ".xls", ".xlsm", ""):
            raise UsageError(
                t("--out: the answers are CSV"),
                hint=t("say {ways}", ways="--out answers.csv"),
            )
        terminal.check_new(out)
        wanted = lookup_files.understood(
            file,
            said,
            maps=map_ or [],
            constants={**more, **report.given(kind=kind)},
        )
        with Door.of(ctx, token_file) as own:
            lookup_files.run(wanted, Asked(own, call), out, as_json=as_json)


def _lines(
    ctx: typer.Context,
    token_file: Path | None,
    kind: str,
    more: Mapping[str, Any],
    file: Path | None,
    call: Mapping[str, Any],
    as_json: bool,
) -> None:
    """Look up values one a line, and show the answers.

    Raises:
        Exit: one was refused, or stayed unknown.
    """
    wanted = [
        _item(line, number, kind, more)
        for number, line in enumerate(report.values(file), 1)
    ]
    items: list[Mapping[str, Any]] = []
    with Door.of(ctx, token_file) as own:
        asking = Asked(own, call)
        for some in report.batches(wanted):
            items += asking.ask(some)
    if as_json:
        terminal.show_json({"items": items, "as_of": asking.as_of})
    else:
        _show(items)
    asking.tell()
    if any(i.get("verdict", "unknown") == "unknown" for i in items):
        raise typer.Exit(1)


def _purposes() -> str:
    from syncd.indicator import vocabulary

    codes = vocabulary.FACETS["purpose"]
    house = ("publish", "rotate", "never")  # never a look-up's
    return ", ".join(c for c in codes if c not in house)


def _item(
    line: str, number: int, kind: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    if not kind:
        named, tab, line = line.partition("\t")
        kind = named.strip()
        if not tab or kind not in KINDS:
            raise UsageError(
                t("line {n}: no kind", n=number),
                hint=t("say --kind, or write lines as KIND TAB value"),
            )
    name = "token" if "epoch" in more else "value"
    return {**more, "kind": kind, name: line.strip()}


def _show(items: list[Mapping[str, Any]]) -> None:
    if len(items) == 1:
        for line in _whole(items[0]):
            terminal.say(line)
        return
    head = ("#", "verdict", "action", "labels", "sectors", "seen", "expires")
    rows = []
    for number, item in enumerate(items, 1):
        if "problem" in item:
            why = catalogue.of(door.problem(item["problem"]))
            rows.append((str(number), t("refused"), why, "", "", "", ""))
            continue
        rows.append(
            (
                str(number),
                answers.name("verdict", item["verdict"]),
                answers.name("action", item.get("action", "")),
                answers.labels(item),
                answers.sectors(item),
                item.get("last_seen", ""),
                item.get("expires", ""),
            )
        )
    grid.show([t(name) for name in head], rows)
    for number, item in enumerate(items, 1):
        ours = answers.ours(item)
        hint = f" ({t(item['hint'])})" if item.get("hint") else ""
        for said in (
            answers.why(item) + hint if item.get("detail") else "",
            ours and t("by our own lists: {what}", what=ours),
            notices.of(item),
        ):
            if said:
                terminal.tell(f"{number}: {said}")


def _whole(item: Mapping[str, Any]) -> list[str]:
    """Return one answer as lines of name and text."""
    if "problem" in item:
        problem = door.problem(item["problem"])
        found = [(t("refused"), catalogue.of(problem))]
        if hint := catalogue.hint_of(problem):
            found.append((t("hint"), hint))
    else:
        seen = [item.get("first_seen", ""), item.get("last_seen", "")]
        found = [
            (t("verdict"), answers.name("verdict", item["verdict"])),
            (
                t("action"),
                answers.name("action", item.get("action", "")) or "-",
            ),
            (t("why"), answers.why(item)),
            (t("belongs to"), answers.owner(item)),
            (t("by our own lists"), answers.ours(item)),
            (t("notice"), notices.of(item)),
            (t("tried as"), ", ".join(item.get("tried", ()))),
            (t("hint"), t(item["hint"]) if item.get("hint") else ""),
            (t("reasons"), ", ".join(item.get("reasons", ()))),
            (t("labels"), answers.labels(item)),
            (t("sectors"), answers.sectors(item)),
            (t("seen"), " – ".join(dict.fromkeys(s for s in seen if s))),
            (t("expires"), item.get("expires", "")),
            (
                t("handling"),
                answers.name("handling", item.get("handling", "")),
            ),
            (t("spoofed"), t("yes") if item.get("spoofed") else ""),
            *(
                (t("rests on"), f"{origin}:{index}")
                for origin, index in item.get("positions", ())
            ),
        ]
    most = max(grid.width(name) for name, _ in found)
    return [
        name + " " * (most - grid.width(name)) + f"  {grid.clean(said)}"
        for name, said in found
        if said
    ]
