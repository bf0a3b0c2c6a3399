"""Where the notes of a ceremony lie, and how a holder takes part from its home.

    <run>.<step>.<member>    a signed note; `run` is 64 hex digits

in a directory that people carry round, or in the mailbox of any member, which
keeps the same files in its home and serves them by its peer API. Each is put
once. What a holder deals lies in its own home first: it never deals twice.
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from syncd import canonical, pinning
from syncd.config import Config
from syncd.errors import (
    RefusedError,
    StaleError,
    UntrustedError,
    UsageError,
)
from syncd.flows import ceremony, ceremony_note, key_share
from syncd.flows.ceremony import Outcome, Progress, Seat
from syncd.flows.ceremony_note import BLAME, DEAL, Plan, Said
from syncd.node.home import member_keys, share_name
from syncd.node.pinned import roster_files, trusted_roster
from syncd.peer.client import PeerClient
from syncd.peer.transport import Wanted
from syncd.roster import trust
from syncd.roster.keys import MemberKeys
from syncd.roster.members import Member
from syncd.roster.roster import Roster
from syncd.store import durable
from syncd.store.keyring import Keyring

DIRECTORY = "ceremony"  # in a home
KEEP_S = 14 * 86_400  # since a note was put

_NAME = re.compile(
    r"[0-9a-f]{64}\.(deal|agree|blame)\.[a-z0-9-]{1,32}", re.ASCII
)


class Box(Protocol):
    """Where notes lie."""

    def names(self) -> list[str]:
        """Return the names of all notes."""

    def get(self, name: str) -> bytes | None:
        """Return a note, if it is there."""

    def put(self, name: str, raw: bytes) -> None:
        """Lay down a note; the same again changes nothing."""


class Folder:
    """A directory of notes: carried round, or in a home."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """Return the names of all notes; other files are left alone."""
        there = sorted(path.name for path in self.path.glob("*.*.*"))
        return [*filter(_NAME.fullmatch, there)]

    def get(self, name: str) -> bytes | None:
        """Return a note, if it is there."""
        return (
            durable.read(self.path / name) if _NAME.fullmatch(name) else None
        )

    def put(self, name: str, raw: bytes) -> None:
        """Lay down a note, durably; the same again changes nothing.

        Raises:
            StaleError: another one of that name is there.
        """
        self.path.mkdir(mode=0o700, exist_ok=True)
        if (there := self.get(name)) is None:
            durable.write(self.path / name, raw)
        elif there != raw:
            raise StaleError(
                "ceremony: {name} is there already, and is another", name=name
            )

    def prune(self, now: int) -> None:
        """Throw away what has lain there for two weeks."""
        for name in self.names():
            path = self.path / name
            if path.stat().st_mtime + KEEP_S < now:
                path.unlink(missing_ok=True)


class Mailbox:
    """A member's mailbox, over its peer API."""

    def __init__(
        self, member: Member, keys: MemberKeys, runner: asyncio.Runner
    ) -> None:
        pin = member.keys.tls
        tls = pinning.client_context(keys.certificate, keys.tls_pem, pin)
        self._client = PeerClient(
            member.id, member.urls, tls=tls, own_origins=frozenset()
        )
        self._runner = runner

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        wanted = Wanted(f"/ceremony{path}", ceremony_note.MAX_SIZE, body)
        return self._runner.run(self._client.request(wanted, None))

    def names(self) -> list[str]:
        """Return the names of all notes."""
        return canonical.load(self._ask(""), list[str])

    def get(self, name: str) -> bytes | None:
        """Return a note."""
        return self._ask(f"/{name}")

    def put(self, name: str, raw: bytes) -> None:
        """Lay down a note; the same again changes nothing."""
        self._ask(f"/{name}", raw)

    def close(self) -> None:
        """Close the connections."""
        self._runner.run(self._client.close())


@dataclass(frozen=True)
class Place:
    """Our place in a ceremony: a home, and where its notes lie."""

    config: Config
    ring: Keyring
    box: Box

    @cached_property
    def keys(self) -> MemberKeys:
        """What we sign and open with."""
        return member_keys(self.ring, self.config)

    @cached_property
    def rosters(self) -> dict[str, Roster]:
        """The versions that we trust, by hash; the newest first."""
        fingerprint = trusted_roster(self.config).fingerprint
        notes = roster_files(self.config.home).notes()
        return {r.hash: r for r in trust.versions(fingerprint, notes)}

    @property
    def me(self) -> str:
        """Our member's id."""
        return self.config.member.id

    @property
    def newest(self) -> Roster:
        """The newest version that we trust."""
        return next(iter(self.rosters.values()))

    def plan(
        self,
        run: str,
        holders: Sequence[str],
        t: int,
        dealers: Sequence[str] = (),
    ) -> Plan:
        """Return the run that we take part in, or begin one of `holders`.

        Raises:
            UsageError: there is none, or more than one that it may be.
        """
        began: dict[str, Plan] = {}
        over = set[str]()
        for name in self.box.names():
            id_, step, _ = name.split(".")
            if id_.startswith(run) and id_ not in began:
                plan = self._read(name)[0].plan
                if self.me in (*plan.by, *plan.holders):
                    began[id_] = plan
            if step == BLAME:
                over.add(id_)
        live = [
            plan
            for id_, plan in began.items()
            if id_ not in over and plan.roster == self.newest.hash
        ]
        if holders:
            wanted = ceremony.plan(
                *(self.newest, {*holders}, t, secrets.token_bytes(32)),
                {*dealers},
            )
            alike = [p for p in live if replace(p, run=wanted.run) == wanted]
            live = alike or [wanted]
        found = live or [*began.values()]
        if len(found) != 1:
            raise UsageError(
                "ceremony: {n} runs of ours are here: say --run, or begin one "
                "with --holder",
                n=len(found),
            )
        return found[0]

    def step(self, plan: Plan) -> Progress:
        """Say what it is our turn to say; return where the run stands then.

        Raises:
            UntrustedError: it is of a roster that we do not trust.
            As `ceremony.advance`.
        """
        if plan.roster not in self.rosters:
            raise UntrustedError("ceremony: of another version of the roster")
        roster = self.rosters[plan.roster]
        seat = Seat(self.me, self.keys, roster)
        ceremony.checked(plan, roster)
        if self.me in plan.by:
            self._deal(seat, plan)
        names = [n for n in self.box.names() if n.startswith(plan.run)]
        notes = [self._read(name)[1] for name in names]
        while (found := ceremony.advance(seat, plan, notes)).note:
            self.box.put(f"{plan.run}.{found.step}.{self.me}", found.note)
            notes.append(found.note)
        if found.outcome is not None:
            self._keep(found.outcome)
        return found

    def _deal(self, seat: Seat, plan: Plan) -> None:
        """Deal, once: what we dealt lies in our home before it goes out."""
        own = Folder(self.config.home / DIRECTORY)
        name = f"{plan.run}.{DEAL}.{self.me}"
        raw = own.get(name)
        if raw is None:
            if plan.roster != self.newest.hash:
                raise RefusedError(
                    "ceremony: of version {version} of the roster, which is "
                    "not the newest",
                    version=seat.roster.version,
                )
            held = {
                key: self.ring.need(share_name(old))
                for key in plan.keys
                if plan.dealers
                and (old := seat.roster.epoch(key.kind, key.epoch))
            }
            raw = ceremony.deal(seat, plan, secrets.token_bytes, held)
            own.put(name, raw)
        self.box.put(name, raw)

    def _read(self, name: str) -> tuple[Said, bytes]:
        """Return a note, and what it says, under its own name.

        Raises:
            UntrustedError: it says something else than its name.
            As `ceremony.read`.
        """
        raw = self.box.get(name) or b""
        return ceremony_note.read_as(name, raw, self.newest), raw

    def _keep(self, outcome: Outcome) -> None:
        """Put our shares into the keyring."""
        for epoch, secret in zip(outcome.epochs, outcome.shares, strict=True):
            index = epoch.index(self.me)
            if index is not None:
                key_share.check_share(epoch, index, secret)
                self.ring.put(share_name(epoch), secret)
