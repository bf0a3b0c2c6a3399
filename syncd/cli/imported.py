"""What came of lists: told when one is in, and `syncd report imports`."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli import grid, notices, terminal
from syncd.cli.asked import moment
from syncd.cli.door import Door
from syncd.cli.report import AsJson, Before, ListName, TokenFile
from syncd.errors import UsageError
from syncd.messages import catalogue
from syncd.messages.catalogue import t

if TYPE_CHECKING:
    from syncd.cli.importing.journey import Journey

SHOWN = 8  # reasons of refused rows
LOCAL = ("added", "known", "replaced", "refused", "removed")


def tell(
    journey: "Journey",
    counts: Mapping[str, Any],
    refused: Path | None,
    *,
    as_json: bool,
) -> None:
    """Tell what came of a list.

    Raises:
        Exit: rows were refused.
    """
    from syncd.cli.importing import refused as bad
    from syncd.indicator import vocabulary

    rows = journey.aim.refused
    where = ""
    if counts.get("refused") and refused is not None:
        bad.write(refused, rows())
        where = str(refused)
    if as_json:
        more = {"import": counts.get("id"), "refused_file": where or None}
        terminal.show_json({**counts, **more})
    else:
        for line in _told(counts):
            terminal.say(line)
    said = journey.aim.said
    for (what, code), n in sorted(said.items()):
        if what == "taken_back":
            why = vocabulary.label(
                "retract_reason", code, catalogue.language()
            )
            line = t("taken back by us before, as {reason}", reason=why)
            terminal.tell(f"{n:>9,} × {line}")
        elif what == "notice":
            line = notices.of({"notices": (code,)})
            terminal.tell(f"{n:>9,} × {line}")
    for (field, word), n in journey.columns.ignored.most_common(SHOWN):
        line = t("{field}: {word} is ignored", field=field, word=word)
        terminal.tell(f"{n:>9,} × {line}")
    if not counts.get("refused"):
        return
    reasons = bad.reasons(rows())
    others = reasons.total()
    for why, n in reasons.most_common(SHOWN):
        terminal.tell(f"{n:>9,} × {why}")
        others -= n
    if others:
        terminal.tell(f"{others:>9,} × {t('other reasons')}")
    if where:
        terminal.tell(t("refused rows, with reasons: {path}", path=where))
    elif "id" in counts:
        terminal.tell(
            t(
                "refused rows, with reasons: syncd report imports --refused"
                " {id} --out FILE.csv; mend them there and import that file"
                " like this one",
                id=counts["id"],
            )
        )
    else:
        terminal.tell(t("write refused rows down with --refused FILE.csv"))
    raise typer.Exit(1)


def _told(counts: Mapping[str, Any]) -> list[str]:
    """Return what an import came to, in words."""
    n = Counter({k: v for k, v in counts.items() if isinstance(v, int)})
    number = {name: f"{n[name]:,}" for name in (*n, *LOCAL)}
    if "id" not in counts:
        return [
            t(
                "local list: added {added}, already known {known}, replaced"
                " {replaced}, refused {refused}; dropped {removed}",
                **number,
            )
        ]
    lines = [
        t(
            "import {id}: accepted {accepted}, already known {known},"
            " refused {refused}",
            **{**number, "id": counts["id"]},
        )
    ]
    if n["taken_back"]:
        lines.append(
            t(
                "not accepted, as we took it back before: {n} (--again REASON"
                " reports it all the same)",
                n=number["taken_back"],
            )
        )
    if n["elsewhere"]:
        lines.append(
            t(
                "accepted, but taken back by another member: {n}",
                n=number["elsewhere"],
            )
        )
    if n["gone"]:
        lines.append(
            t(
                "no more on the list: {gone}; missing twice running: {due};"
                " retracted: {dropped}",
                **number,
            )
        )
    if n["due"] > n["dropped"]:
        lines.append(t("--gone retract takes back what is missing twice"))
    return lines


def add(noun: typer.Typer) -> None:
    """Add the verb to the noun."""

    @noun.command(
        "imports",
        help="List what was imported; write down what was refused.",
    )
    def _imports(
        ctx: typer.Context,
        list_: ListName = "",
        refused: Annotated[
            int, typer.Option(help="id: write its refused rows to --out")
        ] = 0,
        out: Annotated[
            Path | None, typer.Option(help="a new CSV file, to be mended")
        ] = None,
        before: Before = 0,
        limit: Annotated[
            int, typer.Option(help="rows at most", min=1, max=1000)
        ] = 20,
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        if bool(refused) != (out is not None):
            raise UsageError(t("--refused ID and --out FILE go together"))
        with Door.of(ctx, token_file) as own:
            if out is not None:
                _write(own, refused, out)
                return
            query = {"before": before, "limit": limit, "list": list_}
            page = own.get("/v1/imports", **query)
        if as_json:
            terminal.show_json(
                {"items": page["items"], "next": page.get("next")}
            )
            return
        grid.show([*map(t, HEAD)], [_row(item) for item in page["items"]])
        if page.get("next"):
            terminal.tell(t("more: --before {id}", id=page["next"]))


COUNTS = (
    *("accepted", "known", "taken_back", "elsewhere", "refused"),
    *("gone", "due", "dropped"),
)
HEAD = (
    *("id", "list", "file", "by", "began", "state"),
    *("accepted", "known", "taken back", "taken back by others", "refused"),
    *("gone", "gone twice", "dropped"),
)


def _row(item: Mapping[str, Any]) -> list[str]:
    state = (
        t("finished") if item["finished"] else t("at row {n}", n=item["row"])
    )
    return [
        str(item["id"]),
        *(item["list"], item["name"], item["by"]),
        moment(item["began_at"]),
        state,
        *(str(item[name]) for name in COUNTS),
    ]


def _write(own: Door, import_id: int, out: Path) -> None:
    from syncd.cli.importing import refused

    terminal.check_new(out)
    state = own.get(f"/v1/imports/{import_id}")
    kept = sum(1 for one in refused.kept(own, import_id) if one.row)
    if not kept:
        raise UsageError(
            "import {id}: no refused rows are kept",
            hint="import the list again: those of its newest import are",
            id=import_id,
        )
    refused.write(out, refused.kept(own, import_id))
    terminal.tell(t("{n} refused rows: {path}", n=kept, path=out))
    if kept < state["refused"]:
        terminal.tell(
            t(
                "{n} of them are not kept any more",
                n=state["refused"] - kept,
            )
        )
