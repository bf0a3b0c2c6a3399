"""`syncd roster`: what admins do, with files; `publish` asks the daemon."""

import secrets
import time
from pathlib import Path
from typing import Annotated

import typer

from syncd import config
from syncd.cli import keys, terminal
from syncd.cli.daemon import settings_of
from syncd.cli.text import t
from syncd.errors import UntrustedError, UsageError
from syncd.node import audit
from syncd.node.home import clock, roster_files, trusted_roster
from syncd.roster import drafts, join, trust
from syncd.roster.members import Cut
from syncd.roster.roster import Roster
from syncd.tlog import checkpoint as checkpoints
from syncd.tlog import note

Current = Annotated[
    Path | None,
    typer.Option(help="the newest signed roster; else that of --home"),
]


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = typer.Typer(
        help=t("The roster: admit, remove, sign, publish, show."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.add_typer(noun, name="roster")

    @noun.command(
        "challenge",
        help=t("Write a challenge that only the newcomer can open."),
    )
    def _challenge(
        request: Annotated[Path, typer.Argument(help=t("its join request"))],
        out: Annotated[Path, typer.Argument(help=t("to be sent to it"))],
        secret: Annotated[
            Path, typer.Option(help=t("keep this file for `admit`"))
        ],
    ) -> None:
        asked = join.parse(terminal.read_file(request))
        made = join.challenge(asked, secrets.token_bytes)
        terminal.write_new(secret, made.secret, private=True)
        terminal.write_new(out, made.raw)
        for line in _about(asked):
            terminal.say(line)
        terminal.tell(
            t(
                "Next: the newcomer runs syncd join answer; check by phone that"
                " the request's hash is the same on both sides."
            )
        )

    @noun.command("admit", help=t("Draft a version with one more member."))
    def _admit(
        ctx: typer.Context,
        request: Annotated[Path, typer.Argument()],
        answer: Annotated[Path, typer.Argument()],
        out: Annotated[Path, typer.Argument(help=t("the draft"))],
        secret: Annotated[Path, typer.Option(help=t("from `challenge`"))],
        current: Current = None,
        days: Annotated[int, typer.Option()] = drafts.LIFE_DAYS,
    ) -> None:
        now = _newest(ctx, current)
        asked = join.parse(terminal.read_file(request))
        applicant = join.proven(
            asked, config.read_private(secret), terminal.read_file(answer)
        )
        begun = drafts.begin(now, now=clock(), days=days)
        _write(out, drafts.admit(begun, applicant), now)

    @noun.command("remove", help=t("Draft a version without a member."))
    def _remove(
        ctx: typer.Context,
        member: Annotated[str, typer.Argument()],
        out: Annotated[Path, typer.Argument(help=t("the draft"))],
        past: Annotated[
            str, typer.Option(help=t("keep or annul what it said"))
        ] = "keep",
        checkpoint: Annotated[
            Path | None,
            typer.Option(
                help=t("where its log ends; else what --home mirrors of it")
            ),
        ] = None,
        current: Current = None,
    ) -> None:
        if past not in ("keep", "annul"):
            raise UsageError(f"--past {past!r}: keep or annul")
        now = _newest(ctx, current)
        begun = drafts.begin(now, now=clock())
        end = _end(ctx, now, member, checkpoint)
        _write(out, drafts.remove(begun, member, past=past, end=end), now)

    @noun.command("renew", help=t("Draft a version that expires later."))
    def _renew(
        ctx: typer.Context,
        out: Annotated[Path, typer.Argument(help=t("the draft"))],
        current: Current = None,
        days: Annotated[int, typer.Option()] = drafts.LIFE_DAYS,
    ) -> None:
        now = _newest(ctx, current)
        _write(out, drafts.begin(now, now=clock(), days=days), now)

    @noun.command("sign", help=t("Sign a draft with an admin's key."))
    def _sign(
        ctx: typer.Context,
        draft: Annotated[Path, typer.Argument(help=t("signed in place"))],
        keys_in: Annotated[
            Path, typer.Option("--keys", help=t("an admin's key directory"))
        ],
        current: Current = None,
    ) -> None:
        raw = terminal.read_file(draft)
        _, roster = drafts.read(raw)
        before = None if roster.version == 1 else _newest(ctx, current)
        if before is not None:
            for line in drafts.changes(before, roster):
                terminal.say(line)
        signed = drafts.sign(raw, keys.admin_key(keys_in), before)
        terminal.replace_file(draft, signed)
        _tell_missing(signed, before)

    @noun.command(
        "merge", help=t("Put the signatures of several copies together.")
    )
    def _merge(
        copies: Annotated[list[Path], typer.Argument()],
        out: Annotated[Path, typer.Option()],
    ) -> None:
        raws = [terminal.read_file(path) for path in copies]
        terminal.write_new(out, drafts.merge(*raws))

    @noun.command(
        "publish", help=t("Give a signed version to our daemon, for all.")
    )
    def _publish(
        ctx: typer.Context,
        signed: Annotated[Path, typer.Argument()],
        token_file: Annotated[
            Path | None, typer.Option(help=t("the operator's bearer token"))
        ] = None,
    ) -> None:
        from syncd.cli.door import Door

        raw = terminal.read_file(signed)
        with Door.of(ctx, token_file) as door:
            answer = door.post("/v1/roster", raw, "text/plain; charset=utf-8")
        terminal.say(
            t(
                "roster {version} is accepted; members follow within a round",
                version=answer["version"],
            )
        )

    @noun.command("show", help=t("Show a roster, verified if it is ours."))
    def _show(
        ctx: typer.Context,
        file: Annotated[Path | None, typer.Argument()] = None,
        as_json: Annotated[bool, typer.Option("--json")] = False,
        raw: Annotated[bool, typer.Option(help=t("the signed note"))] = False,
    ) -> None:
        if file is not None:
            data = terminal.read_file(file)
            roster = drafts.read(data)[1]
        else:
            settings = settings_of(ctx)
            roster = trusted_roster(settings).current
            data = roster_files(settings.home).get(roster.version) or b""
        if raw:
            terminal.say(data.decode())
        elif as_json:
            terminal.show_json({"hash": roster.hash, **roster.to_json()})
        else:
            for line in _describe(roster):
                terminal.say(line)


def _end(
    ctx: typer.Context, roster: Roster, member: str, file: Path | None
) -> Cut:
    """Return where the log of a member that leaves ends, as it signed it.

    Raises:
        UsageError: we do not hold its log, and no checkpoint was given.
        UntrustedError: the checkpoint is not that log's.
    """
    found = roster.member(member)
    if found is None:
        raise UsageError(f"roster: no member {member}")
    if file is not None:
        raw = terminal.read_file(file)
    else:
        with audit.served(settings_of(ctx), found.origin) as log:
            raw = log.checkpoint
    try:
        head, _ = checkpoints.open_(raw, found.generation.log)
    except UntrustedError as e:
        raise UntrustedError(
            f"{file or 'mirror'}: not signed by {found.origin}: {e}"
        ) from e
    return Cut(head.size, head.root)


def _newest(ctx: typer.Context, current: Path | None) -> Roster:
    """Return the roster that a draft follows."""
    if current is not None:
        return trust.read(
            note.parse(terminal.read_file(current), max_size=16 << 20)
        )
    return trusted_roster(settings_of(ctx)).current


def _write(out: Path, draft: Roster, current: Roster) -> None:
    raw = drafts.write(draft, current)
    terminal.write_new(out, raw)
    for line in drafts.changes(current, drafts.read(raw)[1]):
        terminal.say(line)
    _tell_missing(raw, current)


def _tell_missing(raw: bytes, current: Roster | None) -> None:
    for signed in drafts.signatures(raw, current):
        if signed.wanted:
            terminal.tell(
                t(
                    "version {version}: {wanted} more of {names} must sign",
                    version=signed.version,
                    wanted=signed.wanted,
                    names=", ".join(signed.missing),
                )
            )


def _about(asked: join.Request) -> list[str]:
    return [
        f"id       {asked.id}",
        f"names    {asked.names.zh} / {asked.names.en}",
        f"sector   {asked.sector}",
        f"urls     {' '.join(asked.urls)}",
        f"hash     {asked.hash}",
    ]


def _describe(roster: Roster) -> list[str]:
    until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(roster.expires))
    lines = [
        f"alliance {roster.alliance} ({roster.id[:16]}…)",
        f"version  {roster.version} ({roster.hash})",
        f"expires  {until}",
        f"admins   {roster.threshold} of {', '.join(sorted(roster.admins))}",
    ]
    lines += [
        f"key      {e.kind} epoch {e.epoch}: {e.t} of"
        f" {', '.join(m for m, _ in e.shares.values())}"
        + (" (dealt)" if e.dealt else "")
        for e in roster.epochs
        if e.shares
    ]
    lines += [
        f"member   {m.id:16} {m.sector:10} {m.status:9} {m.origin}"
        for m in roster.members
    ]
    return lines
