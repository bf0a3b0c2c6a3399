"""`syncd roster`: what admins do, with files; `publish` asks the daemon.

What changes the rules, a member, or the never-list is in `edits`.
"""

import re
import secrets
from pathlib import Path

from syncd.cli import drafting
from syncd.cli.command import Command, Options, argument, option
from syncd.cli.options import ClientOptions, OutputOptions, among
from syncd.cli.terminal import parsed, say, tell, write_new
from syncd.errors import MalformedError, UntrustedError, UsageError
from syncd.messages import review
from syncd.node.pinned import clock, roster_files, trusted_roster
from syncd.roster import drafts, join, membership, signing
from syncd.roster.members import PASTS
from syncd.roster.roster import Roster

_FIRST_LINE = b"syncd/roster/v1\n"

noun = Command()


# ------------------------------------------------------------- who is in it


class _ChallengeOptions(Options):
    request: Path = argument("its join request")
    out: Path = argument("to be sent to it")
    secret: Path = option("keep this file for `admit`", needed=True)


@noun.verb("challenge", "Write a challenge that only the newcomer can open.")
def _challenge(args: _ChallengeOptions) -> None:
    asked = parsed(args.request, join.parse)
    secret = secrets.token_bytes(32)
    write_new(args.secret, secret, private=True)
    write_new(args.out, join.challenge(asked, secret))
    tell(
        "Next: the newcomer runs syncd join answer; what you compare by"
        " phone comes with its answer."
    )


@noun.verb("update", "Draft a version as a member asked by `join update`.")
class _Update(drafting.EndOptions):
    request: Path = argument("its request")

    def change(self, draft: Roster) -> Roster:
        asked = parsed(self.request, join.parse)
        tell(
            "{member} asked on {day}: compare the words or digits with it by"
            " phone",
            member=asked.id,
            day=review.day(asked.made),
        )
        tell(drafting.compared(asked.hash))
        return membership.update(draft, asked, self.end)


@noun.verb("remove", "Draft a version without a member.")
class _Remove(drafting.EndOptions):
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


class _RenewOptions(drafting.DraftOptions):
    days: int = drafting.DAYS


@noun.verb("renew", "Draft a version that expires later.")
def _renew(args: _RenewOptions) -> None:
    current = args.newest()
    args.write(drafts.begin(current, now=clock(), days=args.days), current)


# ------------------------------------------------------- sign, merge, publish


class _MergeOptions(Options):
    copies: list[Path] = argument()
    out: Path = option("a new file", needed=True)


@noun.verb("merge", "Put the signatures of several copies together.")
def _merge(args: _MergeOptions) -> None:
    write_new(args.out, signing.merge(*map(drafting.note_of, args.copies)))


class _PublishOptions(ClientOptions):
    signed: Path = argument()


@noun.verb("publish", "Give a signed version to our daemon, for all.")
def _publish(args: _PublishOptions) -> None:
    hand_in(args, drafting.note_of(args.signed))


def hand_in(args: ClientOptions, raw: bytes) -> None:
    """Give a roster to our daemon, and say that it is in force.

    Raises:
        UntrustedError: it lacks signatures: for which the daemon keeps it.
    """
    with args.api() as own:
        answer = own.post("/v1/roster", raw, "text/plain; charset=utf-8")
    say(
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
        write_new(Path("-"), raw)
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
            found, more = drafting.effect(args, roster)
            value["moves"], lines = found, lines + more
        args.show(value, lines)
    if args.as_json:
        return
    say(
        "signed by {names}: {n} of the {threshold} needed",
        names=", ".join(signed.have) or "-",
        n=len(signed.have),
        threshold=signed.threshold,
    )
    if signed.wanted:
        tell("a draft: nobody is to trust it yet")


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

    return parsed(file, verified)
