"""`syncd ceremony`: what each holder runs, so that token keys are drawn."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncd.cli import drafting, terminal
from syncd.cli.command import Command, argument, option
from syncd.cli.options import OutputOptions
from syncd.errors import UnavailableError, UsageError
from syncd.flows.ceremony import Outcome
from syncd.flows.ceremony_note import Plan
from syncd.node.ceremonies import Folder, Mailbox, Place
from syncd.node.home import member_keys
from syncd.node.pinned import clock, trusted_roster
from syncd.oprf import group
from syncd.roster import drafts
from syncd.store.keyring import Keyring

PAUSE_S = 1.0  # between two looks for what is missing

noun = Command()


class _CeremonyOptions(OutputOptions):
    dir: Path | None = argument("where the notes lie", needed=False)
    at: str = option("the member in whose mailbox they lie instead")
    holder: list[str] = option("begin: a member that is to hold the keys")
    threshold: int = option("begin: holders that are needed", default=2)
    dealer: list[str] = option(
        "begin, with the keys that there are: one of those who deal them anew"
    )
    run: str = option("which one, if there are several: its first digits")
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
    with _box(args, ring) as box:
        place = Place(settings, ring, box)
        outcome = _awaited(place, args)
    if outcome is None:
        terminal.say("dealt: the new holders go on")
        return
    terminal.say("all have agreed: our shares are kept")
    if args.draft is not None:
        current = place.newest
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


@contextmanager
def _box(args: _CeremonyOptions, ring: Keyring) -> Iterator[Folder | Mailbox]:
    if bool(args.dir) == bool(args.at):
        raise UsageError("say a directory, or --at")
    if args.dir is not None:
        yield Folder(args.dir)
        return
    settings = args.settings()
    member = trusted_roster(settings).current.known(args.at)
    with asyncio.Runner() as runner:
        box = Mailbox(member, member_keys(ring, settings), runner)
        try:
            yield box
        finally:
            box.close()


def _awaited(place: Place, args: _CeremonyOptions) -> Outcome | None:
    """Take part until all have agreed, or it takes too long."""
    until = time.monotonic() + args.wait
    plan: Plan | None = None
    told = ""
    while True:
        late = time.monotonic() > until
        try:
            plan = plan or _plan(place, args)
            found = place.step(plan)
            if not found.missing:
                return found.outcome
            names = ", ".join(found.missing)
            if names != told:
                terminal.tell("waiting for {names}", names=names)
            told = names
            if late:
                raise UnavailableError(
                    "ceremony: not all have said what they must: {names}",
                    names=names,
                )
        except UsageError:  # nobody has begun
            if late:
                raise
        time.sleep(PAUSE_S)


def _plan(place: Place, args: _CeremonyOptions) -> Plan:
    """Return which run it is, and show it."""
    plan = place.plan(args.run, args.holder, args.threshold, args.dealer)
    terminal.tell(
        "run {run}…: {t} of {holders}",
        run=plan.run[:16],
        t=plan.t,
        holders=", ".join(plan.holders),
    )
    return plan
