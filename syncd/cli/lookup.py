"""`syncd lookup`: is it listed, by whom, and what should we do?

Exit code 0: all were answered, whatever the verdicts; 1: one was refused, or
could not be asked.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd.cli import door, grid, notices, report, terminal, text
from syncd.cli.door import Door
from syncd.cli.text import t
from syncd.errors import UsageError

KINDS = ("phone", "url", "account")


def add(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        "lookup",
        help=t(
            "Look values up: from standard input, one a line, from a file, or"
            " asked for. Lines are values of --kind, or KIND TAB value."
        ),
    )
    def _lookup(
        ctx: typer.Context,
        on_line: report.Refused = None,
        kind: Annotated[str, typer.Option(help="phone, url, account")] = "",
        purpose: Annotated[
            str, typer.Option(help=t("call_check, transaction_check, …"))
        ] = "",
        reference: Annotated[
            str, typer.Option(help=t("our own file number; it is kept"))
        ] = "",
        deadline_ms: Annotated[
            int, typer.Option(help=t("to wait for holders"), min=0, max=60_000)
        ] = 0,
        scheme: Annotated[
            str, typer.Option(help=t("what a bare account number is"))
        ] = "",
        region: Annotated[
            str, typer.Option(help=t("country of a phone without one"))
        ] = "",
        epoch: Annotated[
            int, typer.Option(help=t("the lines are tokens of this epoch"))
        ] = 0,
        file: Annotated[
            Path | None, typer.Option(help=t("values, one a line"))
        ] = None,
        token_file: report.TokenFile = None,
        as_json: report.AsJson = False,
    ) -> None:
        report.refuse_arguments(on_line)
        if not purpose:
            raise UsageError(
                t("not given: {names}", names="purpose"),
                hint=t("say {ways}", ways=f"--purpose {_purposes()}"),
            )
        more = report.given(scheme=scheme, region=region, epoch=epoch)
        asked = [
            _item(line, number, kind, more)
            for number, line in enumerate(report.values(file), 1)
        ]
        call = report.given(
            purpose=purpose, reference=reference, deadline_ms=deadline_ms
        )
        items: list[Mapping[str, Any]] = []
        expired = False
        with Door.of(ctx, token_file) as own:
            for some in report.batches(asked):
                found = own.post("/v1/lookups", {**call, "items": some})
                items += found["items"]
                expired = found.get("roster", {}).get("expired", False)
        if as_json:
            terminal.show_json({"items": items})
        else:
            _show(items)
        if expired:
            terminal.tell(t("the roster has expired: ask the admins to renew"))
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
            why = text.of(door.problem(item["problem"]))
            rows.append((str(number), t("refused"), why, "", "", "", ""))
            continue
        rows.append(
            (
                str(number),
                _name("verdict", item["verdict"]),
                _name("action", item.get("action", "")),
                _labels(item),
                _sectors(item),
                item.get("last_seen", ""),
                item.get("expires", ""),
            )
        )
    grid.show([t(name) for name in head], rows)
    for number, item in enumerate(items, 1):
        ours = _ours(item.get("ours"))
        for said in (
            _why(item) if item.get("detail") else "",
            ours and t("by our own lists: {what}", what=ours),
            notices.of(item),
        ):
            if said:
                terminal.tell(f"{number}: {said}")


def _whole(item: Mapping[str, Any]) -> list[str]:
    """Return one answer as lines of name and text."""
    if "problem" in item:
        problem = door.problem(item["problem"])
        found = [(t("refused"), text.of(problem))]
        if hint := text.hint_of(problem):
            found.append((t("hint"), hint))
    else:
        seen = [item.get("first_seen", ""), item.get("last_seen", "")]
        found = [
            (t("verdict"), _name("verdict", item["verdict"])),
            (t("action"), _name("action", item.get("action", "")) or "-"),
            (t("why"), _why(item)),
            (t("belongs to"), _owner(item.get("owner", {}))),
            (t("by our own lists"), _ours(item.get("ours"))),
            (t("notice"), notices.of(item)),
            (t("tried as"), ", ".join(item.get("tried", ()))),
            (t("hint"), t(item["hint"]) if item.get("hint") else ""),
            (t("reasons"), ", ".join(item.get("reasons", ()))),
            (t("labels"), _labels(item)),
            (t("sectors"), _sectors(item)),
            (t("seen"), " – ".join(dict.fromkeys(s for s in seen if s))),
            (t("expires"), item.get("expires", "")),
            (t("handling"), _name("handling", item.get("handling", ""))),
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


def _why(item: Mapping[str, Any]) -> str:
    missing = ", ".join(item.get("missing", ()))
    return str(
        item.get("detail")
        or (missing and t("no answer from {names}", names=missing))
    )


def _name(facet: str, code: str) -> str:
    """Return a code, and in Chinese what it is called."""
    if not code or text.language() == "en":
        return code
    from syncd.indicator import vocabulary

    if not vocabulary.known(facet, code):
        return code
    return f"{vocabulary.label(facet, code, 'zh')} {code}"


def _labels(item: Mapping[str, Any]) -> str:
    lang = text.language()
    return ", ".join(label[lang] for label in item.get("labels", ()))


def _owner(owner: Mapping[str, Any]) -> str:
    """Return whose a protected value is, by name or by category."""
    return str(owner.get(text.language()) or owner.get("category", ""))


def _ours(ours: Mapping[str, Any] | None) -> str:
    """Return what to do by our own lists too, and why."""
    if ours is None:
        return ""
    from syncd.flows.own_lists import REASONS

    lang = ("zh", "en").index(text.language())
    why = [
        REASONS[code][lang] if code in REASONS else code  # a newer daemon's
        for code in ours.get("reasons", ())
    ]
    why += [
        note.get("text") or _name("note", note["code"])
        for note in ours.get("notes", ())
    ]
    action = _name("action", ours.get("action", "")) or t("nothing to do")
    return f"{action} ({'; '.join(why)})" if why else action


def _sectors(item: Mapping[str, Any]) -> str:
    sectors = item.get("sectors", {})
    return ", ".join(
        f"{_name('sector', name)} {n}" for name, n in sorted(sectors.items())
    )
