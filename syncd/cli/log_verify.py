"""`syncd log verify`: a directory of files, or a home, is proven or not.

Exit codes: 0 every byte is proven, 1 proven but not complete (payloads
withheld, or signature lines of keys that we do not know), 4 signed by nobody
whom we trust, 5 damaged.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from syncd.audit import known
from syncd.cli import terminal
from syncd.cli.command import argument, option
from syncd.cli.log import noun, types
from syncd.cli.options import OutputOptions, TrustOptions
from syncd.errors import (
    DamagedError,
    UnavailableError,
    UntrustedError,
    UsageError,
)
from syncd.flows import log_files
from syncd.indicator import claims, token
from syncd.messages.catalogue import t
from syncd.node.audit import stored
from syncd.node.pinned import trusted_roster
from syncd.peer.directory import read
from syncd.roster.roster import Roster
from syncd.roster.trust import TrustedRoster
from syncd.tlog import note, strict
from syncd.tlog.note import VerifierKey

LOOKED = ("origin", "size", "merged", "rows", "contested", "ok", "problems")


class _VerifyOptions(TrustOptions, OutputOptions):
    directory: Path | None = argument(
        "exported files; else the whole home", needed=False
    )
    key: str | None = option("the log's verifier key")


@noun.verb("verify", "Verify a directory of files, or all logs and claims.")
def _verify(args: _VerifyOptions) -> int:
    if args.directory is not None:
        return _files(args, args.directory)
    if args.key or args.roster or args.fingerprint:
        raise UsageError(
            "--key and --roster are for a directory",
            hint="a home is verified from the roster that it pins",
        )
    return _home(args)


# ----------------------------------------------------------------- a directory


def _files(args: _VerifyOptions, directory: Path) -> int:
    notes = args.notes()
    if not (args.key or notes):
        raise UsageError(
            "whose log is it?", hint="say --key VKEY, or --roster FILE"
        )
    key = note.parse_vkey(args.key) if args.key else None
    roster = TrustedRoster(args.fingerprint, *notes).current if notes else None
    if not directory.is_dir():
        raise UsageError("{directory}: no such directory", directory=directory)
    try:
        found = log_files.check(
            _names(directory),
            partial(read, directory),
            log_key=lambda origin: _log_key(origin, key, roster),
            cosigners=known.cosigners(roster) if roster else None,
            erased=lambda head: (
                known.erasable(roster, head.origin, head.size)
                if roster
                else []
            ),
        )
    except UnavailableError as e:
        raise DamagedError(e.text) from e
    head = found.head
    ok = not (found.unverified or found.withheld)
    value = {
        "origin": head.origin,
        "size": head.size,
        "root": strict.encode(head.root),
        "types": types(found.types),
        "signed": list(found.signed),
        "unverified": list(found.unverified),
        "withheld": list(found.withheld),
        "audit": found.audit,
        "ok": ok,
    }
    args.show(value, _lines(value))
    if found.unverified and not args.as_json:
        terminal.tell("Give --roster and --fingerprint to verify them.")
    return 0 if ok else 1


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield "{origin}  {size}  {root}".format(**found)
    for name in found["signed"]:
        yield t("  signed by {name}", name=name)
    for name in found["unverified"]:
        yield t("  not verified: the line of {name}", name=name)
    if withheld := found["withheld"]:
        yield t(
            "  withheld: {count} payloads, the first of entry {index}",
            count=len(withheld),
            index=withheld[0],
        )


def _log_key(
    origin: str, key: VerifierKey | None, roster: Roster | None
) -> VerifierKey:
    """Return whose signature a log must bear.

    Raises:
        UntrustedError: the roster has no such log, or another key for it.
    """
    found = roster.by_origin(origin) if roster else None
    if found is None:
        if key and roster is None:
            return key
        raise UntrustedError(
            "roster: nobody's log is {origin}", origin=origin[:100]
        )
    if key and found[1].log != key:
        raise UntrustedError("roster: {origin} has another key", origin=origin)
    return found[1].log


def _names(directory: Path) -> set[str]:
    """Return the path of everything in a directory that is none itself."""
    return {
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


# ---------------------------------------------------------------------- a home


def _home(args: _VerifyOptions) -> int:
    settings = args.settings()
    reports = stored.verify_home(settings, trusted_roster(settings).current)
    found = [
        {
            **{name: getattr(r, name) for name in LOOKED},
            "root": strict.encode(r.root),
            "digest": {
                _key_name(key): claims.digest_bytes(value).hex()
                for key, value in sorted(r.digest.items())
            },
            "excess": r.counted.excess,
        }
        for r in reports
    ]
    args.show(found, _home_lines(found))
    if not all(report.ok for report in reports):
        return DamagedError.exit_code
    return 1 if any(report.counted.excess for report in reports) else 0


def _home_lines(found: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what each log is; tell what is wrong with it."""
    for log in found:
        state = t("ok") if log["ok"] else t("DAMAGED")
        if log["contested"]:
            state += t(", contested")
        yield t(
            "{origin}: {size} entries, {merged} merged, {rows} claims stand:"
            " {state}",
            **log,
            state=state,
        )
        for name, value in log["digest"].items():
            yield f"  {name:12} {value}"
        for problem in log["problems"]:
            terminal.tell(f"syncd: {t('error')}: {log['origin']}: {problem}")
        for text in log["excess"]:
            terminal.tell(f"{log['origin']}: {text}")


def _key_name(key: int) -> str:
    kind, epoch = claims.kind_epoch(key)
    return f"{token.KIND_NAMES.get(kind, kind)}/{epoch}"
