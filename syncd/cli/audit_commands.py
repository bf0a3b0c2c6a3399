"""`syncd audit`: what others can check, without a daemon and offline."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from syncd.audit import bundle
from syncd.audit.bundle import Bundle
from syncd.audit.result import Audit, kinds
from syncd.audit.verify import verify
from syncd.cli import meter, terminal
from syncd.cli.command import Command, argument, option
from syncd.cli.options import OutputOptions, TrustOptions
from syncd.flows import evidence
from syncd.messages import catalogue
from syncd.messages.catalogue import t
from syncd.roster import trust
from syncd.tlog import strict

noun = Command()


class _EvidenceOptions(TrustOptions):
    file: Path = argument("the evidence")


@noun.verb("evidence", "Judge evidence that a holder lied.")
def _judge(args: _EvidenceOptions) -> None:
    held = terminal.parsed(args.file, evidence.parse, evidence.MAX_SIZE)
    notes, fingerprint = args.notes(), args.fingerprint
    if not notes:
        from syncd.node.pinned import roster_files  # a home, here alone

        settings = args.settings()
        fingerprint = settings.alliance.fingerprint
        notes = roster_files(settings.home).notes()
    proven = evidence.judge(held, trust.versions(fingerprint, notes))
    terminal.say(f"{held.accused}: {proven}")


class _VerifyOptions(OutputOptions):
    bundle: Path = argument("a directory, or a tar")
    fingerprint: str = option("of roster version 1", needed=True)
    since: list[Path] = option("an earlier bundle, or another member's")


@noun.verb("verify", "Check a bundle: all that signatures and hashes prove.")
def _verify(args: _VerifyOptions) -> int:
    with (
        opened(args.bundle, *args.since) as (given, *earlier),
        meter.meter(args.bundle.name, len(given.files)) as progress,
    ):
        audit = verify(given, args.fingerprint, earlier, progress)
    args.show(as_json(audit), _lines(audit))
    return audit.exit_code


@contextmanager
def opened(*paths: Path) -> Iterator[list[Bundle]]:
    """Give bundles, of directories or of tars that are unpacked meanwhile."""
    with tempfile.TemporaryDirectory(prefix="syncd-audit-") as room:
        found = []
        for n, path in enumerate(paths):
            where = path
            if path.is_file():
                where = Path(room) / str(n)
                bundle.unpack(path, where)
            found.append(Bundle(where))
        yield found


def as_json(audit: Audit) -> dict[str, Any]:
    """Return an audit's result for programs."""
    return {
        "bundle": audit.bundle,
        "alliance": audit.about.alliance,
        "at": audit.about.at,
        "sources": list(audit.about.sources),
        "rosters": len(audit.rosters),
        "logs": [
            {
                "origin": log.origin,
                "member": log.member,
                "size": log.head.size,
                "root": strict.encode(log.head.root),
                "types": {str(k): n for k, n in sorted(log.types.items())},
                "lines": len(log.lines),
            }
            for log in audit.logs.values()
        ],
        "findings": [
            {
                "code": found.code,
                "severity": kinds()[found.code].severity,
                "place": found.place,
                "detail": str(found.text),
            }
            for found in audit.found
        ],
        "unseen": [str(text) for text in audit.unseen],
        "ok": not audit.exit_code,
    }


def _lines(audit: Audit) -> Iterator[str]:
    lang = catalogue.language()
    yield t("bundle {name}", name=audit.bundle)
    yield t(
        "rosters: {n} versions, chained from the fingerprint",
        n=len(audit.rosters),
    )
    for log in audit.logs.values():
        yield t(
            "{origin}: {size} entries proven, {lines} lines of others with their"
            " times",
            origin=log.origin,
            size=log.head.size,
            lines=len(log.lines),
        )
    for found in audit.found:
        kind = kinds()[found.code]
        yield f"{kind.severity.upper()} {found.code} {found.place}"
        yield f"  {catalogue.say(found.text)}"
        yield t("  proves: {text}", text=kind.proves[lang])
        yield t("  leaves open: {text}", text=kind.leaves_open[lang])
    for text in audit.unseen:
        yield t("not seen: {text}", text=catalogue.say(text))
    if not audit.found:
        yield t("nothing found: everything here holds")
