"""`syncd token`: who may call the own door. Works with and without a daemon.

A token is shown once, or written to a file that only its owner may read; the
home keeps its hash.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from syncd.cli import grid, terminal, usage
from syncd.cli.door import settings_of
from syncd.errors import UsageError
from syncd.messages.catalogue import t

ROLES = "operator, reader, auditor"
T = TypeVar("T")


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = usage.Noun("Bearer tokens of the own door.")
    app.add_typer(noun, name="token")

    @noun.command("add", help="Make a token; it is shown this once.")
    def _add(
        ctx: typer.Context,
        name: Annotated[str, typer.Argument(help="whose it is")],
        role: Annotated[str, typer.Option(help=ROLES)],
        out: Annotated[
            Path | None,
            typer.Option(help="write it to this new file, mode 0600"),
        ] = None,
    ) -> None:
        if not name.isprintable() or not 1 <= len(name) <= 64:
            raise UsageError(t("a name has 1 to 64 printable characters"))
        if out is not None:
            terminal.check_new(out)
        token = _with_bearers(ctx, lambda bearers: bearers.add(name, role))
        if out is None:
            terminal.say(token)
        else:
            terminal.write_new(out, f"{token}\n".encode(), private=True)
        terminal.tell(
            t("{name} may call the own door as {role}", name=name, role=role)
        )

    @noun.command("list", help="List the tokens, revoked ones too.")
    def _list(
        ctx: typer.Context,
        as_json: Annotated[
            bool, typer.Option("--json", help="for programs")
        ] = False,
    ) -> None:
        found = _with_bearers(ctx, lambda bearers: bearers.all())
        if as_json:
            terminal.show_json(
                [
                    {
                        "id": b.id,
                        "name": b.name,
                        "role": b.role,
                        "added_at": b.added_at,
                        "revoked_at": b.revoked_at,
                    }
                    for b in found
                ]
            )
            return
        grid.show(
            [t(name) for name in ("name", "role", "added", "revoked")],
            [
                (b.name, b.role, _day(b.added_at), _day(b.revoked_at))
                for b in found
            ],
        )

    @noun.command("revoke", help="Let a token open nothing from now on.")
    def _revoke(
        ctx: typer.Context,
        name: Annotated[str, typer.Argument(help="whose it is")],
    ) -> None:
        done = _with_bearers(ctx, lambda bearers: bearers.revoke(name))
        if not done:
            terminal.tell(t("no live token of that name"))
            raise typer.Exit(1)
        terminal.tell(t("{name}: revoked", name=name))


def _with_bearers(ctx: typer.Context, job: Callable[[Any], Awaitable[T]]) -> T:
    """Return what a job finds in the home's book of tokens.

    The daemon need not stop: SQLite lets one process write at a time.
    """
    from syncd.node.pinned import clock
    from syncd.store.bearer import Bearers
    from syncd.store.database import Database
    from syncd.store.home import OWN

    home = settings_of(ctx).home
    if not (home / OWN).exists():
        raise UsageError(f"{home / OWN}: {t('no such file')}")
    database = Database(home / OWN, "own", readers=1)
    try:
        bearers = Bearers(database, clock)

        async def run() -> T:
            return await job(bearers)

        return asyncio.run(run())
    finally:
        database.close()


def _day(at: int | None) -> str:
    if at is None:
        return ""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
