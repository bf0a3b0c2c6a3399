"""`syncd vocabulary`: the codes that reports and look-ups are written in."""

from typing import Annotated

import typer

from syncd.cli import grid, terminal
from syncd.indicator import vocabulary
from syncd.messages.catalogue import t


def add(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        "vocabulary", help="List codes: all, of one field, near to a word."
    )
    def _vocabulary(
        field: Annotated[
            str,
            typer.Argument(help="label, role, evidence, …; or a word of any"),
        ] = "",
        word: Annotated[
            str, typer.Argument(help="what it is called where you are")
        ] = "",
        as_json: Annotated[
            bool, typer.Option("--json", help="for programs")
        ] = False,
    ) -> None:
        found: tuple[vocabulary.Code, ...] = ()
        if not word and field and field not in vocabulary.FACETS:
            found = vocabulary.listed(word=field)
            if found:
                names = ", ".join(vocabulary.FACETS)
                terminal.tell(t("fields: {names}", names=names))
        found = found or vocabulary.listed(field, word)
        if as_json:
            said = ("code", "parent", "zh", "en", "kinds")
            rows = [
                {"field": c.facet, **{n: getattr(c, n) for n in said}}
                for c in found
            ]
            terminal.show_json({"codes": rows})
        elif found:
            grid.show(
                (
                    *(t(n) for n in ("field", "code")),
                    "中文",
                    "English",
                    t("of"),
                ),
                [
                    (c.facet, c.code, c.zh, c.en, ", ".join(c.kinds))
                    for c in found
                ],
            )
        if not found:
            terminal.tell(t("no code is like that word"))
            raise typer.Exit(1)
