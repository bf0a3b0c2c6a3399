"""Make an audit bundle over the network, by an auditor's own key.

Whoever answers, nothing of it is believed here but whom it is asked of: the
chain of rosters is verified from the fingerprint, and each member by its pin.
One request after the other, or nearly: members have other work to do.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from syncd import canonical, pinning
from syncd.audit import bundle
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
from syncd.node.audit import stored
from syncd.peer.client import PeerClient
from syncd.roster.roster import Roster
from syncd.roster.trust import TrustedRoster
from syncd.store import evidence_files
from syncd.tlog import checkpoint

Ask = Callable[..., Awaitable[Any]]
AT_ONCE = 16  # files asked for together; a member sends a few at a time
MOST_PAGES = 1000  # of a log's notes, of a thousand each; files of evidence
TRIES = 5  # of a request for which a member has no time


@dataclass(kw_only=True)
class Collector:
    """Who asks, and where all of it goes."""

    certificate: bytes  # the auditor's, DER
    key_pem: bytes
    fingerprint: str
    made: bundle.Writer
    now: int  # unix seconds
    progress: Callable[[int, int], None] = lambda *_: None
    asked: Any = None  # the client of whom something was asked last

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
                    await rosters(client, self.fingerprint, notes)
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
            stored.rosters(self.made, roster, notes)
            lacks = await self._all(roster, [*found])
        about = bundle.About(
            alliance=roster.id,
            at=self.now,
            sources=tuple(sorted(client.name for client in found)),
            unreached=(*sorted(silent), *lacks),
        )
        return self.made.finish(about)

    def _client(self, address: str) -> tuple[PeerClient, set[str]]:
        """Return the client of whoever is at an address, and its pins: one."""
        pins = set[str]()

        def ok(pin: str | None) -> bool:
            pins.add(pin or "")
            return len(pins) == 1

        tls = pinning.client_context(self.certificate, self.key_pem, admits=ok)
        return PeerClient(
            address, [address], tls=tls, own_origins=frozenset()
        ), pins

    async def _all(self, roster: Roster, these: list[PeerClient]) -> list[str]:
        """Take all logs, and evidence; return what is not here of whom.

        One that falls silent is asked no more: the others begin anew there.
        """
        origins = roster.origins()
        left, lacks = [*map(bundle.log_directory, origins), "evidence"], []
        while left:
            self.progress(n := len(origins) + 1 - len(left), len(origins))
            try:
                if origins[n:]:
                    await self._log(origins[n], Keys([roster]), these)
                else:
                    await self._evidence(these)
                del left[0]
            except BrokenSourceError:
                raise
            except UnavailableError:
                if these == [self.asked]:
                    raise
                these.remove(self.asked)
                lacks.append(f"{self.asked.name}: {', '.join(left)}")
                self.made.drop(f"{left[0]}/tile/", f"{left[0]}/audit/")
        return lacks

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
            if raw := await self._one(one, one.files, origin, ["checkpoint"]):
                with _by(one):
                    head, _ = checkpoint.open_(raw, log.log)
                heads.append((head.size, raw, one))
        if not heads:
            self.made.drop(f"{where}/")  # notes alone are no log
            return
        size, raw, client = max(heads, key=itemgetter(0))
        paths = log_files.layout(size, audit=True)
        while some := [*itertools.islice(paths, AT_ONCE)]:
            bodies = await self._get(client, client.files, origin, some)
            for path, body in zip(some, bodies, strict=True):
                self.made.add(f"{where}/{path}", body)
        self.made.add(f"{where}/checkpoint", raw)
        for n, found, _ in heads:
            if found != raw:
                path = bundle.note_path(origin, n, found)
                self.made.add(path, found)
        with _by(client):
            await asyncio.to_thread(
                log_files.check,
                {"checkpoint", *log_files.layout(size, audit=True)},
                lambda path, _: (self.made.root / where / path).read_bytes(),
                log.log,
            )

    async def _evidence(self, clients: Sequence[PeerClient]) -> None:
        """Keep what members have against holders."""
        for one in clients:
            for n in range(MOST_PAGES):
                if not (raw := await self._one(one, one.evidence, n)):
                    break
                with _by(one):
                    held = evidence.parse(raw)
                self.made.add(evidence_files.name(held.accused, raw), raw)

    async def _notes(self, one: PeerClient, origin: str) -> None:
        """Keep the signed notes that a member has of a log, page by page."""
        there = set[str]()
        for page in range(MOST_PAGES):
            body = await self._one(one, one.files, origin, [f"notes/{page}"])
            had = len(there)
            with _by(one):
                for text in canonical.load(body or b"[]", list[str]):
                    head = checkpoint.read(text.encode())
                    if head.origin != origin:
                        raise MalformedError("notes: of another log")
                    path = bundle.note_path(origin, head.size, text.encode())
                    self.made.add(path, text.encode())
                    there.add(path)
            if len(there) == had:
                return

    async def _one(self, client: PeerClient, ask: Ask, *args: Any) -> bytes:
        """Return a file, or the only one of several; b"" if there is none."""
        try:
            found: Any = await self._get(client, ask, *args)
        except AbsentError:
            return b""
        return found if isinstance(found, bytes) else bytes(found[0])

    async def _get(self, client: PeerClient, ask: Ask, *args: Any) -> Any:
        """Return an answer; wait and ask again where a member has no time."""
        self.asked = client
        for attempt in range(1, TRIES):
            try:
                return await ask(*args)
            except (AbsentError, BrokenSourceError):
                raise
            except (QuotaError, UnavailableError):
                await asyncio.sleep(attempt)
        return await ask(*args)


@contextmanager
def _by(client: PeerClient) -> Iterator[None]:
    """Say whose answer it was that cannot be used."""
    try:
        yield
    except (MalformedError, DamagedError, UntrustedError) as e:
        raise BrokenSourceError(
            "{member}: {why}", member=client.name, why=e
        ) from e


async def rosters(one: PeerClient, pinned: str, notes: list[bytes]) -> None:
    """Add the versions that a member has to a chain, each proven as it comes.

    Raises:
        UntrustedError: one is not of that chain.
    """
    trusted = TrustedRoster(pinned, *notes) if notes else None
    for version in itertools.count(1):
        try:
            raw = await one.roster(version)
        except AbsentError:
            return
        if trusted is None:
            trusted = TrustedRoster(pinned, raw)
        elif trusted.update(raw).version < version:
            raise UntrustedError("roster: no version {n}", n=version)
        notes += [raw] if version > len(notes) else []
