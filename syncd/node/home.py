"""A member's home, opened for the daemon: keys, shares, rosters, databases.

The command line opens parts of it by itself where no daemon is needed; what
both use is here.
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from syncd.config import Config, editing, server
from syncd.errors import DamagedError, SyncdError, UsageError
from syncd.flows import key_share
from syncd.flows.key_share import Share
from syncd.flows.ports import OwnHead
from syncd.node.pinned import clock, roster_files, trusted_roster
from syncd.roster.keys import MemberKeys
from syncd.roster.members import Cut, Member
from syncd.roster.roster import Roster
from syncd.roster.terms import Epoch
from syncd.roster.trust import TrustedRoster
from syncd.store.home_stores import OwnStore, open_mirror
from syncd.store.keyring import Keyring
from syncd.store.leading import Election
from syncd.store.mirror import MirrorStore
from syncd.store.own import Succession
from syncd.store.roster_files import RosterFiles
from syncd.store.sealing import VaultCipher
from syncd.store.server import node as node_name
from syncd.tlog import note, tiles
from syncd.tlog.note import SigningKey

KEPT_AS: Mapping[str, str] = {  # in the keyring, of `MemberKeys`
    "member": "member_seed",
    "seen": "seen_seed",
    "merged": "merged_seed",
    "seal": "seal_private",
    "tls": "tls_pem",
    "certificate": "certificate",
}
TLS, SIGNING = ("certificate", "tls"), ("member", "seen", "merged", "seal")


def member_keys(ring: Keyring, config: Config) -> MemberKeys:
    """Return the keys that a member signs and opens with.

    Raises:
        DamagedError: one is missing.
    """
    member = config.member
    return MemberKeys(
        domain=member.domain,
        alliance=member.alliance,
        generation=member.generation,
        log_seed=ring.need(log_name(member.generation)),
        **{field: ring.need(name) for name, field in KEPT_AS.items()},
    )


def keep_keys(ring: Keyring, keys: MemberKeys) -> None:
    """Put a member's keys into its keyring; `member_keys` reads them."""
    ring.put(log_name(keys.generation), keys.log_seed)
    for name, field in KEPT_AS.items():
        ring.put(name, getattr(keys, field))


def log_name(generation: int) -> str:
    """Return the name of a log's key in the keyring."""
    return f"log-{generation}"


def pending_tls(ring: Keyring) -> tuple[bytes, bytes] | None:
    """Return the certificate and key that we asked the admins to list."""
    asked = asked_keys(ring, TLS)
    return (asked["certificate"], asked["tls_pem"]) if asked else None


def asked_keys(ring: Keyring, names: Iterable[str]) -> dict[str, Any]:
    """Return by field of `MemberKeys` what we asked for, all or nothing."""
    found = {KEPT_AS[name]: ring.get(f"{name}-next") or b"" for name in names}
    return found if all(found.values()) else {}


def ask_keys(ring: Keyring, old: MemberKeys, new: MemberKeys) -> None:
    """Keep what is new of our keys until the roster lists it."""
    for first, *others in (TLS, SIGNING):
        if getattr(new, KEPT_AS[first]) != getattr(old, KEPT_AS[first]):
            ring.drop(f"{first}-next")  # never a part with other parts
            for name in (*others, first):
                ring.put(f"{name}-next", getattr(new, KEPT_AS[name]))


def settle_keys(ring: Keyring, keys: MemberKeys, roster: Roster) -> MemberKeys:
    """Return our keys as the roster lists them, and keep them so.

    What we asked for becomes ours once it is listed. A process may die in
    between and do it again.
    """
    us = roster.by_key_name(keys.origin)
    if us is None:
        return keys
    for names in (TLS, SIGNING):
        asked = asked_keys(ring, names)
        new = replace(keys, **asked)
        listed = new.member.verifier == us.keys.member
        if names == TLS:
            listed = new.certificate == us.certificate
        if asked and listed:
            for name in names:
                ring.put(name, asked[KEPT_AS[name]])
            for name in names:
                ring.drop(f"{name}-next")
            keys = new
    return keys


def settle_log(config: Config, ring: Keyring, roster: Roster) -> Config:
    """Return the settings with the log that the roster says we write.

    Raises:
        UsageError: config.toml is ahead of the roster.
        DamagedError: the log's key is not here.
    """
    us = roster.member(config.member.id)
    if us is None or us.number == config.member.generation:
        return config
    if us.number < config.member.generation:
        raise UsageError(
            "{home}: config.toml has generation {generation}, the "
            "roster lists {origin}",
            us,
            home=config.home,
            generation=config.member.generation,
        )
    seed = ring.get(log_name(us.number))
    if seed is None or (
        SigningKey(us.origin, note.ED25519, seed).verifier != us.generation.log
    ):
        raise DamagedError(
            "keys/{log_name}.key: not the key of {origin}, which the "
            "roster says that we write",
            us,
            log_name=log_name(us.number),
        )
    editing.change(config.home, "member", "generation", us.number)
    member = structs.replace(config.member, generation=us.number)
    return structs.replace(config, member=member)


def _succession(keys: MemberKeys, us: Member | None) -> Succession | None:
    """Return the log that we write, if it took over from an earlier one."""
    if us is None or us.generation.predecessor is None:
        return None
    before = us.generation.predecessor
    at = Cut(before.size, before.root)
    return Succession(OwnHead.signed(keys.log), before.origin, at)


def share_name(epoch: Epoch) -> str:
    """Return the name of our share in the keyring; each ceremony has its own.

    So that one which came to nothing takes no other's place.
    """
    run = epoch.transcript.hex()[:8]
    return f"share-{epoch.kind}-{epoch.epoch}-{epoch.generation}-{run}"


@dataclass(slots=True, eq=False)
class Home:
    """Everything of one member that is open while its daemon runs."""

    path: Path
    config: Config
    ring: Keyring
    keys: MemberKeys  # as the newest roster lists them
    shares: dict[tuple[str, int, int], Share]
    trusted: TrustedRoster
    rosters: RosterFiles
    own: OwnStore
    mirror: MirrorStore
    election: Election | None  # where several daemons may share a server
    ending: bool  # the next log was asked for: nothing is appended to this

    @classmethod
    def open(cls, config: Config, secret: bytes) -> "Home":
        """Open a home for its daemon, alone.

        Raises:
            UsageError: another daemon has it, or it is not set up.
            UntrustedError: the secret is wrong, or the rosters do not hold.
            DamagedError: a file or a database is broken.
        """
        path, where = config.home, server(config)
        trusted = trusted_roster(config)
        ring = Keyring.open(path, secret)
        roster = trusted.current
        config = settle_log(config, ring, roster)
        keys = settle_keys(ring, member_keys(ring, config), roster)
        next_log = log_name(config.member.generation + 1)
        with contextlib.ExitStack() as undo:
            own = OwnStore(
                path,
                cipher=VaultCipher(ring.need("vault")),
                access_key=ring.need("access"),
                clock=clock,
                succession=_succession(keys, roster.member(config.member.id)),
                server=where,
            )
            undo.callback(own.close)
            election = None
            if where is not None:
                election = Election(own.database, node_name(path), clock)
                own.database.fence = election.fence
            fence = own.database.fence
            mirror = open_mirror(path, clock=clock, server=where, fence=fence)
            undo.callback(mirror.close)
            shares = _shares(ring, roster, config.member.id)
            undo.pop_all()
        return cls(
            path,
            config,
            ring,
            keys,
            shares,
            trusted,
            roster_files(path),
            own,
            mirror,
            election,
            next_log in ring.names(),
        )

    def close(self) -> None:
        """Finish what is being written and let others have the home."""
        if self.election is not None:
            self.election.resign()
        self.mirror.close()
        self.own.close()

    def settle(self) -> None:
        """Use the keys that the newest roster lists by now."""
        keys = member_keys(self.ring, self.config)  # a command may have been
        self.keys = settle_keys(self.ring, keys, self.trusted.current)

    def take_shares(self) -> None:
        """Hold our shares of the newest roster's keys that are here by now.

        One that is damaged, or open to others, is told of at the next start.
        """
        roster, me = self.trusted.current, self.config.member.id
        with contextlib.suppress(SyncdError):
            self.shares.update(_shares(self.ring, roster, me))

    def inbox(self, origin: str) -> Path:
        """Return the directory into which files of a log are laid by hand."""
        return self.path / "inbox" / tiles.origin_hash(origin)


def _shares(
    ring: Keyring, roster: Roster, me: str
) -> dict[tuple[str, int, int], Share]:
    """Return our shares of a roster's keys, checked against their pins.

    Raises:
        UntrustedError: a share is not the one that the roster pins.
    """
    found: dict[tuple[str, int, int], Share] = {}
    for epoch in roster.epochs:
        index = epoch.index(me) if epoch.shares else None
        if index is None:
            continue
        key = (epoch.kind, epoch.epoch, epoch.generation)
        scalar = ring.get(share_name(epoch))
        if scalar is None:
            continue  # it may come later: `syncd ceremony`
        key_share.check_share(epoch, index, scalar)
        found[key] = Share(*key, index, scalar)
    return found
