"""What a daemon gathers of its look-ups, and tells of them a week later."""

from functools import partial
from types import SimpleNamespace

import pytest

from syncd.errors import UnavailableError
from syncd.flows import sighting
from syncd.indicator import statement, token
from syncd.store import tables
from syncd.store.sightings import SightedToken
from syncd.web.routes import Caller
from tests.alliance import Alliance, Member, shared
from tests.cases import tried
from tests.flows.founders import FOUNDED
from tests.node.stand_in import Home, said
from tests.refusals import malformed, unavailable

IDS = ("bank", "carrier", "police")
URLS = [f"http://evil.example/{n}" for n in range(25)]
FIRM = {"evidence": "police_case", "handling": "open"}
TELLER = Caller("teller", "reader")


async def ask(
    member: Member, *values: str, purpose: str = "content_check"
) -> None:
    await member.lookup("url", *values, purpose=purpose)


async def waiting(member: Member) -> list[SightedToken]:
    return await member.own.sightings.due(statement.MAX_DAY)


async def last_week(member: Member) -> int:
    """Have all that waits be a week old; return its Monday."""
    sightings = member.own.sightings
    this = sighting.monday(statement.day(member.node.ctx.today()))
    await sightings.add(
        [
            SightedToken(this - 7, m.kind, m.epoch, m.token, m.outcome)
            for m in await waiting(member)
        ]
    )
    return this - 7


told = partial(said, code=4)  # sightings, in a member's log, in order


async def listed(alliance: Alliance) -> None:
    """Have the police report the sites."""
    await alliance.police.tell("url", *URLS, **FIRM)


alliance = shared(listed, *IDS, scope="function")


async def test_what_came_of_it_is_counted_apart(bank: Member) -> None:
    site = URLS[0]
    for more in ({}, {"outcome": "warned"}, {"outcome": "warned"}):
        await bank.lookup("url", site, purpose="call_check", **more)
    found = {one.outcome: one.count for one in await waiting(bank)}
    assert found == {"unknown": 1, "warned": 2}
    with malformed("outcome"):
        await bank.lookup("url", site, outcome="won")


async def test_a_week_is_told_once_together_and_shuffled(
    alliance: Alliance,
) -> None:
    """Not the week that is: it is not over. And none of it a second time."""
    bank, daily = alliance.bank, alliance.bank.node.daily
    await ask(bank, *URLS)
    await ask(bank, *URLS[:3])
    await ask(alliance.carrier, *URLS)
    assert await waiting(alliance.carrier) == []  # it is not set to
    await daily.run()
    assert await told(bank) == []
    monday = await last_week(bank)
    asked = [row.token for row in await waiting(bank)][:25]
    done = f"sightings/{statement.day_text(monday + 7)}"
    assert await bank.own.log.was_done(done)  # nothing was due
    await forget(bank, done)
    await daily.run()
    found = await told(bank)
    assert {(one.first, one.last) for one in found} == {
        (statement.day_text(monday), statement.day_text(monday + 6))
    }
    tokens = [token.decode(one.token) for one in found]
    assert sorted(tokens) == sorted(asked)
    assert tokens != asked
    assert {row.week for row in await waiting(bank)} == {monday + 7}
    await forget(bank, done)
    await daily.run()
    assert len(await told(bank)) == 25


async def test_a_purge_that_fails_stops_nothing_else_of_the_day(
    bank: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the last that is done, and the job says that it failed."""

    async def full(*_: object) -> None:
        raise UnavailableError("no room")

    monkeypatch.setattr(bank.node.orders, "purge", full)
    await ask(bank, *URLS)
    await last_week(bank)
    with unavailable("no room"):
        await bank.node.daily.run()
    assert len(await told(bank)) >= 20


async def forget(member: Member, name: str) -> None:
    """Have a week look as if nothing had been written in it."""
    await member.own.database.write(
        lambda c: c.execute(
            tables.done.delete().where(tables.done.c.name == name)
        ).close()
    )


async def test_fewer_than_a_batch_wait_and_what_has_gone_is_dropped(
    alliance: Alliance,
) -> None:
    """They wait for more, so that none of them stands out."""
    bank, daily = alliance.bank, alliance.bank.node.daily
    await ask(bank, *URLS[:20])
    monday = await last_week(bank)
    await alliance.police.take_back("url", URLS[0])
    await daily.run()
    assert await told(bank) == []
    old = [row for row in await waiting(bank) if row.week == monday]
    assert len(old) == 19
    await ask(bank, URLS[20])
    await last_week(bank)
    name = f"sightings/{statement.day_text(monday + 7)}"
    await daily.run()
    assert await told(bank) == []  # once a week
    await forget(bank, name)
    await daily.run()
    assert len(await told(bank)) == 20


@tried("enabled, want", [("auto", {"bank"}), (True, {*IDS}), (False, set())])
def test_police_and_carriers_tell_only_if_they_are_set_to(
    enabled: object, want: set[str]
) -> None:
    """Their look-ups are case work, or who calls whom."""
    home = Home(roster=FOUNDED.roster)
    home.config.sighting = SimpleNamespace(enabled=enabled)

    def tells(member: str) -> bool:
        home.config.member.id = member
        return home.context.sights

    assert {member for member in IDS if tells(member)} == want


async def test_only_business_contact_is_gathered(bank: Member) -> None:
    """Never case work, dissuasion, or the answering of a person."""
    for purpose in (
        *("case_work", "dissuasion", "subject_access", "appeal"),
        *("audit", "test"),
    ):
        await ask(bank, URLS[0], purpose=purpose)
    assert await waiting(bank) == []
    for purpose in sorted(sighting.CONTACT):
        await ask(bank, URLS[0], purpose=purpose)
    [row] = await waiting(bank)
    assert row.count == len(sighting.CONTACT)


async def test_a_tip_off_that_comes_late_is_minded_too(
    bank: Member, carrier: Member
) -> None:
    """Between the meeting and its telling somebody asked for silence."""
    await ask(bank, *URLS)
    await last_week(bank)
    quiet = {"handling": "no_tip_off", "evidence": "user_tag"}
    await carrier.tell("url", *URLS[:2], **quiet)
    await bank.node.daily.run()
    assert len(await told(bank)) == 23
