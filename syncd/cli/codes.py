"""`syncd vocabulary`: the codes that reports and look-ups are written in."""

from typing import Annotated

import typer

from syncd.cli import grid, terminal
from syncd.cli.text import t
from syncd.errors import UsageError
from syncd.indicator import vocabulary


def add(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        "vocabulary", help=t("List codes: all, of one field, near to a word.")
    )
    def _vocabulary(
        field: Annotated[
            str, typer.Argument(help=t("label, role, evidence, purpose, …"))
        ] = "",
        word: Annotated[
            str, typer.Argument(help=t("what it is called where you are"))
        ] = "",
        as_json: Annotated[bool, typer.Option("--json")] = False,
    ) -> None:
        if field and field not in vocabulary.FACETS:
            raise UsageError(
                t("no field {name}", name=repr(field)),
                hint=t("fields: {names}", names=", ".join(vocabulary.FACETS)),
            )
        fields = [field] if field else vocabulary.FACETS
        found = [c for f in fields for c in vocabulary.FACETS[f].values()]
        if word:
            found = [*vocabulary.nearest(field, word)]
        if as_json:
            names = ("facet", "code", "parent", "zh", "en")
            rows = [{n: getattr(c, n) for n in names} for c in found]
            terminal.show_json({"codes": rows})
        elif found:
            grid.show(
                ("field", "code", "中文", "English"),
                [(c.facet, c.code, c.zh, c.en) for c in found],
            )
        if not found:
            terminal.tell(t("no code is like that word"))
            raise typer.Exit(1)
