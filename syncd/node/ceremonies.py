"""Where the notes of a ceremony lie, and how a holder takes part from its home.

    <run>.<step>.<member>    a signed note; `run` is 64 hex digits

in a directory that people carry round, or in the mailbox of any member, which
keeps the same files in its home and serves them by its peer API. Each is put
once. What a holder deals lies in its own home first: it never deals twice.
"""

import asyncio
import re
import secrets
from pathlib import Path

from syncd import canonical, pinning
from syncd.config import Config
from syncd.errors import StaleError
from syncd.flows import ceremony_note
from syncd.flows.ceremony import Progress, Seat
from syncd.node.home import member_keys, settle_keys, share_name
from syncd.node.pinned import trusted_roster
from syncd.peer.transport import Transport, Wanted
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
        good = _NAME.fullmatch(name)
        return durable.read(self.path / name) if good else None

    def prune(self, now: int) -> None:
        """Drop notes of more than two weeks ago."""
        for path in map(self.path.joinpath, self.names()):
            if path.stat().st_mtime + KEEP_S < now:
                path.unlink(missing_ok=True)

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


class Mailbox:
    """A member's mailbox, over its peer API."""

    def __init__(self, member: Member, keys: MemberKeys) -> None:
        self._member, pin = member, member.keys.tls
        self._tls = pinning.client_context(keys.certificate, keys.tls_pem, pin)

    def names(self) -> list[str]:
        """Return the names of all notes."""
        return canonical.load(self.get(""), list[str])

    def get(self, name: str, body: bytes | None = None) -> bytes:
        """Return a note, or lay one down; the same again changes nothing."""
        wanted = Wanted(f"/ceremony/{name}", ceremony_note.MAX_SIZE, body)

        async def asking() -> bytes:
            member = self._member
            client = Transport(member.id, member.urls, tls=self._tls)
            try:
                return await client.request(wanted, None)
            finally:
                await client.close()

        return asyncio.run(asking())

    put = get


class Place:
    """Our place in ceremonies: a home, and where their notes lie."""

    def __init__(
        self, config: Config, ring: Keyring, box: Folder | Mailbox
    ) -> None:
        """Trust the newest roster of a home.

        Raises:
            As `trusted_roster`, and `member_keys`.
        """
        self.roster = trusted_roster(config).current
        self._me, self._box = config.member.id, box
        keys = member_keys(ring, config)
        self._ring, self._keys = ring, settle_keys(ring, keys, self.roster)
        self._own = Folder(config.home / DIRECTORY)

    def step(self, plan: ceremony_note.Plan) -> Progress:
        """Say what it is our turn to say; return where the run stands then.

        Raises:
            As `Seat.advance`.
        """
        seat = Seat(self._me, self._keys, self.roster, plan)
        if self._me in plan.by:
            self._deal(seat)
        said = [
            ceremony_note.read(name, self._box.get(name) or b"", self.roster)
            for name in self._box.names()
            if name.startswith(plan.run)
        ]
        while ours := (found := seat.advance(said)).said:
            said.append(ours)
            self._box.put(ours.name, seat.sign(ours))
        if found.outcome is not None:
            for epoch, secret in zip(*found.outcome, strict=True):
                self._ring.put(share_name(epoch), secret)
        return found

    def _deal(self, seat: Seat) -> None:
        """Deal, once: what we dealt lies in our home before it goes out."""
        name = f"{seat.plan.run}.{ceremony_note.DEAL}.{self._me}"
        raw = self._own.get(name)
        if raw is None:
            held = [
                self._ring.need(share_name(old))
                for old, _ in ceremony_note.changes(seat.plan, self.roster)
                if seat.plan.dealers
            ]
            raw = seat.sign(seat.deal(secrets.token_bytes, held))
            self._own.put(name, raw)
        self._box.put(name, raw)
