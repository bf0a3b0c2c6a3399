"""Joining: invitations, who knocks with one, and what waits for admins.

    join/invitations     what we invited with, and who came (mode 0600)
    join/<hash>.draft    a draft with the signatures so far

An invitation is for one request, whose steps may be repeated: a newcomer that
dies anywhere asks again. Strangers get past TLS only while one is open.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice

import msgspec

from syncd.errors import MissingError, RefusedError, SyncdError
from syncd.indicator import vocabulary
from syncd.node.context import Context, part
from syncd.node.follow.peers import Peers
from syncd.node.follow.roster_keeper import RosterKeeper
from syncd.pinning import ServerTls
from syncd.roster import drafts, invitation, join, membership, signing
from syncd.roster.invitation import Invitation
from syncd.roster.waiting import Waiting, applicant, signed
from syncd.store import durable
from syncd.web import joining_forms, problem
from syncd.web.forms import RosterTaken
from syncd.web.routes import ADMINS, BINARY, SIGNED, TEXT, route

EACH_S = 0.05  # for a knock: there is one at a time
MOST = 32  # invitations that are open; drafts that are taken of a member


class _Invited(msgspec.Struct):
    """An invitation, and what came of it so far."""

    line: str
    request: str = ""
    secret: str = ""  # hex: what the challenge holds
    challenge: str = ""
    answer: str = ""

    @property
    def invitation(self) -> Invitation:
        return invitation.parse(self.line)

    @property
    def asked(self) -> join.Request:
        return join.parse(self.request.encode())


@part
class Joining:
    """What newcomers and admins ask of us."""

    ctx: Context
    peers: Peers
    rosters: RosterKeeper
    rng: Callable[[int], bytes] = secrets.token_bytes

    def serve(self, tls: ServerTls) -> None:
        """Begin: let strangers in at `tls` while an invitation is open."""
        self._tls, self._place = tls, self.ctx.home.path / "join"
        self._place.mkdir(mode=0o700, exist_ok=True)
        self._file, self._turn = self._place / "invitations", asyncio.Lock()
        raw = durable.read(self._file) or b"[]"
        self.invited = msgspec.json.decode(raw, type=list[_Invited])
        self.reopen()

    def reopen(self) -> None:
        """Forget what has ended; open or close our peer API to strangers."""
        self.invited = [*filter(self._is_open, self.invited)]
        self._tls.open(bool(self.invited))

    def _is_open(self, one: _Invited) -> bool:
        if self.ctx.now() >= one.invitation.expires:
            return False
        roster = self.ctx.roster
        return not (one.request and roster.member(one.asked.id))

    def _keep(self) -> None:
        durable.write(self._file, msgspec.json.encode(self.invited))
        self.reopen()

    # ----------------------------------------------------------- newcomers

    async def knock(self, id_: str, step: str, body: bytes) -> bytes:
        """Return the answer to a step of joining, with its MAC.

        Raises:
            MissingError: no such invitation is open.
        """
        async with self._turn:
            await asyncio.sleep(EACH_S)
            for one in filter(self._is_open, self.invited):
                if one.invitation.id == id_:
                    break
            else:
                raise MissingError("join: no such invitation is open")
            try:
                answer = b"ok\n" + self._step(one, step, body)
            except SyncdError as e:
                answer = b"no\n" + msgspec.json.encode(problem.of(e))
            path = f"/join/{id_}/{step}"
            return one.invitation.bearing(path, body, answer)

    def _step(self, one: _Invited, step: str, body: bytes) -> bytes:
        if step == "roster":
            version = int(body) if body.isdigit() and len(body) < 10 else 0
            return self.ctx.home.rosters.get(version) or b""
        if step == "request":
            return self._request(one, body)
        join.proven(one.asked, bytes.fromhex(one.secret), body)
        _once(one.answer, body, one)
        one.answer = body.decode()
        self._keep()
        return b""

    def _request(self, one: _Invited, body: bytes) -> bytes:
        """Return the challenge for the one request of an invitation."""
        asked = join.parse(body)
        one.invitation.check(asked.sector, self.ctx.now())
        _once(one.request, body, one)
        membership.check_new(self.ctx.roster, asked)
        if not one.request:
            made = join.challenge(asked, self.rng, self.ctx.me)
            one.request, one.secret = body.decode(), made.secret.hex()
            one.challenge = made.raw.decode()
            self._keep()
        return one.challenge.encode()

    # -------------------------------------------------------------- admins

    @route("POST /v1/invitations", ADMINS, "invite a newcomer", status=201)
    async def invite(
        self, wanted: joining_forms.Invite
    ) -> joining_forms.Invited:
        """Return a line that is good for one newcomer."""
        vocabulary.check("sector", "sector", wanted.sector)
        roster, me = self.ctx.roster, self.ctx.me
        us = roster.known(me)
        if len(self.invited) >= MOST or not us.urls:
            raise RefusedError(
                "invitation: {n} are open, or {member} has no address",
                n=len(self.invited),
                member=me,
            )
        made = Invitation(
            alliance=roster.id,
            fingerprint=self.ctx.trusted.fingerprint,
            inviter=me,
            urls=us.urls[:3],
            pin=us.keys.tls,
            sector=wanted.sector,
            secret=self.rng(32),
            expires=self.ctx.now() + 3600 * wanted.hours,
        )
        self.invited.append(_Invited(str(made)))
        self._keep()
        return joining_forms.Invited(
            invitation=str(made), expires=made.expires
        )

    @route("GET /v1/joining", ADMINS, "list who wants in, and drafts")
    async def joining(self) -> Waiting:
        """Return what waits for admins, here and at the other members."""
        asked = dict.fromkeys(self.waiting().requests)

        async def ask(member: str) -> None:
            with suppress(SyncdError):  # it may be down, or of an older build
                found = await self.peers.get(member).waiting()
                asked.update(dict.fromkeys(self._of(member, found.requests)))
                for raw in found.drafts[:MOST]:
                    with suppress(SyncdError):
                        await self.take_roster(raw.encode())

        await asyncio.gather(*map(ask, self.ctx.others))
        return Waiting(requests=(*asked,), drafts=self.waiting().drafts)

    @route(
        "POST /v1/roster",
        SIGNED,
        "hand in a roster, or a signed draft",
        takes_media=(TEXT, BINARY),
    )
    async def take_roster(self, raw: bytes) -> RosterTaken:
        """Accept a roster note; one that lacks signatures is kept for them."""
        with suppress(SyncdError):
            signed(raw, self.ctx.roster)
            path = self._place / f"{drafts.read(raw)[1].hash}.draft"
            there = durable.read(path)
            raw = signing.merge(there, raw) if there else raw
            durable.write(path, raw)
        roster = await self.rosters.publish(raw)
        self.reopen()
        return RosterTaken(version=roster.version, hash=roster.hash)

    def waiting(self) -> Waiting:
        """Return what waits here; a draft that does no more is dropped."""
        kept = []
        for path in sorted(self._place.glob("*.draft")):
            raw = path.read_bytes()
            try:
                signed(raw, self.ctx.roster)
            except SyncdError:  # another was published
                path.unlink(missing_ok=True)
            else:
                kept.append(raw.decode())
        ours = ((one.request, one.answer) for one in self.invited)
        asked = (*self._of(self.ctx.me, ours),)
        return Waiting(requests=asked, drafts=(*kept,))

    def _of(
        self, member: str, pairs: Iterable[tuple[str, str]]
    ) -> Iterator[tuple[str, str]]:
        """Yield the requests that a member's own newcomers have proven."""
        for pair in islice(pairs, MOST):
            with suppress(SyncdError):
                one = applicant(*pair, self.ctx.roster)
                if one.answer.inviter == member:
                    yield pair


def _once(there: str, body: bytes, one: _Invited) -> None:
    """Pass if a step is repeated, or new.

    Raises:
        RefusedError: somebody else has used the invitation.
    """
    if there not in ("", body.decode()):
        raise RefusedError(
            "invitation: it was used already, by a request whose hash begins"
            " {hash}",
            hash=one.asked.hash[:16],
        )
