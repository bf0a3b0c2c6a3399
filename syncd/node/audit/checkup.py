"""Look where it ends: this machine and home, the way to members and newcomers.

Nothing here needs the daemon, and nothing is changed. What only the daemon
knows is read from its status.
"""

import asyncio
import re
import shutil
import socket
import ssl
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Network, ip_address
from multiprocessing.pool import ThreadPool
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from syncd import pinning
from syncd.config import Config, server
from syncd.errors import NOTHING, Message, RefusedError, SyncdError
from syncd.messages import wire
from syncd.messages.catalogue import later
from syncd.node.audit import stored
from syncd.node.pinned import MAX_SKEW_S, SIGN_S, clock, trusted_roster
from syncd.oprf import group
from syncd.peer.transport import CONNECT_S
from syncd.roster.join import Request
from syncd.roster.members import Member
from syncd.store.snapshot import MirrorSnapshot, OwnSnapshot

LEAST_FREE = 1 << 30  # bytes of disk space
DAY_S = 86_400
PATIENCE_S = 3.0  # with all addresses of a newcomer
ADDRESSES = 8  # of it that are asked
_NAT64, _UNICAST = IPv6Network("64:ff9b::/96"), IPv6Network("2000::/3")
WAY = (later("name"), later("address"), later("TLS"), later("pin"))


Found = Mapping[str, Any]  # a part of the status


class Step(NamedTuple):
    """What one check found."""

    step: str
    member: str  # "": this machine and home
    ok: bool
    found: Message
    remedy: Message = NOTHING


def _step(
    step: str, member: str, ok: bool, found: Message, hint: Message = NOTHING
) -> Step:
    way_out = SyncdError(found, hint=hint, member=member).way_out
    return Step(step, member, ok, found, way_out)


# ------------------------------------------------------------ this machine


async def here(config: Config) -> list[Step]:
    """Return how this machine and home are; the daemon may run or not."""
    done = []
    for name, check in (
        (later("libsodium"), _libsodium),
        (later("disk space"), _disk),
        (later("database"), _databases),
        (later("roster"), _roster),
    ):
        try:
            done.append(Step(name, "", True, await check(config)))
        except SyncdError as e:
            done.append(Step(name, "", False, e.text, e.way_out))
    return done


async def _libsodium(_: Config) -> Message:
    group.ready()
    return Message("it is there, and knows ristretto255")


async def _disk(config: Config) -> Message:
    free = shutil.disk_usage(config.home).free
    found = Message("{mb} MB are free", mb=free >> 20)
    if free < LEAST_FREE:
        raise RefusedError(
            found, hint="free space: with none, nothing more is taken in"
        )
    return found


async def _databases(config: Config) -> Message:
    mark = stored.released(config.home)
    with OwnSnapshot.of(config.home, server(config)) as own:
        row, _ = stored.marked_row(own, mark)
    with MirrorSnapshot.of(config.home, server(config)) as mirror:
        logs = len(mirror.logs())
    return Message(
        "our log has {n} entries, as its mark says; {logs} logs are mirrored",
        n=row.size,
        logs=logs,
    )


async def _roster(config: Config) -> Message:
    roster = trusted_roster(config).current
    us, left = roster.member(config.member.id), roster.expires - clock()
    if left <= 0:
        raise RefusedError("version {version} has expired", roster)
    if us is None or not us.active:
        raise RefusedError(
            "version {version} does not list us as active", roster
        )
    found = Message(
        "version {version}, for {days} days more", roster, days=left // DAY_S
    )
    if left <= SIGN_S:
        raise RefusedError(found)
    return found


# ------------------------------------------------------ the way to a member


async def way(member: Member, tls: tuple[bytes, bytes]) -> list[Step]:
    """Return each step of a handshake with a member, up to one that is red.

    Of several addresses that which leads furthest counts.

    Args:
        tls: the certificate (DER) and key that we show.
    """
    context = pinning.client_context(*tls, member.keys.tls)
    ways = list[list[tuple[str, bool, Message]]]()
    for url in member.urls:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        passed, red = len(WAY), []
        try:
            async with asyncio.timeout(CONNECT_S):
                _, to = await asyncio.open_connection(host, port, ssl=context)
            to.transport.abort()
        except OSError as e:
            step, found = _red(e, host, port)
            passed, red = WAY.index(step), [(step, False, found)]
        well = Message("{host}:{port}", host=host, port=port)
        ways.append([(step, True, well) for step in WAY[:passed]] + red)
    # One without an address calls us.
    furthest = max(ways, key=lambda w: (w[-1][1], len(w)), default=[])
    return [_step(step, member.id, ok, found) for step, ok, found in furthest]


def _red(e: OSError, host: str, port: int) -> tuple[str, Message]:
    """Return where on the way an error stands, and what it says."""
    at = {"host": host, "port": port, "why": e.strerror or type(e).__name__}
    match e:
        case socket.gaierror():
            return "name", Message("{host} has no address: {why}", **at)
        case ssl.SSLCertVerificationError():
            return "pin", Message(
                "{host}:{port} shows another key than the roster pins", **at
            )
        case ssl.SSLError():
            found = Message("{host}:{port} speaks no TLS 1.3: {why}", **at)
            return "TLS", found
    return "address", Message("nobody answers at {host}:{port}: {why}", **at)


# ------------------------------------------------- what a newcomer claims


def outside(one: Request, private: bool) -> list[Message]:
    """Return what its addresses answer, in time, and no word of theirs.

    A stranger names them, and so has this machine connect: to public ones
    alone, unless they may be `private`, and where a name leads now, not where
    it leads next.
    """
    urls = one.urls[:ADDRESSES]
    found = dict.fromkeys(urls, Message("resolves to no address"))

    def ask(url: str) -> None:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port or 443
        there = [str(at[0]) for *_, at in socket.getaddrinfo(name, port)]
        if not (private or all(map(is_public, there))):
            found[url] = Message("is not public: not asked without --private")
            return
        found[url] = Message("does not answer as syncd does")
        tls = pinning.client_context(pin=one.keys.tls)
        try:
            with (
                socket.create_connection((there[0], port), PATIENCE_S) as bare,
                tls.wrap_socket(bare, server_hostname=name) as connection,
            ):
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                [date] = re.findall(rb"\nDate: (.+)\r", connection.recv(4096))
        except ssl.SSLCertVerificationError:
            found[url] = Message(
                "answers with another key than its certificate's"
            )
            return
        told = parsedate_to_datetime(date.decode()).timestamp()
        found[url] = Message(
            "answers with its certificate's key; its clock is {s} s ahead of"
            " ours",
            s=round(int(told) - clock(), -1),
        )

    # What one that raises has found stays. One that a name server keeps
    # waiting is left behind.
    with ThreadPool(ADDRESSES) as pool:
        pool.map_async(ask, found).wait(PATIENCE_S)
    return [
        Message("outside  {address}: {how}", address=url, how=how)
        for url, how in found.items()
    ]


def is_public(address: Any) -> bool:
    """Tell whether an address is one of the public network.

    One of IPv6 that leads to one of IPv4 is if that is.
    """
    at = ip_address(address)
    if isinstance(at, IPv4Address):
        return at.is_global and not at.is_multicast
    inner = at.ipv4_mapped or at.sixtofour
    if at in _NAT64:
        inner = IPv4Address(int(at) & 0xFFFF_FFFF)
    return is_public(inner) if inner else at.is_global and at in _UNICAST


# --------------------------------------------------- what the daemon knows


def quotas(status: Found) -> Iterator[Step]:
    """Yield what each holder said last that it still gives us."""
    for left in status["quotas"]:
        n = left["left"]
        found = Message(
            "{key}, {purpose}: {n} evaluations are left",
            key=left["key"],
            purpose=left["purpose"],
            n=n,
        )
        yield _step(later("quota"), left["member"], n > 0, found)


def theirs(row: Found, status: Found) -> Iterator[Step]:
    """Yield what the daemon's rounds know of a member, a row of the status."""
    member, version = row["member"], status["roster"]["version"]
    found = Message("our daemon's rounds reach it")
    if failures := row.get("failures", 0):
        found = Message(
            "silent for {n} rounds: {why}",
            n=failures,
            why=_why(row),
            member=member,
        )
    elif not row.get("heard_at"):
        found = Message("our daemon has not asked it yet")
    yield _step(later("rounds"), member, not failures, found)
    if has := row.get("roster"):
        found = Message("it has {theirs}, we {ours}", theirs=has, ours=version)
        yield _step(later("roster version"), member, has == version, found)
    if (ahead_s := row.get("offset_s")) is not None:
        found = Message("its clock is {s} s ahead of ours", s=ahead_s)
        yield _step(later("clock"), member, abs(ahead_s) <= MAX_SKEW_S, found)
    for holder in status["holders"]:
        if holder["member"] == member:
            found = _why(holder) or Message("it answers")
            hint = Message(
                "call {member}: its share may be missing there (syncd ceremony)",
                member=member,
            )
            yield _step(later("holder"), member, holder["up"], found, hint)


def _why(row: Found) -> Message:
    return wire.read(row["why"]) if row.get("why") else NOTHING
