"""`syncd join`: what a newcomer does, on its own machine."""

from pathlib import Path
from typing import Annotated

import typer

from syncd import config, pinning
from syncd.cli import terminal
from syncd.cli.daemon import settings_of
from syncd.cli.text import t
from syncd.config import Config
from syncd.errors import UsageError
from syncd.flows import onboard
from syncd.node.home import (
    clock,
    member_keys,
    roster_files,
    share_name,
    trusted_roster,
)
from syncd.oprf import group
from syncd.roster import join, trust
from syncd.roster.members import Names
from syncd.store.keyring import Keyring

REQUEST = "join.request"  # in the home: what we asked, to answer challenges


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = typer.Typer(
        help=t("Join an alliance: what a new member does."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.add_typer(noun, name="join")

    @noun.command(
        "request", help=t("Write a join request, to be sent to an admin.")
    )
    def _request(
        ctx: typer.Context,
        out: Annotated[Path, typer.Argument()],
        sector: Annotated[str, typer.Option(help=t("police, bank, …"))],
        url: Annotated[
            list[str], typer.Option(help=t("https address of our peer door"))
        ],
        name_zh: Annotated[str, typer.Option()] = "",
        name_en: Annotated[str, typer.Option()] = "",
        group_: Annotated[
            str, typer.Option("--group", help=t("our controller, if shared"))
        ] = "",
        info: Annotated[
            list[str] | None, typer.Option(help=t("key=value, told to all"))
        ] = None,
        alliance_id: Annotated[
            str, typer.Option(help=t("64 hex digits; none when founding"))
        ] = "",
    ) -> None:
        settings = settings_of(ctx)
        keys = member_keys(_ring(settings), settings)
        pinning.rehearse(keys.certificate, keys.tls_pem)
        raw = join.request(
            keys,
            id=settings.member.id,
            names=Names(
                zh=name_zh or settings.member.id,
                en=name_en or settings.member.id,
            ),
            sector=sector,
            now=clock(),
            alliance_id=alliance_id or join.NO_ALLIANCE,
            group=group_,
            urls=tuple(url),
            info=_pairs(info or []),
        )
        terminal.replace_file(settings.home / REQUEST, raw)
        terminal.write_new(out, raw)
        terminal.tell(t("Next: send {out} to an admin.", out=out))

    @noun.command(
        "answer", help=t("Answer an admin's challenge with our seal key.")
    )
    def _answer(
        ctx: typer.Context,
        challenge: Annotated[Path, typer.Argument()],
        out: Annotated[Path, typer.Argument()],
    ) -> None:
        settings = settings_of(ctx)
        asked = join.parse(terminal.read_file(settings.home / REQUEST))
        keys = member_keys(_ring(settings), settings)
        raw = join.answer(terminal.read_file(challenge), asked, keys)
        terminal.write_new(out, raw)
        terminal.tell(t("Next: send {out} back to the admin.", out=out))

    @noun.command(
        "accept",
        help=t("Trust an alliance's rosters, from the pinned first one on."),
    )
    def _accept(
        ctx: typer.Context,
        rosters: Annotated[
            list[Path], typer.Argument(help=t("versions from 1 on, in order"))
        ],
        fingerprint: Annotated[
            str, typer.Option(help=t("of version 1, told by a second way"))
        ],
    ) -> None:
        settings = settings_of(ctx)
        notes = [terminal.read_file(path) for path in rosters]
        trusted = trust.load(fingerprint, notes)
        known = settings.alliance.fingerprint
        if known and known != fingerprint:
            raise UsageError(
                f"{settings.home}: another alliance is pinned already"
            )
        _check_us(settings, trusted)
        files = roster_files(settings.home)
        for version, raw in enumerate(notes, 1):
            files.put(version, raw)
        if not known:
            config.set_fingerprint(settings.home, fingerprint)
        terminal.say(
            t(
                "roster {version} of {alliance}: {count} members",
                version=trusted.version,
                alliance=trusted.current.alliance,
                count=len(trusted.current.active()),
            )
        )

    @noun.command("share", help=t("Take in a holder's share of a token key."))
    def _share(
        ctx: typer.Context,
        files: Annotated[list[Path], typer.Argument(help=t("sealed files"))],
    ) -> None:
        group.ready()
        settings = settings_of(ctx)
        ring = _ring(settings)
        roster = trusted_roster(settings).current
        seal = ring.need("seal")
        for path in files:
            share = onboard.accept_share(
                terminal.read_file(path), roster, settings.member.id, seal
            )
            name = share_name(share.kind, share.epoch, share.generation)
            ring.put(name, share.secret)
            terminal.say(
                t(
                    "share {index} of {kind} epoch {epoch} is kept",
                    index=share.index,
                    kind=share.kind,
                    epoch=share.epoch,
                )
            )
        terminal.tell(
            t("Destroy the files now: a share in a backup is a share.")
        )


def _check_us(settings: Config, trusted: trust.TrustedRoster) -> None:
    found = trusted.current.member(settings.member.id)
    if found is None:
        raise UsageError(
            f"roster {trusted.version}: does not list {settings.member.id}",
            hint="wait for the version that admits us",
        )
    origin = settings.origin
    if origin not in {g.origin for g in found.generations}:
        raise UsageError(
            f"roster {trusted.version}: {settings.member.id} does not write"
            f" {origin} there"
        )


def _ring(settings: Config) -> Keyring:
    secret = terminal.secret(settings, config.environment())
    return Keyring.open(settings.home, secret)


def _pairs(lines: list[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals:
            raise UsageError(f"--info {line!r}: want key=value")
        found[key] = value
    return found
