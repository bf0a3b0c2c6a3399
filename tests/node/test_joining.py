"""Who may knock, and what waits for admins then."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.cli.joining_command import ask
from syncd.node.serve.joining import Joining
from syncd.roster import drafts, invitation, join, keys, membership, signing
from syncd.roster.invitation import Invitation
from syncd.roster.roster import Roster
from syncd.tlog import note
from syncd.web.forms import Invite
from tests.alliance import ADMINS, NAME, Alliance, Member, shared
from tests.refusals import refused, unavailable, untrusted
from tests.roster.conftest import Club, Dice

alliance = shared(Alliance.settle, "police", "bank", "carrier")
CLUB, NONCE = Club(Dice("joining")), b"n" * 32


@pytest.fixture
def bank(alliance: Alliance) -> Member:
    return alliance.bank


async def invite(at: Member, sector: str = "payment") -> Invitation:
    made = await at.node.joining.invite(Invite(sector=sector, hours=1))
    return invitation.parse(made.invitation)


async def join_by(invited: Invitation, id_: str = "payment") -> join.Applicant:
    """Ask, answer, and return what the newcomer makes its words of."""
    raw = CLUB.request(id_, invited.alliance, NONCE)
    sealed = await ask(invited, "request", raw)
    asked = join.parse(raw)
    answer = join.answer(sealed, asked, CLUB.keys[id_], NONCE)
    await ask(invited, "answer", answer)
    return join.proven(asked, None, answer)


async def keep(
    at: Member, change: Callable[[Roster], Roster]
) -> tuple[bytes, Roster]:
    """Have one admin sign a draft, which then waits at a member."""
    current = at.roster
    draft = change(drafts.begin(current, now=current.issued))
    raw = signing.sign(drafts.write(draft, current), ADMINS[0], current)
    with untrusted("signed by 1 of version"):
        await at.node.joining.take_roster(raw)
    return raw, draft


def without(draft: Roster) -> Roster:
    """Return it without the police, of which nothing counts any more."""
    return membership.remove(draft, "police", past="annul", force=True)


async def test_every_admin_sees_the_same_words(
    alliance: Alliance, bank: Member
) -> None:
    """At the inviter and at another member; each step may be repeated."""
    ours = await join_by(invited := await invite(bank))
    for member in (bank, alliance.police):
        (pair,) = (await member.node.joining.joining()).requests
        assert membership.applicant(*pair, member.roster) == ours
        assert ours.answer.inviter == "bank"
    assert await join_by(invited) == ours


async def test_an_invitation_is_good_once_and_for_its_sector(
    bank: Member,
) -> None:
    first = await invite(bank)
    with refused("for sector payment, not for law"):
        await join_by(first, "law")
    ours = await join_by(first)
    CLUB.keys.pop("payment")
    with refused(f"gins {ours.request.hash[:16]}"):
        await join_by(first)
    with refused("is already in it"):
        await join_by(await invite(bank, "police"), "police")


async def test_an_old_or_altered_invitation_is_refused(bank: Member) -> None:
    invited = await invite(bank)
    changes: Any = [
        {"sector": "bank"},
        {"fingerprint": "00" * 32},
        {"secret": bytes(32)},
        {"expires": invited.expires + 1},
        {},
    ]
    assert await ask(invited, "roster", b"1")
    for change in changes:  # with a right check sum
        altered = invitation.parse(str(replace(invited, **change)))
        bank.node.shift_s = partial(float, 0 if change else 3600)
        with untrusted("bank knows none like it"):
            await ask(altered, "roster", b"1")
    bank.node.shift_s = lambda: 0.0


async def test_strangers_get_in_while_an_invitation_is_open(
    alliance: Alliance, bank: Member
) -> None:
    """And then to nothing but `/join`; a restart changes neither."""
    node, us = alliance.carrier.node, bank.roster.known("carrier")
    foreign = replace(await invite(bank), urls=us.urls, pin=us.keys.tls)
    with unavailable():
        await ask(foreign, "roster", b"1")
    invited = await invite(alliance.carrier)
    assert await ask(invited, "roster", b"1")
    for none in (b"99", b"", b"123456789x", b"9" * 5000):
        assert await ask(invited, "roster", none) == b""
    again = Joining(
        ctx=node.ctx,
        aside=node.background.start,
        rosters=node.rosters,
        tls=node.tls,
    )
    assert node.tls.strangers
    assert [one.invitation for one in again.invited] == [invited]


async def test_a_draft_is_published_with_its_last_signature(
    alliance: Alliance, bank: Member
) -> None:
    """Whoever brings it; one that no admin of ours signed is not kept."""
    police, current = alliance.police, bank.roster
    one = await join_by(await invite(bank))
    raw, draft = await keep(
        bank, lambda begun: membership.add(begun, one.request)
    )
    strange = keys.admin(NAME, "anne", b"x" * 32)
    forged = bytes(note.sign(drafts.read(raw)[0].text, strange))
    with untrusted("no signature of a known key"):
        await bank.node.joining.take_roster(forged)
    assert bank.node.joining.waiting().drafts == (raw.decode(),)
    await police.node.joining.joining()
    last = signing.sign(drafts.write(draft, current), ADMINS[1], current)
    taken = await police.node.joining.take_roster(last)
    assert taken.version == current.version + 1
    assert not police.node.joining.waiting().drafts
    alliance.notes.append(police.node.home.rosters.get(taken.version) or b"")
    await alliance.agreed()
    assert not (await bank.node.joining.joining()).requests
