"""What one dishonest, slow or odd member says costs the others nothing."""

import asyncio
import contextlib
import secrets
from types import SimpleNamespace

import pytest

from syncd.flows.ports import Heads, RosterHead
from syncd.indicator import codec
from syncd.indicator.statement import RosterAccepted
from syncd.tlog import checkpoint, cosignature, note, witness
from tests.alliance import Alliance, Member, payload, shared, until
from tests.flows import growing
from tests.refusals import refused

pytestmark = pytest.mark.slow


# What is held up ends by no time limit before `until` gives up.
PATIENT = {"request_timeout_s": 60, "read_timeout_s": 60}
alliance = shared(settings={"exchange": PATIENT})


class Says:
    """A peer whose heads are ours to choose."""

    def __init__(self, *answers: Heads | Exception) -> None:
        self.answers = [*answers]
        self.cursors: list[str] = []

    async def heads(self, cursor: str) -> Heads:
        self.cursors.append(cursor)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def hear(member: Member, other: str, says: Says) -> None:
    """Have a member ask the teller, and nobody else, once."""
    rounds = member.node.rounds
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            rounds.pulls, "peers", SimpleNamespace(get=lambda _: says)
        )
        await rounds.ask_alone(other)


async def test_lines_that_are_nobodys_word(alliance: Alliance) -> None:
    """A receipt's other lines are not served under our checkpoint.

    A reader who knows the key that such a line claims to be of would have to
    refuse the whole note.
    """
    police, bank, carrier = alliance.police, alliance.bank, alliance.carrier
    await police.fill(1)
    await bank.round()
    made = await bank.own.cosigned.cosigned("merged", police.origin)
    assert made is not None
    key = carrier.keys.merged.verifier
    junk = note.Signature(key.name, key.key_id, secrets.token_bytes(72))
    raw = bytes(note.add(note.parse(made.note), junk))
    await police.node.receipts.take("bank", raw)

    served = (await police.node.peer_service.own_log()).checkpoint
    known = [police.keys.log.verifier, bank.keys.merged.verifier, key]
    verified = {k.name for k, _ in note.verify(note.parse(served), known)}
    assert bank.keys.merged.name in verified
    assert key.name not in verified


async def test_a_pull_that_hangs_holds_up_no_round(alliance: Alliance) -> None:
    """What others have to say is heard and fetched meanwhile."""
    police, bank, carrier = alliance.police, alliance.bank, alliance.carrier
    await alliance.settle()
    pulls = bank.node.pulls
    pulls.round_s, patience = 0.1, pulls.round_s
    with police.holding("/payload/", "bank"):
        await police.fill(2)
        await bank.round()
        await carrier.fill(3)

        async def fetched() -> bool:
            await bank.round()
            return await bank.has(carrier)

        await until(fetched)
        assert not await bank.has(police)
    pulls.round_s = patience
    await pulls.idle()
    await alliance.settle()


async def test_an_error_of_ours_is_one_members_trouble(
    alliance: Alliance,
) -> None:
    """Whatever goes wrong with one answer, the round goes on."""
    bank = alliance.bank
    await hear(bank, "police", Says(ZeroDivisionError()))
    state = bank.node.peer_choice.states["police"]
    assert state.failures == 1
    await bank.round()
    assert state.failures == 0


async def test_a_newer_roster_that_a_log_speaks_of(alliance: Alliance) -> None:
    """It is fetched from whoever has it, before more of the log is."""
    bank, carrier, police = alliance.bank, alliance.carrier, alliance.police
    await alliance.settle()
    await alliance.change(lambda draft: draft, at="police")
    note = police.roster
    await carrier.say(RosterAccepted(version=note.version, hash_=note.hash))
    await bank.node.logs.offer("carrier", carrier.own.log.released())
    assert bank.roster.version < note.version
    await bank.node.pulls.fetch()
    assert bank.roster.hash == note.hash
    await alliance.agreed()


async def test_a_quiet_round(alliance: Alliance) -> None:
    """With nothing new it is one small question to each of k members."""
    bank = alliance.bank
    await alliance.settle()
    for _ in range(2):  # what came with the last receipts
        await bank.round()
    alliance.network.asked.clear()
    for _ in range(3):
        await bank.round()
    asked = [a.path for a in alliance.network.asked if a.client == "bank"]
    assert len(asked) == 9
    assert all(path.startswith("/heads?cursor=") for path in asked)
    for name in ("police", "carrier", "platform"):
        cursor = bank.node.peer_choice.states[name].cursor
        service = alliance.members[name].node.peer_service
        heads = await service.heads("bank", cursor)
        assert not [*heads.notes, *heads.receipts]


async def test_a_pull_makes_room(alliance: Alliance) -> None:
    """Three logs that drip do not keep all others waiting for ever."""
    bank, carrier = alliance.bank, alliance.carrier
    await alliance.settle()
    pulls = bank.node.pulls
    pulls.turn_s, patience = 0.2, pulls.turn_s
    with contextlib.ExitStack() as held:
        for other in alliance.up:
            held.enter_context(other.holding("/payload/", "bank"))
        await carrier.fill(70)
        async with asyncio.timeout(20):
            await bank.round()
        state = pulls.logs.state(carrier.origin)
        assert "others wait" in str(state.why)
        assert state.retry_at > 0
        assert not pulls.gate.locked()
    pulls.turn_s = patience
    await alliance.settle()


async def test_what_a_newer_roster_is_needed_for(alliance: Alliance) -> None:
    """A cursor is kept only once what came with it could be read."""
    bank = alliance.bank
    version, trusted = bank.roster.version, bank.roster.hash
    now, later = (
        Heads("c.1", (), (), RosterHead(version=n, hash=trusted), 0)
        for n in (version, version + 1)
    )
    bank.node.peer_choice.states["platform"].cursor = ""
    says = Says(later, now, now)
    for _ in range(3):
        await hear(bank, "platform", says)
    assert says.cursors == ["", "", "c.1"]


async def test_a_member_that_is_down_delays_no_urgent_report(
    alliance: Alliance,
) -> None:
    """Publishing and the next poke wait for nobody who does not answer."""
    police, bank = alliance.police, alliance.bank
    await alliance.settle()
    with alliance.platform.holding("/poke"):
        for n in range(2):
            size = await police.size()
            await police.report("url", f"http://now{n}.example/", urgent=True)
            await bank.grown(size + 1, police.origin)
    await alliance.settle()


async def test_what_we_know_of_a_log_and_do_not_mirror_yet(
    alliance: Alliance,
) -> None:
    """Its owner is told of it when it starts, and nobody else is."""
    police, bank = alliance.police, alliance.bank
    await alliance.settle()
    size = await police.size()
    raw = police.signed(size + 9)
    await bank.mirror.keep_note(police.origin, size + 9, raw)
    for asker, known in ((police, size + 9), (alliance.platform, size)):
        client = asker.node.peers.get("bank")
        (got,) = await client.files(police.origin, ["checkpoint"])
        head, _ = checkpoint.open_(got, police.keys.log.verifier)
        assert head.size == known


# From here on they do not agree any more.


async def test_a_receipt_for_more_than_we_have(alliance: Alliance) -> None:
    """Our own signature on what we do not have: we append no more."""
    platform, bank = alliance.platform, alliance.bank
    size = await platform.size()
    head = checkpoint.Checkpoint(platform.origin, size + 1, bytes(32))
    signed = checkpoint.sign(head, platform.keys.log)
    line = cosignature.cosign(str(head), bank.keys.merged, 1)
    await platform.node.receipts.take("bank", bytes(note.add(signed, line)))
    assert f"size {size + 1}" in str(platform.node.publisher.why_not())
    with refused():
        await platform.say(RosterAccepted(version=9, hash_="00" * 32))
    assert await platform.findings("rolled_back")


async def test_one_branch_for_the_witness_and_one_for_the_pull(
    alliance: Alliance,
) -> None:
    """Both branches are kept as evidence, and only one is cosigned."""
    carrier, bank = alliance.carrier, alliance.bank
    size = await carrier.size()
    twin = await carrier.fork(
        size, payload(50, carrier.origin), seen_by=["nobody"]
    )
    proof = growing.proof(codec.leaf_hashes(twin.records), size)
    judged = await bank.node.peer_service.add_checkpoint(
        bytes(witness.Request(size, proof, note.parse(twin.signed))), "carrier"
    )
    assert judged.status == 200  # it extends what the bank has seen
    await carrier.fill(51, 52)
    await bank.round()
    assert (await bank.head(carrier.origin)).contested
    last = await bank.own.cosigned.cosigned("seen", carrier.origin)
    assert last is not None
    assert (last.size, last.root) == (size + 1, twin.frontier.root())
    kept = await bank.mirror.evidence(carrier.origin)
    key = carrier.keys.log.verifier
    roots = {checkpoint.open_(raw, key)[0].root for raw in kept}
    assert twin.frontier.root() in roots
    assert len(roots) >= 2
    carrier.node.twin = None
