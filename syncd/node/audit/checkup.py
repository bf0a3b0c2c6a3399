"""Look where it ends: this machine and home, and the way to each member.

Each check says a fact, or raises an error whose hint is the remedy. Nothing
here needs the daemon, and nothing is changed; a holder is asked to evaluate
one random point, of the purpose `test`.
"""

import asyncio
import secrets
import shutil
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from syncd import pinning
from syncd.config import Config
from syncd.errors import (
    NOTHING,
    DamagedError,
    Message,
    NotAdmittedError,
    QuotaError,
    RefusedError,
    SyncdError,
    UnavailableError,
    UntrustedError,
)
from syncd.flows import evaluation
from syncd.flows.evaluation import Request
from syncd.flows.ports import Heads
from syncd.messages.catalogue import later
from syncd.node.pinned import clock, trusted_roster
from syncd.oprf import group, threshold
from syncd.peer.client import PeerClient
from syncd.peer.transport import Limits
from syncd.roster.members import Member
from syncd.roster.roster import Roster
from syncd.roster.terms import Epoch
from syncd.store import home_stores
from syncd.store.database import Database
from syncd.store.own import HIGH_WATER, OwnLogStore

LEAST_FREE = 1 << 30  # bytes of disk space
DAY_S = 86_400
Check = Callable[[], Awaitable[Message]]


class Step(NamedTuple):
    """What one check found."""

    step: str
    member: str  # "": this machine and home
    ok: bool
    found: Message
    remedy: Message = NOTHING


async def step(name: str, member: str, check: Check) -> Step:
    """Return what a check says, or what is wrong by it."""
    try:
        return Step(name, member, True, await check())
    except SyncdError as e:
        return Step(name, member, False, e.text, e.way_out)


# ------------------------------------------------------------ this machine


async def here(config: Config) -> AsyncIterator[Step]:
    """Yield how this machine and home are; the daemon may run or not."""
    for name, check in (
        (later("libsodium"), _libsodium),
        (later("disk space"), partial(_disk, config.home)),
        (later("database"), partial(_databases, config.home)),
        (later("roster"), partial(_roster, config)),
    ):
        yield await step(name, "", check)


async def _libsodium() -> Message:
    group.ready()
    return Message("it is there, and knows ristretto255")


async def _disk(home: Path) -> Message:
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE:
        raise RefusedError(
            "{mb} MB are free",
            hint="free space: with none, nothing more is taken in",
            mb=free >> 20,
        )
    return Message("{mb} MB are free", mb=free >> 20)


async def _databases(home: Path) -> Message:
    own = Database(home / home_stores.OWN, "own", read_only=True, readers=1)
    try:
        mark = home / HIGH_WATER
        log = OwnLogStore(own, mark, clock, read_only=True)
        size = (await log.head()).frontier.size
    finally:
        own.close()
    mirror = home_stores.open_mirror(home, clock=clock, read_only=True)
    try:
        logs = len(await mirror.heads())
    finally:
        mirror.close()
    return Message(
        "our log has {n} entries, as its mark says; {logs} logs are mirrored",
        n=size,
        logs=logs,
    )


async def _roster(config: Config) -> Message:
    roster = trusted_roster(config).current
    left = roster.expires - clock()
    if left <= 0:
        raise RefusedError(
            "version {version} has expired",
            hint="ask the admins to sign and publish the next one: syncd"
            " roster renew",
            version=roster.version,
        )
    us = roster.member(config.member.id)
    if us is None or not us.active:
        raise RefusedError(
            "version {version} does not list us as active",
            hint="ask the admins; if it is meant, stop syncd",
            version=roster.version,
        )
    return Message(
        "version {version}, for {days} days more",
        version=roster.version,
        days=left // DAY_S,
    )


# ----------------------------------------------------------- other members


@dataclass(kw_only=True)
class PeerCheckup:
    """Checks the way to another member, step by step."""

    config: Config
    roster: Roster
    tls: tuple[bytes, bytes]  # the certificate (DER) and key that we show
    client: Callable[..., PeerClient] = PeerClient

    async def run(self, member: Member) -> list[Step]:
        """Return each step; the first that is red of these three is the last."""
        done: list[Step] = []
        for name, reach in (
            (later("name"), self._name),
            (later("address"), self._address),
            (later("TLS and pin"), self._handshake),
        ):
            done.append(await step(name, member.id, partial(reach, member)))
            if not done[-1].ok:
                return done
        exchange = self.config.exchange
        client = self.client(
            member.id,
            member.urls,
            tls=self._context(member),
            own_origins=frozenset({member.origin}),
            limits=Limits(connect_s=exchange.connect_timeout_s),
        )
        try:
            return [*done, *await self._asked(member, client)]
        finally:
            await client.close()

    async def _asked(self, member: Member, client: PeerClient) -> list[Step]:
        """Return what it answers to a question for its heads, and as holder."""
        heard: list[Heads] = []
        admits, began = later("admits us"), time.time()
        done = [await step(admits, member.id, partial(_admits, client, heard))]
        for heads in heard:
            between = (began + time.time()) / 2
            checks: list[tuple[str, Check]] = [
                (later("roster version"), partial(self._version, heads)),
                (later("clock"), partial(self._clock, heads, between)),
            ]
            checks += [
                (
                    f"{e.kind}/{e.epoch}",
                    partial(self._evaluate, member, client, e),
                )
                for e in self._epochs(member)
            ]
            done += [
                await step(name, member.id, check) for name, check in checks
            ]
        return done

    # ------------------------------------------------------------ the way

    def _places(self, member: Member) -> Iterator[tuple[str, int]]:
        for url in member.urls:
            parts = urlsplit(url)
            yield parts.hostname or "", parts.port or 443

    def _context(self, member: Member) -> ssl.SSLContext:
        return pinning.client_context(*self.tls, member.keys.tls)

    async def _name(self, member: Member) -> Message:
        loop, why = asyncio.get_running_loop(), ""
        for host, port in self._places(member):
            try:
                found = await loop.getaddrinfo(host, port)
            except OSError as e:
                why = e.strerror or str(e)
                continue
            return Message(
                "{host} is {address}", host=host, address=found[0][4][0]
            )
        raise UnavailableError(
            "none of its names has an address: {why}",
            hint="look at the name server; syncd roster show has the names:"
            " ask {member} whether they still hold",
            why=why,
            member=member.id,
        )

    async def _address(self, member: Member) -> Message:
        return await self._connect(member, None)

    async def _handshake(self, member: Member) -> Message:
        await self._connect(member, self._context(member))
        return Message("TLS 1.3, and the key that the roster pins")

    async def _connect(
        self, member: Member, tls: ssl.SSLContext | None
    ) -> Message:
        """Open a connection to the first address that lets us, and end it."""
        errors: list[SyncdError] = []
        for host, port in self._places(member):
            try:
                async with asyncio.timeout(
                    self.config.exchange.connect_timeout_s
                ):
                    _, writer = await asyncio.open_connection(
                        host, port, ssl=tls
                    )
            except (OSError, TimeoutError) as e:
                errors.append(_unconnected(member, host, port, e))
                continue
            writer.transport.abort()
            return Message("{host}:{port} answers", host=host, port=port)
        raise errors[0]

    # --------------------------------------------------------- its answers

    async def _version(self, heads: Heads) -> Message:
        ours, theirs = self.roster, heads.roster
        if theirs.version > ours.version:
            raise RefusedError(
                "it has version {theirs}, we {version}",
                hint="our daemon fetches it in its next round; else syncd"
                " roster publish",
                theirs=theirs.version,
                version=ours.version,
            )
        if theirs.version < ours.version:
            raise RefusedError(
                "it has version {theirs}, we {version}",
                hint="its daemon fetches it from us in its next round",
                theirs=theirs.version,
                version=ours.version,
            )
        if theirs.hash != ours.hash:
            raise UntrustedError(
                "it has another roster of version {version}",
                hint="call all admins",
                version=ours.version,
            )
        return Message("version {version}, as ours", version=ours.version)

    async def _clock(self, heads: Heads, at: float) -> Message:
        ahead_s = round(heads.time - at)
        if abs(ahead_s) > self.config.skew.max_s:
            raise RefusedError(
                "its clock is {s} s ahead of ours",
                hint="one of the two is wrong: timedatectl set-ntp true",
                s=ahead_s,
            )
        return Message("its clock is {s} s ahead of ours", s=ahead_s)

    def _epochs(self, member: Member) -> Iterator[Epoch]:
        for kind in ("phone", "account"):
            epoch = self.roster.epoch(kind)
            if epoch and member in self.roster.holders_of(epoch).values():
                yield epoch

    async def _evaluate(
        self, member: Member, client: PeerClient, epoch: Epoch
    ) -> Message:
        """Have a holder evaluate one random point, and check its proof."""
        holders = self.roster.holders_of(epoch)
        index = next(i for i, m in holders.items() if m.id == member.id)
        others = [i for i in sorted(epoch.shares) if i != index]
        blinded = threshold.blind(
            [secrets.token_bytes(32)], secrets.token_bytes
        )
        request = Request(
            epoch.kind,
            epoch.epoch,
            epoch.generation,
            tuple(sorted([index, *others[: epoch.t - 1]])),
            "test",
            secrets.token_hex(16),
            tuple(blinded.elements),
        )
        body, share = bytes(request), epoch.shares[index][1]
        wait_s = self.config.holder.deadline_ms / 1000
        try:
            raw = await client.evaluate(body, wait_s)
            reply, _ = evaluation.open_reply(raw, body, self.roster, member.id)
            evaluation.check_reply(reply, request, index, share)
        except QuotaError as e:
            raise QuotaError(
                "our quota there is used up",
                hint="it fills again in {s} s; more is the admins' to give:"
                " syncd roster set",
                retry_after_s=e.retry_after_s,
                s=e.retry_after_s,
            ) from e
        except UnavailableError as e:
            raise UnavailableError(
                "{why}",
                hint="call {member}: its share may be missing there (syncd"
                " join share)",
                why=e,
                member=member.id,
            ) from e
        return Message("it evaluates, and proves it")


async def _admits(client: PeerClient, heard: list[Heads]) -> Message:
    try:
        heard.append(await client.heads(""))
    except NotAdmittedError as e:
        raise NotAdmittedError(
            "this peer does not admit our certificate",
            hint="its roster has another certificate of us, or we were removed:"
            " ask the admins for the newest roster, then syncd roster publish",
        ) from e
    except UnavailableError as e:
        raise UnavailableError(
            "{why}",
            hint="call {member}: its syncd took the connection, and does not"
            " answer",
            why=e,
            member=client.name,
        ) from e
    return Message("it admits our certificate, and answers")


def _unconnected(
    member: Member, host: str, port: int, e: Exception
) -> SyncdError:
    where = {"host": host, "port": port, "member": member.id}
    if isinstance(e, ssl.SSLCertVerificationError):
        return UntrustedError(
            "{host}:{port} shows another key than the roster pins",
            hint="call {member}: does its name lead to another machine? A new"
            " key is the admins' to publish: syncd roster update",
            **where,
        )
    if isinstance(e, ssl.SSLError):
        return DamagedError(
            "{host}:{port} speaks no TLS 1.3: {why}",
            hint="does something between us and {member} end TLS?",
            why=e.reason or str(e),
            **where,
        )
    why = getattr(e, "strerror", None) or type(e).__name__
    return UnavailableError(
        "nobody answers at {host}:{port}: {why}",
        hint="its syncd does not run, or a firewall is in the way, ours or"
        " theirs: call {member}",
        why=why,
        **where,
    )
