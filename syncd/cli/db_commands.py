"""`syncd db`: where a member's databases are. The daemon is stopped."""

from contextlib import closing

from msgspec import structs

from syncd import config
from syncd.cli import terminal
from syncd.cli.command import Command, Options, argument
from syncd.cli.meter import meter
from syncd.errors import DamagedError, Message, UsageError
from syncd.messages.catalogue import t
from syncd.node.audit.stored import verify_home
from syncd.store.home_stores import OWN
from syncd.store.moving import Move, finish

noun = Command()


class _MigrateOptions(Options):
    url: str = argument("postgresql://USER@HOST/DATABASE", place="URL")


@noun.verb("migrate", "Move a stopped member's databases into PostgreSQL.")
def _migrate(args: _MigrateOptions) -> None:
    settings = args.settings()
    before, home = settings.database, settings.home
    there = structs.replace(before, url=args.url)
    for flaw in there.flaws():
        raise UsageError("URL: {why}", why=Message(flaw))
    settings = structs.replace(settings, database=there)
    server = config.server(settings)
    if server is None:
        raise UsageError("not given: {names}", names="URL")
    if before.url not in ("", args.url):
        raise UsageError("the databases are on a server already")
    if (home / OWN).exists():
        with closing(Move(home, server)) as move:
            total = move.rows()
            for name, step in (
                (t("copied"), move.copied()),
                (t("compared"), move.compared()),
            ):
                done = 0
                with meter(name, total) as at:
                    for n in step:
                        done += n
                        at(done, done)
            logs = verify_home(settings)
            if flaws := [f"{x.origin}: {y}" for x in logs for y in x.problems]:
                raise DamagedError(
                    "{why}",
                    hint="nothing has changed: syncd log verify says more",
                    why=flaws[0],
                )
            move.seal()
        terminal.say(
            "{n} rows moved, {m} logs verified", n=f"{total:,}", m=len(logs)
        )
        config.editing.change(home, "database", "url", server.url)
    elif not before.url:
        raise UsageError("{path}: no such file", path=home / OWN)
    finish(home, server)
    terminal.say("own.db.moved and mirror.db.moved: not used any more")
    terminal.tell("Back the server up, then delete them.")
