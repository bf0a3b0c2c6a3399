"""`syncd alliance found`: from founders' requests to version 1."""

import secrets
from pathlib import Path

from syncd.cli import edits, never_edits, terminal
from syncd.cli.command import Command, Options, argument, option
from syncd.flows import founding
from syncd.node.pinned import clock
from syncd.oprf import group
from syncd.roster import join, membership

noun = Command()


class _FoundOptions(Options):
    out: Path = argument("a new directory")
    alliance: str = option("short name", needed=True)
    request: list[Path] = option("a founder's join request", needed=True)
    holder: list[str] = option("member id of a key holder", needed=True)
    admin: list[Path] = option("an admin's public key file", needed=True)
    threshold: int = option("holders that are needed", default=2)
    admins_needed: int = option("admins that must sign", default=1)
    days: int = option("until it expires", default=90)
    zone: str = option("time zone of its days", default="Asia/Shanghai")
    never: Path | None = option(
        "lines of kind TAB value TAB why; else our own list"
    )


@noun.verb(
    "found",
    "Draft version 1 of the roster and deal the token keys: writes the draft"
    " and a sealed share for each holder and key.",
)
def _found(args: _FoundOptions) -> None:
    group.ready()
    plan = membership.Founding(
        args.alliance,
        [terminal.parsed(path, join.parse) for path in args.request],
        [edits.public_key(path) for path in args.admin],
        args.admins_needed,
        days=args.days,
        zone=args.zone,
        never=never_edits.read(args.never)
        if args.never
        else never_edits.ours(),
    )
    founded = founding.found(
        plan,
        holders=args.holder,
        t=args.threshold,
        now=clock(),
        rng=secrets.token_bytes,
    )
    out = args.out
    out.mkdir(mode=0o700)
    terminal.write_new(out / "roster-1.draft", founded.draft)
    for share in founded.shares:
        name = f"share-{share.member}-{share.kind}-{share.epoch}.sealed"
        terminal.write_new(out / name, share.raw, private=True)
    terminal.say(founded.roster.hash)
    terminal.tell(
        "This is the fingerprint: tell it to every member by a second"
        " way. Next: each admin runs syncd roster sign."
    )
