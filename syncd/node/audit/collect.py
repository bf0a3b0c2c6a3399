"""Make an audit bundle over the network, by an auditor's own key.

Whoever answers, nothing of it is believed here but whom it is asked of: the
chain of rosters is verified from the fingerprint, and each member by its pin.
One request after the other, or nearly: members have other work to do.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, TypeVar

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
from syncd.flows import evidence, log_files
from syncd.node.audit import complete
from syncd.peer.client import PeerClient
from syncd.roster.roster import Roster
from syncd.roster.trust import TrustedRoster
from syncd.store import evidence_files
from syncd.tlog import checkpoint, note
from syncd.tlog.note import VerifierKey

T = TypeVar("T")
AT_ONCE = 16  # files asked for together; a member sends a few at a time
MOST_PAGES = 1000  # of a log's notes, of a thousand each; files of evidence
TRIES = 5  # of a request for which a member has no time


@dataclass(kw_only=True)
class Collector:
    """Who asks, and where all of it goes."""

    certificate: bytes  # the auditor's, DER
    key_pem: bytes
    fingerprint: str
    made: Writer
    now: int  # unix seconds
    progress: Callable[[int, int], None] = lambda *_: None
    lacks: dict[PeerClient, list[str]] = field(default_factory=dict)
    """what is not here of each member, because it fell silent"""

    async def run(self, addresses: Sequence[str]) -> str:
        """Collect what the members at some addresses hold; return its name.

        Who does not answer, or no more, is named in it, and the others are
        asked.

        Raises:
            UntrustedError: a roster is not the fingerprint's, or nobody at an
                address is in it.
            UnavailableError: nobody answers, or none does any more.
            BrokenSourceError: one answers what cannot be.
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
            self.lacks = {client: [] for client in found}
            await self._all(roster)
        lacks = {client.name: what for client, what in self.lacks.items()}
        some = (f"{name}: {', '.join(x)}" for name, x in lacks.items() if x)
        about = About(
            alliance=roster.id,
            at=self.now,
            sources=tuple(sorted(lacks)),
            unreached=(*sorted(silent), *sorted(some)),
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

    async def _ask(
        self,
        client: PeerClient,
        what: str,
        job: Callable[..., Awaitable[T]],
        *args: Any,
    ) -> T | None:
        """Return what a member has; None, and note what, once it is silent.

        Raises:
            UnavailableError: nobody else is left.
        """
        if not self.lacks[client]:
            try:
                return await job(client, *args)
            except BrokenSourceError:
                raise
            except UnavailableError:
                if [*self.lacks.values()].count([]) == 1:
                    raise
        self.lacks[client].append(what)
        return None

    async def _all(self, roster: Roster) -> None:
        """Take all logs that a roster knows, and evidence."""
        for n, origin in enumerate(origins := roster.origins()):
            self.progress(n, len(origins))
            await self._log(origin, Keys([roster]).log(origin)[1].log)
        for client in self.lacks:
            await self._ask(client, "evidence", self._evidence)

    async def _log(self, origin: str, key: VerifierKey) -> None:
        """Take a log from who has most of it, and all signed notes of it."""
        where = bundle.log_directory(origin)
        heads = [
            (*head, one)
            for one in self.lacks
            if (head := await self._ask(one, where, self._head, origin, key))
        ]
        for size, raw, one in sorted(heads, key=itemgetter(0), reverse=True):
            if await self._ask(one, where, self._copy, raw, size, key):
                for n, found, _ in heads:
                    if found != raw:
                        path = bundle.note_path(origin, n, found)
                        self.made.add(path, found)
                return
            copied = ("checkpoint", "tile/", "audit/")
            self.made.drop(*(f"{where}/{name}" for name in copied))
        self.made.drop(f"{where}/")  # notes alone are no log

    async def _head(
        self, client: PeerClient, origin: str, key: VerifierKey
    ) -> tuple[int, bytes] | None:
        """Keep a member's notes of a log; return its size and checkpoint.

        The notes come first: so they are no larger than the log.
        """
        await self._notes(client, origin)
        raw = await _one(client.files, origin, ["checkpoint"])
        if not raw:
            return None
        with _by(client):
            return checkpoint.open_(raw, key)[0].size, raw

    async def _copy(
        self, client: PeerClient, raw: bytes, size: int, key: VerifierKey
    ) -> bool:
        """Take a member's copy of a log, whole."""
        where = bundle.log_directory(key.name)
        self.made.add(f"{where}/checkpoint", raw)
        paths = log_files.layout(size, audit=True)
        while some := [*itertools.islice(paths, AT_ONCE)]:
            bodies = await _patiently(client.files, key.name, some)
            for path, body in zip(some, bodies, strict=True):
                self.made.add(f"{where}/{path}", body)
        with _by(client):
            root = self.made.root / where
            await asyncio.to_thread(
                log_files.check,
                {"checkpoint", *log_files.layout(size, audit=True)},
                lambda path, _: (root / path).read_bytes(),
                key,
            )
        return True

    async def _evidence(self, client: PeerClient) -> None:
        """Keep what a member has against holders."""
        for n in range(MOST_PAGES):
            if not (raw := await _one(client.evidence, n)):
                return
            with _by(client):
                held = evidence.parse(raw)
            self.made.add(evidence_files.name(held.accused, raw), raw)

    async def _notes(self, client: PeerClient, origin: str) -> None:
        """Keep the signed notes that a member has of a log, page by page."""
        there = set[str]()
        for page in range(MOST_PAGES):
            body = await _one(client.files, origin, [f"notes/{page}"])
            had = len(there)
            with _by(client):
                texts = canonical.load(body or b"[]", list[str])
                for text in texts:
                    head = checkpoint.parse(note.parse(text.encode()).text)
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


async def _one(ask: Callable[..., Awaitable[Any]], *args: Any) -> bytes:
    """Return a file, or the only one of several; b"" if there is none such."""
    try:
        found = await _patiently(ask, *args)
    except AbsentError:
        return b""
    return b"".join(found) if isinstance(found, list) else found


async def _patiently(ask: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Return an answer; wait and ask again where a member has no time."""
    for attempt in range(1, TRIES):
        try:
            return await ask(*args)
        except (AbsentError, BrokenSourceError):
            raise
        except (QuotaError, UnavailableError):
            await asyncio.sleep(attempt)
    return await ask(*args)
