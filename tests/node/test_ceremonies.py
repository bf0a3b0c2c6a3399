"""Ceremonies of real members: by a member's mailbox, and from a home."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from syncd import config
from syncd.errors import (
    QuotaError,
    RefusedError,
    StaleError,
    UntrustedError,
    UsageError,
)
from syncd.flows import ceremony_note
from syncd.flows.ceremony import Progress
from syncd.flows.ceremony_note import Plan
from syncd.node.ceremonies import Folder, Mailbox, Place
from syncd.store.keyring import Keyring
from tests import ceremonies as in_memory
from tests.alliance import SECRET, Alliance, Member, as_founded, shared

in_its_loop = pytest.mark.asyncio()
alliance = shared(as_founded, "police", "bank", "carrier", "platform")
HOLDERS = "police", "bank", "platform"


def place(member: Member, box: Folder | Mailbox) -> Place:
    ring = Keyring.open(member.home, SECRET)
    return Place(config.load(member.home), ring, box)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "box")


async def by_mail(
    alliance: Alliance, id_: str, act: Callable[[Place], Any]
) -> Any:
    """Do something at a member, with the carrier's mailbox."""
    member = alliance.members[id_]
    keeper = alliance.newest.known("carrier")

    def run() -> Any:
        with asyncio.Runner() as runner:
            box = Mailbox(keeper, member.keys, runner)
            try:
                return act(place(member, box))
            finally:
                box.close()

    return await asyncio.to_thread(run)


@in_its_loop
async def test_keys_are_drawn_by_mail(alliance: Alliance) -> None:
    """Each holder says what is its turn; what comes of it answers at once.

    What a holder's daemon needs is there with the roster.
    """
    plan: Plan = await by_mail(
        alliance, "police", lambda p: p.plan("", HOLDERS, 2)
    )

    def take_part(here: Place) -> Progress:
        found = here.plan("", (), 2) if here.box.names() else plan
        assert found == plan
        return here.step(found)

    waiting = [
        (await by_mail(alliance, who, take_part)).missing
        for who in (*HOLDERS, "police")
    ]
    first, second = ("bank", "platform"), ("platform",)
    assert waiting == [first, second, ("bank", "police"), ("bank",)]
    for who in ("bank", *HOLDERS):
        outcome = (await by_mail(alliance, who, take_part)).outcome
        assert outcome.epochs[1].label == "phone/2"
    late, name = Keyring.open(alliance.bank.home, SECRET), "share-phone-2-1"
    [name] = [n for n in late.names() if n.startswith(name)]
    secret = late.need(name)
    late.drop(name)
    await alliance.change(lambda draft: in_memory.keyed(draft, outcome))
    await alliance.agreed()
    assert ("phone", 2, 1) not in alliance.bank.node.home.shares
    late.put(name, secret)
    alliance.bank.node.home.take_shares()  # as each round does
    for who in HOLDERS:
        assert ("phone", 2, 1) in alliance.members[who].node.home.shares
    assert not {("phone", 2, 1)} & {*alliance.carrier.node.home.shares}
    report = await alliance.police.report("phone", "+12025550177")
    await alliance.settle()
    assert report


@in_its_loop
async def test_a_dead_holder_is_replaced(
    alliance: Alliance, folder: Folder
) -> None:
    """By those who are left, with what they hold: tokens stay what they are."""
    here = place(alliance.police, folder)
    before = here.newest.epoch("phone")
    assert before is not None
    new, dealers = ("police", "bank", "carrier"), ("police", "bank")
    plan = here.plan("", new, 3, dealers)
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


@in_its_loop
async def test_a_mailbox_takes_what_is_the_callers_once(
    alliance: Alliance, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a run in which it has a part; and not for ever."""
    box = alliance.carrier.node.peer_service.mailbox
    here = place(alliance.police, folder)
    plans = [here.plan("", HOLDERS, t) for t in (2, 3)]
    one, two = (f"{plan.run}.deal.police" for plan in plans)
    for plan in plans:
        here.step(plan)
    raw, other = (folder.get(name) or b"" for name in (one, two))
    for _ in range(2):
        await box.take("police", one, raw)
    assert box.get(one) == raw
    with pytest.raises(RefusedError, match="is not for bank to put"):
        await box.take("bank", one, raw)
    with pytest.raises(UntrustedError, match="is another note"):
        await box.take("police", two, raw)
    (alliance.police.home / "ceremony" / one).unlink()
    again = place(alliance.police, Folder(folder.path / "other"))
    again.step(plans[0])
    with pytest.raises(StaleError, match="is there already"):
        await box.take("police", one, again.box.get(one) or b"")
    assert box.get("../config.toml") is None
    its = [name for name in box.names() if name.endswith(".police")]
    monkeypatch.setattr("syncd.node.serve.mailbox.MOST", len(its))
    with pytest.raises(QuotaError):
        await box.take("police", two, other)
    os.utime(alliance.carrier.home / "ceremony" / one, (0, 0))
    await box.take("police", two, other)
    assert {one, two} & {*box.names()} == {two}


def test_what_was_dealt_is_dealt_once(
    alliance: Alliance, folder: Folder
) -> None:
    """Whatever becomes of the files; it lies in the home before it goes out."""
    here = place(alliance.bank, folder)
    plan = here.plan("", HOLDERS, 2)
    here.step(plan)
    name = f"{plan.run}.deal.bank"
    raw, path = folder.get(name), folder.path / name
    path.unlink()
    assert here.step(plan).missing == ("platform", "police")
    assert folder.get(name) == raw
    path.write_bytes(b"another")
    with pytest.raises(StaleError, match=r"deal\.bank is there already"):
        here.step(plan)


def test_which_run_is_meant(alliance: Alliance, folder: Folder) -> None:
    """The only one; or that which is named, or begun with these holders."""
    here, other = place(alliance.police, folder), place(alliance.bank, folder)
    with pytest.raises(UsageError, match="0 runs of ours"):
        here.plan("", (), 2)
    first = here.plan("", HOLDERS, 2)
    here.step(first)
    assert here.plan("", HOLDERS, 2) == other.plan("", (), 2) == first
    second = here.plan("", HOLDERS, 3)
    assert second.run != first.run
    here.step(second)
    with pytest.raises(UsageError, match="2 runs of ours"):
        other.plan("", (), 2)
    assert other.plan(second.run[:9], (), 2) == second
    third = place(alliance.carrier, folder)
    with pytest.raises(UsageError, match="0 runs of ours"):
        third.plan("", (), 2)


def test_a_run_is_over_when_somebody_blames(
    alliance: Alliance, folder: Folder
) -> None:
    """A new one may begin beside it."""
    here, other = place(alliance.police, folder), place(alliance.bank, folder)
    plan = here.plan("", HOLDERS, 2)
    here.step(plan)
    wrong = replace(plan, t=3)
    for who, its in ((other, wrong), (here, plan)):
        with pytest.raises(RefusedError, match="bank blames police"):
            who.step(its)
    assert here.plan("", HOLDERS, 2).run != plan.run


def test_a_run_of_an_older_roster_is_not_dealt_to(
    alliance: Alliance, folder: Folder
) -> None:
    """What was dealt then can be finished; of an unknown one nothing is."""
    here = place(alliance.police, folder)
    old = [*here.rosters.values()][-1]
    plan = ceremony_note.plan(old, HOLDERS, 2, bytes(32))
    with pytest.raises(RefusedError, match="of version 1 of the roster"):
        here.step(plan)
    unknown = replace(plan, roster="ab" * 32)
    with pytest.raises(UntrustedError, match="another version"):
        here.step(unknown)
