"""What one dishonest, slow or odd member says costs the others nothing."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from syncd.flows.ports import Heads
from syncd.roster.members import Cut
from syncd.roster.roster import Roster
from syncd.tlog import checkpoint, cosignature, note
from syncd.web import forms, peer_door
from tests.alliance import HOUR_S, Alliance, Member, payload, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alliance(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Alliance]:
    """Four that agree on everything, so far."""
    root = tmp_path_factory.mktemp("dishonest")
    async with Alliance.found(root) as alliance:
        await alliance.settle()
        yield alliance


class Says:
    """A peer's door whose heads are ours to choose."""

    def __init__(self, *answers: Heads | Exception) -> None:
        self.answers = [*answers]
        self.cursors: list[str] = []

    async def heads(self, cursor: str) -> Heads:
        self.cursors.append(cursor)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def hear(member: Member, teller: str, says: Says) -> None:
    """Have a member ask the teller, and nobody else, once."""
    exchange = member.node.exchange
    real = exchange._peers
    exchange._peers = lambda _: says  # type: ignore[assignment, return-value]
    try:
        await exchange._ask_alone(teller)
    finally:
        exchange._peers = real


async def test_lines_that_are_nobodys_word(alliance: Alliance) -> None:
    """A receipt's other lines are not served under our checkpoint.

    A reader who knows the key that such a line claims to be of would have to
    refuse the whole note.
    """
    police, bank, carrier = alliance.police, alliance.bank, alliance.carrier
    await police.write(payload(1, police.origin))
    await bank.round()
    book = bank.node.home.own.cosigned
    made = await book.cosigned("merged", police.origin)
    assert made is not None
    key = carrier.keys.merged.verifier
    junk = note.Signature(key.name, key.key_id, secrets.token_bytes(72))
    raw = bytes(note.add(note.parse(made.note), junk))
    await police.node.exchange.take_receipt("bank", raw)

    served = (await police.node.desk.own_log()).checkpoint
    known = [
        police.keys.log.verifier,
        bank.keys.merged.verifier,
        key,
    ]
    verified = {k.name for k, _ in note.verify(note.parse(served), known)}
    assert bank.keys.merged.name in verified
    assert key.name not in verified


async def test_a_receipt_needs_the_logs_own_line(alliance: Alliance) -> None:
    """What we never signed cannot be received."""
    police, bank = alliance.police, alliance.bank
    before = (await police.receipts()).get("bank")
    head = checkpoint.Checkpoint(police.origin, 2**40, bytes(32))
    line = cosignature.cosign(str(head), bank.keys.merged, 1)
    raw = bytes(note.Note(str(head), (line,)))
    await police.node.exchange.take_receipt("bank", raw)
    assert (await police.receipts()).get("bank") == before
    (found,) = await police.findings("bad_receipt")
    assert found.finding.origin == "bank"
    await alliance.settle()


async def test_a_pull_that_hangs_holds_up_no_round(alliance: Alliance) -> None:
    """What others have to say is heard and fetched meanwhile."""
    police, bank, carrier = alliance.police, alliance.bank, alliance.carrier
    await alliance.settle()
    go_on = asyncio.Event()

    async def hang(
        request: web.Request, caller: str, handler: peer_door.Handler
    ) -> web.StreamResponse:
        if caller == "bank" and "/payload/" in request.path:
            await go_on.wait()
        return await handler(request)

    police.node.gate = hang
    exchange = bank.node.exchange
    exchange._round_s, patience = 0.1, exchange._round_s
    try:
        await police.write(payload(2, police.origin))
        async with asyncio.timeout(1):
            await bank.round()
        await carrier.write(payload(3, carrier.origin))
        async with asyncio.timeout(1):
            await bank.round()
        held = await bank.head(carrier.origin)
        assert held.merged == await carrier.size()
        held = await bank.head(police.origin)
        assert held.merged < await police.size()
    finally:
        police.node.gate = None
        go_on.set()
        exchange._round_s = patience
    await exchange.idle()
    await alliance.settle()


async def test_an_error_of_ours_is_one_members_trouble(
    alliance: Alliance,
) -> None:
    """Whatever goes wrong with one answer, the round goes on."""
    bank = alliance.bank
    await hear(bank, "police", Says(ZeroDivisionError()))
    state = bank.node.exchange.peer_states["police"]
    assert state.failures == 1
    await bank.round()
    assert state.failures == 0


@pytest.mark.parametrize("lie_s", [10**9, -(10**9)])
async def test_one_liar_of_two_about_the_time(
    alliance: Alliance, lie_s: int
) -> None:
    """Of two clocks that are heard the nearer one counts."""
    exchange = alliance.bank.node.exchange
    await alliance.bank.round()
    exchange.peer_states["police"].skew_s = lie_s
    exchange.peer_states["carrier"].skew_s = 1
    exchange.peer_states["platform"].skew_s = None
    assert exchange.skew_s() == 1
    await alliance.bank.round()


def heads(roster: Roster, **changes: Any) -> Heads:
    return replace(
        Heads("c.1", (), (), roster.version, roster.hash), **changes
    )


async def test_another_roster_of_our_version(alliance: Alliance) -> None:
    """A member that trusts another one of the same number is looked into."""
    bank = alliance.bank
    roster = bank.node.rosters.current
    await hear(bank, "police", Says(heads(roster, roster_hash="ab" * 32)))
    (found,) = await bank.findings("roster_claim")
    assert found.finding.origin == "police"


async def test_what_a_newer_roster_is_needed_for(alliance: Alliance) -> None:
    """A cursor is kept only once what came with it could be read."""
    bank = alliance.bank
    roster = bank.node.rosters.current
    exchange = bank.node.exchange
    exchange.peer_states["platform"].cursor = ""
    says = Says(
        heads(roster, roster_version=roster.version + 1),
        heads(roster),
        heads(roster),
    )
    for _ in range(3):
        await hear(bank, "platform", says)
    assert says.cursors == ["", "", "c.1"]


async def test_a_member_that_is_down_delays_no_urgent_report(
    alliance: Alliance,
) -> None:
    """Publishing and the next poke wait for nobody who does not answer."""
    police, bank = alliance.police, alliance.bank
    await alliance.settle()
    go_on = asyncio.Event()

    async def hang(
        request: web.Request, caller: str, handler: peer_door.Handler
    ) -> web.StreamResponse:
        if request.path == "/poke":
            await go_on.wait()
        return await handler(request)

    alliance.platform.node.gate = hang
    try:
        for n in range(2):
            await police.report("url", f"http://now{n}.example/", urgent=True)
            size = await police.size()

            async def heard(size: int = size) -> bool:
                return (await bank.head(police.origin)).merged > size

            await until(heard, 2)
    finally:
        alliance.platform.node.gate = None
        go_on.set()
    await alliance.settle()


async def test_disputes_go_on_after_the_roster_expired(
    alliance: Alliance,
) -> None:
    """What is wrong can be said when nothing new may be listed."""
    bank = alliance.bank
    await bank.report("url", "http://shop.example/")
    await alliance.settle()
    for member in alliance.up:
        member.shift_s = 91 * 24 * HOUR_S
    try:
        await asyncio.gather(*(m.round() for m in alliance.up))
        size = await bank.size()
        await bank.report("url", "http://late.example/")
        draft = forms.DisputeDraft(
            kind="url", value="http://shop.example/", reason="innocent_owner"
        )
        await bank.node.own_desk.dispute(draft)

        async def said() -> bool:
            return await bank.size() == size + 1

        await until(said)
        waiting = await bank.node.home.own.vault.waiting_count()
        assert waiting == {"url": 1}
    finally:
        for member in alliance.up:
            member.shift_s = 0
    await asyncio.gather(*(m.round() for m in alliance.up))
    await alliance.settle()


async def test_a_log_that_the_roster_ended(alliance: Alliance) -> None:
    """What its key signs above its end is nobody's statement any more."""
    police, bank = alliance.police, alliance.bank
    await alliance.settle()
    size, held = await police.size(), await bank.head(police.origin)

    def end(draft: Roster) -> Roster:
        cut = Cut(size, held.frontier.root())
        found = draft.known("police")
        (last,) = found.generations
        ended = replace(last, cuts=(cut,), ended=True)
        others = [m for m in draft.members if m.id != "police"]
        members = [*others, replace(found, generations=(ended,))]
        return replace(
            draft, members=tuple(sorted(members, key=lambda m: m.id))
        )

    await alliance.change(end, at="bank")
    await police.write(payload(4, police.origin))
    raw = police.node.home.own.log.released()
    assert not await bank.node.exchange.offer("carrier", raw)
    await bank.round()
    assert (await bank.head(police.origin)).merged == size
