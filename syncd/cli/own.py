"""`syncd own`: lists of our own, which no other member ever sees.

Exempt entries (not to be acted on here) and notes (remarks on an answer).
As in `syncd report`, values never stand on the command line.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd.cli import door, grid, kept, report, terminal, usage
from syncd.cli.asked import moment
from syncd.cli.door import Door
from syncd.cli.kept import Code, Kept, Remark, Until, Why
from syncd.cli.report import AsJson, Kind, Refused, TokenFile, given
from syncd.errors import RefusedError, UsageError
from syncd.messages.catalogue import t

Type = Annotated[str, typer.Option("--type", help="exempt, note, local")]
Values = Annotated[Path | None, typer.Option(help="values, one a line")]


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = usage.Noun(
        "Our own lists, told nobody: exempt, note, remove, list."
    )
    app.add_typer(noun, name="own")
    _add_exempt(noun)
    _add_note(noun)
    kept.add(noun)
    _add_remove(noun)
    _add_list(noun)


# ------------------------------------------------------------ exempt, note


def _add_exempt(noun: typer.Typer) -> None:
    @noun.command(
        "exempt",
        help=(
            "Exempt values from being acted on here: from standard input, one"
            " a line, from a file, or asked for."
        ),
    )
    def _exempt(
        ctx: typer.Context,
        on_line: Refused = None,
        kind: Kind = "",
        why: Why = "",
        until: Until = "",
        scheme: report.Scheme = "",
        region: report.Region = "",
        file: Values = None,
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        report.refuse_arguments(on_line)
        fields = given(
            kind=kind, why=why, expires=until, scheme=scheme, region=region
        )
        _add_values(ctx, token_file, "exempt", fields, file, as_json)


def _add_note(noun: typer.Typer) -> None:
    @noun.command(
        "note",
        help=(
            "Keep a remark on values: from standard input, one a line, from a"
            " file, or asked for."
        ),
    )
    def _note(
        ctx: typer.Context,
        on_line: Refused = None,
        kind: Kind = "",
        code: Code = "",
        text: Remark = "",
        why: Why = "",
        until: Until = "",
        scheme: report.Scheme = "",
        region: report.Region = "",
        file: Values = None,
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        report.refuse_arguments(on_line)
        fields = given(
            kind=kind,
            code=code or (text and "other"),
            text=text,
            why=why,
            expires=until,
            scheme=scheme,
            region=region,
        )
        needed = ("kind", "code")
        _add_values(ctx, token_file, "note", fields, file, as_json, needed)


def _add_values(
    ctx: typer.Context,
    token_file: Path | None,
    type_: str,
    fields: Mapping[str, Any],
    file: Path | None,
    as_json: bool,
    needed: Sequence[str] = ("kind",),
) -> None:
    report.check_given(fields, needed)
    if file and report.is_table(file):
        way = f"syncd own load {file} --type {type_}"
        raise UsageError(
            t("{path}: is a table, not values one a line", path=file),
            hint=t("say {ways}", ways=way),
        )
    raws = report.values(file)
    with Door.of(ctx, token_file) as own:
        done = Kept(own, type_)
        rows = [{**fields, "value": raw} for raw in raws]
        for some in report.batches([*enumerate(rows, 1)]):
            done.take(some)
    done.show(as_json, len(raws))


# ----------------------------------------------------------------- remove


def _add_remove(noun: typer.Typer) -> None:
    @noun.command(
        "remove",
        help=(
            "Remove entries of ours: by id, by value, or a local list whole;"
            " they stay as history."
        ),
    )
    def _remove(
        ctx: typer.Context,
        on_line: Refused = None,
        id_: Annotated[
            list[int] | None, typer.Option("--id", help="of the entry")
        ] = None,
        kind: Annotated[
            str, typer.Option(help="of values on standard input")
        ] = "",
        list_: Annotated[
            str, typer.Option("--list", help="a local list, all of it")
        ] = "",
        type_: Type = "",
        why: Why = "",
        scheme: report.Scheme = "",
        region: report.Region = "",
        file: Values = None,
        yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        report.refuse_arguments(on_line)
        if sum(map(bool, (id_, kind, list_))) != 1:
            raise UsageError(t("name one of --id, --kind with values, --list"))
        more = given(type=type_, why=why)
        with Door.of(ctx, token_file) as own:
            calls: list[dict[str, Any]]
            if id_:
                calls = [{"ids": id_}]
                question = t("Remove {n} entries? [y/N] ", n=len(id_))
            elif list_:
                calls = [{"list": list_}]
                question = _whole_list(own, list_)
            else:
                one = given(kind=kind, scheme=scheme, region=region)
                calls = [{**one, "value": v} for v in report.values(file)]
                question = t(
                    "Remove what we keep on {n} values? [y/N] ", n=len(calls)
                )
            if not (yes or terminal.agreed(question)):
                raise RefusedError(t("nothing was removed"))
            _remove_all(own, [{**more, **call} for call in calls], as_json)


def _whole_list(own: Door, name: str) -> str:
    """Return the question before a local list is removed whole."""
    there = own.post("/v1/own/loads", {"list": name})["entries"]
    return t(
        "Remove all {n} entries of the list {name}? [y/N] ",
        n=f"{there:,}",
        name=name,
    )


def _remove_all(
    own: Door, calls: Sequence[Mapping[str, Any]], as_json: bool
) -> None:
    """Remove what each call names, and tell how many entries ended.

    Raises:
        Exit: a call matched nothing.
    """
    counts = [own.post("/v1/own/removals", call)["removed"] for call in calls]
    empty = [number for number, n in enumerate(counts, 1) if not n]
    if as_json:
        terminal.show_json({"removed": sum(counts), "nothing_on": empty})
    else:
        terminal.say(t("removed {n} entries", n=f"{sum(counts):,}"))
        for number in empty if len(counts) > 1 else ():
            terminal.say(t("{n}: nothing of ours stands there", n=number))
    if empty:
        raise typer.Exit(1)


# ------------------------------------------------------------------- list


def _add_list(noun: typer.Typer) -> None:
    @noun.command("list", help="List what we keep for ourselves.")
    def _list(
        ctx: typer.Context,
        type_: Type = "",
        list_: Annotated[
            str, typer.Option("--list", help="of one local list")
        ] = "",
        kind: Kind = "",
        by: Annotated[str, typer.Option(help="whose token kept it")] = "",
        ended: Annotated[
            bool,
            typer.Option("--ended", help="also what was removed"),
        ] = False,
        after: Annotated[int, typer.Option(help="a larger id only")] = 0,
        limit: report.Limit = 100,
        show: report.Raw = False,
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        query = given(type=type_, list=list_, kind=kind, by=by)
        if ended:
            query["ended"] = 1
        with Door.of(ctx, token_file) as own:
            where = partial(own.get, "/v1/own/entries", **query)
            items, last = door.pages(
                lambda at, most: where(after=at, limit=most), after, limit
            )
        for item in items if not show else ():
            item.pop("value", None)
        if as_json:
            terminal.show_json({"items": items, "next": last or None})
            return
        head = [
            t(name)
            for name in (
                *("id", "type", "kind", "state", "by", "kept", "until"),
                *("what", "why", "value"),
            )
        ]
        rows = [_row(item) for item in items]
        grid.show(
            head if show else head[:-1],
            [row if show else row[:-1] for row in rows],
        )
        if last:
            terminal.tell(t("more: --after {id}", id=last))


def _row(item: Mapping[str, Any]) -> list[str]:
    """Return an entry as the cells of its row."""
    states = {name: t(name) for name in ("stands", "expired", "ended")}
    what = [item.get(name, "") for name in ("code", "text", "list", "label")]
    if item.get("official"):
        what.append(t("official report"))
    why = item.get("why", "")
    if "removed_at" in item:
        by, ended = item["removed_by"], item.get("removed_why", "")
        why += f" → {moment(item['removed_at'])} {by} {ended}"
    return [
        *(str(item["id"]), item["type"], item["kind"]),
        *(states.get(item["state"], item["state"]), item["by"]),
        *(moment(item["at"]), item.get("expires", "")),
        *(", ".join(filter(None, what)), why.strip()),
        item.get("value", ""),
    ]
