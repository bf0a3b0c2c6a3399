"""Who lifts reports of ours is told to us, who does it often to everybody."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.flows.ports import Finding
from syncd.indicator import token
from syncd.indicator.claims import Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.statement import Reassigned, Statement, Vouch
from syncd.node.serve.lifts import Lifts
from syncd.node.upkeep.arrivals import Arrival
from syncd.roster.terms import Limits
from syncd.store.home_stores import OwnStore
from tests.alliance import Alliance, Member, as_founded, shared
from tests.cases import tried
from tests.node.stand_in import ORIGIN, Home
from tests.sample_statements import about, dispute, report
from tests.store.conftest import NOW

alliance = shared(
    as_founded, "bank", "carrier", "platform", "police", scope="function"
)
VALUE = "evil.example/"
OUTPUT = token.url_output(Identifier("url", VALUE))
ON: Any = {
    "on": "2026-11-21",
    "kind": "url",
    "epoch": 1,
    "token": token.encode(token.token(OUTPUT)),
}


def vouch(member: Member) -> Vouch:
    know = token.know(OUTPUT, member.origin).hex()
    return Vouch(**ON, role="website", expires="2199-01-01", know=know)


async def test_a_lift_of_ours_is_an_event(
    alliance: Alliance, bank: Member, carrier: Member, police: Member
) -> None:
    """Ours alone: nobody else is told, and we once."""
    await carrier.tell("url", f"http://{VALUE}")
    [found] = await bank.lookup("url", VALUE)
    index = await bank.size()
    await bank.say(vouch(bank))
    await alliance.settle()
    [told] = await carrier.events("lift")

    assert told == {
        "origin": bank.origin,
        "index": index,
        "code": "vouch",
        "kind": "url",
        "reports": [list(at) for at in found.positions],
        "before": "suspected",
        "after": "disputed",
    }
    for other in (bank, police):
        assert not await other.events("lift")
    await carrier.own.events.now(f"arrivals/{bank.origin}", "0", "")
    await alliance.restart("carrier")
    await carrier.node.background.idle()
    assert len(await carrier.events("lift")) == 1


async def test_what_changes_no_verdict_is_none(
    alliance: Alliance, bank: Member, carrier: Member, police: Member
) -> None:
    """A vouch of an official report, a dispute by one sector."""
    await police.tell("url", f"http://{VALUE}", evidence="police_case")
    know = token.know(OUTPUT, carrier.origin).hex()
    await bank.say(vouch(bank))
    await carrier.say(replace(dispute(**ON), know=know))
    await alliance.settle()
    assert not await police.events("lift")


# ------------------------------------------------------------- too often

LOG, EARLIER = "bank.example/syncd/txwz/2", "bank.example/syncd/txwz/1"
OTHER = "carrier.example/syncd/txwz/1"


def log(origin: str) -> SimpleNamespace:
    return SimpleNamespace(origin=origin)


BANK = SimpleNamespace(id="bank", generations=[log(EARLIER), log(LOG)])
DAY = "2027-01-15"  # of NOW


class World:
    """A member that reads a log, and what it finds."""

    def __init__(self, own: OwnStore) -> None:
        self.found: list[Finding] = []
        self.reported: dict[bytes, Sequence[Claim]] = {}
        self.limits = Limits(entries=1, bytes=1)
        self.index = 0

        async def record(*findings: Finding, once: bool = False) -> None:
            self.found += findings

        roster = SimpleNamespace(
            zone="UTC",
            limits=self.limits,
            member={"bank": BANK}.get,
            by_origin={
                LOG: (BANK, None),
                EARLIER: (BANK, None),
                ORIGIN: (SimpleNamespace(generations=[log(ORIGIN)]), None),
            }.get,
        )
        self.home = Home(own=own, report=record, now=NOW, roster=roster)
        self.home.config.member.id = "police"
        self.lifts = self.open()

    def open(self) -> Lifts:
        claims: Any = self
        return Lifts(ctx=self.home.context, claims=claims)

    async def claims(
        self, tokens: Sequence[bytes], kind: int, epoch: int
    ) -> Mapping[bytes, Sequence[Claim]]:
        return {t: self.reported[t] for t in tokens if t in self.reported}

    def listed(self, n: int, origin: str = OTHER) -> None:
        said = report(**about(n))
        self.reported[token.decode(said.token)] = [Claim(origin, n, said)]

    async def says(self, *said: Statement, log: str = LOG) -> int:
        """Say it; return how many findings there are by then."""
        page = []
        for content in said:
            page.append(Arrival((log, self.index), content))  # type: ignore[arg-type]
            self.index += 1
        await self.lifts.came(page)
        return len(self.found)


@pytest.fixture
def world(own: OwnStore) -> World:
    found = World(own)
    for n in range(100):
        found.listed(n)
    return found


def lifting(n: int, on: str = DAY) -> list[Statement]:
    """Return n statements that hit others' reports, of the three types."""
    made: list[Statement] = []
    for i in range(n):
        head = about(i, on=on)
        made.append(
            (
                dispute(**head),
                replace(dispute(**head), about=((OTHER, i),), know=""),
                Reassigned(**head, since=DAY, know="00" * 8),
                Vouch(
                    **head, role="hotline", expires="2199-01-01", know="0" * 16
                ),
            )[i % 4]
        )
    return made


def plain(n: int, on: str = DAY) -> list[Statement]:
    return [report(**about(1000 + i, on=on)) for i in range(n)]


async def test_more_than_twenty_in_a_week_are_a_finding(world: World) -> None:
    """Told once a day, and where."""
    assert await world.says(*lifting(20)) == 0
    await world.says(*lifting(1), *plain(1))
    [found] = world.found
    assert (found.code, found.origin, found.index) == (
        *("lifts_too_often", LOG, 20),
    )
    assert "21 of its 22 statements" in str(found.detail)
    assert await world.says(*lifting(1)) == 1


@tried("others, findings", [(398, 1), (399, 0)])
async def test_and_more_than_five_percent(
    world: World, others: int, findings: int
) -> None:
    """Who says much may lift more."""
    assert await world.says(*plain(others), *lifting(21)) == findings


async def test_the_roster_sets_both(world: World) -> None:
    more = Limits(entries=1, bytes=1, lifts=30, lift_percent=50)
    world.home.trusted.current.limits = more
    assert await world.says(*lifting(30)) == 0
    assert await world.says(*plain(31), *lifting(1)) == 0
    assert await world.says(*lifting(2)) == 1


async def test_a_week_is_over(world: World) -> None:
    """By the days of the log; an older day is as new as what stood before."""
    await world.says(*lifting(11, "2027-01-08"))
    assert await world.says(*lifting(10, "2027-01-15")) == 0
    assert await world.says(*lifting(11, "2026-01-01")) == 1


async def test_days_to_come_are_today(world: World) -> None:
    """Else a week would never be over."""
    await world.says(*lifting(11, "2199-01-01"))
    world.home.now += 7 * 86_400
    assert await world.says(*lifting(10, "2199-01-01")) == 0
    assert await world.says(*lifting(11, DAY)) == 1


async def test_all_logs_of_a_member_are_its_own(world: World) -> None:
    """And a restart forgets nothing."""
    await world.says(*lifting(11), log=EARLIER)
    world.lifts = world.open()
    assert await world.says(*lifting(10)) == 1


async def test_our_own_log_is_nothing_new_to_us(world: World) -> None:
    assert await world.says(*lifting(40), log=ORIGIN) == 0


async def test_what_hits_nobody_counts_for_nothing(world: World) -> None:
    """Reports of its own, or no report at all, or another one."""
    for n in range(100):
        world.listed(n, EARLIER)
    await world.says(*lifting(40))
    world.reported.clear()
    await world.says(*lifting(40))
    for n in range(100):
        world.listed(n)
    elsewhere = [
        replace(dispute(**about(n)), about=((OTHER, 999),)) for n in range(40)
    ]
    assert await world.says(*elsewhere) == 0
