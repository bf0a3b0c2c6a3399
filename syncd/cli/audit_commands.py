"""`syncd audit`: what others can check, without a daemon and offline."""

from pathlib import Path

from syncd.cli import terminal
from syncd.cli.command import Command, argument
from syncd.cli.options import TrustOptions
from syncd.flows import evidence
from syncd.node.pinned import roster_files
from syncd.roster import trust

noun = Command()


class _EvidenceOptions(TrustOptions):
    file: Path = argument("the evidence")


@noun.verb("evidence", "Judge evidence that a holder lied.")
def _judge(args: _EvidenceOptions) -> None:
    held = terminal.parsed(args.file, evidence.parse, evidence.MAX_SIZE)
    notes, fingerprint = args.notes(), args.fingerprint
    if not notes:
        settings = args.settings()
        fingerprint = settings.alliance.fingerprint
        notes = roster_files(settings.home).notes()
    proven = evidence.judge(held, trust.versions(fingerprint, notes))
    terminal.say(f"{held.accused}: {proven}")
