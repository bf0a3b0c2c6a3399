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
from pathlib import Path

from msgspec.structs import replace

from syncd import canonical, pinning
from syncd.config import Config
from syncd.errors import (
    RefusedError,
    StaleError,
    UntrustedError,
    UsageError,
)
from syncd.flows import ceremony, ceremony_note
from syncd.flows.ceremony import Progress, Seat
from syncd.flows.ceremony_note import BLAME, DEAL, Plan, Said
from syncd.node.home import member_keys, share_name
from syncd.node.pinned import roster_files, trusted_roster
from syncd.peer.client import PeerClient
from syncd.peer.transport import Wanted
from syncd.roster import trust
from syncd.roster.keys import MemberKeys
from syncd.roster.members import Member
from syncd.store import durable
from syncd.store.keyring import Keyring

DIRECTORY = "ceremony"  # in a home
KEEP_S = 14 * 86_400  # since a note was put

_NAME = re.compile(
    r"[0-9a-f]{64}\.(deal|agree|blame)\.[a-z0-9-]{1,32}", re.ASCII
)


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


class Place:
    """Our place in ceremonies: a home, and where their notes lie."""

    def __init__(
        self, config: Config, ring: Keyring, box: Folder | Mailbox
    ) -> None:
        """Trust the rosters of a home.

        Raises:
            As `trusted_roster`, and `member_keys`.
        """
        pin = trusted_roster(config).fingerprint
        found = trust.versions(pin, roster_files(config.home).notes())
        self.rosters = {roster.hash: roster for roster in found}
        self.newest = found[0]
        self.me, self.box = config.member.id, box
        self._ring, self._keys = ring, member_keys(ring, config)
        self._own = Folder(config.home / DIRECTORY)

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
        names = self.box.names()
        over = {name.split(".")[0] for name in names if f".{BLAME}." in name}
        runs = {n.split(".")[0]: n for n in names if n.startswith(run)}
        plans = [self._read(name)[0].plan for name in runs.values()]
        found = [plan for plan in plans if self.me in plan.members]
        live = [
            plan
            for plan in found
            if plan.run not in over and plan.roster == self.newest.hash
        ]
        if holders:
            fresh = secrets.token_bytes(32)
            wanted = ceremony_note.plan(
                *(self.newest, {*holders}, t, fresh), {*dealers}
            )
            alike = [p for p in live if replace(p, run=wanted.run) == wanted]
            live = alike or [wanted]
        if len(live or found) != 1:
            raise UsageError(
                "ceremony: {n} runs of ours are here: say --run, or begin one "
                "with --holder",
                n=len(live or found),
            )
        return (live or found)[0]

    def step(self, plan: Plan) -> Progress:
        """Say what it is our turn to say; return where the run stands then.

        Raises:
            UntrustedError: it is of a roster that we do not trust.
            As `ceremony.advance`.
        """
        roster = self.rosters.get(plan.roster)
        if roster is None:
            raise UntrustedError("ceremony: of another version of the roster")
        seat = Seat(self.me, self._keys, roster)
        ceremony_note.checked(plan, roster)
        if self.me in plan.by:
            self._deal(seat, plan)
        names = [n for n in self.box.names() if n.startswith(plan.run)]
        notes = [self._read(name)[1] for name in names]
        while said := (found := ceremony.advance(seat, plan, notes)).said:
            notes.append(seat.sign(said))
            self.box.put(said.name, notes[-1])
        if found.outcome is not None and self.me in plan.holders:
            for epoch, secret in zip(*found.outcome, strict=True):
                self._ring.put(share_name(epoch), secret)
        return found

    def _deal(self, seat: Seat, plan: Plan) -> None:
        """Deal, once: what we dealt lies in our home before it goes out."""
        name = f"{plan.run}.{DEAL}.{self.me}"
        raw = self._own.get(name)
        if raw is None:
            if seat.roster is not self.newest:
                raise RefusedError(
                    "ceremony: of version {version} of the roster, which is "
                    "not the newest",
                    version=seat.roster.version,
                )
            old = {(e.kind, e.epoch): e for e in seat.roster.epochs}
            held = {
                key: self._ring.need(share_name(old[key.kind, key.epoch]))
                for key in plan.keys
                if plan.dealers
            }
            raw = ceremony.deal(seat, plan, secrets.token_bytes, held)
            self._own.put(name, raw)
        self.box.put(name, raw)

    def _read(self, name: str) -> tuple[Said, bytes]:
        """Return what a note says, under its own name, and the note."""
        raw = self.box.get(name) or b""
        return ceremony_note.read_as(name, raw, self.newest), raw
