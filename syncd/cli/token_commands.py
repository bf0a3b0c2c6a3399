"""`syncd token`: who may call the local API. Works with and without a daemon.

A token is shown once, or written to a file that only its owner may read; the
home keeps its hash. Or a certificate is what its bearer shows, over TLS.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

from syncd import config
from syncd.cli import grid, terminal
from syncd.cli.command import Command, Options, argument, option
from syncd.cli.options import OutputOptions
from syncd.errors import UsageError
from syncd.roster import certificate

noun = Command()


class _AddOptions(Options):
    name: str = argument("whose it is")
    role: str = option(
        "operator, reviewer, reader, auditor, compliance, admin, proxy",
        needed=True,
    )
    staff: str = option("number of the person whose it is")
    person: str = option("the name of the person")
    out: Path | None = option("write it to this new file, mode 0600")
    certificate: Path | None = option("make none: this is shown, PEM or DER")


@noun.verb("add", "Make a token; it is shown this once.")
def _add(args: _AddOptions) -> None:
    name, role = args.name, args.role
    if not name.isprintable() or not 1 <= len(name) <= 64:
        raise UsageError("a name has 1 to 64 printable characters")
    der = None
    if args.certificate:
        der = terminal.parsed(args.certificate, certificate.load)
        if args.out or not certificate.is_for_clients(der):
            raise UsageError(
                "a certificate is for client authentication, and needs no --out"
            )
    terminal.check_new(args.out)
    whose = (args.staff, args.person)
    token = _with_bearers(args, lambda its: its.add(name, role, der, *whose))
    if args.out:
        terminal.write_new(args.out, f"{token}\n".encode(), private=True)
    elif not der:
        terminal.say(token)
    terminal.tell(
        "{name} may call the local API as {role}", name=name, role=role
    )


@noun.verb("list", "List the tokens, revoked ones too.")
def _list_tokens(args: OutputOptions) -> None:
    found = _with_bearers(args, lambda bearers: bearers.all())
    rows = [b._asdict() for b in found]
    for row in rows:
        der = row.pop("certificate")
        row["certificate_ends"] = certificate.expires(der) if der else None
    args.show(rows, grid.items("tokens", rows))


class _RevokeOptions(Options):
    name: str = argument("whose it is")


@noun.verb("revoke", "Let a token open nothing from now on.")
def _revoke(args: _RevokeOptions) -> int:
    if not _with_bearers(args, lambda bearers: bearers.revoke(args.name)):
        terminal.tell("no live token of that name")
        return 1
    terminal.tell("{name}: revoked", name=args.name)
    return 0


def _with_bearers(
    args: Options, job: Callable[[Any], Coroutine[Any, Any, Any]]
) -> Any:
    """Return what a job finds in the home's book of tokens.

    The daemon need not stop: one process writes at a time.
    """
    from syncd.node.pinned import clock
    from syncd.store.bearer import Bearers
    from syncd.store.database import Database
    from syncd.store.home_stores import OWN

    settings = args.settings()
    place = config.server(settings) or settings.home / OWN
    if isinstance(place, Path) and not place.exists():
        raise UsageError("{path}: no such file", path=place)
    with closing(Database(place, "own", readers=1)) as database:
        return asyncio.run(job(Bearers(database, clock)))
