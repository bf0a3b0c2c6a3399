"""A member goes on in its next log, by the commands that the messages name."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from msgspec import structs

from syncd.config import editing
from syncd.indicator import codec
from syncd.node.audit import stored
from syncd.node.home import SIGNING, asked_keys
from syncd.node.publish.append_guard import UNASKED
from syncd.roster import drafts
from syncd.roster.roster import Roster
from syncd.store.snapshot import OwnSnapshot
from syncd.web import forms, report_forms, routes
from syncd.web.report_forms import ReportSearch
from tests import postgres
from tests.alliance import Alliance, Member, retire_urls, secret_file
from tests.cases import tried
from tests.commands import syncd
from tests.refusals import damaged, misused, refused

pytestmark = pytest.mark.slow

URLS = [f"http://evil-{n}.example/" for n in range(4)]


@pytest.fixture
async def alliance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Alliance]:
    """Three members; bank has reported a number and a URL."""
    monkeypatch.setenv("SYNCD_SECRET_FILE", str(secret_file(tmp_path)))
    monkeypatch.chdir(tmp_path)  # where requests and drafts are written
    ids = ("police", "bank", "carrier")
    async with Alliance.found(tmp_path / "all", ids) as made:
        await made.bank.report("phone", "+12025550123")
        await made.bank.report("url", URLS[0])
        await made.settle()
        yield made


def ask(member: Member, *words: str) -> int:
    """Have a member write a request, and return how that went."""
    return syncd("--home", member.home, "join", "update", "request", *words)


def drafted(police: Member, *words: str) -> bytes:
    """Have the police draft a roster, by default what a member requests."""
    words = words or ("roster", "update", "request")
    draft = Path("draft")
    draft.unlink(missing_ok=True)  # of before: none is overwritten
    assert syncd("--home", police.home, *words, "draft") == 0
    return draft.read_bytes()


async def publish(alliance: Alliance, *words: str) -> Roster:
    """Have the police draft, both admins sign, and the police publish it."""
    raw = alliance.sign(drafted(alliance.police, *words))
    return await alliance.police.node.rosters.publish(raw)


async def restart(alliance: Alliance, member: Member) -> None:
    """Start a daemon again; its log may be another one."""
    await alliance.restart(member.id)
    await member.awake()
    member.keys = member.node.home.keys


def sound(member: Member) -> bool:
    """Whether `syncd log verify` has nothing to say of a home."""
    checked = stored.verify_home(member.config)
    return not any(report.problems for report in checked)


def by_hand(rosters: Sequence[bytes]) -> list[str]:
    """Write rosters to files; return their names."""
    files = [f"roster-{n}" for n, _ in enumerate(rosters)]
    for file, raw in zip(files, rosters, strict=True):
        Path(file).write_bytes(raw)
    return files


async def next_log(alliance: Alliance) -> Roster:
    """Take bank through the whole way; police's admins draft."""
    bank = alliance.bank
    assert ask(bank, "--next-log") == 0
    roster = await publish(alliance)
    # A daemon that does not start hears of a roster by hand.
    files = by_hand(alliance.notes)
    pin = ("--fingerprint", alliance.fingerprint)
    assert syncd("--home", bank.home, "join", "accept", *files, *pin) == 0
    await restart(alliance, bank)
    await alliance.settle()
    return roster


async def test_a_planned_turn(
    alliance: Alliance, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is lost, nobody waits for it but new reports, for a while."""
    bank = alliance.bank
    old = bank.origin
    size = await bank.size()
    assert ask(bank, "--next-log") == 2  # it might still write
    assert "in use by another syncd" in capsys.readouterr().err

    await alliance.stop("bank")
    assert ask(bank, "--next-log") == 0
    assert "syncd run writes nothing" in capsys.readouterr().err
    await alliance.start("bank")
    await bank.report("url", URLS[1])
    bank.node.publisher.wake()
    with refused("the next log waits for the"):
        bank.node.guard.may_append()
    assert (
        await bank.verdict("url", URLS[0]) == "suspected"
    )  # it serves as ever

    await publish(alliance)
    shown = capsys.readouterr()
    assert f"{old} ends at size {size}" in shown.out
    assert "+ bank writes bank.example/syncd/txwz/2" in shown.out
    assert "bank asked on 20" in shown.err
    await bank.round()
    with refused("restart syncd: it goes on in"):
        bank.node.guard.may_append()

    await restart(alliance, bank)
    assert bank.origin == "bank.example/syncd/txwz/2"
    assert bank.config.member.generation == 2
    await alliance.settle()
    for member in alliance.members.values():
        for url in URLS[:2]:
            assert await member.verdict("url", url) == "suspected"
        assert (await member.head(old)).merged == size
        assert sound(member)
    page = await bank.node.intake.reports(ReportSearch())
    assert [p.position and p.position[0] for p in page.items] == [
        bank.origin,
        old,
        old,
    ]


async def test_statements_of_the_old_log(
    alliance: Alliance, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stands; its author disputes it at once, and the admins erase it."""
    bank, police = alliance.bank, alliance.police
    old = bank.origin
    await alliance.stop("bank")
    await next_log(alliance)
    with refused("a log that has ended") as caught:
        await bank.retract("url", URLS[0])
    (index,) = [
        p.position[1]
        for p in (await bank.node.intake.reports(ReportSearch())).items
        if p.kind == "url" and p.position
    ]
    words = f"syncd roster erase {old} --range {index}:{index + 1}"
    assert words in caught.value.hint
    with refused("a log that has ended"):
        await bank.node.local_service.retract(
            routes.Caller("", "operator"),
            report_forms.Retraction(
                reason="false_positive", positions=((old, index),)
            ),
        )

    await bank.node.claim_intake.dispute(
        routes.Caller("teller", "operator"),
        forms.DisputeDraft(
            kind="url", value=URLS[0], reason="stale", about=((old, index),)
        ),
    )
    await alliance.settle()
    assert await police.verdict("url", URLS[0]) == "disputed"

    await publish(alliance, *words.split()[1:], "--reason", "entry_error")
    await alliance.settle()
    for member in alliance.members.values():
        await member.node.daily.run()
        assert await member.verdict("url", URLS[0]) == "none"
    assert open_in_own(bank, old) == ["phone"]
    assert sound(bank)


@tried("mark", ["rolled back too", "still there"])
async def test_a_home_that_was_rolled_back(
    alliance: Alliance, mark: str
) -> None:
    """The refusal names the command, and the alliance keeps all that it had."""
    bank, police = alliance.bank, alliance.police
    await alliance.stop("bank")
    high_water = bank.home / "high-water.note"
    old_mark = high_water.read_bytes()
    with postgres.set_back(bank.home):
        await alliance.start("bank")
        await bank.tell("url", URLS[2])
        size = await bank.size()
        await alliance.stop("bank")
    if mark == "still there":
        with damaged() as caught:
            await bank.start()
        assert "syncd join update OUT --next-log" in caught.value.hint
        bank.running = None
    else:
        high_water.write_bytes(old_mark)
        await bank.start()
        while bank.node.guard.why_not == UNASKED:
            await bank.round()
        assert "syncd join update OUT --next-log" in str(
            bank.node.publisher.why_not()
        )
        # It appends nothing, and so never forks; all else goes on.
        [found] = await bank.findings("rolled_back")
        assert f" {size}" in str(found.finding.detail)  # what the others hold
        assert f" {size - 1}" in str(found.finding.detail)  # what we have
        await bank.report("url", URLS[1])
        with refused():
            await bank.node.publisher.publish()
        assert await bank.size() == size - 1
        await police.report("url", "http://police.example/")
        await alliance.settle("police", "carrier")
        await bank.round()
        assert await bank.has(police)
        for member in alliance.up:
            assert not await member.findings("fork")
        await alliance.stop("bank")

    old = bank.origin
    end = (await next_log(alliance)).known("bank").generation.predecessor
    assert end is not None
    assert (end.origin, end.size) == (old, size)
    await bank.tell("url", URLS[3])
    for member in alliance.members.values():
        for url in (URLS[0], URLS[2], URLS[3]):
            assert await member.verdict("url", url) == "suspected"
        assert sound(member)


@tried("words, kept", [(["--new-key"], 4), (["--new-keys", "--new-key"], 0)])
async def test_new_keys_by_plan(
    alliance: Alliance, words: list[str], kept: int
) -> None:
    """No outage: who has the old roster waits, and accuses nobody."""
    bank, carrier = alliance.bank, alliance.carrier
    old, ring = bank.node.home.keys.public, bank.node.home.ring
    assert (
        syncd("--home", bank.home, "join", "update", "first", words[0]) == 0
    )  # it runs
    wanted = asked_keys(ring, SIGNING)
    assert ask(bank, *words) == 0  # the same, and more
    assert asked_keys(ring, SIGNING) == wanted
    await bank.tell("url", URLS[1])  # as ever, by the old ones
    alliance.cut("police", "carrier")  # carrier hears of nothing yet
    roster = await publish(alliance)
    assert await bank.node.peers.get("police").roster(roster.version)
    assert await bank.node.peers.get("carrier").roster(1)
    await bank.round()  # hears of it from police, by the new key
    found = bank.node.home.keys.public
    assert found == roster.known("bank").keys
    assert found.tls != old.tls
    assert len({*structs.astuple(found)} & {*structs.astuple(old)}) == kept
    await carrier.report("url", URLS[2])
    await carrier.report("phone", "+12025550199")
    for member in (carrier, bank, carrier):
        await member.round()
    alliance.heal()
    await alliance.settle()
    for member in alliance.members.values():
        assert await member.verdict("url", URLS[2]) == "suspected"
        assert await member.verdict("phone", "+12025550199") == "suspected"
        assert sound(member)
        for name in ("bad_receipt", "bad_evaluation", "fork"):
            assert not await member.findings(name)
    await alliance.restart("bank")
    await bank.awake()
    assert bank.node.home.keys.public == found
    await bank.tell("url", URLS[3])
    assert await carrier.verdict("url", URLS[3]) == "suspected"
    assert sound(carrier)


async def test_another_address(
    alliance: Alliance, capsys: pytest.CaptureFixture[str]
) -> None:
    """A request says what it changes, and nothing else."""
    bank, police = alliance.bank, alliance.police
    assert ask(bank) == 2
    assert "nothing changes by that" in capsys.readouterr().err
    urls = [f"https://127.0.0.1:{bank.address[1]}", "https://b.example:8443"]
    assert ask(bank, *[w for url in urls for w in ("--url", url)]) == 0
    draft = drafted(police)
    out = capsys.readouterr().out
    assert "+ bank is reached at https://b.example:8443" in out
    assert drafts.read(draft)[1].known("bank").urls == tuple(urls)


async def test_a_config_ahead_of_the_roster(alliance: Alliance) -> None:
    await alliance.stop("bank")
    editing.change(alliance.bank.home, "member", "generation", 2)
    with misused() as ahead:
        await alliance.bank.start()
    alliance.bank.running = None
    assert "syncd join update OUT --next-log" in ahead.value.hint


async def test_an_end_before_ours(alliance: Alliance) -> None:
    """What nobody else had merged is said again, in the next log.

    Its author serves the old one on, and judges by what rests on it.
    """
    bank, police, carrier = alliance.bank, alliance.police, alliance.carrier
    old = bank.origin
    await bank.fill(*range(300))
    await carrier.fill(9001, basis=[[old, 2]])
    await alliance.settle()
    size = await bank.size()
    alliance.cut("police", "bank", "carrier")
    await bank.report("url", URLS[1])
    await bank.grown(size + 1)
    await alliance.stop("bank")
    alliance.heal()
    end = (await next_log(alliance)).known("bank").generation.predecessor
    assert end is not None
    assert end.size == size
    for _ in range(2):
        await bank.round()
        await bank.node.pulls.idle()
    assert (await bank.head(old)).mirrored == size
    assert not await bank.findings("cut")  # it is the same branch
    assert await bank.digest(old) == await police.digest(old)
    for member in alliance.members.values():
        for url in (URLS[1], "http://fraud9001.example/"):
            assert await member.verdict("url", url) == "suspected", member.id
    for n in range(-(-size // 256)):
        assert await bank.mirror.bundle(old, n) is not None
    assert sound(bank)


async def test_an_epoch_is_retired_after_the_turn(alliance: Alliance) -> None:
    """What the old log said of it is closed in own.db as well."""
    bank = alliance.bank
    old = bank.origin
    await alliance.stop("bank")
    await next_log(alliance)
    assert sorted(open_in_own(bank, old)) == ["phone", "url"]
    await alliance.change(retire_urls, at="police")
    await alliance.agreed()
    await bank.swept()
    assert open_in_own(bank, old) == ["phone"]
    assert sound(bank)


def open_in_own(member: Member, origin: str) -> list[str]:
    """Return of which kinds own.db still has open entries of a log."""
    with OwnSnapshot.of(member.home, postgres.of(member.home)) as store:
        (log,) = [row for row in store.logs() if row.origin == origin]
        return [
            json.loads(payload)["kind"]
            for bundle in store.bundles(log.id)
            for head, salt, payload in codec.records(origin, bundle)
            if salt and head[1] < 8
        ]
