"""Who signs two logs is found out by all, until the roster decides."""

import functools

from syncd.roster import members, membership
from syncd.tlog import checkpoint
from tests.alliance import (
    CASE,
    Alliance,
    Member,
    Twin,
    payload,
    police_case,
    shared,
)
from tests.cases import slow, tried

pytestmark = slow

alliance = shared(police_case, scope="function")


async def split(alliance: Alliance, entries: int = 0) -> tuple[int, Twin]:
    """Show the bank another log than the others, until all know of it."""
    police = alliance.police
    await police.fill(*range(entries))
    await alliance.settle()
    size = await police.size()
    more = [payload(9000 + n, police.origin) for n in range(2)]
    twin = await police.fork(size, *more, seen_by=["bank"])
    await police.fill(2, 3)
    alliance.cut("bank", "carrier", "platform")
    for member in others(alliance):
        await member.round()
    alliance.heal()
    for _ in range(2):
        for member in others(alliance):
            await member.round()
    for member in others(alliance):
        assert (await member.head(police.origin)).contested
    return size, twin


def others(alliance: Alliance) -> list[Member]:
    return [alliance.bank, alliance.carrier, alliance.platform]


async def cut(alliance: Alliance, size: int) -> None:
    """Have the admins choose our own branch."""
    police = alliance.police
    at = members.Cut(size, await police.node.guard.root_at(size))
    edit = functools.partial(membership.cut, origin=police.origin, at=at)
    await alliance.change(edit, at="carrier")
    await alliance.agreed()


async def assert_decided(alliance: Alliance, size: int) -> None:
    """Assert that all hold the police's own log, and that it counts."""
    police = alliance.police
    root = await police.node.guard.root_at(size)
    digests = set()
    for member in others(alliance):
        head = await member.head(police.origin)
        assert not head.contested, member.id
        assert (head.mirrored, head.merged) == (size, size)
        assert head.frontier.root() == root
        digests.add(await member.digest(police.origin))
        kept = await member.mirror.evidence(police.origin)
        key = police.keys.log.verifier
        assert len({checkpoint.open_(raw, key)[0] for raw in kept}) > 1
        (answer,) = await member.lookup("phone", CASE)
        assert answer.verdict == "confirmed"
        assert "contested" not in answer.reasons
    assert len(digests) == 1


@tried("entries", [0, 300])
async def test_a_cut_chooses_a_branch(
    alliance: Alliance, entries: int
) -> None:
    """Who held the other one fetches the chosen; it goes on, the other not."""
    police = alliance.police
    size, twin = await split(alliance, entries)
    await police.round()
    assert "cannot extend" in str(
        police.node.publisher.why_not()
    )  # by the bank's receipt
    await cut(alliance, size + 2)
    assert (
        not police.node.publisher.why_not()
    )  # the bank's receipt is overruled
    await alliance.settle(receipts=False)
    await assert_decided(alliance, await police.size())
    # What was signed there is no news any more, nor what is cut off.
    police.node.twin = None
    for member in others(alliance):
        assert not await member.node.logs.offer("bank", twin.signed)
        assert not await member.node.logs.offer(
            "bank", (await police.fork(1, payload(1, "x"))).signed
        )
    police.node.twin = None
    await police.fill(4, 5)
    await alliance.settle()  # with receipts of all, also the bank's
    await assert_decided(alliance, await police.size())


async def test_a_restart_forgets_no_decision(alliance: Alliance) -> None:
    """Stopped before, between and after: it ends the same."""
    police, bank = alliance.police, alliance.bank
    size, _ = await split(alliance)
    police.node.twin = None
    await cut(alliance, size + 2)
    await alliance.restart("bank")
    # between: cut back, and nobody there to fetch the rest from
    await bank.mirror.decide(await bank.head(police.origin), size, [])
    await alliance.restart("bank")
    for member in others(alliance):
        await member.round()
    await alliance.restart("bank")
    await alliance.settle()
    await assert_decided(alliance, await police.size())


@tried("further", [0, 4])
async def test_a_fork_heard_of_before_it_is_pulled(
    alliance: Alliance, further: int
) -> None:
    """Two logs told of in one round are compared, not just the larger."""
    police, carrier = alliance.police, alliance.carrier
    size = await police.size()
    twin = await police.fork(size, payload(1, police.origin), seen_by=["bank"])
    await police.fill(*range(2, 3 + further))
    for raw in (twin.signed, police.own.log.released()):
        await carrier.node.logs.offer("bank", raw)
    await carrier.round()
    assert (await carrier.head(police.origin)).contested
