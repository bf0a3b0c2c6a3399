"""A token key is replaced: nobody misses a report meanwhile, or after."""

from collections import Counter

import pytest

from syncd.flows.draft import VouchDraft
from syncd.indicator.statement import day_text
from syncd.indicator.token import encode
from syncd.node.home import share_name
from syncd.node.publish import publisher
from syncd.store import failpoint
from syncd.web.claim_forms import Vouches
from tests import ceremonies
from tests.alliance import Alliance, claims_of, shared
from tests.node.test_disputes import CALLER, DAY_S, answer, dispute, listed

pytestmark = pytest.mark.slow

PHONES = [f"+1202555{n:04}" for n in range(100, 108)]
SAID = [
    *("confirmed", "confirmed", "suspected", "disputed", "disputed"),
    *("suspected", "suspected", "none"),
]


async def disputed(alliance: Alliance, n: int, *, about: bool = True) -> None:
    """Dispute what is said, for a day; or all, as nothing is named."""
    carrier = alliance.carrier
    [found] = await carrier.lookup("phone", PHONES[n])
    await dispute(
        carrier,
        PHONES[n],
        kind="phone",
        about=found.positions if about else (),
        due=carrier.node.ctx.today(),
        expires=day_text(carrier.node.ctx.day + 1),
    )


async def reported(alliance: Alliance) -> None:
    """One rests on another's; three are disputed, of which one is answered."""
    police, bank, carrier = alliance.police, alliance.bank, alliance.carrier
    await police.tell("phone", *PHONES[:2], evidence="police_case")
    [first] = await bank.lookup("phone", PHONES[0])
    await bank.report("phone", PHONES[0], basis=first.positions)
    await bank.tell("phone", *PHONES[2:7])
    await disputed(alliance, 5)
    [one] = await listed(bank, side="against_us")
    await answer(bank, one.position)
    await disputed(alliance, 3)
    await disputed(alliance, 4, about=False)
    vouch = VouchDraft(kind="phone", value=PHONES[3], role="hotline")
    await carrier.node.claim_intake.vouch(CALLER, Vouches(vouches=(vouch,)))
    for member in alliance.up:  # the disputes are over, answered or not
        member.shift_s = 3 * DAY_S
    await alliance.settle()


alliance = shared(
    reported, "police", "bank", "carrier", "platform", scope="function"
)


async def agree(alliance: Alliance, said: list[str]) -> None:
    """Check that each member says so of the numbers."""
    for member in alliance.up:
        found = await member.lookup("phone", *PHONES)
        assert [one.verdict for one in found] == said


async def say_again(alliance: Alliance, *ids: str) -> None:
    """Have members say again all that they can by now."""
    for id_ in ids:
        await alliance.members[id_].node.daily.run()
        await alliance.settle()


def _die(point: str) -> None:
    raise RuntimeError(point)


async def test_a_key_is_replaced(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, in the middle and after it all say the same; nothing twice."""
    police, bank = alliance.police, alliance.bank
    await agree(alliance, SAID)
    keys = {m.id: m.keys for m in alliance.members.values()}
    holders = ["police", "bank", "carrier"]
    drawn = ceremonies.draw(alliance.newest, keys, holders)
    for id_, outcome in drawn.items():
        ring = alliance.members[id_].node.home.ring
        for epoch, secret in zip(*outcome, strict=True):
            ring.put(share_name(epoch), secret)
    await alliance.change(lambda d: ceremonies.keyed(d, drawn["police"]))
    await alliance.agreed()
    await agree(alliance, SAID)

    # What is said of a report meanwhile stays with it.
    await disputed(alliance, 6)
    said = [*SAID[:6], "disputed", "none"]
    await agree(alliance, said)

    # It dies in the middle, before and behind the commit, and goes on.
    monkeypatch.setattr(publisher, "PUBLISH_BATCH", 2)
    for point in ("append.vault", "append.committed"):
        with monkeypatch.context() as patch:
            plan = failpoint.Plan(at={point: 2}, act=_die)
            patch.setattr(failpoint, "_plan", plan)
            with pytest.raises(RuntimeError):
                await bank.node.publisher.say_again()
        await alliance.restart("bank")
        await bank.awake()
        await agree(alliance, said)
    await say_again(alliance, "bank")
    notes = [n.detail for n in (await bank.status()).notes]
    assert "phone/1 is replaced: 1 statements" in " ".join(notes)
    await agree(alliance, said)
    await say_again(alliance, "police", "bank", "carrier", "bank", "carrier")
    await agree(alliance, said)
    size = await bank.size()
    await say_again(alliance, "bank", "carrier", "police")
    assert await bank.size() == size
    authors, old = [alliance.members[id_] for id_ in holders], set()
    for member in authors:
        rows = await claims_of(member.mirror, member.origin)
        epochs = Counter(key >> 2 for _, _, key, _ in rows)
        assert epochs[1] == epochs[2] > 1
        old |= {short for short, _, key, _ in rows if key >> 2 == 1}

    # Who takes a report back takes back both.
    assert await bank.retract("phone", PHONES[2]) == 1
    await alliance.settle()
    said[2] = "none"
    await agree(alliance, said)

    # At the deadline its end lies ready to be signed, at each the same.
    for member in alliance.up:
        member.shift_s = 34 * DAY_S
        await member.node.daily.run()
    [raw] = {m.node.ctx.renewal.read_bytes() for m in alliance.up}
    lines = [n.detail for n in (await bank.status()).todo]
    assert "the next one, which lies ready" in " ".join(lines)
    await police.node.rosters.publish(alliance.sign(raw))
    await alliance.agreed()
    for member in alliance.up:
        await member.swept()
    await alliance.settle()
    await agree(alliance, said)
    alliance.cut()  # shares of what is retired go, whoever answers
    for member in alliance.up:
        await member.node.leadership.daily_jobs()
    assert not [*alliance.root.rglob("keys/share-*-1-1-*")]
    for member in authors:
        assert len({await m.digest(member.origin) for m in alliance.up}) == 1
    await alliance.stop()
    for file in alliance.root.rglob("*.db*"):
        raw = file.read_bytes()
        assert not any(t in raw or encode(t).encode() in raw for t in old)
