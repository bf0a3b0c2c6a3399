"""`syncd roster`: what admins do, with files; `publish` asks the daemon."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from syncd import config
from syncd.cli import drafting, edits, keys, review, terminal, usage
from syncd.cli.daemon import settings_of
from syncd.cli.drafting import (
    AsJson,
    Current,
    Days,
    Draft,
    Onto,
    Out,
    named,
    newest,
)
from syncd.errors import (
    MalformedError,
    RefusedError,
    SyncdError,
    UntrustedError,
    UsageError,
)
from syncd.messages.catalogue import t
from syncd.node.pinned import roster_files, trusted_roster
from syncd.roster import drafts, join
from syncd.roster.members import PASTS


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = usage.Noun("The roster: admit, remove, sign, publish, show.")
    app.add_typer(noun, name="roster")

    @noun.command(
        "challenge",
        help="Write a challenge that only the newcomer can open.",
    )
    def _challenge(
        request: Annotated[Path, typer.Argument(help="its join request")],
        out: Annotated[Path, typer.Argument(help="to be sent to it")],
        secret: Annotated[
            Path, typer.Option(help="keep this file for `admit`")
        ],
        as_json: AsJson = False,
    ) -> None:
        asked = terminal.parsed(request, join.parse)
        made = join.challenge(asked, secrets.token_bytes)
        terminal.write_new(secret, made.secret, private=True)
        terminal.write_new(out, made.raw)
        say = terminal.tell if str(out) == "-" else terminal.say
        if as_json:
            say(terminal.as_json(drafting.compared_json(asked)))
        for line in [] if as_json else _about(asked):
            say(line)
        terminal.tell(
            t(
                "Next: read out the words or digits to the newcomer by phone,"
                " on a number that you know already; only if its own are the"
                " same, go on: it runs syncd join answer."
            )
        )

    @noun.command("admit", help="Draft a version with one more member.")
    def _admit(
        ctx: typer.Context,
        request: Annotated[Path, typer.Argument(help="its join request")],
        answer: Annotated[Path, typer.Argument(help="to the challenge")],
        out: Out,
        secret: Annotated[Path, typer.Option(help="from `challenge`")],
        current: Current = None,
        onto: Onto = None,
        days: Days = drafts.LIFE_DAYS,
        as_json: AsJson = False,
    ) -> None:
        draft = Draft(ctx, current, onto, days)
        asked = terminal.parsed(request, join.parse)
        kept = config.read_private(secret)
        applicant = terminal.parsed(
            answer, lambda raw: join.proven(asked, kept, raw)
        )
        draft.edit(drafts.admit, applicant)
        draft.write(out, as_json=as_json)
        for line in drafting.compared(asked):
            terminal.tell(line)

    @noun.command(
        "update",
        help="Draft a version as a member asked by `join update`.",
    )
    def _update(
        ctx: typer.Context,
        request: Annotated[Path, typer.Argument(help="its request")],
        out: Out,
        checkpoint: Annotated[
            Path | None,
            typer.Option(
                help="where its log ends; else what --home mirrors of it"
            ),
        ] = None,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        draft = Draft(ctx, current, onto)
        asked = terminal.parsed(request, join.parse)
        known = (m.id for m in draft.roster.members)
        found = named(draft.roster.member(asked.id), "member", asked.id, known)
        end = None
        if asked.log != found.generation.log:
            end = draft.end(found.generation, checkpoint)
        draft.edit(drafts.update, asked, end)
        draft.write(out, as_json=as_json)
        terminal.tell(
            t(
                "{member} asked on {day}: compare the words or digits with it"
                " by phone",
                member=asked.id,
                day=review.day(asked.made),
            )
        )
        for line in drafting.compared(asked):
            terminal.tell(line)

    @noun.command("remove", help="Draft a version without a member.")
    def _remove(
        ctx: typer.Context,
        member: Annotated[str, typer.Argument()],
        out: Out,
        past: Annotated[
            str, typer.Option(help="keep or annul what it said")
        ] = "keep",
        checkpoint: Annotated[
            Path | None,
            typer.Option(
                help="where its log ends; else what --home mirrors of it"
            ),
        ] = None,
        force: Annotated[
            bool,
            typer.Option("--force", help="also if too few holders are left"),
        ] = False,
        current: Current = None,
        onto: Onto = None,
        as_json: AsJson = False,
    ) -> None:
        if past not in PASTS:
            raise UsageError(f"--past {past!r}: keep or annul")
        draft = Draft(ctx, current, onto)
        known = (m.id for m in draft.roster.active())
        found = named(draft.roster.member(member), "member", member, known)
        end = draft.end(found.generation, checkpoint)
        draft.edit(drafts.remove, member, past=past, end=end, force=force)
        draft.write(out, as_json=as_json)

    @noun.command("renew", help="Draft a version that expires later.")
    def _renew(
        ctx: typer.Context,
        out: Out,
        current: Current = None,
        days: Days = drafts.LIFE_DAYS,
        as_json: AsJson = False,
    ) -> None:
        Draft(ctx, current, None, days).write(out, as_json=as_json)

    @noun.command("sign", help="Sign a draft with an admin's key.")
    def _sign(
        ctx: typer.Context,
        draft: Annotated[Path, typer.Argument(help="signed in place")],
        keys_in: Annotated[
            Path, typer.Option("--keys", help="an admin's key directory")
        ],
        current: Current = None,
        yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
        as_json: AsJson = False,
    ) -> None:
        raw = terminal.read_file(draft)
        _, roster = terminal.parsed(draft, drafts.read)
        before = None if roster.version == 1 else newest(ctx, current)
        if not as_json:
            for line in drafting.describe(before, roster):
                terminal.say(line)
        drafts.signatures(raw, before)  # it follows, and earlier lines hold
        if not (yes or terminal.agreed(t("Sign this? [y/N] "))):
            raise RefusedError(t("nothing was signed"))
        signed = drafts.sign(raw, keys.admin_key(keys_in), before)
        terminal.replace_file(draft, signed)
        if as_json:
            drafting.show(signed, before, as_json=True)
        else:
            drafting.tell_missing(signed, before)

    @noun.command(
        "merge", help="Put the signatures of several copies together."
    )
    def _merge(
        copies: Annotated[list[Path], typer.Argument()],
        out: Annotated[Path, typer.Option(help="a new file")],
    ) -> None:
        raws = [drafting.note_of(path) for path in copies]
        terminal.write_new(out, drafts.merge(*raws))

    @noun.command(
        "publish", help="Give a signed version to our daemon, for all."
    )
    def _publish(
        ctx: typer.Context,
        signed: Annotated[Path, typer.Argument()],
        token_file: Annotated[
            Path | None, typer.Option(help="the operator's bearer token")
        ] = None,
    ) -> None:
        from syncd.cli.door import Door

        raw = drafting.note_of(signed)
        with Door.of(ctx, token_file) as door:
            answer = door.post("/v1/roster", raw, "text/plain; charset=utf-8")
        terminal.say(
            t(
                "roster {version} is accepted; members follow within a round",
                version=answer["version"],
            )
        )

    @noun.command(
        "show",
        help="Show a roster or a draft, or what changed since another version.",
    )
    def _show(
        ctx: typer.Context,
        file: Annotated[
            Path | None, typer.Argument(help="else the newest of --home")
        ] = None,
        version: Annotated[
            int | None, typer.Option(help="an older one of --home", min=1)
        ] = None,
        since: Annotated[
            str,
            typer.Option(
                help="a version of --home, or a file: only what changed"
            ),
        ] = "",
        as_json: AsJson = False,
        raw: Annotated[
            bool, typer.Option("--raw", help="the signed note")
        ] = False,
    ) -> None:
        data = _note(ctx, file, version)
        roster = drafts.read(data)[1]
        signed = _signers(file, data)
        before = drafts.read(_since(ctx, since))[1] if since else None
        if raw:
            terminal.write_new(Path("-"), data)
        elif before is not None and as_json:
            terminal.show_json(review.to_json(before, roster))
        elif before is not None:
            for line in drafting.describe(before, roster):
                terminal.say(line)
        elif as_json:
            terminal.show_json(
                {
                    "hash": roster.hash,
                    "signed": list(signed.have),
                    "wanted": signed.wanted,
                    **roster.to_json(),
                }
            )
        else:
            for line in review.whole(roster):
                terminal.say(line)
        if not (raw or as_json):
            _tell_signed(signed)

    edits.add(noun)


def _note(ctx: typer.Context, file: Path | None, version: int | None) -> bytes:
    """Return the note of a version: a file's, or a verified one of ours.

    Raises:
        UsageError: no such version is here, or the file is none.
        UntrustedError: the file was a roster before somebody changed it.
    """
    if file is not None:
        return terminal.parsed(file, lambda data: _checked(file, data))
    settings = settings_of(ctx)
    trusted = trusted_roster(settings)
    wanted = version or trusted.version
    raw = roster_files(settings.home).get(wanted)
    if raw is None:
        raise UsageError(
            f"{settings.home}: there is no version {wanted}",
            hint=t("it has {names}", names=f"1-{trusted.version}"),
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


def _signers(file: Path | None, data: bytes) -> drafts.Signed:
    """Return who signed a file.

    Raises:
        UntrustedError: it does not verify; names the file.
    """
    try:
        return drafts.signers(data)
    except UntrustedError as e:
        raise _unverified(file, e) from e


_FIRST_LINE = b"syncd/roster/v1\n"


def _unverified(file: Path | None, why: SyncdError) -> UntrustedError:
    return UntrustedError(
        f"{file or 'roster'}: {t('does not verify')}: {why}",
        hint=t("it was changed after it was signed: believe none of it"),
    )


def _tell_signed(signed: drafts.Signed) -> None:
    """Say by whom a roster is signed, and of how many that is enough."""
    terminal.say(
        t(
            "signed by {names}: {n} of the {threshold} needed",
            names=", ".join(signed.have) or "-",
            n=len(signed.have),
            threshold=signed.threshold,
        )
    )
    if signed.wanted:
        terminal.tell(t("a draft: nobody is to trust it yet"))


def _since(ctx: typer.Context, text: str) -> bytes:
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return _note(ctx, None, int(text))
    return drafting.note_of(Path(text))


def _about(asked: join.Request) -> list[str]:
    return [
        f"id       {asked.id}",
        f"names    {asked.names.zh} / {asked.names.en}",
        f"sector   {asked.sector}",
        f"urls     {' '.join(asked.urls)}",
        *drafting.compared(asked),
    ]
