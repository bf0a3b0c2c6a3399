"""`syncd join`: what a newcomer does, on its own machine."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from syncd import config, pinning
from syncd.cli import drafting, terminal, usage
from syncd.cli.daemon import settings_of
from syncd.config import Config
from syncd.errors import DamagedError, UsageError
from syncd.flows import onboard
from syncd.messages.catalogue import t
from syncd.node.home import (
    ask_tls,
    log_name,
    member_keys,
    settle_tls,
    share_name,
)
from syncd.node.pinned import clock, roster_files, trusted_roster
from syncd.oprf import group
from syncd.roster import certificate, drafts, join, row, trust
from syncd.roster import keys as roster_keys
from syncd.roster.changes import between
from syncd.roster.keys import MemberKeys
from syncd.roster.members import Cut, Member, Names, Profile
from syncd.store.durable import Lock
from syncd.store.home import LOCK
from syncd.store.keyring import Keyring

REQUEST = "join.request"  # in the home: what we asked, to answer challenges


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = usage.Noun("Join an alliance: what a new member does.")
    app.add_typer(noun, name="join")

    @noun.command(
        "request", help="Write a join request, to be sent to an admin."
    )
    def _request(
        ctx: typer.Context,
        out: Annotated[Path, typer.Argument()],
        sector: Annotated[str, typer.Option(help="police, bank, …")],
        url: Annotated[
            list[str], typer.Option(help="https address of our peer door")
        ],
        name_zh: Annotated[str, typer.Option(help="in Chinese")] = "",
        name_en: Annotated[str, typer.Option(help="in English")] = "",
        group_: Annotated[
            str, typer.Option("--group", help="our controller, if shared")
        ] = "",
        info: Annotated[
            list[str] | None, typer.Option(help="key=value, told to all")
        ] = None,
        alliance_id: Annotated[
            str, typer.Option(help="64 hex digits; none when founding")
        ] = "",
        as_json: drafting.AsJson = False,
    ) -> None:
        settings = settings_of(ctx)
        keys = member_keys(_ring(settings), settings)
        pinning.rehearse(keys.certificate, keys.tls_pem)
        raw = join.request(
            keys,
            Profile(
                id=settings.member.id,
                names=Names(
                    zh=name_zh or settings.member.id,
                    en=name_en or settings.member.id,
                ),
                sector=sector,
                group=group_,
                urls=tuple(url),
                info=_pairs(info or []),
            ),
            now=clock(),
            alliance_id=alliance_id or join.NO_ALLIANCE,
        )
        terminal.replace_file(settings.home / REQUEST, raw)
        terminal.write_new(out, raw)
        drafting.show_compared(join.parse(raw), out, as_json)
        terminal.tell(t("Next: send {out} to an admin.", out=out))

    @noun.command(
        "update",
        help=(
            "Write a request for what is to change of us: another address,"
            " certificate or log."
        ),
    )
    def _update(
        ctx: typer.Context,
        out: Annotated[Path, typer.Argument()],
        url: Annotated[
            list[str] | None,
            typer.Option(help="all our peer doors, best first"),
        ] = None,
        certificate_: Annotated[
            Path | None,
            typer.Option("--certificate", help="our new one, PEM or DER"),
        ] = None,
        key: Annotated[
            Path | None,
            typer.Option(help="its private key, PEM, if that is new as well"),
        ] = None,
        new_key: Annotated[
            bool,
            typer.Option("--new-key", help="make a TLS key of our own"),
        ] = False,
        next_log: Annotated[
            bool,
            typer.Option(
                "--next-log",
                help="end our log, and go on in the next generation",
            ),
        ] = False,
        as_json: drafting.AsJson = False,
    ) -> None:
        settings = settings_of(ctx)
        roster = trusted_roster(settings).current
        us = roster.known(settings.member.id)
        ring = _ring(settings)
        keys = settle_tls(ring, member_keys(ring, settings), roster)
        if certificate_ is not None or new_key:
            if new_key and (certificate_ or key):
                raise UsageError(t("--new-key makes a certificate as well"))
            keys = _another_tls(keys, certificate_, key)
        elif key is not None:
            raise UsageError(t("--key: give its --certificate as well"))
        if next_log:
            keys = begin_next_log(settings, ring, keys, us)
        elif keys.log.verifier != us.generation.log:
            raise UsageError(
                f"{settings.home}: writes {keys.origin}, the roster lists"
                f" {us.origin}",
                hint=t("start syncd run once: it goes on in the new log"),
            )
        raw = join.request(
            keys,
            msgspec.structs.replace(
                row.part(Profile, us), urls=tuple(url or us.urls)
            ),
            now=clock(),
            alliance_id=roster.id,
        )
        changed = between(
            roster,
            drafts.update(roster, join.parse(raw), Cut(0, b"\0" * 32)),
        )
        if not changed:
            raise UsageError(
                t("nothing changes by that"),
                hint=t("say --url, --certificate, --new-key or --next-log"),
            )
        terminal.write_new(out, raw)
        if keys.certificate != us.certificate:
            ask_tls(ring, keys.certificate, keys.tls_pem)
        drafting.show_compared(join.parse(raw), out, as_json)
        terminal.tell(
            t(
                "Next: send {out} to an admin, who runs syncd roster update.",
                out=out,
            )
        )
        if next_log:
            terminal.tell(
                t(
                    "{old} has ended: from now on syncd run writes nothing,"
                    " until a roster lists {new}; then start it again.",
                    old=us.origin,
                    new=keys.origin,
                )
            )

    @noun.command(
        "answer", help="Answer an admin's challenge with our seal key."
    )
    def _answer(
        ctx: typer.Context,
        challenge: Annotated[Path, typer.Argument()],
        out: Annotated[Path, typer.Argument()],
        as_json: drafting.AsJson = False,
    ) -> None:
        settings = settings_of(ctx)
        asked = terminal.parsed(settings.home / REQUEST, join.parse)
        keys = member_keys(_ring(settings), settings)
        raw = terminal.parsed(
            challenge, lambda sent: join.answer(sent, asked, keys)
        )
        terminal.write_new(out, raw)
        drafting.show_compared(asked, out, as_json)
        terminal.tell(t("Next: send {out} back to the admin.", out=out))

    @noun.command(
        "accept",
        help="Trust an alliance's rosters, from the pinned first one on.",
    )
    def _accept(
        ctx: typer.Context,
        rosters: Annotated[
            list[Path], typer.Argument(help="versions from 1 on, in order")
        ],
        fingerprint: Annotated[
            str, typer.Option(help="of version 1, told by a second way")
        ],
    ) -> None:
        settings = settings_of(ctx)
        notes = [drafting.note_of(path) for path in rosters]
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

    @noun.command("share", help="Take in a holder's share of a token key.")
    def _share(
        ctx: typer.Context,
        files: Annotated[list[Path], typer.Argument(help="sealed files")],
    ) -> None:
        group.ready()
        settings = settings_of(ctx)
        ring = _ring(settings)
        roster = trusted_roster(settings).current
        seal = ring.need("seal")
        for path in files:
            share = terminal.parsed(
                path,
                lambda raw: onboard.accept_share(
                    raw, roster, settings.member.id, seal
                ),
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


def _another_tls(
    keys: MemberKeys, file: Path | None, key: Path | None
) -> MemberKeys:
    """Return our keys with another certificate, which peers would accept.

    Raises:
        UsageError: no peer would; or the key is not the certificate's.
    """
    if file is None:
        made = roster_keys.generate(
            keys.domain, keys.alliance, secrets.token_bytes, now=clock()
        )
        der, pem = made.certificate, made.tls_pem
    else:
        der = certificate.load(terminal.read_file(file), str(file))
        pem = keys.tls_pem if key is None else config.read_private(key)
    try:
        pinning.rehearse(der, pem)
    except DamagedError as e:
        raise UsageError(
            f"{file}: {t('is not for this key')}: {e}",
            hint=t("give the certificate's own key with --key"),
        ) from e
    return replace(keys, certificate=der, tls_pem=pem)


def begin_next_log(
    settings: Config, ring: Keyring, keys: MemberKeys, us: Member
) -> MemberKeys:
    """Return our keys with the next log's; it is kept in the ring.

    From then on nothing is appended to the old log (`node.home.Home`), so
    that it ends where the others hold it.

    Raises:
        UsageError: the daemon runs, and might still write.
    """
    lock = Lock(settings.home / LOCK)
    try:
        number = us.number + 1
        name = log_name(number)
        seed = ring.get(name) or secrets.token_bytes(roster_keys.SEED_SIZE)
        ring.put(name, seed)
    finally:
        lock.release()
    return replace(keys, generation=number, log_seed=seed)


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
