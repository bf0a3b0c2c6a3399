"""Members: what waits for admins, and how the roster's people do."""

import asyncio
from collections.abc import Awaitable

import pytest

from syncd.errors import PendingError
from syncd.flows import conformance, entry
from syncd.messages import review
from syncd.node import draft_effect
from syncd.roster import membership, spoken
from syncd.web.own_list_forms import OwnAdd, OwnRemoval
from syncd.web.routes import Caller
from tests.alliance import Alliance
from tests.console.conftest import Visitor, visitor
from tests.node.test_joining import invite, join_by, keep, without

DESK = Caller("desk", "operator")


@pytest.fixture(scope="session")
async def admin(alliance: Alliance) -> Visitor:
    found = await visitor(alliance.bank, "admin", "0006")
    assert (await found.log_in()).path == "/members"
    return found


@pytest.mark.slow
async def test_page_and_terminal_say_the_same(
    alliance: Alliance,
    operator: Visitor,
    admin: Visitor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a newcomer the words, of a draft what it changes and moves."""
    bank = alliance.bank
    await operator.get("/members", "Nobody waits.", "No draft waits.")
    one = await join_by(await invite(bank))
    said = spoken.of(one.spoken_hash)
    words = (
        " ".join(map(" ".join, zip(said.zh, said.en, strict=True))),
        " ".join(said.digits),
    )
    for who in (operator, admin):
        await who.get(
            "/members", *words, "91440300X", "roster admit payment --keys DIR"
        )
    theirs = conformance.answers() | {"phone_1": "other"}
    monkeypatch.setattr(conformance, "answers", lambda: theirs)
    page = await admin.get("/members", "✗ Its build", "to phone_1, and")
    monkeypatch.undo()
    assert "roster admit" not in page.text
    await alliance.police.tell("phone", "+12025550141")
    raw, draft = await keep(bank, without)
    await admin.get("/members", "it moves is being counted")
    await bank.node.background.idle()
    found = await asyncio.to_thread(
        draft_effect.effect, bank.config, bank.roster, draft
    )
    lines = [
        *review.changes(bank.roster, draft),
        *review.moves(found),
        review.signed(raw, bank.roster),
    ]
    assert found.counts
    text = (await operator.get("/members", "police cannot be undone.")).text
    assert [x for x in lines if " ".join(x.split()) not in text] == []
    assert f"syncd roster sign {draft.hash[:8]} --keys DIR" in text
    assert "waiting for bert" in text
    _, draft = await keep(bank, lambda d: membership.add(d, one.request))
    await operator.get("/members", f"it: draft {draft.hash[:8]}, below")


async def test_how_the_roster_s_people_do(
    alliance: Alliance,
    people: dict[str, Visitor],
    operator: Visitor,
    admin: Visitor,
) -> None:
    """What stands exactly at its limit is red; nothing of it is a button."""
    bank = alliance.bank.node

    async def agreed(call: Awaitable[object]) -> None:
        with pytest.raises(PendingError) as waits:
            await call
        await people["reviewer"].post(
            f"/pending/{waits.value.id}", {"what": "confirm"}
        )

    carrier = entry.OwnDraft(value="carrier", why="it was broken into")
    await agreed(
        bank.own_lists.add(DESK, OwnAdd(type="distrust", entries=(carrier,)))
    )
    rows = (await operator.get("/members?csv=members")).html
    assert (
        '"carrier","carrier","telecom carrier","active, distrusted by' in rows
    )
    page = await operator.get("/members", "2 / 3 bank, carrier, police 1 ✓ 1")
    page.read("distrust: what carrier says", "admins: all 2 must sign")
    assert "<form" not in page.html.partition("<main")[2].partition("post")[2]
    alliance.cut("bank", "police")
    for _ in range(3):
        await alliance.bank.round()
    page = await operator.get("/members", "carrier, police ✗ 1 ✗ exactly")
    alliance.heal()
    await alliance.bank.round()
    assert page.html.count('<tr class="bad">') == 2
    page = await admin.get("/members", "bank, carrier, police 1 ✓ 1 more")
    assert "/log/" not in page.html
    ids = tuple(one.id for one in await bank.ctx.distrusted())
    await agreed(bank.own_lists.remove(DESK, OwnRemoval(ids=ids)))
