"""An entry that is erased is gone everywhere, and nothing brings it back."""

import shutil
from pathlib import Path

import pytest

from syncd.flows import log_files
from syncd.indicator.leaf import Record
from syncd.node.publish.append_guard import UNASKED
from syncd.web.record_forms import Erasing, Erasure
from syncd.web.routes import Caller
from tests import postgres
from tests.alliance import Alliance, Member, secret_file, shared
from tests.refusals import refused
from tests.whole.test_generation import next_log, sound

pytestmark = pytest.mark.slow
PHONE, URL = "+12025550123", "http://fraud.example/x"


async def lay_in(police: Member, bank: Member) -> Path:
    """Put the police's log, as files, into the bank's home."""
    inbox = bank.home / "inbox" / police.hash
    async for name, raw in log_files.files(
        await police.node.peer_service.own_log()
    ):
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return inbox


async def reported(alliance: Alliance) -> None:
    """Bank has reported a number and a URL, and taken the number back."""
    for kind, value in (("phone", PHONE), ("url", URL)):
        await alliance.bank.report(kind, value)
        await alliance.settle()


alliance = shared(reported, "police", "bank", "carrier", scope="function")


async def erase(member: Member, *entries: int) -> Erasing:
    call = Erasure(entries=entries, reason="subject_right", yes=True)
    return await member.node.log_service.erase(
        Caller("chen", "operator"), call
    )


async def gone(member: Member, records: list[Record]) -> bool:
    """Tell whether neither salt nor payload is on its disk any more."""
    await member.node.daily.run()
    wanted = [one for _, *both in records for one in both]
    kept = postgres.parts(member.home)
    return not any(one in part for part in kept for one in wanted)


async def taken_back(alliance: Alliance) -> tuple[list[Record], list[int]]:
    """Have the number taken back; return both entries, and where they are."""
    bank, before = alliance.bank, await alliance.bank.records()
    at = [i for i, (head, *_) in enumerate(before) if head[1] == 1]
    with refused("1 of them stand") as e:
        await erase(bank, at[0])
    assert f"--position {bank.origin}:{at[0]}" in e.value.hint
    await bank.retract("phone", PHONE)
    await alliance.settle()
    records = await bank.records()
    last = len(records) - 1
    return [records[at[0]], records[last]], [at[0], last]


async def test_it_is_gone_everywhere(alliance: Alliance) -> None:
    """From our store and others', also of who comes late with an old file."""
    bank, carrier = alliance.bank, alliance.carrier
    records, (first, last) = await taken_back(alliance)
    old = await lay_in(bank, carrier)  # files of before, in its inbox
    await alliance.stop("carrier")
    with refused(f"took back entry {first}"):
        await erase(bank, last)
    done = await erase(bank, first)
    assert (done.types, done.ours) == ({"report": 1}, ((bank.origin, last),))
    done = await erase(bank, first, last)
    assert done.types == {"retract": 1}
    await alliance.settle("police", "bank")
    await alliance.start("carrier")
    await alliance.settle()
    await carrier.round()
    shutil.rmtree(old)
    for member in alliance.up:
        assert await gone(member, records)
        assert not await member.findings("erase_breach")
        assert sound(member)
        assert await member.verdict("url", URL) == "suspected"
    [row] = await bank.own.vault.find_value("phone", PHONE)
    assert row.value == ""  # a hash holds it back
    assert await bank.report("phone", PHONE) == [row.id]


async def test_a_backup_of_before_erases_what_the_others_know_of(
    alliance: Alliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as it has the tail of its log again, which is then an old one."""
    monkeypatch.setenv("SYNCD_SECRET_FILE", str(secret_file(tmp_path)))
    monkeypatch.chdir(tmp_path)
    bank = alliance.bank
    records, (first, last) = await taken_back(alliance)
    await alliance.stop("bank")
    mark = bank.home / "high-water.note"
    old = mark.read_bytes()
    with postgres.set_back(bank.home):
        await alliance.start("bank")
        await erase(bank, first, last)
        await alliance.settle()
        await alliance.stop("bank")
    mark.write_bytes(old)
    await bank.start()
    while bank.node.guard.why_not == UNASKED:
        await bank.round()
    assert not await gone(bank, records)
    await alliance.stop("bank")
    await next_log(alliance)
    for member in alliance.up:
        assert await gone(member, records)
        assert sound(member)
    [row] = await bank.own.vault.find_value("phone", PHONE)
    assert row.value == ""
