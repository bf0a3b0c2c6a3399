"""Ceremonies of real members: by a member's mailbox, and from a home."""

import asyncio
import os
import secrets
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from syncd import config
from syncd.flows import ceremony, ceremony_note
from syncd.node.ceremonies import Folder, Mailbox, Place
from syncd.store.keyring import Keyring
from tests import ceremonies as in_memory
from tests.alliance import SECRET, Alliance, Member, as_founded, shared
from tests.refusals import over_quota, refused, stale, untrusted

alliance = shared(as_founded, "police", "bank", "carrier", "platform")
HOLDERS = "police", "bank", "platform"


def place(member: Member, box: Folder | Mailbox) -> Place:
    ring = Keyring.open(member.home, SECRET)
    return Place(config.load(member.home), ring, box)


def planned(alliance: Alliance, attempt: int = 1) -> ceremony_note.Plan:
    return ceremony_note.plan(alliance.newest, HOLDERS, 2, (), attempt)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "box")


async def test_keys_are_drawn_by_mail(alliance: Alliance) -> None:
    """Each holder says what is its turn; what comes of it answers at once.

    What a holder's daemon needs is there with the roster.
    """
    keeper = alliance.newest.known("carrier")
    plan = planned(alliance)

    async def step(id_: str) -> ceremony.Progress:
        member = alliance.members[id_]
        here = place(member, Mailbox(keeper, member.keys))
        return await asyncio.to_thread(here.step, plan)

    waiting = [(await step(who)).missing for who in (*HOLDERS, "police")]
    first, second = ("bank", "platform"), ("platform",)
    assert waiting == [first, second, ("bank", "police"), ("bank",)]
    found = [(await step(who)).outcome for who in ("bank", *HOLDERS)]
    *_, outcome = [one for one in found if one]
    assert all(found)
    assert outcome.epochs[1].label == "phone/2"
    home = alliance.bank.node.home
    [file] = home.path.rglob("share-phone-2-1*")
    away = file.rename(file.with_suffix(".away"))
    await alliance.change(partial(in_memory.keyed, outcome=outcome))
    await alliance.agreed()
    away.rename(file).chmod(0o644)
    home.take_shares()  # as each round does
    assert ("phone", 2, 1) not in home.shares  # others could read it
    file.chmod(0o600)
    home.take_shares()
    for who in HOLDERS:
        assert ("phone", 2, 1) in alliance.members[who].node.home.shares
    assert ("phone", 2, 1) not in alliance.carrier.node.home.shares
    report = await alliance.police.report("phone", "+12025550177")
    await alliance.settle()
    assert report


async def test_a_dead_holder_is_replaced(
    alliance: Alliance, folder: Folder
) -> None:
    """By those who are left, with what they hold: tokens stay what they are."""
    before = alliance.newest.epoch("phone")
    assert before is not None
    new, dealers = ("police", "bank", "carrier"), ("police", "bank")
    plan = ceremony_note.plan(alliance.newest, new, 3, dealers)
    for who in (*dealers, "carrier", *new, *new[:2]):
        place(alliance.members[who], folder).step(plan)
    outcome = place(alliance.carrier, folder).step(plan).outcome
    assert outcome is not None
    await alliance.change(lambda draft: in_memory.keyed(draft, outcome))
    await alliance.agreed()
    epoch = alliance.newest.epoch("phone")
    assert epoch is not None
    assert (epoch.public, epoch.epoch) == (before.public, before.epoch)
    assert (epoch.generation, epoch.t) == (before.generation + 1, 3)
    assert await alliance.platform.report("phone", "+12025550178")
    await alliance.settle()

    ours = f"share-phone-{epoch.epoch}-"

    def kept() -> list[str]:
        found = alliance.root.rglob(f"keys/{ours}*")
        return sorted(f"{p.parts[-3]} {p.name[:15]}" for p in found)

    now = [f"{m} {ours}{epoch.generation}" for m in sorted(new)]
    alliance.cut()
    for member in alliance.up:
        await member.node.leadership.daily_jobs()
    assert {*now} < {*kept()}  # not all of the new ones answer
    alliance.heal()
    for member in alliance.up:
        await member.node.leadership.daily_jobs()
    assert kept() == now


async def test_a_mailbox_takes_what_is_the_callers_once(
    alliance: Alliance, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a run in which it has a part; and not for ever."""
    box = alliance.carrier.node.peer_service.mailbox
    here = place(alliance.police, folder)
    plans = [planned(alliance, attempt) for attempt in (1, 2)]
    one, two = (f"{plan.run}.deal.police" for plan in plans)
    for plan in plans:
        here.step(plan)
    raw, other = (folder.get(name) or b"" for name in (one, two))
    for _ in range(2):
        await box.take("police", one, raw)
    assert box.get(one) == raw
    with refused("is not for bank to put"):
        await box.take("bank", one, raw)
    with untrusted("is another note"):
        await box.take("police", two, raw)
    (alliance.police.home / "ceremony" / one).unlink()
    again = Folder(folder.path / "other")
    place(alliance.police, again).step(plans[0])
    with stale("is there already"):
        await box.take("police", one, again.get(one) or b"")
    assert box.get("../config.toml") is None
    its = [name for name in box.names() if name.endswith(".police")]
    monkeypatch.setattr("syncd.node.serve.mailbox.MOST", len(its))
    with over_quota():
        await box.take("police", two, other)
    os.utime(alliance.carrier.home / "ceremony" / one, (0, 0))
    await box.take("police", two, other)
    assert {one, two} & {*box.names()} == {two}


def test_what_was_dealt_is_dealt_once(
    alliance: Alliance, folder: Folder
) -> None:
    """Whatever becomes of the files; it lies in the home before it goes out."""
    here, plan = place(alliance.bank, folder), planned(alliance, 3)
    here.step(plan)
    name = f"{plan.run}.deal.bank"
    raw, path = folder.get(name), folder.path / name
    path.unlink()
    assert here.step(plan).missing == ("platform", "police")
    assert folder.get(name) == raw
    path.write_bytes(b"another")
    with stale(r"deal\.bank is there already"):
        here.step(plan)


def test_a_run_is_over_when_somebody_blames(
    alliance: Alliance, folder: Folder
) -> None:
    """Another attempt is another run."""
    plan = planned(alliance, 4)
    police = alliance.police
    seat = ceremony.Seat("police", police.keys, alliance.newest, plan)
    said = seat.deal(secrets.token_bytes)
    lie = replace(said, shares=("", *said.shares[1:]))
    Folder(police.home / "ceremony").put(lie.name, seat.sign(lie))
    here, other = place(police, folder), place(alliance.bank, folder)
    assert here.step(plan).missing == ("bank", "platform")
    for who in (other, here):
        with refused("bank blames police"):
            who.step(plan)
    plan = planned(alliance, 5)
    assert here.step(plan).missing == ("bank", "platform")
