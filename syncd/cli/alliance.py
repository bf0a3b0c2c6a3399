"""`syncd alliance found`, from founders' requests to version 1; `syncd ceremony`.

The latter is what each holder runs, so that token keys are drawn.
"""

import time
from pathlib import Path

from syncd.cli import drafting, edits, terminal
from syncd.cli.command import Command, Options, argument, option
from syncd.cli.options import OutputOptions
from syncd.errors import UnavailableError, UsageError
from syncd.flows import ceremony_note
from syncd.flows.ceremony import Outcome
from syncd.node.ceremonies import DIRECTORY, Folder, Mailbox, Place
from syncd.node.home import member_keys
from syncd.node.pinned import clock, trusted_roster
from syncd.oprf import group
from syncd.roster import drafts, join, membership
from syncd.store.keyring import Keyring

PAUSE_S = 1.0  # between two looks for what is missing

noun = Command()
alliance = noun.noun("alliance", "")


class _FoundOptions(Options):
    out: Path = argument("the draft, a new file")
    alliance: str = option("short name", needed=True)
    request: list[Path] = option("a founder's join request", needed=True)
    admin: list[Path] = option("an admin's public key file", needed=True)
    admins_needed: int = option("admins that must sign", default=1)
    zone: str = option("time zone of its days", default="Asia/Shanghai")


@alliance.verb(
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
        never=edits.ours(),
    )
    raw = drafts.write(membership.found(plan, now=clock()))
    terminal.write_new(args.out, raw)
    terminal.say(drafts.read(raw)[1].hash)
    terminal.tell(
        "This is the fingerprint: tell it to every member by a second"
        " way. Each founder has the words under its name: call them. Next:"
        " each admin runs syncd roster sign."
    )


class _CeremonyOptions(OutputOptions):
    dir: Path | None = argument("where the notes lie", needed=False)
    at: str = option("the member in whose mailbox they lie instead")
    holder: list[str] = option("a member that is to hold keys", needed=True)
    threshold: int = option("holders that are needed", default=2)
    dealer: list[str] = option(
        "one of those who share out anew the keys that they hold"
    )
    attempt: int = option("another, where one came to nothing", default=1)
    wait: int = option("seconds for the others' notes", default=0)
    draft: Path | None = option("write the roster's draft with the keys")


@noun.verb(
    "ceremony",
    "Draw the token keys with the other holders, none of whom ever has one.",
)
def _ceremony(args: _CeremonyOptions) -> None:
    group.ready()
    terminal.check_new(args.draft)
    settings = args.settings()
    ring = Keyring.open(settings.home, terminal.secret(settings))
    if bool(args.dir) == bool(args.at):
        raise UsageError("say a directory, or --at")
    # Our own mailbox, too, is a directory.
    box: Folder | Mailbox = Folder(args.dir or settings.home / DIRECTORY)
    if args.at and args.at != settings.member.id:
        member = trusted_roster(settings).current.known(args.at)
        box = Mailbox(member, member_keys(ring, settings))
    place = Place(settings, ring, box)
    outcome = _awaited(place, args)
    if outcome is None:
        terminal.say("dealt: the new holders go on")
        return
    terminal.say("all have agreed: our shares are kept")
    if args.draft is not None:
        current = place.roster
        draft = drafts.begin(current, now=clock())
        for epoch in outcome.epochs:
            draft = drafts.add_epoch(draft, epoch)
        raw = drafts.write(draft, current)
        terminal.write_new(args.draft, raw)
        drafting.show(args, raw, current)
    terminal.tell(
        "When the roster has the keys, throw the notes away: in them lies a"
        " share, for whoever has a holder's seal key."
    )


def _awaited(place: Place, args: _CeremonyOptions) -> Outcome | None:
    """Take part until all have agreed, or it takes too long."""
    until = time.monotonic() + args.wait
    plan = ceremony_note.plan(
        place.roster, args.holder, args.threshold, args.dealer, args.attempt
    )
    terminal.tell(
        "run {run}… of version {version}: {t} of {holders}",
        run=plan.run[:16],
        version=place.roster.version,
        t=plan.t,
        holders=", ".join(plan.holders),
    )
    told = ""
    while (found := place.step(plan)).missing:
        names = ", ".join(found.missing)
        if names != told:
            terminal.tell("waiting for {names}", names=names)
        told = names
        if time.monotonic() > until:
            raise UnavailableError(
                "ceremony: not all have said what they must: {names}",
                names=names,
            )
        time.sleep(PAUSE_S)
    return found.outcome
