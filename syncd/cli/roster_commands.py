"""`syncd roster`: what admins do, with files; `publish` asks the daemon.

What changes the rules, a member, or the never-list is in `edits`.
"""

import re
import secrets
from pathlib import Path

from syncd import config
from syncd.cli import draft_effect, drafting, keys_commands, review, terminal
from syncd.cli.command import Command, Options, argument, option
from syncd.cli.drafting import (
    DraftOptions,
    EditOptions,
    EndOptions,
    NewestOptions,
)
from syncd.cli.options import ClientOptions, OutputOptions, among
from syncd.errors import (
    MalformedError,
    RefusedError,
    UntrustedError,
    UsageError,
)
from syncd.messages.catalogue import t
from syncd.node.pinned import clock, roster_files, trusted_roster
from syncd.roster import drafts, join, membership, signing
from syncd.roster.members import PASTS
from syncd.roster.roster import Roster
from syncd.store import durable

_FIRST_LINE = b"syncd/roster/v1\n"

noun = Command()


# ------------------------------------------------------------- who is in it


class _ChallengeOptions(OutputOptions):
    request: Path = argument("its join request")
    out: Path = argument("to be sent to it")
    secret: Path = option("keep this file for `admit`", needed=True)


@noun.verb("challenge", "Write a challenge that only the newcomer can open.")
def _challenge(args: _ChallengeOptions) -> None:
    asked = terminal.parsed(args.request, join.parse)
    made = join.challenge(asked, secrets.token_bytes)
    terminal.write_new(args.secret, made.secret, private=True)
    terminal.write_new(args.out, made.raw)
    lines = [
        f"id       {asked.id}",
        f"names    {asked.names.zh} / {asked.names.en}",
        f"sector   {asked.sector}",
        f"urls     {' '.join(asked.urls)}",
    ]
    drafting.show_compared(args, asked, args.out, above=lines)
    terminal.tell(
        "Next: read out the words or digits to the newcomer by phone,"
        " on a number that you know already; only if its own are the"
        " same, go on: it runs syncd join answer."
    )


@noun.verb("admit", "Draft a version with one more member.")
class _Admit(EditOptions):
    request: Path = argument("its join request")
    answer: Path = argument("to the challenge")
    secret: Path = option("from `challenge`", needed=True)
    days: int = drafting.DAYS

    def change(self, draft: Roster) -> Roster:
        asked = terminal.parsed(self.request, join.parse)
        kept = config.read_private(self.secret)
        applicant = terminal.parsed(
            self.answer, lambda raw: join.proven(asked, kept, raw)
        )
        draft = membership.admit(draft, applicant)
        for line in drafting.compared(asked):
            terminal.tell(line)
        return draft


@noun.verb("update", "Draft a version as a member asked by `join update`.")
class _Update(EndOptions):
    request: Path = argument("its request")

    def change(self, draft: Roster) -> Roster:
        asked = terminal.parsed(self.request, join.parse)
        draft = membership.update(draft, asked, self.end)
        terminal.tell(
            "{member} asked on {day}: compare the words or digits with it by"
            " phone",
            member=asked.id,
            day=review.day(asked.made),
        )
        for line in drafting.compared(asked):
            terminal.tell(line)
        return draft


@noun.verb("remove", "Draft a version without a member.")
class _Remove(EndOptions):
    member: str = argument()
    past: str = option("keep or annul what it said", default="keep")
    force: bool = option("also if too few holders are left")

    def change(self, draft: Roster) -> Roster:
        id_ = self.member
        among("--past", self.past, PASTS)
        end = self.end(drafts.named(draft, "member", id_).generation)
        return membership.remove(
            draft, id_, past=self.past, end=end, force=self.force
        )


class _RenewOptions(DraftOptions):
    days: int = drafting.DAYS


@noun.verb("renew", "Draft a version that expires later.")
def _renew(args: _RenewOptions) -> None:
    current = args.newest()
    draft = drafts.begin(current, now=clock(), days=args.days)
    args.write(draft, current)


# ------------------------------------------------------- sign, merge, publish


class _SignOptions(NewestOptions):
    draft: Path = argument("signed in place")
    keys: Path = option("an admin's key directory", needed=True)
    yes: bool = option("do not ask")
    final: bool = option("nor for what cannot be undone")


@noun.verb("sign", "Sign a draft with an admin's key.")
def _sign(args: _SignOptions) -> None:
    raw = terminal.read_file(args.draft)
    _, roster = terminal.parsed(args.draft, drafts.read)
    before = None if roster.version == 1 else args.newest()
    signing.signatures(raw, before)  # it follows, and earlier lines hold
    if not args.as_json:
        moves = draft_effect.effect(args, roster, before)[1] if before else []
        for line in (*drafting.describe(before, roster), *moves):
            terminal.say(line)
    if not (args.yes or terminal.agreed(t("Sign this? [y/N] "))):
        raise RefusedError("nothing was signed")
    for name in draft_effect.final(before, roster) if before else ():
        question = t("This cannot be undone. Type {name}: ", name=name)
        if not (args.final or terminal.agreed(question, [name])):
            raise RefusedError("nothing was signed")
    signed = signing.sign(raw, keys_commands.admin_key(args.keys), before)
    durable.write(args.draft, signed, mode=0o666)
    if args.as_json:
        drafting.show(args, signed, before)
    else:
        drafting.tell_missing(signed, before)


class _MergeOptions(Options):
    copies: list[Path] = argument()
    out: Path = option("a new file", needed=True)


@noun.verb("merge", "Put the signatures of several copies together.")
def _merge(args: _MergeOptions) -> None:
    merged = signing.merge(*map(drafting.note_of, args.copies))
    terminal.write_new(args.out, merged)


class _PublishOptions(ClientOptions):
    signed: Path = argument()


@noun.verb("publish", "Give a signed version to our daemon, for all.")
def _publish(args: _PublishOptions) -> None:
    raw = drafting.note_of(args.signed)
    with args.api() as own:
        answer = own.post("/v1/roster", raw, "text/plain; charset=utf-8")
    terminal.say(
        "roster {version} is accepted; members follow within a round",
        version=answer["version"],
    )


# ------------------------------------------------------------------- show


class _ShowOptions(OutputOptions):
    file: Path | None = argument("else the newest of --home", needed=False)
    version: int | None = option("an older one of --home", min=1)
    since: str = option("a version of --home, or a file: only what changed")
    raw: bool = option("the signed note")


@noun.verb(
    "show", "Show a roster or a draft, or what changed since another version."
)
def _show(args: _ShowOptions) -> None:
    raw = _ours(args, args.version) if args.file is None else _note(args.file)
    roster, signed = drafts.read(raw)[1], signing.signers(raw)
    if args.raw:
        terminal.write_new(Path("-"), raw)
        return
    if args.since:
        if re.fullmatch("[0-9]{1,9}", args.since, re.ASCII):
            old = _ours(args, int(args.since))
        else:
            old = drafting.note_of(Path(args.since))
        before = drafts.read(old)[1]
        args.show(
            review.to_json(before, roster), drafting.describe(before, roster)
        )
    else:
        value = {"signed": signed.have, "wanted": signed.wanted}
        value |= {"hash": roster.hash, **roster.to_json()}
        lines = review.whole(roster)
        if signed.wanted and roster.version > 1:
            found, more = draft_effect.effect(args, roster)
            value["moves"], lines = found, lines + more
        args.show(value, lines)
    if args.as_json:
        return
    terminal.say(
        "signed by {names}: {n} of the {threshold} needed",
        names=", ".join(signed.have) or "-",
        n=len(signed.have),
        threshold=signed.threshold,
    )
    if signed.wanted:
        terminal.tell("a draft: nobody is to trust it yet")


def _ours(args: _ShowOptions, version: int | None) -> bytes:
    """Return the verified note of a version of ours.

    Raises:
        UsageError: no such version is here.
    """
    settings = args.settings()
    newest = trusted_roster(settings).version
    raw = roster_files(settings.home).get(version or newest)
    if raw is None:
        raise UsageError(
            "{home}: there is no version {wanted}",
            settings,
            names=f"1-{newest}",
            wanted=version,
        )
    return raw


def _note(file: Path) -> bytes:
    """Return the note in a file, signed by those whom it names or by nobody.

    Raises:
        UsageError: the file is none.
        UntrustedError: it was a roster before somebody changed it.
    """

    def verified(raw: bytes) -> bytes:
        try:
            signing.signers(raw)
        except (MalformedError, UntrustedError) as e:
            if not raw.startswith(_FIRST_LINE):
                raise
            raise UntrustedError(
                "{file}: does not verify: {why}", file=file, why=e
            ) from e
        return raw

    return terminal.parsed(file, verified)
