"""Which checkpoints of others a daemon anchors in its own log, and when not."""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from syncd.indicator import statement
from syncd.node.audit import stored
from syncd.node.context import Reading
from syncd.store import tables
from syncd.tlog import checkpoint
from tests.alliance import Alliance, Member, shared
from tests.cli.conftest import Run
from tests.cli.conftest import run as run
from tests.node.stand_in import said

IDS = ("bank", "carrier", "police")
POLICE = "police.example/syncd/txwz/1"


async def reported(alliance: Alliance) -> None:
    """Have the police report something."""
    await alliance.police.tell("url", "http://evil.example/")


alliance = shared(reported, *IDS, scope="function")


anchors = partial(said, code=16)  # in a member's log, in order


@pytest.fixture
def whole_day(alliance: Alliance, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have each do what is due so many days from now, and all hear of it."""
    today = statement.day(alliance.bank.node.ctx.today())

    async def done(later: int) -> None:
        day = statement.day_text(today + later)
        monkeypatch.setattr(Reading, "today", lambda _: day)
        for member in alliance.members.values():
            await member.node.daily.run()
        await alliance.settle()

    return done


def _home_holds(member: Member) -> bool:
    """Tell whether `syncd log verify` finds nothing wrong in a home."""
    return all(r.ok for r in stored.verify_home(member.config))


async def test_what_was_merged_is_anchored(
    bank: Member, police: Member, whole_day: Any
) -> None:
    """Signed by its own log, so that the anchor convicts one of the two."""
    await whole_day(0)
    assert await anchors(bank) == []  # from tomorrow on
    await bank.lookup("url", "http://evil.example/")
    await whole_day(1)
    (anchor,) = await anchors(bank)
    access, newest = await bank.own.access.heads(0)
    assert (anchor.access, newest) == (access, 1)
    assert _home_holds(bank)
    await bank.own.database.write(
        lambda c: c.execute(sa.delete(tables.access))
    )
    assert not _home_holds(bank)
    (one,) = anchor.logs
    assert (one.origin, one.size) == (POLICE, (await bank.head(POLICE)).merged)
    checkpoint.open_(one.note, police.keys.log.verifier)


async def test_at_most_once_a_day(alliance: Alliance, whole_day: Any) -> None:
    """Whatever comes in between."""
    await whole_day(1)
    await alliance.police.tell("url", "http://worse.example/")
    await whole_day(1)
    assert len(await anchors(alliance.bank)) == 1


async def test_that_one_had_asked_is_shown_by_a_receipt(
    alliance: Alliance, whole_day: Any, tmp_path: Path, run: Run
) -> None:
    """By the anchor that names it, to who has the log: home or no home."""
    bank, value = alliance.bank, "http://evil.example/"
    [item] = await bank.lookup("url", value, receipt=True)
    await bank.lookup("url", value)
    made = item.receipt
    assert made
    assert (made.verdict, made.positions) == (item.verdict, item.positions)
    spelt = f"{made.salt}url:evil.example/".encode()
    assert made.commitment == hashlib.sha256(spelt).hexdigest()
    file, given = tmp_path / "receipt", tmp_path / "bundle"
    file.write_bytes(msgspec.json.encode(made))
    pinned = "--fingerprint", alliance.fingerprint
    judge = "audit", "receipt", file, given, *pinned
    for day in (1, 2):
        await bank.lookup("url", value)
        await whole_day(day)
        await alliance.police.tell("url", f"http://evil{day}.example/")
    await stored.write(bank.config, given, 2**32)
    shown = json.loads(run("--home", bank.home, *judge, "--json").ended(0).out)
    assert [row[0] for row in shown["named"]] == [1, 3]
    del shown["salt"]
    file.write_text(json.dumps(shown))
    assert "carrier (merged)" in run(*judge).out
    file.write_text(json.dumps(shown | {"verdict": "none"}))
    run(*judge).ended(4)


@pytest.mark.slow
async def test_a_quiet_month_stays_quiet(
    alliance: Alliance, bank: Member, police: Member, whole_day: Any
) -> None:
    """What each says of that one report is all that is ever said."""
    await whole_day(1)
    before = {m.id: await m.size() for m in alliance.members.values()}
    assert len(await anchors(bank)) == 1
    assert await anchors(police) == []  # what it merged is book-keeping alone
    for day in range(2, 32):
        await whole_day(day)
    assert {m.id: await m.size() for m in alliance.members.values()} == before
    await police.tell("url", "http://worse.example/")
    await whole_day(32)
    assert len(await anchors(bank)) == 2
