"""`syncd report list`: what is in our vault, newest first."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from syncd.cli import door, grid, report, terminal
from syncd.cli.door import Door
from syncd.cli.report import AsJson, TokenFile, given
from syncd.errors import MalformedError, UsageError
from syncd.messages.catalogue import later, t

HEAD = (
    *map(later, ("id", "type", "kind", "state", "label", "seen", "expires")),
    *map(later, ("due", "by", "position")),
)
NAMES = {"elsewhere": later("taken back by others")}
STATES = ("waiting", "published", "ending", "ended")


def add(noun: typer.Typer) -> None:
    """Add the verb to the noun."""

    @noun.command("list", help="List what is in our vault.")
    def _list(
        ctx: typer.Context,
        kind: report.Kind = "",
        label: Annotated[str, typer.Option(help="kind of fraud")] = "",
        from_: Annotated[
            str, typer.Option("--from", help="day of acceptance")
        ] = "",
        to: Annotated[str, typer.Option(help="likewise; included")] = "",
        list_: report.ListName = "",
        import_: Annotated[
            int,
            typer.Option("--import", help="all that an import brought"),
        ] = 0,
        state: Annotated[str, typer.Option(help=", ".join(STATES))] = "",
        by: Annotated[str, typer.Option(help="whose token")] = "",
        value: Annotated[
            bool,
            typer.Option(
                "--value",
                help="of one value: on standard input, or asked for",
            ),
        ] = False,
        scheme: report.Scheme = "",
        region: report.Region = "",
        before: report.Before = 0,
        limit: report.Limit = 100,
        show: report.Raw = False,
        token_file: TokenFile = None,
        as_json: AsJson = False,
    ) -> None:
        if state not in ("", *STATES):
            names = ", ".join(STATES)
            raise UsageError(
                t(
                    "{option}: want one of {names}",
                    option="--state",
                    names=names,
                )
            )
        wanted = given(
            kind=_code("kind", kind),
            label=_code("label", label),
            accepted_from=from_,
            accepted_to=to,
            list=list_,
            state=state,
            by=by,
            scheme=scheme,
            region=region,
        )
        if import_:
            wanted["import"] = import_
        if value:
            if not kind:
                raise UsageError(
                    t("not given: {names}", names="kind"),
                    hint=t("say {ways}", ways="--kind phone, url, account"),
                )
            wanted["value"] = report.one_value()
        with Door.of(ctx, token_file) as own:
            items, last = _found(own, wanted, before, limit)
        if not show:
            for item in items:
                item.pop("value", None)
        if as_json:
            terminal.show_json({"items": items, "next": last or None})
            return
        others = any(item.get("elsewhere") for item in items)
        more = {"elsewhere": others, "value": show}
        head = (*HEAD, *(name for name, there in more.items() if there))
        grid.show(
            [t(NAMES.get(name, name)) for name in head],
            [[_cell(item, name) for name in head] for item in items],
        )
        if last:
            terminal.tell(t("more: --before {id}", id=last))


def _code(field: str, said: str) -> str:
    """Return the code of a word, as an import reads it in a list.

    Raises:
        UsageError: it is none; what is nowhere in the vault looks the same.
    """
    from syncd.lists import words

    try:
        return str(words.meaning(field)(said)) if said else ""
    except MalformedError as e:
        raise UsageError(e.message, hint=e.advice, **e.params) from None


def _found(
    own: Door, wanted: Mapping[str, Any], before: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Return up to `limit` rows, and where they go on or 0."""

    def page(at: int, most: int) -> Any:
        asked = {**wanted, "before": at, "limit": most}
        if "value" in asked:  # it stands in no address
            return own.post("/v1/reports/search", asked)
        return own.get("/v1/reports", **asked)

    return door.pages(page, before, limit)


def _cell(item: Mapping[str, Any], name: str) -> str:
    if name == "position" and item.get(name):
        return ":".join(str(part) for part in item[name])
    if name == "label" and item["type"] != "report":
        return str(item.get("reason", ""))
    return str(item.get(name, ""))
