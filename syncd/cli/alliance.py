"""`syncd alliance found`: from founders' requests to version 1."""

from pathlib import Path

from syncd.cli import drafting, edits, never_edits, terminal
from syncd.cli.command import Command, Options, argument, option
from syncd.node.pinned import clock
from syncd.roster import drafts, join, membership

noun = Command()


class _FoundOptions(Options):
    out: Path = argument("the draft, a new file")
    alliance: str = option("short name", needed=True)
    request: list[Path] = option("a founder's join request", needed=True)
    admin: list[Path] = option("an admin's public key file", needed=True)
    admins_needed: int = option("admins that must sign", default=1)
    zone: str = option("time zone of its days", default="Asia/Shanghai")


@noun.verb(
    "found",
    "Draft version 1 of the roster; its holders then draw the token keys by"
    " syncd ceremony.",
)
def _found(args: _FoundOptions) -> None:
    asked = [terminal.parsed(path, join.parse) for path in args.request]
    for one in asked:
        terminal.tell(f"{one.id}\n{drafting.compared(one.hash)}")
    plan = membership.Founding(
        args.alliance,
        asked,
        [edits.public_key(path) for path in args.admin],
        args.admins_needed,
        zone=args.zone,
        never=never_edits.ours(),
    )
    raw = drafts.write(membership.found(plan, now=clock()))
    terminal.write_new(args.out, raw)
    terminal.say(drafts.read(raw)[1].hash)
    terminal.tell(
        "This is the fingerprint: tell it to every member by a second"
        " way. Each founder has the words under its name: call them. Next:"
        " each admin runs syncd roster sign."
    )
