"""`syncd report`: its verbs, each in the module of what it is about."""

import typer

from syncd.cli import imports, report, vault
from syncd.cli.text import t


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = typer.Typer(
        help=t("Report, import, retract, dispute, list."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.add_typer(noun, name="report")
    report.add(noun)
    imports.add(noun)
    vault.add(noun)
