"""What became red or green, ends soon or was taken back is an event, once."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from msgspec.structs import replace

from syncd.errors import MalformedError, UntrustedError
from syncd.node.notify import notifier
from syncd.node.serve.event_writer import EventWriter
from syncd.node.upkeep.arrivals import Arrival
from syncd.roster import drafts, signing
from syncd.store.home_stores import OwnStore
from tests.alliance import ADMINS, Alliance, Member
from tests.node.stand_in import Home
from tests.node.test_notify_events import ALL
from tests.node.test_status import WELL, down, log, member
from tests.sample_statements import retract

NOW = 1_790_000_000  # 2026-09-21
DAY_S = 86_400


class House:
    """A member that looks at its state."""

    def __init__(self, own: OwnStore) -> None:
        self.book = own.events
        roster = SimpleNamespace(member=lambda _: None)
        self.home = Home(own=own, roster=roster, now=NOW)
        self.reader = AsyncMock()
        self.alerts = EventWriter(
            ctx=self.home.context, status_reader=self.reader
        )

    async def look(self, **fields: Any) -> list[tuple[str, Any]]:
        """Have it look at a state; return what it wrote of that."""
        self.reader.read.return_value = replace(WELL, **fields)
        _, newest = await self.book.bounds()
        await self.alerts.look()
        page = await self.book.page(newest + 1, 100)
        return [(e.name, e.data) for e in page]


@pytest.fixture
def house(own: OwnStore) -> House:
    return House(own)


LAG = {"logs": (log(lag=7, why="no answer"),)}
MORE = {"logs": (log(lag=9, why="no answer"),)}


async def test_red_is_written_if_it_stays_and_green_too(house: House) -> None:
    assert await house.look() == []
    assert await house.look(**LAG) == []
    [(name, data)] = await house.look(**MORE)
    assert (name, data["params"]["n"]) == ("todo", 9)
    assert await house.look(**LAG) == []  # the same, however many
    assert await house.look() == []
    [(name, data)] = await house.look()
    assert (name, data["detail_code"]) == (
        "done",
        "behind.n_entries_of_origin_why",
    )
    assert await house.look() == []


async def test_what_comes_and_goes_is_not_written(house: House) -> None:
    for fields in ({}, LAG, {}, LAG, {}, {}):
        assert await house.look(**fields) == []


async def test_two_holders_are_two_things(house: House) -> None:
    for _ in range(3):
        await house.look(holders=down("a"))
    await house.look(holders=down("b"))
    found = await house.look(holders=down("b"))
    assert [(n, d["params"]["names"]) for n, d in found] == [
        ("todo", "b"),
        ("done", "a"),
    ]


async def test_a_restart_writes_nothing_again(
    house: House, own: OwnStore
) -> None:
    await house.look(**LAG)
    assert len(await house.look(**LAG)) == 1
    again = House(own)
    assert await again.look() == []  # not yet known what is red
    assert await again.look(**LAG) == []
    assert await again.look(**LAG) == []
    await again.look()
    assert [n for n, _ in await again.look()] == ["done"]


async def test_what_ends_is_written_at_each_step_once(
    house: House, own: OwnStore
) -> None:
    """A roster, and any member's certificate."""
    end = NOW + 65 * DAY_S
    roster = replace(WELL.roster, expires=end)
    more = {"roster": roster, "members": (member(certificate_ends=end - 9),)}
    found = []
    for half in range(132):
        more["now"] = NOW + half * DAY_S // 2
        found += [d for n, d in await house.look(**more) if n == "expiry"]
    assert [(d["code"], d["member"], d["days"]) for d in found] == [
        *(("roster", "txwz", 60), ("certificate", "bank", 59)),
        *(("roster", "txwz", 30), ("certificate", "bank", 29)),
        *(("roster", "txwz", 7), ("certificate", "bank", 6)),
        *(("roster", "txwz", 1), ("certificate", "bank", 0)),
    ]
    assert {d["expires"] for d in found} == {"2026-11-25"}
    assert await House(own).look(**more) == []
    more["roster"] = replace(roster, expires=end + 10 * DAY_S)
    again = await house.look(**more)  # renewed, for too short a time
    assert [d["days"] for n, d in again if n == "expiry"] == [9]


# ------------------------------------------------------- what came in


def retracted(
    index: int,
    on: str,
    *ends: int,
    origin: str = "a/b",
    reason: str = "entry_error",
) -> Arrival:
    said = replace(retract(*ends, on=on), reason=reason)
    return Arrival((origin, index), said)


async def test_what_others_took_back_of_late(house: House) -> None:
    page = [
        retracted(7, "2026-01-01", 1),
        retracted(9, "2026-09-21", 2, 3),
        retracted(12, "2026-09-20", 4),
        retracted(13, "2026-09-21", 5, reason="test"),  # a drill
    ]
    other = retracted(3, "2026-09-21", 1, origin="c/d")
    ours = retracted(4, "2026-09-21", 1, origin=house.home.config.origin)
    for _ in range(2):  # handed over again after a crash
        for its in (page, [other], [ours], []):
            await house.alerts.arrived(its)
    found = await house.book.page(0, 100)
    assert [(e.name, e.data) for e in found] == [
        ("retract", {"origin": "a/b", "index": 9, "n": 3}),
        ("retract", {"origin": "c/d", "index": 3, "n": 1}),
    ]
    notice = notifier.compose(found[0], ["duty"], "txwz", "bank")
    assert b"a/b took back 3 reports" in (notice or b"")


CANARY = "canary-nest.example"


async def test_of_a_report_that_is_not_to_be_named_its_position_alone(
    bank: Member, police: Member
) -> None:
    """Reported, disputed and taken back: no word of it is in any notice."""
    url = f"http://{CANARY}/a"
    await police.tell(
        "url",
        url,
        handling="no_tip_off",
        evidence="police_case",
        case="c0ffee00c0ffee00",
        label="romance",
    )
    await police.take_back("url", url)
    [data] = await bank.events("retract")
    assert data.keys() == {"origin", "index", "n"}
    for event in await bank.own.events.page(0, 1000):
        notice = notifier.compose(event, ALL, "txwz", "bank") or b""
        for word in (CANARY, "c0ffee", "romance", "police_case"):
            assert word.encode() not in notice
            assert word not in str(event.data)


async def test_a_draft_that_lacks_signatures(police: Member) -> None:
    """Told to the admins when somebody hands it in, and again when one less."""
    current = police.node.ctx.roster
    draft = drafts.begin(current, now=current.issued + 1)
    raw = drafts.write(draft, current)
    other = drafts.write(drafts.begin(draft, now=draft.issued + 1), draft)
    for text in (raw, raw, signing.sign(raw, ADMINS[0], current), other):
        with pytest.raises((MalformedError, UntrustedError)):
            await police.node.rosters.publish(text)
    page = await police.own.events.page(0, 1000)
    first, second = [e for e in page if e.name == "draft"]
    assert first.data == {"version": 3, "n": 2}
    assert second.data == {"version": 3, "n": 1}
    notice = notifier.compose(first, ["admin"], "txwz", "police") or b""
    assert b"roster: version 3 lacks 2 signatures" in notice


async def test_the_next_roster_lies_ready_to_be_signed(
    alliance: Alliance, police: Member, bank: Member
) -> None:
    """From 30 days on, once, and the same at every member: lines add up."""
    await police.node.daily.run()
    assert not police.node.ctx.renewal.exists()
    current = await alliance.change(
        lambda draft: replace(draft, expires=draft.issued + 20 * DAY_S)
    )
    await alliance.agreed()
    raws = []
    for one, admin in zip((police, bank), ADMINS, strict=True):
        at = one.node.ctx.renewal
        await one.node.daily.run()
        raws.append(signing.sign(at.read_bytes(), admin, current))
        at.write_bytes(raws[-1])
        await one.node.daily.run()
        assert at.read_bytes() == raws[-1]
    [said] = [x for x in (await bank.status()).todo if "ready" in x.detail]
    path = bank.node.ctx.renewal
    assert f"lies ready: syncd roster sign {path}" in said.detail
    newer = await bank.node.rosters.publish(signing.merge(*raws))
    assert newer.expires == current.issued + 90 * DAY_S
