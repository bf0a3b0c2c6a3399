"""`syncd audit`: what others can check, without a daemon and offline."""

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli import terminal, usage
from syncd.cli.door import settings_of
from syncd.cli.log import roster_notes
from syncd.errors import UsageError
from syncd.flows import evidence
from syncd.messages.catalogue import t
from syncd.node.pinned import roster_files
from syncd.roster import trust


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = usage.Noun("Audit: what signed replies prove.")
    app.add_typer(noun, name="audit")

    @noun.callback()
    def _audit() -> None:
        """Keep the verb, though it is the only one."""

    @noun.command("evidence", help="Judge evidence that a holder lied.")
    def _evidence(
        ctx: typer.Context,
        file: Annotated[Path, typer.Argument(help="the evidence")],
        roster: Annotated[
            list[Path] | None,
            typer.Option(help="signed rosters from version 1 on"),
        ] = None,
        fingerprint: Annotated[
            str, typer.Option(help="of roster version 1")
        ] = "",
    ) -> None:
        held = terminal.parsed(file, evidence.parse, evidence.MAX_SIZE)
        if bool(roster) != bool(fingerprint):
            raise UsageError(t("--roster and --fingerprint go together"))
        if roster:
            notes = roster_notes(roster)
        else:
            settings = settings_of(ctx)
            fingerprint = settings.alliance.fingerprint
            notes = roster_files(settings.home).notes()
        proven = evidence.judge(held, trust.versions(fingerprint, notes))
        terminal.say(f"{held.accused}: {proven}")
