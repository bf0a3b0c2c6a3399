"""A whole alliance in one process: real daemons, APIs, TLS and databases.

    async with Alliance.found(tmp_path) as alliance:
        await alliance.police.report("phone", "+12025550123")
        await alliance.settle()
        alliance.cut("police", "bank")

Only three things are not as in production: scrypt is cheap, the daemons share
one event loop, and between client and server stands a `Network` that can be
cut, listened to and counted. Rounds start when a test says so: the daemons'
own timers do not run.
"""

import asyncio
import atexit
import contextlib
import contextvars
import functools
import io
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from syncd import config as settings
from syncd import pinning
from syncd.config import Config, editing
from syncd.flows.ports import Heads, MirrorHead, OwnHead, State
from syncd.flows.serve import LogFiles
from syncd.indicator import claims, codec, statement, token
from syncd.indicator.identifier import for_report
from syncd.indicator.leaf import Record
from syncd.indicator.statement import Statement
from syncd.node.daemon import Daemon, read_pin
from syncd.node.home import Home, keep_keys, share_name
from syncd.node.pinned import clock, roster_files
from syncd.node.serve.peer_service import PeerService
from syncd.node.upkeep import roster_orders
from syncd.peer.client import PeerClient
from syncd.peer.transport import Wanted
from syncd.roster import drafts, join, membership, signing, terms
from syncd.roster import keys as roster_keys
from syncd.roster.keys import MemberKeys
from syncd.roster.members import Names, Profile
from syncd.roster.roster import Roster
from syncd.store.database import Database
from syncd.store.findings import Row
from syncd.store.home_stores import OwnStore, open_mirror
from syncd.store.keyring import Keyring
from syncd.store.mirror import MirrorStore
from syncd.store.own import OwnLogStore
from syncd.store.sealing import VaultCipher
from syncd.tlog import checkpoint, tiles
from syncd.tlog.checkpoint import Checkpoint
from syncd.web import forms, peer_api, report_forms, status_forms
from syncd.web.routes import Caller
from tests import ceremonies, postgres, sample_statements
from tests.flows.growing import Log, Said

NAME = "txwz"
SECRET = b"correct horse battery"
MEMBERS = ("police", "bank", "carrier", "platform")
SECTORS = {"payer": "payment"}
ROLES = {
    "phone": "caller",
    "url": "phishing_host",
    "account": "collecting_account",
}
CHEAP = 2  # scrypt n
ADMINS = [roster_keys.admin(NAME, n, n.encode() * 8) for n in ("anne", "bert")]
HOUR_S = 3600
LONG_S = 60  # until what comes by itself is there, however busy a machine
FULL = 256

Gate = Callable[[web.Request, str, Handler], Awaitable[web.StreamResponse]]
Act = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
_caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller")
# What was founded: keys, certificates and ceremonies are a third of a start.
_founded: dict[tuple[str, ...], Any] = {}


# ----------------------------------------------------------------- network


class Asked(NamedTuple):
    """One request that one member sent to another."""

    client: str
    server: str
    method: str
    path: str


class Network:
    """What stands between the members, and who may hear whom."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.tap: list[bytes] | None = None  # bodies, heads and lines
        self.local_apis = False
        self.apart: set[frozenset[str]] = set()  # who cannot hear whom


class Wire(PeerClient):
    """A client whose requests pass the network."""

    def __init__(
        self, network: Network, me: str, name: str, *rest: Any, **named: Any
    ) -> None:
        super().__init__(name, *rest, **named)
        self._network = network
        self._me = me

    async def _once(self, url: str, wanted: Wanted) -> bytes:
        if {self._me, self.name} in self._network.apart:
            raise aiohttp.ClientConnectionError("cut")
        self._network.asked.append(
            Asked(self._me, self.name, wanted.method, wanted.path)
        )
        raw = await super()._once(url, wanted)
        if self._network.tap is not None:
            self._network.tap += [
                (url + wanted.path).encode(),
                wanted.body or b"",
                raw,
            ]
        return raw


# ------------------------------------------------------------------ a fork


class Twin(Log):
    """Another log under the same name: what a forking member serves."""

    seen_by: frozenset[str] = frozenset()  # empty: by everybody


class Face(PeerService):
    """The node's peer service, but that it shows some members another log."""

    def __init__(self, node: "Node") -> None:
        self.__dict__ = vars(node.peer_service)  # one state
        self._node = node

    def _twin(self) -> Twin | None:
        twin = self._node.twin
        if twin is None:
            return None
        shown = not twin.seen_by or _caller.get() in twin.seen_by
        return twin if shown else None

    async def own_log(self) -> LogFiles:
        twin = self._twin()
        return twin.files() if twin else await super().own_log()

    async def heads(self, caller: str, cursor: str) -> Heads:
        heads = await super().heads(caller, cursor)
        twin = self._twin()
        if twin is None:
            return heads
        own = f"{twin.origin}\n"
        others = [n for n in heads.notes if not n.startswith(own)]
        notes = (*others, twin.signed.decode())
        return msgspec.structs.replace(heads, notes=notes)


# ----------------------------------------------------------------- members


class Node(Daemon):
    """A daemon on the test's network, in whose place a test may answer."""

    def __init__(self, home: Home, network: Network) -> None:
        self.shift_s: Callable[[], float] = lambda: 0.0
        super().__init__(home, lambda: time.time() + self.shift_s())
        me = self.ctx.me
        self.network = network
        self.gate: Gate | None = None
        self.twin: Twin | None = None
        self.given: socket.socket  # of its peer API
        self.peers.client = functools.partial(Wire, network, me)
        # Rounds start when a test says so.
        vars(self.jobs)["start"] = lambda: None
        if not network.local_apis:  # most tests ask the services behind
            vars(self.local_workers)["open"] = self._shut
        self.publishing = asyncio.Lock()
        publish = self.publisher.publish

        async def locked() -> None:
            async with self.publishing:
                await publish()

        vars(self.publisher)["publish"] = locked

    async def _shut(self) -> None:
        """Leave an API shut."""

    async def open_peer_api(self) -> None:
        app = peer_api.app(Face(self), read_pin)
        app.middlewares.insert(0, self._listen)
        app.middlewares.append(self._stand)
        await self.listeners.serve(app, [self.given], "peer", self.tls)

    @web.middleware
    async def _listen(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        tap = self.network.tap
        if tap is None:
            return await handler(request)
        tap.append(f"{request.method} {request.raw_path}".encode())
        tap += [b": ".join(pair) for pair in request.raw_headers]
        tap.append(await request.read())
        response = await handler(request)
        tap.append(str(response.headers).encode())
        if isinstance(response, web.Response):
            body = response.body
            tap.append(body if isinstance(body, bytes) else b"")
        return response

    @web.middleware
    async def _stand(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        known = self.peer_service.caller(read_pin(request) or "")
        caller = known[0] if known else ""
        _caller.set(caller)
        if self.gate is not None:
            return await self.gate(request, caller, handler)
        return await handler(request)


class Answered(NamedTuple):
    """What a peer API answered."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass
class Member:
    """One institution of the test."""

    id: str
    home: Path
    keys: MemberKeys
    address: tuple[str, int]
    network: Network
    settle: Callable[[], Awaitable[None]]  # have all hear of everything
    listener: socket.socket | None = None
    running: Node | None = None
    shift_s: float = 0.0  # what its clock is fast by
    token: str = ""  # an operator's, of the local API
    process: "Process | None" = None  # the last one started, if any was

    @property
    def node(self) -> Node:
        """The running daemon."""
        assert self.running is not None, f"{self.id} is not running"
        return self.running

    @property
    def own(self) -> OwnStore:
        """Its own.db."""
        return self.node.home.own

    @property
    def mirror(self) -> MirrorStore:
        """Its mirror.db."""
        return self.node.home.mirror

    @property
    def roster(self) -> Roster:
        """What it trusts."""
        return self.node.ctx.roster

    @property
    def origin(self) -> str:
        """Its log's name."""
        return self.keys.origin

    @property
    def hash(self) -> str:
        """How its log is named in a path."""
        return tiles.origin_hash(self.origin)

    @property
    def config(self) -> Config:
        """Its settings, read anew."""
        return settings.load(self.home)

    # ------------------------------------------------------------- running

    async def start(self) -> None:
        """Start the daemon, on the same address as before."""
        node = Node(Home.open(self.config, SECRET), self.network)
        node.shift_s = lambda: self.shift_s
        self.running = node
        node.given = self.listener or bound(self.address[1])
        self.listener = None
        await node.start()
        async with asyncio.timeout(
            LONG_S
        ):  # on a server it leads a little later
            await node.leadership.begun.wait()

    async def stop(self) -> None:
        """Stop the daemon, if it runs."""
        if self.running is not None:
            node, self.running = self.running, None
            await node.stop()

    @contextlib.contextmanager
    def lying_at(
        self, path: str, act: Act, caller: str = ""
    ) -> Iterator[None]:
        """Have `act` answer requests of such a path, or let them by, meanwhile."""

        async def gate(
            request: web.Request, asking: str, handler: Handler
        ) -> web.StreamResponse:
            answer = None
            if path in request.path and caller in ("", asking):
                answer = await act(request)
            return answer or await handler(request)

        self.node.gate = gate
        try:
            yield
        finally:
            self.node.gate = None

    def lying_with(
        self, path: str, body: bytes, **how: Any
    ) -> contextlib.AbstractContextManager[None]:
        """Have requests of such a path be answered so, meanwhile."""

        async def lie(_: web.Request) -> web.StreamResponse:
            return web.Response(body=body, **how)

        return self.lying_at(path, lie)

    @contextlib.contextmanager
    def holding(self, path: str, caller: str = "") -> Iterator[asyncio.Event]:
        """Let such requests wait meanwhile; give what is set when one came."""
        came, go_on = asyncio.Event(), asyncio.Event()

        async def hold(_: web.Request) -> None:
            came.set()
            await go_on.wait()

        with self.lying_at(path, hold, caller):
            try:
                yield came
            finally:
                go_on.set()

    async def swept(self) -> None:
        """Wait until it has closed what is of a retired epoch."""
        events = self.node.ctx.own.events
        await until(lambda: events.reported(roster_orders.RETIRED))

    async def awake(self) -> None:
        """Wait until the daemon may append."""
        await until(lambda: not self.node.guard.why_not)

    # ------------------------------------------------------------- working

    async def report(
        self, kind: str, *values: str, **fields: Any
    ) -> list[int]:
        """Have reports accepted; return their ids in the vault."""
        given = {
            "label": "fake_invest",
            "role": ROLES[kind],
            "evidence": "user_tag",
            **fields,
        }
        drafts = (forms.Draft(kind=kind, value=v, **given) for v in values)
        taken = await self.node.intake.take_reports(
            Caller("", "operator"),
            report_forms.ReportsCall(reports=(*drafts,)),
        )
        assert not taken.refused, [i.problem for i in taken.items]
        return [item.id for item in taken.items]

    async def retract(self, kind: str, value: str) -> int:
        """Have all live reports of a value end; return how many."""
        done = await self.node.local_service.retract(
            Caller("", "operator"),
            report_forms.Retraction(
                reason="false_positive", kind=kind, value=value
            ),
        )
        return done.retracting

    async def tell(self, kind: str, *values: str, **fields: Any) -> None:
        """Have values reported, and all hear of it."""
        await self.report(kind, *values, **fields)
        await self.settle()

    async def take_back(self, kind: str, value: str) -> None:
        """Have the reports of a value end, and all hear of it."""
        await self.retract(kind, value)
        await self.settle()

    async def lookup(
        self,
        kind: str,
        *values: str,
        purpose: str = "transaction_check",
        caller: str = "teller",
        **more: Any,
    ) -> list[forms.LookupItem]:
        """Look values up, as a teller would."""
        call = forms.LookupCall(
            purpose=purpose,
            items=tuple(forms.Item(kind=kind, value=v) for v in values),
            **more,
        )
        who = Caller(caller, "operator")
        return list((await self.node.lookups.lookup(who, call)).items)

    async def verdict(self, kind: str, value: str) -> str:
        """Return what it says of a value."""
        [found] = await self.lookup(kind, value)
        return found.verdict

    def tls_to(self, listener: "Member") -> ssl.SSLContext:
        """Return how it connects to another."""
        return pinning.client_context(
            self.keys.certificate, self.keys.tls_pem, listener.keys.public.tls
        )

    async def ask(
        self, listener: "Member", method: str, path: str, body: bytes = b""
    ) -> Answered:
        """Ask another's peer API as who writes its own client."""
        url = "https://{}:{}{}".format(*listener.address, path)
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self.tls_to(listener))
            ) as session,
            session.request(method, url, data=io.BytesIO(body)) as answer,
        ):
            text = await answer.text(errors="replace")
            return Answered(answer.status, text, dict(answer.headers))

    async def call(
        self, method: str, path: str, body: object = None
    ) -> tuple[int, Any]:
        """Ask its local API as an operator; status 0 if it does not answer."""
        port = self.config.own.listen.port
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.request(
                    method, f"http://127.0.0.1:{port}{path}", json=body
                ) as answer,
            ):
                text = await answer.text()
        except (aiohttp.ClientError, OSError):
            return 0, None
        is_json = "json" in answer.content_type
        return answer.status, json.loads(text) if is_json else text

    async def say(self, *statements: Statement) -> None:
        """Append statements."""
        await self.node.publisher.append(statements)

    async def write(self, *statements: Said) -> None:
        """Append entries as they are, right or wrong."""
        own, log = self.own.log, Log(self.keys.log)
        async with self.node.writer.lock:
            old = await own.head()
            log.frontier = old.frontier
            last = await own.bundle(old.frontier.size // FULL)
            log.bundles += [last] if last else []
            log.add(*statements, salt=secrets.token_bytes(16))
            await own.append(old, await log.head(), log.bundles, [])
        await self.node.publisher.after_append()

    async def fill(self, *ns: int, **fields: Any) -> None:
        """Append right reports, about the n-th URL each."""
        await self.write(*(payload(n, self.origin, **fields) for n in ns))

    async def records(self) -> list[Record]:
        """Return all records of its own log."""
        return await records_of(self.own.log)

    def signed(self, size: int) -> bytes:
        """Return a checkpoint that it signed for nothing."""
        head = Checkpoint(self.origin, size, secrets.token_bytes(32))
        return bytes(checkpoint.sign(head, self.keys.log))

    async def fork(
        self, at: int, *statements: Said, seen_by: Iterable[str] = ()
    ) -> Twin:
        """Show, from now on, a log that differs from index `at` on."""
        own = (await self.records())[:at]
        twin = Twin(self.keys.log)
        twin.seen_by = frozenset(seen_by)
        twin.add(*own, *statements, salt=secrets.token_bytes(16))
        self.node.twin = twin
        return twin

    async def round(self) -> None:
        """Ask all others for news and fetch it."""
        for peer in self.node.peer_choice.states.values():
            peer.retry_at = 0
        self.node.logs.hurry()
        await self.node.rounds.round()

    # ------------------------------------------------------------- looking

    async def size(self) -> int:
        """Return the size of its own log."""
        return (await self.own.log.head()).frontier.size

    async def head(self, origin: str) -> MirrorHead:
        """Return how far it holds a log."""
        return await self.mirror.head(origin)

    async def has(self, other: "Member") -> bool:
        """Tell whether it has merged all of another's log."""
        return (await self.head(other.origin)).merged == await other.size()

    async def grown(self, size: int, origin: str = "") -> None:
        """Wait until it has merged so many entries of a log, else its own."""

        async def enough() -> bool:
            return (await self.head(origin or self.origin)).merged >= size

        await until(enough)

    async def digest(self, origin: str) -> str:
        """Return the digest of a log's claims, recomputed."""
        return (await digest_of(self.mirror, origin)).to_bytes(32).hex()

    async def findings(self, code: str = "") -> list[Row]:
        """Return what it found, of one code or all."""
        found = await self.node.status_reader.findings(1000)
        return [k for k in found if code in ("", k.finding.code)]

    async def status(self) -> status_forms.Status:
        """Return what its `status` says."""
        return await self.node.status_reader.status()

    async def events(self, name: str) -> Any:
        """Return what its events of a name say, oldest first."""
        page = await self.own.events.page(0, 10_000)
        return [dict(event.data) for event in page if event.name == name]

    async def receipts(self) -> dict[str, int]:
        """Return the size up to which each member has merged its log."""
        found = await self.own.cosigned.receipts(self.origin)
        return {key.split(".")[0]: r.size for key, r in found.items()}


# --------------------------------------------------------------- processes


class Process:
    """A member's daemon as `syncd run` starts it, in a process of its own."""

    def __init__(self, member: Member, child: asyncio.subprocess.Process):
        self.member = member
        self.child = child
        member.process = self
        self.errors: list[bytes] = []  # lines of standard error
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, member: Member, *, failpoints: str = "", **environ: str
    ) -> "Process":
        """Start it; `ready` tells when it answers."""
        if member.listener is not None:
            member.listener.close()
            member.listener = None
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "syncd", "--home", str(member.home)),
            "run",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "SYNCD_SECRET_FILE": str(secret_file(member.home.parent)),
                "SYNCD_FAILPOINTS": failpoints,
                **environ,
            },
        )
        return cls(member, child)

    async def _read(self) -> None:
        assert self.child.stderr is not None
        async for text in self.child.stderr:
            self.errors.append(text)

    @property
    def text(self) -> str:
        """What it wrote to standard error."""
        return b"".join(self.errors).decode()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.child.returncode is None

    async def ended(self) -> int:
        """Wait for its end; return the exit code."""
        async with asyncio.timeout(LONG_S):
            code = await self.child.wait()
            await self._reading
        return code

    async def ready(self, timeout_s: float = LONG_S) -> bool:
        """Wait until its local API answers; False if it ends before."""

        async def answers() -> bool:
            if not self.alive:
                return True
            return (await self.member.call("GET", "/healthz"))[0] == 200

        await until(answers, timeout_s)
        return self.alive

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal; return the exit code."""
        if self.alive:
            self.child.send_signal(number)
        return await self.ended()


def secret_file(directory: Path) -> Path:
    """Return a file with the passphrase, outside every home."""
    path = directory / "secret"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(SECRET + b"\n")
    return path


# --------------------------------------------------------------- alliance


class Alliance:
    """All members, the admins' keys, and the network."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.network = Network()
        self.members: dict[str, Member] = {}
        self.fingerprint = ""
        self.notes: list[bytes] = []  # signed rosters, version 1 first
        self._settings: Mapping[str, Mapping[str, object]] = {}

    def __getattr__(self, name: str) -> Member:
        try:
            return self.members[name]
        except KeyError:
            raise AttributeError(name) from None

    @classmethod
    @contextlib.asynccontextmanager
    async def found(
        cls,
        root: Path,
        members: Sequence[str] = MEMBERS,
        *,
        start: bool = True,
        local_apis: bool = False,
        settings: Mapping[str, Mapping[str, object]] | None = None,
        prepare: Callable[[Member], None] | None = None,
    ) -> AsyncIterator[Self]:
        """Found an alliance and run its daemons until the block ends.

        Args:
            root: where the homes go.
            members: their ids; each is its own sector, and the first three
                are holders, of which a token needs two.
            start: whether to start the daemons and wait until they append.
            local_apis: whether the local APIs are opened too.
            settings: of every member, by section and key.
            prepare: called with each member before its daemon starts.
        """
        alliance = cls(root)
        alliance._settings = settings or {}
        alliance.network.local_apis = local_apis
        try:
            alliance._make(members)
            everybody = alliance.members.values()
            _fresh()
            await asyncio.gather(*map(alliance.furnish, everybody))
            if prepare is not None:
                for member in everybody:
                    prepare(member)
            if start:
                await alliance.start()
            yield alliance
        finally:
            await alliance.stop()

    # ------------------------------------------------------------ founding

    def _make(self, ids: Sequence[str]) -> None:
        try:
            notes, self.drawn, who = _founded[(*ids,)]
            for id_, keys, port in who:
                self._join(id_, keys, port)
            self.notes = [*notes]
            self.fingerprint = drafts.read(notes[0])[1].hash
        except (KeyError, OSError):  # none was, or somebody has its ports
            for member in self.members.values():
                assert member.listener is not None
                member.listener.close()
            self._found(ids)
            who = [(m.id, m.keys, m.address[1]) for m in self.members.values()]
            _founded[(*ids,)] = (*self.notes,), self.drawn, who

    def _found(self, ids: Sequence[str]) -> None:
        now = int(time.time())
        founders = [join.parse(self.newcomer(id_)) for id_ in ids]
        plan = membership.Founding(
            NAME, founders, [a.verifier for a in ADMINS], len(ADMINS)
        )
        self.sign(drafts.write(membership.found(plan, now=now)))
        first = self.newest
        self.fingerprint = first.hash
        keys = {m.id: m.keys for m in self.members.values()}
        self.drawn = ceremonies.draw(first, keys, ids[:3])
        draft = drafts.begin(first, now=now)
        draft = ceremonies.keyed(draft, self.drawn[ids[0]])
        self.sign(drafts.write(draft, first))

    def newcomer(self, id_: str, alliance_id: str = join.NO_ALLIANCE) -> bytes:
        """Make a member's keys and address; return its join request."""
        keys = roster_keys.generate(
            f"{id_}.example", NAME, secrets.token_bytes, now=int(time.time())
        )
        member = self._join(id_, keys)
        return join.request(
            keys,
            Profile(
                id=id_,
                names=Names(zh=id_, en=id_),
                sector=SECTORS.get(id_, id_),
                urls=(f"https://127.0.0.1:{member.address[1]}",),
            ),
            now=int(time.time()),
            alliance_id=alliance_id,
        )

    def _join(self, id_: str, keys: MemberKeys, port: int = 0) -> Member:
        listener = bound(port)
        address = listener.getsockname()
        self.members[id_] = member = Member(
            *(id_, self.root / id_, keys, address, self.network),
            *(self.settle, listener),
        )
        return member

    async def furnish(self, member: Member) -> None:
        """Fill a member's home, as init and join do."""
        given: dict[str, dict[str, object]] = {
            "member": {
                "id": member.id,
                "domain": f"{member.id}.example",
                "alliance": NAME,
                "region": "US",
            },
            "alliance": {"fingerprint": self.fingerprint},
            "own": {"listen": f"127.0.0.1:{free_port()}"},
            "peer": {"listen": f"127.0.0.1:{member.address[1]}"},
            "exchange": {
                "interval_s": HOUR_S,
                "request_timeout_s": 20,
                "read_timeout_s": 10,
                "fanout": 16,
            },
            # A busy machine is no holder that is down.
            "holder": {"deadline_ms": 30_000},
            "lookup": {"deadline_ms": 30_000},
        }
        where = postgres.of(member.home)
        if where is not None:
            given["database"] = {"url": where.url}
        for section, values in self._settings.items():
            given.setdefault(section, {}).update(values)
        vault, access = secrets.token_bytes(32), secrets.token_bytes(32)
        # In a thread: it is all waiting for the disk, and done for each.
        await asyncio.to_thread(self._fill, member, given, vault, access)
        own = OwnStore(
            member.home,
            cipher=VaultCipher(vault),
            access_key=access,
            clock=clock,
            server=where,
        )
        await own.log.found(OwnHead.signed(member.keys.log))
        member.token = await own.bearers.add("operator", "operator")
        own.close()

    def _fill(
        self,
        member: Member,
        given: Mapping[str, Mapping[str, object]],
        vault: bytes,
        access: bytes,
    ) -> None:
        home = member.home
        editing.create(home, given)
        ring = Keyring.create(home, SECRET, cost=CHEAP)
        keep_keys(ring, member.keys)
        ring.put("vault", vault)
        ring.put("access", access)
        for version, raw in enumerate(self.notes, 1):
            roster_files(home).put(version, raw)
        if drawn := self.drawn.get(member.id):
            for epoch, secret in zip(*drawn, strict=True):
                ring.put(share_name(epoch), secret)
        if postgres.of(home) is None:
            for name in ("own.db", "mirror.db"):
                shutil.copy(_fresh() / name, home)

    # ------------------------------------------------------------- running

    async def start(self, *ids: str) -> None:
        """Start members, all if none are named, until they may append."""
        chosen = [self.members[i] for i in ids or self.members]
        chosen = [m for m in chosen if m.running is None]
        await asyncio.gather(*(m.start() for m in chosen))
        await asyncio.gather(*(m.awake() for m in chosen))

    async def restart(self, id_: str) -> None:
        """Stop a member, and start it."""
        await self.stop(id_)
        await self.members[id_].start()

    async def stop(self, *ids: str) -> None:
        """Stop members, all if none are named."""
        chosen = [self.members[i] for i in ids or self.members]
        await asyncio.gather(*(m.stop() for m in chosen))
        for member in chosen:
            if not ids and member.listener is not None:
                member.listener.close()
            process = member.process
            if not ids and process is not None and process.alive:
                await process.stop(signal.SIGKILL)  # a test has failed

    @property
    def up(self) -> list[Member]:
        """The members whose daemons run."""
        return [m for m in self.members.values() if m.running is not None]

    def cut(self, *members: str) -> None:
        """Let none of these members, or of all, reach another of them."""
        pairs = itertools.combinations(members or self.members, 2)
        self.network.apart.update(map(frozenset, pairs))

    def heal(self) -> None:
        """Let everybody reach everybody."""
        self.network.apart.clear()

    # ------------------------------------------------------------ settling

    async def settle(self, *ids: str, receipts: bool = True) -> None:
        """Run rounds until all that run (or these) agree on everything.

        What they brought has been handed on then, and events are written.
        """
        chosen = [self.members[i] for i in ids] or self.up
        why = ""
        try:
            async with asyncio.timeout(LONG_S):
                while True:
                    for member in chosen:
                        if await _waits(member):
                            member.node.publisher.wake()
                    await asyncio.gather(*(m.round() for m in chosen))
                    why = await self.unsettled(chosen, receipts=receipts)
                    if not why:
                        break
                    await asyncio.sleep(0.01)
                for member in chosen:
                    await member.node.background.idle()
        except TimeoutError:
            raise AssertionError(f"not settled: {why}") from None

    async def unsettled(
        self, chosen: Sequence[Member], *, receipts: bool = True
    ) -> str:
        """Return what still differs, or ""."""
        for owner in chosen:
            if await _waits(owner):
                why = owner.node.publisher.why_not()
                return f"{owner.id}: rows wait to be published: {why}"
            size = await owner.size()
            for other in chosen:
                head = await other.head(owner.origin)
                if head.merged != size:
                    state = other.node.logs.state(owner.origin)
                    return (
                        f"{other.id} merged {head.merged} of {owner.id}'s"
                        f" {size}: {state.why}"
                    )
            have = await owner.receipts()
            for other in chosen:
                if (
                    receipts
                    and other is not owner
                    and have.get(other.id) != size
                ):
                    return f"{owner.id} at {size} has receipts {have}"
        return ""

    # -------------------------------------------------------------- roster

    @property
    def newest(self) -> Roster:
        """The roster that was signed last."""
        return drafts.read(self.notes[-1])[1]

    def sign(self, raw: bytes) -> bytes:
        """Have the admins sign a draft of the next roster; return that."""
        current = self.newest if self.notes else None
        for admin in ADMINS:
            raw = signing.sign(raw, admin, current)
        self.notes.append(raw)
        return raw

    async def change(
        self, edit: Callable[[Roster], Roster], at: str = ""
    ) -> Roster:
        """Have the admins sign a change, and one member publish it."""
        current = self.newest
        draft = edit(drafts.begin(current, now=int(time.time())))
        raw = self.sign(drafts.write(draft, current))
        publisher = self.members[at] if at else self.up[0]
        return await publisher.node.rosters.publish(raw)

    async def protect(self, *rows: terms.Never, at: str = "") -> Roster:
        """Have the admins list what is never reported, and nothing else."""
        return await self.change(
            lambda d: msgspec.structs.replace(d, never=rows), at
        )

    async def admit(self, id_: str, at: str = "") -> Member:
        """Take in a new member by its keys, and start it."""
        asked = join.parse(self.newcomer(id_, self.newest.id))
        member = self.members[id_]
        challenge = join.challenge(asked, secrets.token_bytes(32))
        answer = join.answer(challenge, asked, member.keys)
        applicant = join.proven(asked, None, answer)
        await self.change(lambda d: membership.add(d, applicant.request), at)
        await self.furnish(member)
        await member.start()
        return member

    async def remove(self, id_: str, at: str = "", **how: Any) -> Roster:
        """Have the admins remove a member, and one member publish it."""
        return await self.change(
            functools.partial(membership.remove, id=id_, **how), at
        )

    async def agreed(self) -> None:
        """Ask around until all that run trust the newest roster."""
        newest = self.newest.version
        async with asyncio.timeout(LONG_S):
            while any(m.roster.version < newest for m in self.up):
                await asyncio.gather(*(m.round() for m in self.up))


def shared(
    prepare: Callable[[Alliance], Awaitable[None]] = Alliance.settle,
    *members: str,
    scope: Literal["session", "module", "function"] = "module",
    of: Any = Alliance,
    **how: Any,
) -> Any:
    """Return a fixture: one alliance for all tests of a module, or for each."""

    @pytest.fixture(scope=scope)
    async def alliance(
        tmp_path_factory: pytest.TempPathFactory,
    ) -> AsyncIterator[Alliance]:
        root = tmp_path_factory.mktemp("alliance")
        async with of.found(root, members or MEMBERS, **how) as found:
            await prepare(found)
            yield found

    return alliance


async def as_founded(_: Alliance) -> None:
    """Have nothing done: logs are empty, or nearly."""


CASE = "+12025550123"


async def police_case(alliance: Alliance) -> None:
    """Have the police report a number, and all merge that."""
    await alliance.police.report("phone", CASE, evidence="police_case")
    await alliance.settle()


async def _waits(member: Member) -> bool:
    """Tell whether the vault has rows to publish or to end.

    One that was retracted on its way into the log is to end once it is there.
    """
    async with member.node.publishing:
        counts = await member.own.vault.counts()
    return any(
        n and state in (State.WAITING, State.ENDING)
        for (_, state), n in counts.items()
    )


async def records_of(log: OwnLogStore) -> list[Record]:
    """Return all records of a member's own log."""
    head = await log.head()
    found: list[Record] = []
    for n in range(-(-head.frontier.size // FULL)):
        bundle = await log.bundle(n)
        assert bundle is not None
        found += codec.records(head.origin, bundle)
    return found


async def claims_of(mirror: MirrorStore, origin: str) -> list[claims.Row]:
    """Return the claims of a log that stand in a mirror."""
    last, rows = (b"", 0), list[claims.Row]()
    while page := await mirror.page(last, 1000):
        last = page[-1][:2]
        found = (one for *_, each in page for one in each)
        rows += [one.row() for one in found if one.origin == origin]
    return rows


async def digest_of(mirror: MirrorStore, origin: str) -> int:
    """Return the digest of a log's claims in a mirror, recomputed."""
    return claims.digest(origin, await claims_of(mirror, origin))


def retire_urls(draft: Roster) -> Roster:
    """Return a draft by which URLs have a second epoch, and no first one."""
    draft = drafts.add_epoch(draft, terms.Epoch("url", 2, 1))
    return drafts.put(draft, ("epochs", "url/1", "retired"), True)


def bound(port: int = 0) -> socket.socket:
    """Return a bound, listening socket on loopback."""
    found = socket.create_server(("127.0.0.1", port), backlog=64)
    found.setblocking(False)
    return found


def free_port() -> int:
    """Return a port that nobody has, and that the system gives nobody."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with socket.socket() as found, contextlib.suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


@functools.cache
def _fresh() -> Path:
    """Return a directory with migrated, empty databases: copies are quick."""
    path = Path(tempfile.mkdtemp(prefix="syncd-fresh-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    Database(path / "own.db", "own").close()
    open_mirror(path, clock=clock).close()
    return path


def payload(n: int, origin: str, **fields: Any) -> tuple[int, bytes]:
    """Return a right report about the n-th URL, as (type, payload)."""
    found = for_report("url", f"http://fraud{n}.example/", region="US")
    output = token.url_output(found)
    made = sample_statements.report(
        **{
            "on": statement.day_text(int(time.time()) // 86_400),
            "kind": "url",
            "token": token.encode(token.token(output)),
            "role": "phishing_host",
            "evidence": "user_tag",
            "expires": "2199-01-01",
            "know": token.know(output, origin).hex(),
            **fields,
        }
    )
    return 1, statement.encode(made)


async def until(what: Callable[[], object], timeout_s: float = LONG_S) -> None:
    """Return once `what` is so: what it returns, or that gives in the end.

    Raises:
        TimeoutError: it is not, for so long.
    """
    async with asyncio.timeout(timeout_s):
        while True:
            found = what()
            if (await found) if isawaitable(found) else found:
                return
            await asyncio.sleep(0.01)
