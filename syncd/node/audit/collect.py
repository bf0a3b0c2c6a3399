"""Make an audit bundle over the network, by an auditor's own key.

Whoever answers, nothing of it is believed here but whom it is asked of: the
chain of rosters is verified from the fingerprint, and each member by its pin.
One request after the other, or nearly: members have other work to do.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from operator import itemgetter

from syncd import canonical, pinning
from syncd.audit import bundle
from syncd.audit.bundle import About, Writer
from syncd.audit.known import Keys
from syncd.errors import (
    AbsentError,
    BrokenSourceError,
    DamagedError,
    MalformedError,
    QuotaError,
    UnavailableError,
    UntrustedError,
)
from syncd.flows import log_files
from syncd.node.audit import complete
from syncd.peer.client import PeerClient
from syncd.roster.trust import TrustedRoster
from syncd.tlog import checkpoint

AT_ONCE = 16  # files asked for together; a member sends a few at a time
MOST_PAGES = 1000  # of a log's notes, of a thousand each
TRIES = 5  # of a request for which a member has no time


@dataclass(frozen=True, kw_only=True)
class Collector:
    """Who asks, and where all of it goes."""

    certificate: bytes  # the auditor's, DER
    key_pem: bytes
    fingerprint: str
    made: Writer
    now: int  # unix seconds
    progress: Callable[[int, int], None] = lambda *_: None

    async def run(self, addresses: Sequence[str]) -> str:
        """Collect what the members at some addresses hold; return its name.

        Who does not answer is named in it, and the others are asked.

        Raises:
            UntrustedError: a roster is not the fingerprint's, or nobody at an
                address is in it.
            UnavailableError: nobody answers, or one does no more.
        """
        notes, silent = list[bytes](), dict[str, UnavailableError]()
        found = dict[PeerClient, set[str]]()
        async with AsyncExitStack() as stack:
            for address in addresses:
                client, pins = self._client(address)
                stack.push_async_callback(client.close)
                try:
                    await _rosters(client, self.fingerprint, notes)
                    found[client] = pins
                except UnavailableError as e:
                    silent[address] = e
            if not found:
                raise [*silent.values()][-1]
            roster = TrustedRoster(self.fingerprint, *notes).current
            for client, pins in found.items():
                member = roster.by_tls.get(min(pins))
                if member is None:
                    raise UntrustedError(
                        "{address}: whoever answers there is not in the roster",
                        address=client.name,
                    )
                client.name = member.id
                client.own_origins = frozenset({member.origin})
            complete.rosters(self.made, roster, notes)
            for n, origin in enumerate(origins := roster.origins()):
                self.progress(n, len(origins))
                await self._log(origin, Keys([roster]), [*found])
        about = About(
            alliance=roster.id,
            at=self.now,
            sources=tuple(sorted({client.name for client in found})),
            unreached=tuple(sorted(silent)),
        )
        return self.made.finish(about)

    def _client(self, address: str) -> tuple[PeerClient, set[str]]:
        """Return the client of whoever is at an address, and its pins: one."""
        pins = set[str]()

        def admits(pin: str | None) -> bool:
            pins.add(pin or "")
            return len(pins) == 1

        tls = pinning.client_context(
            self.certificate, self.key_pem, admits=admits
        )
        client = PeerClient(
            address, [address], tls=tls, own_origins=frozenset()
        )
        return client, pins

    async def _log(
        self, origin: str, keys: Keys, clients: Sequence[PeerClient]
    ) -> None:
        """Take a log from who has most of it, and all signed notes of it.

        A member's notes come first: so they are no larger than the log.
        """
        where, (_, log) = bundle.log_directory(origin), keys.log(origin)
        heads = list[tuple[int, bytes, PeerClient]]()
        for one in clients:
            await self._notes(one, origin)
            if raw := await _one(one, origin, "checkpoint"):
                with _by(one):
                    head, _ = checkpoint.open_(raw, log.log)
                heads.append((head.size, raw, one))
        if not heads:
            return
        size, raw, client = max(heads, key=itemgetter(0))
        for n, found, _ in heads:
            if found != raw:
                path = bundle.note_path(origin, n, found)
                self.made.add(path, found)
        paths = log_files.layout(size, audit=True)
        self.made.add(f"{where}/checkpoint", raw)
        while some := [*itertools.islice(paths, AT_ONCE)]:
            for path, body in zip(
                some, await _files(client, origin, some), strict=True
            ):
                self.made.add(f"{where}/{path}", body)
        with _by(client):
            root = self.made.root / where
            await asyncio.to_thread(
                log_files.check,
                {"checkpoint", *log_files.layout(size, audit=True)},
                lambda path, _: (root / path).read_bytes(),
                log.log,
            )

    async def _notes(self, client: PeerClient, origin: str) -> None:
        """Keep the signed notes that a member has of a log, page by page."""
        there = set[str]()
        for page in range(MOST_PAGES):
            body, had = await _one(client, origin, f"notes/{page}"), len(there)
            with _by(client):
                texts = canonical.load(body or b"[]", list[str])
                for text in texts:
                    head = checkpoint.read(text.encode())
                    if head.origin != origin:
                        raise MalformedError("notes: of another log")
                    path = bundle.note_path(origin, head.size, text.encode())
                    self.made.add(path, text.encode())
                    there.add(path)
            if len(there) == had:
                return


@contextmanager
def _by(client: PeerClient) -> Iterator[None]:
    """Say whose answer it was that cannot be used."""
    try:
        yield
    except (MalformedError, DamagedError, UntrustedError) as e:
        raise BrokenSourceError(
            "{member}: {why}", member=client.name, why=e
        ) from e


async def _rosters(
    client: PeerClient, fingerprint: str, notes: list[bytes]
) -> None:
    """Add the versions that a member has to a chain, each proven as it comes.

    Raises:
        UntrustedError: one is not of that chain.
    """
    trusted = TrustedRoster(fingerprint, *notes) if notes else None
    for version in itertools.count(1):
        try:
            raw = await client.roster(version)
        except AbsentError:
            return
        if trusted is None:
            trusted = TrustedRoster(fingerprint, raw)
        elif trusted.update(raw).version < version:
            raise UntrustedError("roster: no version {n}", n=version)
        notes += [raw] if version > len(notes) else []


async def _one(client: PeerClient, origin: str, path: str) -> bytes:
    """Return a file of a log, b"" if a member has none such."""
    try:
        (raw,) = await _files(client, origin, [path])
    except AbsentError:
        return b""
    return raw


async def _files(
    client: PeerClient, origin: str, paths: Sequence[str]
) -> Sequence[bytes]:
    """Fetch files; wait and ask again where a member has no time."""
    for attempt in range(1, TRIES):
        try:
            return await client.files(origin, paths)
        except (AbsentError, BrokenSourceError):
            raise
        except (QuotaError, UnavailableError):
            await asyncio.sleep(attempt)
    return await client.files(origin, paths)
