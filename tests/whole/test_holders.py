"""Holders that are away, or that have had enough."""

from syncd.config import editing
from syncd.flows.evaluation import Request
from syncd.oprf import group
from syncd.roster import drafts, terms
from tests.alliance import HOUR_S, Alliance, shared, until

PHONE = "+12025550123"
URL = "http://evil.example/"
HOUR = 400  # look-ups by value that a member may make in an hour


async def reported(alliance: Alliance) -> None:
    """The token keys need two of police, bank and carrier."""
    quota = terms.Quota("lookup", HOUR, 10 * HOUR, "platform")
    await alliance.change(lambda draft: drafts.put(draft, ("quotas",), quota))
    await alliance.agreed()
    await alliance.police.report("phone", PHONE)
    await alliance.police.report("url", URL)
    await alliance.settle()


alliance = shared(reported)


async def test_with_one_holder_left(alliance: Alliance) -> None:
    """Numbers are unknown, URLs are answered, publishing waits."""
    platform = alliance.platform
    await alliance.stop("bank", "carrier")
    (phone,) = await platform.lookup("phone", PHONE)
    assert phone.verdict == "unknown"
    assert not phone.action
    assert set(phone.missing) == {"bank", "carrier"}
    assert "bank" in phone.detail
    assert await platform.verdict("url", URL) == "suspected"
    size = await platform.size()
    await platform.report("phone", "+12025550777")
    await platform.report("url", "http://other.example/")
    await platform.grown(size + 1)  # the URL needs nobody
    vault, publisher = platform.own.vault, platform.node.publisher
    await until(lambda: "holders" in str(publisher.why_not()))
    assert len(await vault.waiting(9, ["phone"])) == 1
    await alliance.start("bank", "carrier")
    await alliance.settle()
    assert not await vault.waiting(9, ["phone"])
    for member in alliance.up:
        assert await member.verdict("phone", "+12025550777") == "suspected"


async def test_who_told_it_is_away_is_not_asked(alliance: Alliance) -> None:
    """Nor called: who reads the status knew of it ahead."""
    bank, platform = alliance.bank, alliance.platform
    window = "2026-01-01T00:00Z/2199-12-31T02:00+08:00"
    editing.change(bank.home, "holder", "away", window)
    await alliance.restart("bank")
    await platform.round()
    await alliance.stop("bank")
    await platform.round()
    platform.node.tokeniser.holders.clear()
    assert await platform.verdict("phone", PHONE) == "suspected"
    assert "bank" not in platform.node.tokeniser.holders
    status = await platform.status()
    assert not [m for m in status.todo if "holders" in m.detail]
    assert "bank told that it is away" in f"{status.notes}"
    editing.change(bank.home, "holder", "away", "")
    await alliance.start("bank")
    await platform.round()
    assert "away" not in f"{(await platform.status()).notes}"


async def test_quota_used_up(alliance: Alliance) -> None:
    """Beyond it: 429, and when to come back; others are not concerned."""
    police, platform = alliance.police, alliance.platform
    epoch = police.roster.epoch("phone")
    assert epoch is not None
    answers = []
    for n in range(5):
        request = Request(
            "phone",
            1,
            epoch.generation,
            (1, 3),
            "transaction_check",
            f"{n:032x}",
            (group.multiply_base(group.scalar(n + 1)),) * 100,
        )
        answers.append(
            await platform.ask(
                police, "POST", "/oprf/v1/evaluate", bytes(request)
            )
        )
    last = answers[-1]
    assert (answers[0].status, last.status) == (200, 429)
    assert 0 < int(last.headers["Retry-After"]) <= HOUR_S + 60
    assert 0 < int(last.headers["Quota-Left"]) < 100
    assert "platform" in last.text or "quota" in last.text
    assert await alliance.carrier.verdict("phone", PHONE) == "suspected"
