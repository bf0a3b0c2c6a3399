"""`syncd join`: what a newcomer does, on its own machine."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from syncd import canonical, config, pinning, shape
from syncd.cli import drafting, terminal
from syncd.cli.command import Command, Options, argument, option
from syncd.cli.options import OutputOptions, pair
from syncd.config import Config, editing
from syncd.errors import DamagedError, UsageError
from syncd.flows import conformance
from syncd.node.home import (
    KEPT_AS,
    SIGNING,
    ask_keys,
    asked_keys,
    log_name,
    member_keys,
    settle_keys,
)
from syncd.node.pinned import clock, roster_files, trusted_roster
from syncd.roster import certificate, join, membership, spoken
from syncd.roster import keys as roster_keys
from syncd.roster.keys import MemberKeys
from syncd.roster.members import Cut, Member, Names, Profile
from syncd.roster.trust import TrustedRoster
from syncd.store import durable
from syncd.store.home_stores import LOCK
from syncd.store.keyring import Keyring

REQUEST = "join.request"  # in the home: what we asked, to answer challenges
NONCE = "join-nonce"  # in the keyring: what our request commits to


class SelfOptions(Options):
    """What a newcomer says of itself."""

    url: list[str] = option("https address of our peer API")
    name_zh: str = option("in Chinese")
    name_en: str = option("in English")
    group: str = option("our controller, if shared")
    info: list[str] = option("key=value, told to all")

    def asked(
        self, settings: Config, ring: Keyring, sector: str, alliance: str
    ) -> bytes:
        """Return our request, which is kept, with its nonce."""
        keys, id_ = member_keys(ring, settings), settings.member.id
        pinning.rehearse(keys.certificate, keys.tls_pem)
        nonce = secrets.token_bytes(32)
        raw = join.request(
            keys,
            Profile(
                id=id_,
                names=Names(zh=self.name_zh or id_, en=self.name_en or id_),
                sector=sector,
                group=self.group,
                urls=tuple(self.url),
                info=dict(pair("--info", x, "key=value") for x in self.info),
            ),
            now=clock(),
            alliance_id=alliance,
            more={
                "commitment": join.committed(nonce),
                "conformance": conformance.answers(),
            },
        )
        ring.put(NONCE, nonce)
        durable.write(settings.home / REQUEST, raw)
        return raw


noun = Command()


class _RequestOptions(SelfOptions, OutputOptions):
    out: Path = argument()
    sector: str = option("police, bank, …", needed=True)
    url: list[str] = option("https address of our peer API", needed=True)
    alliance_id: str = option("64 hex digits; none when founding")


@noun.verb("request", "Write a join request, to be sent to an admin.")
def _request(args: _RequestOptions) -> None:
    settings = args.settings()
    alliance = args.alliance_id or join.NO_ALLIANCE
    raw = args.asked(settings, open_ring(settings), args.sector, alliance)
    terminal.write_new(args.out, raw)
    if alliance == join.NO_ALLIANCE:
        show(args, join.parse(raw), args.out)
    terminal.tell("Next: send {out} to an admin.", out=args.out)


class _UpdateOptions(OutputOptions):
    out: Path = argument()
    url: list[str] = option("all our peer APIs, best first")
    certificate: Path | None = option("our new one, PEM or DER")
    key: Path | None = option("its private key, PEM, if that is new as well")
    new_key: bool = option("make a TLS key of our own")
    new_keys: bool = option("make new member, seen, merged and seal keys")
    next_log: bool = option("end our log, and go on in the next generation")


@noun.verb(
    "update",
    "Write a request for what is to change of us: another address, certificate"
    ", keys or log.",
)
def _update(args: _UpdateOptions) -> None:
    settings = args.settings()
    roster = trusted_roster(settings).current
    us = roster.known(settings.member.id)
    ring = open_ring(settings)
    old = settle_keys(ring, member_keys(ring, settings), roster)
    keys = _another(args, ring, old)
    if args.next_log:
        keys = begin_next_log(settings, ring, keys, us)
    elif keys.log.verifier != us.generation.log:
        raise UsageError(
            "{home}: writes {origin}, the roster lists {us_origin}",
            settings,
            origin=keys.origin,
            us_origin=us.origin,
        )
    vouched = us.vouched
    if args.new_keys:
        said = keys.public.said(roster.id)
        vouched = old.member.raw_sign(said).hex()
    raw = join.request(
        keys,
        msgspec.structs.replace(
            shape.part(Profile, us), urls=tuple(args.url or us.urls)
        ),
        now=clock(),
        alliance_id=roster.id,
        more={"vouched": vouched} if vouched else {},
    )
    asked = join.parse(raw)
    if membership.update(roster, asked, lambda _: Cut(0, bytes(32))) == roster:
        raise UsageError(
            "nothing changes by that",
            hint="say --url, --certificate, --new-key, --new-keys or"
            " --next-log",
        )
    terminal.write_new(args.out, raw)
    ask_keys(ring, old, keys)
    show(args, asked, args.out)
    terminal.tell(
        "Next: send {out} to an admin, who runs syncd roster update.",
        out=args.out,
    )
    if args.next_log:
        terminal.tell(
            "{old} has ended: from now on syncd run writes nothing, until"
            " a roster lists {new}; then start it again.",
            old=us.origin,
            new=keys.origin,
        )


class _AnswerOptions(OutputOptions):
    challenge: Path = argument()
    out: Path = argument()


@noun.verb("answer", "Answer an admin's challenge with our seal key.")
def _answer(args: _AnswerOptions) -> None:
    settings = args.settings()
    answer = partial(answered, settings, open_ring(settings))
    one, raw = terminal.parsed(args.challenge, answer)
    both = (settings.home / REQUEST).read_text(), raw.decode()
    terminal.write_new(args.out, canonical.dumps({"requests": [both]}))
    show(args, one.request, args.out, one.spoken_hash)
    terminal.tell("Next: send {out} back to the admin.", out=args.out)


def answered(
    settings: Config, ring: Keyring, sealed: bytes
) -> tuple[join.Applicant, bytes]:
    """Return who we are to admins, and our signed answer to a challenge."""
    asked = terminal.parsed(settings.home / REQUEST, join.parse)
    keys = member_keys(ring, settings)
    raw = join.answer(sealed, asked, keys, ring.need(NONCE))
    return join.proven(asked, None, raw), raw


class _AcceptOptions(Options):
    rosters: list[Path] = argument("versions from 1 on, in order")
    fingerprint: str = option(
        "of version 1, told by a second way", needed=True
    )


@noun.verb(
    "accept", "Trust an alliance's rosters, from the pinned first one on."
)
def _accept(args: _AcceptOptions) -> None:
    notes = [*map(drafting.note_of, args.rosters)]
    accepted(args.settings(), args.fingerprint, notes)


def accepted(
    settings: Config, fingerprint: str, notes: Sequence[bytes]
) -> None:
    """Pin an alliance that lists us, and keep its rosters."""
    trusted = TrustedRoster(fingerprint, *notes)
    known = settings.alliance.fingerprint
    if known and known != fingerprint:
        raise UsageError(
            "{home}: another alliance is pinned already", settings
        )
    found = trusted.current.by_origin(settings.origin)
    if found is None or found[0].id != settings.member.id:
        raise UsageError(
            "roster {version}: does not list {id} with its log {origin}",
            trusted,
            id=settings.member.id,
            origin=settings.origin,
        )
    files = roster_files(settings.home)
    for version, raw in enumerate(notes, 1):
        files.put(version, raw)
    if not known:
        editing.change(settings.home, "alliance", "fingerprint", fingerprint)
        terminal.tell(drafting.compared(fingerprint))
    terminal.say(
        "roster {version} of {alliance}: {count} members",
        version=trusted.version,
        alliance=trusted.current.alliance,
        count=len(trusted.current.active()),
    )


def show(
    args: OutputOptions, asked: join.Request, out: Path, hash_: str = ""
) -> None:
    """Show what two compare; on standard error if `out` is standard output."""
    zh, en, digits = spoken.of(hash_ := hash_ or asked.hash)
    words = {"words": {"zh": zh, "en": en}, "digits": digits}
    value = {"id": asked.id, "hash": asked.hash, **words}
    lines = f"hash     {asked.hash}\n{drafting.compared(hash_)}"
    say = terminal.tell if str(out) == "-" else terminal.say
    say(terminal.as_json(value) if args.as_json else lines)
    if not args.as_json:
        terminal.tell(
            "Compare these words or digits with an admin by phone, on a"
            " number that you know already: all must agree."
        )


def _another(
    args: _UpdateOptions, ring: Keyring, keys: MemberKeys
) -> MemberKeys:
    """Return our keys, with another certificate or others if wanted."""
    file, key = args.certificate, args.key
    made = roster_keys.generate(
        keys.domain, keys.alliance, secrets.token_bytes, now=clock()
    )
    if args.new_keys:  # the same again: an earlier request is with the admins
        fresh = {KEPT_AS[n]: getattr(made, KEPT_AS[n]) for n in SIGNING}
        keys = replace(keys, **asked_keys(ring, SIGNING) or fresh)
    if args.new_key:
        if file or key:
            raise UsageError("--new-key makes a certificate as well")
        der, pem = made.certificate, made.tls_pem
    elif file is not None:
        der = terminal.parsed(file, certificate.load)
        pem = keys.tls_pem if key is None else config.read_private(key)
    elif key is not None:
        raise UsageError("--key: give its --certificate as well")
    else:
        return keys
    try:
        pinning.rehearse(der, pem)
    except DamagedError as e:
        raise UsageError(
            "{file}: is not for this key: {why}", file=file, why=e
        ) from e
    return replace(keys, certificate=der, tls_pem=pem)


def begin_next_log(
    settings: Config, ring: Keyring, keys: MemberKeys, us: Member
) -> MemberKeys:
    """Return our keys with the next log's; it is kept in the ring.

    From then on nothing is appended to the old log (`node.home.Home`), so
    that it ends where the others hold it.
    """
    lock = durable.Lock(settings.home / LOCK)
    try:
        number = us.number + 1
        name = log_name(number)
        seed = ring.get(name) or secrets.token_bytes(roster_keys.SEED_SIZE)
        ring.put(name, seed)
    finally:
        lock.release()
    return replace(keys, generation=number, log_seed=seed)


def open_ring(settings: Config) -> Keyring:
    """Return the keyring of a home."""
    return Keyring.open(settings.home, terminal.secret(settings))
