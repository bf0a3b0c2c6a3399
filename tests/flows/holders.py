"""Three holders of whom two are needed, and a client: no network, no disk."""

import secrets
from collections.abc import Callable
from typing import Any

from syncd import canonical, errors
from syncd.flows import evaluation, evidence, tokenise
from syncd.flows.evaluation import Exchange, Request
from syncd.flows.evidence import Evidence
from syncd.flows.ports import at_once
from syncd.indicator.identifier import Identifier
from syncd.oprf import group
from syncd.roster.roster import Roster
from syncd.roster.terms import Epoch
from tests.flows import founders

HOLDERS = ("bank", "carrier", "police")
PHONE = Identifier("phone", "+8613800138000")
URL = Identifier("url", "example.com/")


class Book:
    """A quota book that counts, and can be used up."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, int]] = []
        self.given: set[bytes] = set()
        self.empty = False

    async def debit(self, member: str, request: Request, epoch: Epoch) -> int:
        if self.empty:
            raise errors.QuotaError("used up", retry_after_s=9)
        if request.digest not in self.given:
            self.given.add(request.digest)
            self.counted.append((member, request.counted))
        return 10_000


Reply = dict[str, str]


class Holder:
    """One holder's peer API.

    `twist` changes what is sent, behind the holder's back; `lie` changes its
    reply to a request before it signs it. `before` hears how long it is waited
    for, `after` that it has answered.
    """

    def __init__(
        self, member: str, world: "World", shares: list[evaluation.Share]
    ) -> None:
        self.member = member
        self.world = world
        self.book = Book()
        self.asked: list[Request] = []
        self.twist: Callable[[dict[str, Any]], object] | None = None
        self.lie: Callable[[Request, Reply], None] | None = None
        self.down = False
        self.before: Callable[[float], object] = float
        self.after: Callable[[], object] = bool
        self.shares = {(s.kind, s.epoch, s.generation): s for s in shares}

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        if self.down:
            raise errors.UnavailableError(f"{self.member}: no answer")
        self.asked.append(evaluation.parse(body))
        self.before(timeout_s)
        raw = await self.answer(body)
        self.after()
        if self.twist is None:
            return raw
        value = canonical.loads(raw)
        self.twist(value)
        return canonical.dumps(value)

    async def answer(self, body: bytes) -> bytes:
        request = evaluation.parse(body)
        raw = await self._answer(request)
        if self.lie is None:
            return raw
        reply: Reply = canonical.loads(raw)["reply"]
        self.lie(request, reply)
        return self.sign(body, reply)

    def sign(self, body: bytes, reply: object) -> bytes:
        """Return a reply with the holder's note, whatever it says."""
        return evaluation.sign_reply(
            reply,
            evaluation.parse(body),
            self.world.roster,
            self.world.keys[self.member].member,
        )

    async def _answer(self, request: Request) -> bytes:
        return await evaluation.answer(
            request,
            member="platform",
            roster=self.world.roster,
            shares=self.shares,
            quota=self.book,
            key=self.world.keys[self.member].member,
            offload=at_once,
            rng=secrets.token_bytes,
        )


class World:
    """An alliance with 2 of 3 holders, and a client of theirs."""

    def __init__(self) -> None:
        self.keys = founders.CLUB.keys
        founded = founders.found(holders=HOLDERS)
        self.roster = founded.roster
        self.holders: dict[str, Holder] = {}
        for name in HOLDERS:
            shares = [
                evaluation.Share(
                    e.kind, e.epoch, e.generation, e.index(name) or 0, secret
                )
                for e, secret in zip(*founded.outcomes[name], strict=True)
            ]
            self.holders[name] = Holder(name, self, shares)
        self.now = 1000.0
        self.kept: list[Evidence] = []
        self.accused: list[tuple[str, str]] = []
        self.proven: list[tuple[str, str]] = []
        self.renew()

    def renew(self, **more: Any) -> tokenise.Tokeniser:
        """Return another client, which asks from now on."""

        async def accuse(member: str, why: str, *exchanges: Exchange) -> None:
            self.accused.append((member, str(why)))
            try:
                held = Evidence(member, exchanges)
                proves = evidence.judge(held, [self.roster])
            except (errors.MalformedError, errors.UntrustedError):
                return
            self.kept.append(held)
            self.proven.append((member, proves))

        def current() -> Roster:
            return self.roster

        parts = {
            "roster": current,
            "holder": lambda member: self.holders[member],
            "offload": at_once,
            "bulk": at_once,
            "clock": lambda: self.now,
            "rng": secrets.token_bytes,
            "accuse": accuse,
        }
        self.client = tokenise.Tokeniser(**parts | more)
        return self.client

    def silence(self, *names: str) -> None:
        """Take some holders down, or all."""
        for name in names or HOLDERS:
            self.holders[name].down = True

    async def outputs(self, *wanted: Identifier) -> dict[Identifier, bytes]:
        return await self.client.outputs(
            wanted, purpose="call_check", timeout_s=5
        )


def phones(count: int, first: int = 0) -> list[Identifier]:
    """Return so many different numbers."""
    return [
        Identifier("phone", f"+8613{n:09}")
        for n in range(first, first + count)
    ]


def add_to(reply: Reply, at: int, error: bytes) -> None:
    """Put an error into the answer to one element."""
    points = group.split(bytes.fromhex(reply["elements"]))
    points[at] = group.total([points[at], error])
    reply["elements"] = b"".join(points).hex()
