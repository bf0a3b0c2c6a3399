"""`syncd roster`: what admins do, with files; `publish` asks the daemon.

What changes the rules, a member, or the never-list is in `edits`.
"""

import secrets
from pathlib import Path

from syncd import config
from syncd.cli import drafting, keys, review, terminal
from syncd.cli.command import Noun, Options, argument, option
from syncd.cli.drafting import After, Drafted, Edited, Ended
from syncd.cli.options import Asking, Json
from syncd.errors import (
    MalformedError,
    RefusedError,
    SyncdError,
    UntrustedError,
    UsageError,
)
from syncd.messages.catalogue import t
from syncd.node.pinned import clock, roster_files, trusted_roster
from syncd.roster import drafts, join, membership, signing
from syncd.roster.members import PASTS
from syncd.roster.roster import Roster

_FIRST_LINE = b"syncd/roster/v1\n"

noun = Noun()


# ------------------------------------------------------------- who is in it


class _Challenge(Json):
    request: Path = argument("its join request")
    out: Path = argument("to be sent to it")
    secret: Path = option("keep this file for `admit`", needed=True)


@noun.verb("challenge", "Write a challenge that only the newcomer can open.")
def _challenge(said: _Challenge) -> None:
    asked = terminal.parsed(said.request, join.parse)
    made = join.challenge(asked, secrets.token_bytes)
    terminal.write_new(said.secret, made.secret, private=True)
    terminal.write_new(said.out, made.raw)
    lines = [
        f"id       {asked.id}",
        f"names    {asked.names.zh} / {asked.names.en}",
        f"sector   {asked.sector}",
        f"urls     {' '.join(asked.urls)}",
        *drafting.compared(asked),
    ]
    value = drafting.compared_json(asked)
    drafting.say_beside(said.out, said, value, lines)
    terminal.tell(
        "Next: read out the words or digits to the newcomer by phone,"
        " on a number that you know already; only if its own are the"
        " same, go on: it runs syncd join answer."
    )


class _Admit(Edited):
    request: Path = argument("its join request")
    answer: Path = argument("to the challenge")
    secret: Path = option("from `challenge`", needed=True)
    days: int = drafting.DAYS


@noun.verb("admit", "Draft a version with one more member.")
def _admit(said: _Admit) -> None:
    asked = terminal.parsed(said.request, join.parse)
    kept = config.read_private(said.secret)
    applicant = terminal.parsed(
        said.answer, lambda raw: join.proven(asked, kept, raw)
    )
    said.edit(lambda draft: membership.admit(draft, applicant))
    for line in drafting.compared(asked):
        terminal.tell(line)


class _Update(Ended):
    request: Path = argument("its request")


@noun.verb("update", "Draft a version as a member asked by `join update`.")
def _update(said: _Update) -> None:
    asked = terminal.parsed(said.request, join.parse)

    def edit(draft: Roster) -> Roster:
        last = drafting.row(draft, "member", asked.id).generation
        end = None if asked.log == last.log else said.end(last)
        return membership.update(draft, asked, end)

    said.edit(edit)
    terminal.tell(
        "{member} asked on {day}: compare the words or digits with it by"
        " phone",
        member=asked.id,
        day=review.day(asked.made),
    )
    for line in drafting.compared(asked):
        terminal.tell(line)


class _Remove(Ended):
    member: str = argument()
    past: str = option("keep or annul what it said", default="keep")
    force: bool = option("also if too few holders are left")


@noun.verb("remove", "Draft a version without a member.")
def _remove(said: _Remove) -> None:
    id_, past = said.member, said.past
    if past not in PASTS:
        raise UsageError("--past {past}: keep or annul", past=repr(past))

    def edit(draft: Roster) -> Roster:
        end = said.end(drafting.row(draft, "member", id_).generation)
        return membership.remove(
            draft, id_, past=past, end=end, force=said.force
        )

    said.edit(edit)


class _Renew(Drafted):
    days: int = drafting.DAYS


@noun.verb("renew", "Draft a version that expires later.")
def _renew(said: _Renew) -> None:
    current = said.newest()
    draft = drafts.begin(current, now=clock(), days=said.days)
    said.write(draft, current)


# ------------------------------------------------------- sign, merge, publish


class _Sign(After):
    draft: Path = argument("signed in place")
    keys: Path = option("an admin's key directory", needed=True)
    yes: bool = option("do not ask")


@noun.verb("sign", "Sign a draft with an admin's key.")
def _sign(said: _Sign) -> None:
    raw = terminal.read_file(said.draft)
    _, roster = terminal.parsed(said.draft, drafts.read)
    before = None if roster.version == 1 else said.newest()
    if not said.as_json:
        for line in drafting.describe(before, roster):
            terminal.say(line)
    signing.signatures(raw, before)  # it follows, and earlier lines hold
    if not (said.yes or terminal.agreed(t("Sign this? [y/N] "))):
        raise RefusedError("nothing was signed")
    signed = signing.sign(raw, keys.admin_key(said.keys), before)
    terminal.replace_file(said.draft, signed)
    if said.as_json:
        drafting.show(said, signed, before)
    else:
        drafting.tell_missing(signed, before)


class _Merge(Options):
    copies: list[Path] = argument()
    out: Path = option("a new file", needed=True)


@noun.verb("merge", "Put the signatures of several copies together.")
def _merge(said: _Merge) -> None:
    raws = [drafting.note_of(path) for path in said.copies]
    terminal.write_new(said.out, signing.merge(*raws))


class _Publish(Asking):
    signed: Path = argument()


@noun.verb("publish", "Give a signed version to our daemon, for all.")
def _publish(said: _Publish) -> None:
    raw = drafting.note_of(said.signed)
    with said.api() as own:
        answer = own.post("/v1/roster", raw, "text/plain; charset=utf-8")
    terminal.say(
        "roster {version} is accepted; members follow within a round",
        version=answer["version"],
    )


# ------------------------------------------------------------------- show


class _Show(Json):
    file: Path | None = argument("else the newest of --home", needed=False)
    version: int | None = option("an older one of --home", min=1)
    since: str = option("a version of --home, or a file: only what changed")
    raw: bool = option("the signed note")


@noun.verb(
    "show", "Show a roster or a draft, or what changed since another version."
)
def _show(said: _Show) -> None:
    data = _note(said, said.version)
    roster = drafts.read(data)[1]
    signed = _signers(said.file, data)
    before = drafts.read(_since(said))[1] if said.since else None
    if said.raw:
        terminal.write_new(Path("-"), data)
        return
    if before is not None:
        changes = review.to_json(before, roster)
        said.show(changes, drafting.describe(before, roster))
    else:
        signing = {"signed": list(signed.have), "wanted": signed.wanted}
        value = {"hash": roster.hash, **signing, **roster.to_json()}
        said.show(value, review.whole(roster))
    if not said.as_json:
        _tell_signed(signed)


def _note(said: _Show, version: int | None) -> bytes:
    """Return the note of a version: a file's, or a verified one of ours.

    Raises:
        UsageError: no such version is here, or the file is none.
        UntrustedError: the file was a roster before somebody changed it.
    """
    file = said.file
    if file is not None:
        return terminal.parsed(file, lambda data: _checked(file, data))
    return _ours(said, version)


def _ours(said: _Show, version: int | None) -> bytes:
    settings = said.settings()
    trusted = trusted_roster(settings)
    wanted = version or trusted.version
    raw = roster_files(settings.home).get(wanted)
    if raw is None:
        raise UsageError(
            "{home}: there is no version {wanted}",
            hint=t("it has {names}", names=f"1-{trusted.version}"),
            home=settings.home,
            wanted=wanted,
        )
    return raw


def _checked(file: Path, data: bytes) -> bytes:
    try:
        drafts.read(data)
    except MalformedError as e:
        if data.startswith(_FIRST_LINE):
            raise _unverified(file, e) from e
        raise
    return data


def _signers(file: Path | None, data: bytes) -> signing.Signed:
    """Return who signed a file.

    Raises:
        UntrustedError: it does not verify; names the file.
    """
    try:
        return signing.signers(data)
    except UntrustedError as e:
        raise _unverified(file, e) from e


def _unverified(file: Path | None, why: SyncdError) -> UntrustedError:
    return UntrustedError(
        "{file}: does not verify: {why}",
        hint=t("it was changed after it was signed: believe none of it"),
        file=file or "roster",
        why=why,
    )


def _tell_signed(signed: signing.Signed) -> None:
    """Say by whom a roster is signed, and of how many that is enough."""
    terminal.say(
        "signed by {names}: {n} of the {threshold} needed",
        names=", ".join(signed.have) or "-",
        n=len(signed.have),
        threshold=signed.threshold,
    )
    if signed.wanted:
        terminal.tell("a draft: nobody is to trust it yet")


def _since(said: _Show) -> bytes:
    if (
        said.since.isascii()
        and said.since.isdecimal()
        and len(said.since) < 10
    ):
        return _ours(said, int(said.since))
    return drafting.note_of(Path(said.since))
