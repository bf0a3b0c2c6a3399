"""Which checkpoints of others a daemon anchors in its own log, and when not."""

import hashlib
import json
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from syncd.indicator import statement
from syncd.indicator.statement import Anchor
from syncd.node.audit import complete, stored
from syncd.node.context import Reading
from syncd.store import tables
from syncd.tlog import checkpoint
from tests.alliance import Alliance, Member, shared
from tests.cli.conftest import Run
from tests.cli.conftest import run as run

IDS = ("bank", "carrier", "police")
POLICE = "police.example/syncd/txwz/1"


async def reported(alliance: Alliance) -> None:
    """Have the police report something."""
    await alliance.police.tell("url", "http://evil.example/")


alliance = shared(reported, *IDS, scope="function")


async def anchors(member: Member) -> list[Anchor]:
    """Return the anchors in its log, in order."""
    said = (
        statement.decode(payload, 16)
        for head, _, payload in await member.records()
        if head[1] == 16
    )
    return [one for one in said if isinstance(one, Anchor)]


async def whole_day(
    alliance: Alliance, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Have each do what is due of a day, and all hear of it."""
    day = statement.day_text(number)
    monkeypatch.setattr(Reading, "today", lambda _: day)
    for member in alliance.members.values():
        await member.node.daily.run()
    await alliance.settle()


def _home_holds(member: Member) -> bool:
    """Tell whether `syncd log verify` finds nothing wrong in a home."""
    roster = member.node.ctx.roster
    return all(r.ok for r in stored.verify_home(member.config, roster))


async def test_what_was_merged_is_anchored(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed by its own log, so that the anchor convicts one of the two."""
    today = statement.day(alliance.bank.node.ctx.today())
    await whole_day(alliance, today, monkeypatch)
    assert await anchors(alliance.bank) == []  # from tomorrow on
    await alliance.bank.lookup("url", "http://evil.example/")
    await whole_day(alliance, today + 1, monkeypatch)
    (anchor,) = await anchors(alliance.bank)
    access, newest = await alliance.bank.own.access.heads(0)
    assert (anchor.access, newest) == (access, 1)
    assert _home_holds(alliance.bank)
    await alliance.bank.own.database.write(
        lambda c: c.execute(sa.delete(tables.access))
    )
    assert not _home_holds(alliance.bank)
    (one,) = anchor.logs
    head = await alliance.bank.head(POLICE)
    assert (one.origin, one.size) == (POLICE, head.merged)
    checkpoint.open_(one.note, alliance.police.keys.log.verifier)


async def test_at_most_once_a_day(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes in between."""
    tomorrow = statement.day(alliance.bank.node.ctx.today()) + 1
    await whole_day(alliance, tomorrow, monkeypatch)
    await alliance.police.tell("url", "http://worse.example/")
    await whole_day(alliance, tomorrow, monkeypatch)
    assert len(await anchors(alliance.bank)) == 1


async def test_that_one_had_asked_is_shown_by_a_receipt(
    alliance: Alliance,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    run: Run,
) -> None:
    """By the anchor that names it, to who has the log: home or no home."""
    bank, value = alliance.bank, "http://evil.example/"
    today = statement.day(bank.node.ctx.today())
    [item] = await bank.lookup("url", value, receipt=True)
    await bank.lookup("url", value)
    made = item.receipt
    assert made
    assert (made.verdict, made.positions) == (item.verdict, item.positions)
    said = f"{made.salt}url:evil.example/".encode()
    assert made.commitment == hashlib.sha256(said).hexdigest()
    file, given = tmp_path / "receipt", tmp_path / "bundle"
    file.write_bytes(msgspec.json.encode(made))
    pinned = "--fingerprint", alliance.fingerprint
    judge = "audit", "receipt", file, given, *pinned
    for day in (1, 2):
        await bank.lookup("url", value)
        await whole_day(alliance, today + day, monkeypatch)
        await alliance.police.tell("url", f"http://evil{day}.example/")
    await complete.write(bank.config, given, 2**32)
    ran = run("--home", bank.home, *judge, "--json")
    assert ran.code == 0, ran.err
    shown = json.loads(ran.out)
    assert [row[0] for row in shown["named"]] == [1, 3]
    del shown["salt"]
    file.write_text(json.dumps(shown))
    assert "carrier (merged)" in run(*judge).out
    file.write_text(json.dumps(shown | {"verdict": "none"}))
    assert run(*judge).code == 4


@pytest.mark.slow
async def test_a_quiet_month_stays_quiet(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each says of that one report is all that is ever said."""
    bank, police = alliance.bank, alliance.police
    today = statement.day(bank.node.ctx.today())
    await whole_day(alliance, today + 1, monkeypatch)
    before = {m.id: await m.size() for m in alliance.members.values()}
    assert len(await anchors(bank)) == 1
    assert await anchors(police) == []  # what it merged is book-keeping alone
    for day in range(2, 32):
        await whole_day(alliance, today + day, monkeypatch)
    assert {m.id: await m.size() for m in alliance.members.values()} == before
    await police.tell("url", "http://worse.example/")
    await whole_day(alliance, today + 32, monkeypatch)
    assert len(await anchors(bank)) == 2
