"""A token key is replaced: nobody misses a report meanwhile, or after."""

from collections import Counter

import pytest

from syncd.flows.draft import AnswerDraft, VouchDraft
from syncd.flows.ports import State
from syncd.indicator.statement import day_text
from syncd.indicator.token import encode
from syncd.node.home import share_name
from syncd.node.publish import publisher
from syncd.roster import signing
from syncd.roster.roster import Roster
from syncd.store import failpoint
from syncd.web.claim_forms import DisputeQuery, Vouches
from syncd.web.forms import DisputeDraft
from syncd.web.routes import Caller
from tests import ceremonies
from tests.alliance import ADMINS, Alliance, Member, claims_of, shared

pytestmark = pytest.mark.slow

DESK = Caller("desk", "operator")
DAY_S = 86_400
PHONES = [f"+1202555{n:04}" for n in range(100, 107)]
SAID = (
    *("confirmed", "confirmed", "suspected", "disputed", "disputed"),
    *("suspected", "none"),
)


async def reported(alliance: Alliance) -> None:
    """One rests on another's; two are disputed, of which one is answered."""
    police, bank, carrier = alliance.police, alliance.bank, alliance.carrier
    await police.tell("phone", *PHONES[:2], evidence="police_case")
    [first] = await bank.lookup("phone", PHONES[0])
    await bank.report("phone", PHONES[0], basis=first.positions)
    await bank.tell("phone", *PHONES[2:6])
    found = await carrier.lookup("phone", *PHONES[3:6])
    today = carrier.node.ctx.today()
    for value, of in zip(PHONES[3:6], found, strict=True):
        about = of.positions if value == PHONES[4] else ()
        draft = DisputeDraft(
            kind="phone",
            value=value,
            reason="innocent_owner",
            about=about,
            due=today,
            expires=day_text(carrier.node.ctx.day + 1),
        )
        await carrier.node.claim_intake.dispute(DESK, draft)
    vouch = VouchDraft(kind="phone", value=PHONES[3], role="hotline")
    await carrier.node.claim_intake.vouch(DESK, Vouches(vouches=(vouch,)))
    await alliance.settle()
    query = DisputeQuery(side="against_us")
    on = next(iter(found[2].positions))
    for one in (await bank.node.claim_intake.listed(query)).items:
        if one.reports[0].position == on:
            answer = AnswerDraft(
                dispute=one.position,
                outcome="report_stands",
                reason="case_open",
            )
            await bank.node.claim_intake.answer(DESK, answer)
    await alliance.settle()
    for member in alliance.up:  # the disputes are over, answered or not
        member.shift_s = 3 * DAY_S
    await alliance.settle()


alliance = shared(
    reported, "police", "bank", "carrier", "platform", scope="function"
)


async def drawn(alliance: Alliance) -> None:
    """The holders draw another key of each kind, and all hear of it."""
    keys = {m.id: m.keys for m in alliance.members.values()}
    holders = ["police", "bank", "carrier"]
    outcomes = ceremonies.draw(alliance.newest, keys, holders)
    for id_, outcome in outcomes.items():
        ring = alliance.members[id_].node.home.ring
        for epoch, secret in zip(*outcome, strict=True):
            ring.put(share_name(epoch), secret)

    def edit(draft: Roster) -> Roster:
        return ceremonies.keyed(draft, outcomes["police"])

    await alliance.change(edit)
    await alliance.agreed()


def _die(point: str) -> None:
    raise RuntimeError(point)


async def verdicts(alliance: Alliance) -> set[tuple[str, ...]]:
    """Return what each member says of the numbers: one thing, if all agree."""
    return {
        tuple([v.verdict for v in await m.lookup("phone", *PHONES)])
        for m in alliance.up
    }


async def test_a_key_is_replaced(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, in the middle and after it all say the same; nothing twice."""
    police, bank, carrier = alliance.police, alliance.bank, alliance.carrier
    assert await verdicts(alliance) == {SAID}

    async def now(*members: Member) -> None:
        """Have members say again all that they can by now."""
        for member in members:
            await member.node.daily.run()
            await alliance.settle()

    await drawn(alliance)
    assert await verdicts(alliance) == {SAID}

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
        assert await verdicts(alliance) == {SAID}
    await now(bank)
    notes = [n.detail for n in (await bank.status()).notes]
    assert "phone/1 is replaced: 1 statements" in " ".join(notes)
    assert await verdicts(alliance) == {SAID}
    await now(police, bank, carrier, bank)
    assert await verdicts(alliance) == {SAID}
    size = await bank.size()
    await now(bank, carrier, police)
    assert await bank.size() == size
    old = set()
    for member in (police, bank, carrier):
        rows = await claims_of(member.mirror, member.origin)
        epochs = Counter(key >> 2 for _, _, key, _ in rows)
        assert epochs[1] == epochs[2] > 1
        old |= {short for short, _, key, _ in rows if key >> 2 == 1}

    # Who takes a report back takes back both.
    assert await bank.retract("phone", PHONES[2]) == 1
    await alliance.settle()
    said = (*SAID[:2], "none", *SAID[3:])
    assert await verdicts(alliance) == {said}

    # At the deadline its end lies ready to be signed, at each the same.
    raws = []
    for member, admin in zip((police, bank), ADMINS, strict=True):
        member.shift_s = 31 * DAY_S
        await member.node.daily.run()
        raw = member.node.ctx.renewal.read_bytes()
        raws.append(signing.sign(raw, admin, alliance.newest))
    lines = [n.detail for n in (await bank.status()).todo]
    assert "the next one, which lies ready" in " ".join(lines)
    for member in alliance.up:
        member.shift_s = 31 * DAY_S
    await police.node.rosters.publish(signing.merge(*raws))
    alliance.notes.append(signing.merge(*raws))
    await alliance.agreed()
    for member in alliance.up:
        await member.swept()
    await alliance.settle()
    assert await verdicts(alliance) == {said}
    counts = await bank.own.vault.counts()
    states = State.PUBLISHED, State.ENDED
    assert [counts["phone", state] for state in states] == [5, 1]
    for member in alliance.up:
        await member.node.daily.run()
    for member in (police, bank, carrier):
        assert len({await m.digest(member.origin) for m in alliance.up}) == 1
    await alliance.stop()
    for file in alliance.root.rglob("*.db*"):
        raw = file.read_bytes()
        assert not any(t in raw or encode(t).encode() in raw for t in old)
