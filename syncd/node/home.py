"""A member's home, opened for the daemon: keys, shares, rosters, databases.

The command line opens parts of it by itself where no daemon is needed; what
both use is here.
"""

import contextlib
import datetime
import time
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from syncd.config import Config
from syncd.errors import DamagedError, MalformedError, UsageError
from syncd.flows import onboard
from syncd.flows.evidence import Evidence
from syncd.flows.tokenise import PURPOSES_OF_BULK, Request, Share
from syncd.indicator import vocabulary
from syncd.roster import trust
from syncd.roster.keys import MemberKeys
from syncd.roster.roster import Roster
from syncd.roster.terms import ALL, LOOKUP
from syncd.roster.trust import TrustedRoster
from syncd.store.evidence import EvidenceFiles
from syncd.store.home import OwnStore, open_mirror
from syncd.store.keyring import Keyring
from syncd.store.mirror import MirrorStore
from syncd.store.quota import Debit, Limit, Quotas
from syncd.store.roster_files import RosterFiles
from syncd.store.vault import VaultCipher

HOUR_S = 3600
DAY_S = 86_400


def clock() -> int:
    """Return the time in unix seconds."""
    return int(time.time())


def roster_files(home: Path) -> RosterFiles:
    """Return the directory of a home's accepted rosters."""
    return RosterFiles(home / "roster")


def trusted_roster(config: Config) -> TrustedRoster:
    """Return the chain of rosters of a home, verified from its pin on.

    Raises:
        UsageError: no roster is pinned or here yet.
        UntrustedError: the chain does not verify.
        DamagedError: a file is not a roster any more.
    """
    if not config.alliance.fingerprint:
        raise UsageError(
            f"{config.home}: no roster is pinned",
            hint="syncd join accept ROSTER --fingerprint HEX",
        )
    notes = roster_files(config.home).notes()
    if not notes:
        raise UsageError(
            f"{config.home}: there is no roster here yet",
            hint="syncd join accept ROSTER --fingerprint HEX",
        )
    try:
        return trust.load(config.alliance.fingerprint, notes)
    except MalformedError as e:
        raise DamagedError(
            f"{config.home}/roster: {e}",
            hint="restore the files there, or fetch the roster anew",
        ) from e


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
        log_seed=ring.need(f"log-{member.generation}"),
        member_seed=ring.need("member"),
        seen_seed=ring.need("seen"),
        merged_seed=ring.need("merged"),
        seal_private=ring.need("seal"),
        tls_pem=ring.need("tls"),
        certificate=ring.need("certificate"),
    )


def keep_keys(ring: Keyring, keys: MemberKeys) -> None:
    """Put a member's keys into its keyring; `member_keys` reads them."""
    ring.put(f"log-{keys.generation}", keys.log_seed)
    ring.put("member", keys.member_seed)
    ring.put("seen", keys.seen_seed)
    ring.put("merged", keys.merged_seed)
    ring.put("seal", keys.seal_private)
    ring.put("tls", keys.tls_pem)
    ring.put("certificate", keys.certificate)


def share_name(kind: str, epoch: int, generation: int) -> str:
    """Return the name of a share in the keyring."""
    return f"share-{kind}-{epoch}-{generation}"


@dataclass(frozen=True, slots=True)
class Home:
    """Everything of one member that is open while its daemon runs."""

    path: Path
    config: Config
    ring: Keyring
    keys: MemberKeys
    shares: dict[tuple[str, int, int], Share]
    trusted: TrustedRoster
    rosters: RosterFiles
    own: OwnStore
    mirror: MirrorStore

    @classmethod
    def open(cls, config: Config, secret: bytes) -> "Home":
        """Open a home for its daemon, alone.

        Raises:
            UsageError: another daemon has it, or it is not set up.
            UntrustedError: the secret is wrong, or the rosters do not hold.
            DamagedError: a file or a database is broken.
        """
        path = config.home
        trusted = trusted_roster(config)
        ring = Keyring.open(path, secret)
        keys = member_keys(ring, config)
        with contextlib.ExitStack() as undo:
            own = OwnStore.open(
                path,
                cipher=VaultCipher(ring.need("vault")),
                access_key=ring.need("access"),
                clock=clock,
            )
            undo.callback(own.close)
            mirror = open_mirror(path, clock=clock)
            undo.callback(mirror.close)
            shares = _shares(ring, trusted.current, config.member.id)
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
        )

    def close(self) -> None:
        """Finish what is being written and let others have the home."""
        self.mirror.close()
        self.own.close()

    def keep_evidence(self, evidence: Evidence) -> str:
        """Keep evidence in a file; return its name, "" if there is enough.

        Raises:
            UnavailableError: the disk does not let us.
        """
        files = EvidenceFiles(self.path / "evidence")
        return files.keep(evidence.accused, bytes(evidence))

    def quota(
        self, roster: Callable[[], Roster], clock: Callable[[], float]
    ) -> "HolderBook":
        """Return the holder's quota book."""
        return HolderBook(self.own.quotas, roster, clock)


def _shares(
    ring: Keyring, roster: Roster, me: str
) -> dict[tuple[str, int, int], Share]:
    """Return our shares of the roster's keys, checked against their pins.

    Raises:
        UntrustedError: a share is not the one that the roster pins.
    """
    found = {}
    for epoch in roster.epochs:
        index = epoch.index(me) if epoch.shares else None
        if index is None:
            continue
        name = share_name(epoch.kind, epoch.epoch, epoch.generation)
        scalar = ring.get(name)
        if scalar is None:
            continue  # it may come later: `syncd join share`
        onboard.check_share(epoch, index, scalar)
        key = (epoch.kind, epoch.epoch, epoch.generation)
        found[key] = Share(*key, index, scalar)
    return found


class HolderBook:
    """The quota book with the roster's limits; `flows.tokenise.Debit`."""

    def __init__(
        self,
        quotas: Quotas,
        roster: Callable[[], Roster],
        clock: Callable[[], float],
    ) -> None:
        self._quotas = quotas
        self._roster = roster
        self._clock = clock

    async def debit(self, member: str, request: Request) -> None:
        """Count a request durably before it is computed.

        Raises:
            QuotaError: the member's hour or day is used up.
        """
        roster = self._roster()
        now = int(self._clock())
        zone = zoneinfo.ZoneInfo(roster.zone)
        day = datetime.datetime.fromtimestamp(now, zone).date().isoformat()
        await self._quotas.debit(
            Debit(
                member=member,
                key=f"{request.kind}/{request.epoch}",
                purpose=request.purpose,
                n=request.counted,
                request=request.digest,
                now=now,
                day=day,
                limits=_limits(roster, member, request.purpose),
            )
        )


def _limits(roster: Roster, member: str, purpose: str) -> tuple[Limit, ...]:
    """Return what the roster lets a member evaluate, in all and for this."""
    rows: list[tuple[str, frozenset[str] | None]] = [(ALL, None)]
    if purpose in PURPOSES_OF_BULK:
        rows.append((purpose, frozenset({purpose})))
    else:
        rows.append((LOOKUP, _LOOKUPS))
        rows.append((purpose, frozenset({purpose})))
    return tuple(
        Limit(most, window, purposes)
        for name, purposes in rows
        for quota in (roster.quota(member, name),)
        for most, window in ((quota.hour, HOUR_S), (quota.day, DAY_S))
    )


_LOOKUPS = frozenset(vocabulary.FACETS["purpose"]) - PURPOSES_OF_BULK
