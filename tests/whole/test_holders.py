"""Holders that are away, that lie, or that have had enough."""

import json
import secrets
import stat
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from syncd import pinning
from syncd.cli.main import main
from syncd.flows.evaluation import Request
from syncd.oprf import group, threshold
from syncd.roster import drafts
from syncd.roster.terms import Quota
from tests.alliance import HOUR_S, Alliance, shared, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE = "+12025550123"
URL = "http://evil.example/"
HOUR = 400  # look-ups by value that a member may make in an hour


async def reported(alliance: Alliance) -> None:
    """The token keys need two of police, bank and carrier."""
    quota = Quota("lookup", HOUR, 10 * HOUR, "platform")
    await alliance.change(lambda draft: drafts.put(draft, ("quotas",), quota))
    await alliance.agreed()
    await alliance.police.report("phone", PHONE)
    await alliance.police.report("url", URL)
    await alliance.settle()


alliance = shared(reported)


async def test_one_holder_away_is_no_matter(alliance: Alliance) -> None:
    """Any two of the three will do."""
    for away in ("police", "bank", "carrier"):
        alliance.network.cut(away, "platform")
        (found,) = await alliance.platform.lookup("phone", PHONE)
        assert found.verdict == "suspected"
        alliance.heal()


async def test_with_one_holder_left(alliance: Alliance) -> None:
    """Numbers are unknown, URLs are answered, publishing waits."""
    platform = alliance.platform
    await alliance.stop("bank", "carrier")
    (phone,) = await platform.lookup("phone", PHONE)
    assert phone.verdict == "unknown"
    assert not phone.action
    assert set(phone.missing) == {"bank", "carrier"}
    assert "bank" in phone.detail
    (url,) = await platform.lookup("url", URL)
    assert url.verdict == "suspected"
    size = await platform.size()
    await platform.report("phone", "+12025550777")
    await platform.report("url", "http://other.example/")

    async def published() -> bool:
        return await platform.size() == size + 1

    await until(published)  # the URL needs nobody
    vault = platform.node.home.own.vault

    async def waits() -> bool:
        return "holders" in str(platform.node.publisher.why_not())

    await until(waits)
    assert len(await vault.waiting(9, ["phone"])) == 1
    await alliance.start("bank", "carrier")
    await alliance.settle()
    assert not await vault.waiting(9, ["phone"])
    for member in alliance.up:
        (found,) = await member.lookup("phone", "+12025550777")
        assert found.verdict == "suspected"


def flip(text: str, at: int) -> str:
    """Return hex with one bit flipped in its byte `at`."""
    raw = bytearray.fromhex(text)
    raw[at % len(raw)] ^= 1
    return raw.hex()


def lie(alliance: Alliance, twist: Callable[[Any], object]) -> None:
    """Have the bank's answers twisted; its note is signed as it is sent."""

    async def stand(
        request: web.Request, caller: str, handler: Handler
    ) -> web.StreamResponse:
        answer = await handler(request)
        if not request.path.startswith("/oprf"):
            return answer
        assert isinstance(answer, web.Response)
        assert isinstance(answer.body, bytes)
        value = json.loads(answer.body)
        value = twist(value) or value
        raw = json.dumps(value, sort_keys=True, separators=(",", ":"))
        return web.Response(text=raw)

    alliance.bank.node.gate = stand


LIES: dict[str, Callable[[Any], object]] = {
    "a bit of the first point": lambda v: v["reply"].update(
        elements=flip(v["reply"]["elements"], 3)
    ),
    "a bit of the last point": lambda v: v["reply"].update(
        elements=flip(v["reply"]["elements"], -9)
    ),
    "a bit of the proof": lambda v: v["reply"].update(
        proof=flip(v["reply"]["proof"], 40)
    ),
    "no points": lambda v: v["reply"].update(elements=""),
    "the identity": lambda v: v["reply"].update(elements="00" * 32),
    "no point at all": lambda v: v["reply"].update(elements="ff" * 32),
    "half a point": lambda v: v["reply"].update(elements="ff" * 16),
    "points no hex": lambda v: v["reply"].update(elements="zz" * 32),
    "a bit of the note": lambda v: v.update(
        note=v["note"].replace('"request":"', '"request":"0', 1)
    ),
    "no note": lambda v: v.update(note=""),
    "another shape": lambda v: {"reply": v["reply"]},
    "a list": lambda v: [v],
}


@pytest.mark.parametrize("twist", LIES.values(), ids=LIES)
async def test_a_wrong_answer_names_the_holder(
    alliance: Alliance, twist: Callable[[Any], object]
) -> None:
    """Another quorum answers, and the liar is a finding."""
    platform = alliance.platform
    holders = platform.node.tokeniser.holders
    holders.clear()  # it knows nothing bad of anybody
    lie(alliance, twist)
    before = sum(k.count for k in await platform.findings("bad_holder"))
    try:
        (found,) = await platform.lookup("phone", PHONE)
    finally:
        alliance.bank.node.gate = None
    assert found.verdict == "suspected"
    told = await platform.findings("bad_holder")
    assert {k.finding.origin for k in told} == {"bank"}
    assert sum(k.count for k in told) == before + 1
    assert not holders["bank"].up
    assert "wrong answer" in str(holders["bank"].why)


async def test_a_signed_lie_is_found_by_the_proof(
    alliance: Alliance, capsys: pytest.CaptureFixture[str]
) -> None:
    """A holder that evaluates with another share signs what convicts it.

    Anybody with the rosters sees it, offline; nobody sees what was asked.
    """
    bank, platform = alliance.bank, alliance.platform
    shares = bank.node.home.shares
    right = dict(shares)
    for key, share in right.items():
        wrong = threshold.deal(2, 3, secrets.token_bytes)
        shares[key] = type(share)(*key, share.index, wrong.shares[share.index])
    platform.node.tokeniser.holders.clear()
    try:
        (found,) = await platform.lookup("phone", PHONE)
    finally:
        shares.update(right)
    assert found.verdict == "suspected"
    assert "answered wrongly" in str(
        platform.node.tokeniser.holders["bank"].why
    )
    (file,) = (platform.home / "evidence" / "bank").iterdir()
    (told,) = await platform.findings("bad_holder")
    assert f"evidence/bank/{file.name}" in str(told.finding.detail)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    held = file.read_text()
    for value in (PHONE, PHONE[1:], PHONE.encode().hex()):
        assert value not in held
    rosters = alliance.police.home / "roster"
    for home, more in (
        (alliance.police.home, ()),
        (
            "/nowhere",
            ("--roster", rosters, "--fingerprint", alliance.fingerprint),
        ),
    ):
        with pytest.raises(SystemExit) as end:
            main(
                [*map(str, ("--home", home, "audit", "evidence", file, *more))]
            )
        assert end.value.code == 0
        assert "bank: it signed a wrong answer" in capsys.readouterr().out
    file.write_text(held.replace('"accused":"bank"', '"accused":"police"'))
    with pytest.raises(SystemExit) as end:
        main([*map(str, ("--home", platform.home, "audit", "evidence", file))])
    assert end.value.code != 0
    with pytest.raises(SystemExit) as end:
        main(["audit", "evidence", str(file), "--roster", str(rosters)])
    assert end.value.code == 2


async def test_quota_used_up(alliance: Alliance) -> None:
    """Beyond it: 429, and when to come back; others are not concerned."""
    police, platform = alliance.police, alliance.platform
    tls = pinning.client_context(
        platform.keys.certificate,
        platform.keys.tls_pem,
        police.keys.public.tls,
    )
    epoch = police.node.rosters.current.epoch("phone")
    assert epoch is not None
    statuses, after, text = [], "", ""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls)
    ) as session:
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
            url = "https://{}:{}/oprf/v1/evaluate".format(*police.address)
            async with session.post(url, data=bytes(request)) as answer:
                statuses.append(answer.status)
                after = answer.headers.get("Retry-After", "")
                text = await answer.text()
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert 0 < int(after) <= HOUR_S + 60  # counted by the minute
    assert "platform" in text or "quota" in text
    (found,) = await alliance.carrier.lookup("phone", PHONE)
    assert found.verdict == "suspected"
    rows = await police.node.home.own.quotas.usage(
        police.node.ctx.today(), "phone/1"
    )
    denied = {(r.member, r.purpose): r.denied for r in rows}
    assert denied["platform", "transaction_check"] >= 100
