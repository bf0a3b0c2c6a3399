"""Joining: invitations, who knocks with one, and what waits for admins.

    join/invitations     what we invited with, and who came (mode 0600)
    join/<hash>.draft    a draft with the signatures so far

An invitation is for one request, whose steps may be repeated: a newcomer that
dies anywhere asks again. Strangers get past TLS only while one is open.
"""

import asyncio
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

import msgspec
from msgspec.structs import replace

from syncd import canonical
from syncd.errors import MissingError, RefusedError, SyncdError
from syncd.indicator import vocabulary
from syncd.messages import wire
from syncd.node import draft_effect
from syncd.node.context import Aside, Context, part
from syncd.node.follow.roster_keeper import RosterKeeper
from syncd.node.offload import giving_way
from syncd.pinning import ServerTls
from syncd.roster import drafts, invitation, join, membership, signing
from syncd.roster.roster import Roster
from syncd.store import durable
from syncd.web import forms, problem
from syncd.web.routes import ADMINS, BINARY, SIGNED, TEXT, route

MOST = 32  # invitations that are open; drafts that are taken of a member
PATIENCE_S = 5.0  # with a member that is asked what waits there
FRESH_S = 3600  # that an effect is shown before it is counted again


class _Invited(msgspec.Struct):
    """An invitation, and what came of it so far."""

    line: str
    secret: bytes  # what its challenge holds
    request: str = ""
    answer: str = ""

    @property
    def invitation(self) -> invitation.Invitation:
        return invitation.parse(self.line)

    @property
    def asked(self) -> join.Request:
        return join.parse(self.request.encode())


@part
class Joining:
    """What newcomers and admins ask of us."""

    ctx: Context
    aside: Aside
    rosters: RosterKeeper
    tls: ServerTls  # lets strangers in while an invitation is open

    def __post_init__(self) -> None:
        self._place = self.ctx.home.path / "join"
        self._place.mkdir(mode=0o700, exist_ok=True)
        self._effects = dict[str, forms.Effect]()  # by a draft's hash
        raw = durable.read(self._place / "invitations") or b"[]"
        self.invited = msgspec.json.decode(raw, type=list[_Invited])
        self.reopen()

    def reopen(self) -> None:
        """Forget what has ended; open or close our peer API to strangers."""
        now, roster = self.ctx.now(), self.ctx.roster
        self.invited = [
            one
            for one in self.invited
            if now < one.invitation.expires
            and not (one.request and roster.lists(one.asked.log))
        ]
        self.tls.open(bool(self.invited))

    def _keep(self) -> None:
        raw = msgspec.json.encode(self.invited)
        durable.write(self._place / "invitations", raw)
        self.reopen()

    # ----------------------------------------------------------- newcomers

    def knock(self, id_: str, step: str, body: bytes) -> bytes:
        """Return the answer to a step of joining, with its MAC.

        Raises:
            MissingError: no such invitation is open.
        """
        self.reopen()
        there = {one.invitation.id: one for one in self.invited}
        if (one := there.get(id_)) is None:
            raise MissingError("join: no such invitation is open")
        try:
            answer = b"ok\n" + self._step(one, step, body)
        except SyncdError as e:
            answer = b"no\n" + msgspec.json.encode(problem.of(e))
        return one.invitation.bearing(f"/join/{id_}/{step}", body, answer)

    def _step(self, one: _Invited, step: str, body: bytes) -> bytes:
        if step == "roster":
            version = int(body) if body.isdigit() and len(body) < 10 else 0
            return self.ctx.home.rosters.get(version) or b""
        if step == "answer":
            join.proven(one.asked, one.secret, body)
            one.answer = body.decode()
            self._keep()
            return b""
        asked = join.parse(body)
        if asked.sector != (want := one.invitation.sector):
            raise RefusedError(
                "invitation: it is for sector {want}, not for {sector}",
                asked,
                want=want,
            )
        if one.request not in ("", body.decode()):
            raise RefusedError(
                "invitation: it was used already, by a request whose hash"
                " begins {hash}",
                hash=one.asked.hash[:16],
            )
        membership.add(self.ctx.roster, asked)
        one.request = body.decode()
        self._keep()
        return join.challenge(asked, one.secret, self.ctx.me)

    # -------------------------------------------------------------- admins

    @route("POST /v1/invitations", ADMINS, "invite a newcomer", status=201)
    async def invite(self, wanted: forms.Invite) -> forms.Invited:
        """Return a line that is good for one newcomer."""
        vocabulary.check("sector", "sector", wanted.sector)
        ctx, me = self.ctx, self.ctx.me
        us = ctx.roster.known(me)
        if len(self.invited) >= MOST or not us.urls:
            raise RefusedError(
                "invitation: {n} are open, or {member} has no address",
                n=len(self.invited),
                member=me,
            )
        made = invitation.Invitation(
            alliance=ctx.roster.id,
            fingerprint=ctx.trusted.fingerprint,
            inviter=me,
            urls=us.urls[:3],
            pin=us.keys.tls,
            sector=wanted.sector,
            secret=secrets.token_bytes(32),
            expires=ctx.now() + 3600 * wanted.hours,
        )
        self.invited.append(_Invited(str(made), secrets.token_bytes(32)))
        self._keep()
        return forms.Invited(invitation=str(made))

    @route("GET /v1/joining", SIGNED, "list who wants in, and drafts")
    async def joining(self) -> forms.Joining:
        """Return what waits for admins, here and at the other members."""
        asked = list[tuple[str, str]]()

        async def ask(member: str) -> None:
            # It may be down, or of an older build.
            with suppress(SyncdError, TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    raw = await self.rosters.peers.get(member).waiting()
                found = canonical.load(raw, forms.Waiting)
                asked.extend(self._of(member, found.requests))
                for draft in found.drafts[:MOST]:
                    with suppress(SyncdError):
                        await self.take_roster(draft.encode())

        await asyncio.gather(*map(ask, self.ctx.others))
        ours = self.waiting()
        return forms.Joining(
            requests=(*ours.requests, *asked),
            drafts=ours.drafts,
            effects=tuple(map(self._effect, ours.drafts)),
        )

    def _effect(self, text: str) -> forms.Effect:
        """Return whose verdicts a draft moves; count that once an hour."""
        draft, now = drafts.read(text.encode())[1], self.ctx.now()
        found = self._effects.get(draft.hash, forms.Effect())
        if now - found.at >= FRESH_S:
            self._effects[draft.hash] = replace(found, at=now)
            self.aside(self._count(draft, now))
        return found

    async def _count(self, draft: Roster, now: int) -> None:
        given = self.ctx.config, self.ctx.roster, draft
        try:
            found = await giving_way(draft_effect.effect, *given)
        except SyncdError as e:
            found = forms.Effect(why=wire.of(e.text))
        self._effects[draft.hash] = replace(found, at=now)

    @route(
        "POST /v1/roster",
        SIGNED,
        "hand in a roster, or a signed draft",
        takes_media=(TEXT, BINARY),
    )
    async def take_roster(self, raw: bytes) -> forms.RosterTaken:
        """Accept a roster note; one that lacks signatures is kept for them."""
        if self._is_signed(raw):
            path = self._place / f"{drafts.read(raw)[1].hash}.draft"
            raw = signing.merge(durable.read(path) or raw, raw)
            durable.write(path, raw)
        roster = await self.rosters.publish(raw)
        return forms.RosterTaken(version=roster.version, hash=roster.hash)

    def waiting(self) -> forms.Waiting:
        """Return what waits here; a draft that does no more is dropped."""
        kept = []
        for path in sorted(self._place.glob("*.draft")):
            if self._is_signed(raw := path.read_bytes()):
                kept.append(raw.decode())
            else:  # another was published
                path.unlink(missing_ok=True)
        ours = ((one.request, one.answer) for one in self.invited)
        asked = (*self._of(self.ctx.me, ours),)
        return forms.Waiting(requests=asked, drafts=(*kept,))

    def _is_signed(self, raw: bytes) -> bool:
        """Tell whether an admin has signed a draft of the next version."""
        with suppress(SyncdError):
            found = signing.signatures(raw, self.ctx.roster)
            return any(one.have for one in found)
        return False

    def _of(
        self, member: str, pairs: Iterable[tuple[str, str]]
    ) -> Iterator[tuple[str, str]]:
        """Yield the requests that a member's own newcomers have proven."""
        for pair in islice(pairs, MOST):
            with suppress(SyncdError):
                one = membership.applicant(*pair, self.ctx.roster)
                if one.answer.inviter == member:
                    yield pair
