"""Who may knock, and what waits for admins then."""

import asyncio
import json
import secrets
import time
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.cli.newcomer import ask
from syncd.errors import (
    MissingError,
    RefusedError,
    UnavailableError,
    UntrustedError,
)
from syncd.messages import wire
from syncd.node.serve.joining import Joining
from syncd.roster import drafts, invitation, join, keys, membership, signing
from syncd.roster.invitation import Invitation
from syncd.roster.join import Applicant
from syncd.roster.members import Names, Profile
from syncd.roster.waiting import applicant
from syncd.tlog import note
from syncd.web.joining_forms import Invite
from tests.alliance import ADMINS, NAME, Alliance, Member, shared

alliance = shared(Alliance.settle, "police", "bank", "carrier")
HOUR_S = 3600


class Newcomer:
    """Somebody with an invitation."""

    def __init__(
        self, invited: Invitation, id_: str, sector: str = ""
    ) -> None:
        self.invited, now = invited, int(time.time())
        domain = f"{id_}.example"
        self.keys = keys.generate(domain, NAME, secrets.token_bytes, now=now)
        self.nonce = secrets.token_bytes(32)
        self.raw = join.request(
            self.keys,
            Profile(id=id_, names=Names(id_, id_), sector=sector or "payment"),
            now=now,
            alliance_id=invited.alliance,
            nonce=self.nonce,
        )
        self.asked = join.parse(self.raw)

    async def step(self, at: Member, step: str, body: bytes) -> bytes:
        """Return what an open inviter answers, past its MAC."""
        raw = await at.node.joining.knock(self.invited.id, step, body)
        answer = self.invited.borne(
            f"/join/{self.invited.id}/{step}", body, raw
        )
        said, _, rest = answer.partition(b"\n")
        if said == b"no":
            raise RefusedError(str(wire.read(json.loads(rest))))
        return rest

    async def answer(self, at: Member) -> Applicant:
        """Ask, answer, and return what the newcomer makes its words of."""
        sealed = await self.step(at, "request", self.raw)
        raw = join.answer(sealed, self.asked, self.keys, self.nonce)
        await self.step(at, "answer", raw)
        return join.proven(self.asked, None, raw)


async def invite(at: Member, hours: int = 72) -> Invitation:
    wanted = Invite(sector="payment", hours=hours)
    made = await at.node.joining.invite(wanted)
    return invitation.parse(made.invitation)


async def test_every_admin_sees_the_same_words(alliance: Alliance) -> None:
    """At the inviter and at another member; the secret is in no answer."""
    bank, police = alliance.bank, alliance.police
    newcomer = Newcomer(await invite(bank), "wallet")
    ours = await newcomer.answer(bank)
    for member in (bank, police):
        found = await member.node.joining.joining()
        (one,) = (applicant(*r, member.roster) for r in found.requests)
        assert one == ours
        assert one.answer.inviter == "bank"
    assert await newcomer.answer(bank) == ours  # a step may be repeated


async def test_a_request_that_is_swapped_on_the_way_has_other_words(
    alliance: Alliance,
) -> None:
    """Who answers for both ends can choose neither nonce after the other's."""
    bank = alliance.bank
    thief = Newcomer(await invite(bank), "thief")
    theirs = await thief.answer(bank)
    newcomer = Newcomer(thief.invited, "thief")
    sealed = join.challenge(newcomer.asked, secrets.token_bytes, "bank").raw
    raw = join.answer(sealed, newcomer.asked, newcomer.keys, newcomer.nonce)
    ours = join.proven(newcomer.asked, None, raw)
    assert ours.spoken_hash != theirs.spoken_hash


async def test_an_invitation_is_good_once_and_for_its_sector(
    alliance: Alliance,
) -> None:
    bank = alliance.bank
    invited = await invite(bank)
    with pytest.raises(RefusedError, match="for sector payment, not for bank"):
        await Newcomer(invited, "one", "bank").answer(bank)
    first = Newcomer(invited, "one")
    await first.answer(bank)
    with pytest.raises(RefusedError, match=f"begins {first.asked.hash[:16]}"):
        await Newcomer(invited, "two").answer(bank)
    with pytest.raises(RefusedError, match="is already in it"):
        await Newcomer(await invite(bank), "police").answer(bank)


async def test_an_expired_or_altered_invitation_is_refused(
    alliance: Alliance,
) -> None:
    bank = alliance.bank
    invited = await invite(bank, hours=1)
    changes: list[dict[str, Any]] = [
        {"sector": "bank"},
        {"fingerprint": "00" * 32},
        {"secret": bytes(32)},
        {"expires": invited.expires + 1},
    ]
    for change in changes:  # with a right check sum
        altered = invitation.parse(str(replace(invited, **change)))
        with pytest.raises(UntrustedError, match="bank knows none like it"):
            await asyncio.to_thread(ask, altered, "roster", b"1")
    assert await asyncio.to_thread(ask, invited, "roster", b"1")
    bank.node.shift_s = lambda: 1.1 * HOUR_S
    try:
        with pytest.raises(MissingError, match="no such invitation is open"):
            await Newcomer(invited, "late").answer(bank)
    finally:
        bank.node.shift_s = lambda: 0.0


async def test_strangers_get_in_while_an_invitation_is_open(
    alliance: Alliance,
) -> None:
    """And then to nothing but `/join`; a restart changes neither."""
    carrier = alliance.carrier
    us = carrier.roster.known("carrier")
    foreign = await invite(alliance.bank)
    foreign = replace(foreign, urls=us.urls, pin=us.keys.tls)
    with pytest.raises(UnavailableError):
        await asyncio.to_thread(ask, foreign, "roster", b"1")
    open_ = await invite(carrier)
    assert await asyncio.to_thread(ask, open_, "roster", b"1")
    for none in (b"99", b"", b"123456789x", b"9" * 5000):
        assert await asyncio.to_thread(ask, open_, "roster", none) == b""
    again = Joining(
        ctx=carrier.node.ctx,
        peers=carrier.node.peers,
        rosters=carrier.node.rosters,
    )
    again.serve(carrier.node.tls)
    assert carrier.node.tls.strangers
    assert [one.invitation for one in again.invited] == [open_]


async def test_a_draft_is_published_with_its_last_signature(
    alliance: Alliance,
) -> None:
    """Whoever brings it; one that no admin of ours signed is not kept."""
    bank, police = alliance.bank, alliance.police
    one = await (newcomer := Newcomer(await invite(bank), "last")).answer(bank)
    current = bank.roster
    draft = membership.admit(drafts.begin(current, now=current.issued), one)
    raw = drafts.write(draft, current)
    strange = keys.admin(NAME, "anne", b"x" * 32)
    with pytest.raises(RefusedError, match="anne is no admin of version"):
        signing.sign(raw, strange, current)
    text = drafts.read(raw)[0].text
    forged = bytes(note.sign(text, strange))
    with pytest.raises(UntrustedError, match="no signature of a known key"):
        await bank.node.joining.take_roster(forged)
    assert not bank.node.joining.waiting().drafts
    first, last = (signing.sign(raw, admin, current) for admin in ADMINS)
    with pytest.raises(UntrustedError, match="signed by 1 of version"):
        await bank.node.joining.take_roster(first)
    await police.node.joining.joining()
    taken = await police.node.joining.take_roster(last)
    assert taken.version == current.version + 1
    assert not police.node.joining.waiting().drafts
    alliance.notes.append(police.node.home.rosters.get(taken.version) or b"")
    await alliance.agreed()
    waiting = await bank.node.joining.joining()
    asked = {join.parse(r.encode()).id for r, _ in waiting.requests}
    assert newcomer.asked.id not in asked
