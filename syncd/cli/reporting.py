"""`syncd report`: its verbs, each in the module of what it is about."""

import typer

from syncd.cli import imports, report, usage, vault


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = usage.Noun("Report, import, retract, dispute, list.")
    app.add_typer(noun, name="report")
    report.add(noun)
    imports.add(noun)
    vault.add(noun)
