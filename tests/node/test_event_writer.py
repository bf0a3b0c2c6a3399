"""What happens outside own.db is told, once, whatever dies in between."""

from syncd.errors import Message
from syncd.flows.ports import Finding
from syncd.indicator.folding import Batch
from tests.alliance import Alliance, Member


def another_root(alliance: Alliance) -> Finding:
    origin = alliance.police.origin
    return Finding("fork", origin, None, Message("another root"))


async def test_each_state_is_one_event_over_restarts(
    alliance: Alliance,
    bank: Member,
    police: Member,
) -> None:
    await police.tell("url", "http://evil.example/a")
    head = await bank.head(police.origin)
    logs = await bank.events("log")
    assert {
        "origin": head.origin,
        "merged": head.merged,
        "mirrored": head.mirrored,
    } in logs
    [roster] = await bank.events("roster")
    assert roster["version"] == 2
    assert bank.origin not in {data["origin"] for data in logs}
    assert {d["origin"] for d in await bank.events("published")} <= {
        bank.origin
    }
    await alliance.restart("bank")
    assert await bank.events("log") == logs
    assert await bank.events("roster") == [roster]


async def test_what_a_crash_swallowed_is_an_event_after_the_start(
    alliance: Alliance,
) -> None:
    """Merged, and dead before it could be told."""
    bank, mirror = alliance.bank, alliance.bank.node.home.mirror
    fork = another_root(alliance)
    await mirror.contest(fork.origin, [], fork)
    assert await bank.events("finding") == []
    await alliance.restart("bank")
    [data] = await bank.events("finding")
    assert (data["code"], data["origin"], data["count"]) == (
        "fork",
        alliance.police.origin,
        1,
    )


async def test_many_of_a_kind_are_one_event(alliance: Alliance) -> None:
    """A log that is void from end to end does not push out all else."""
    bank, origin = alliance.bank, alliance.police.origin
    mirror = bank.node.home.mirror
    voids = {origin: range(30), alliance.carrier.origin: [7]}
    for of, indices in voids.items():
        nothing = Batch(origin=of, start=0, stop=0)
        nothing.voids = [(n, "no statement") for n in indices]
        old = await mirror.head(of)
        await mirror.advance(old, old, [], nothing)
    await bank.node.event_writer.log(origin)
    found = await bank.events("finding")
    assert [(d["origin"], d["index"], d["count"]) for d in found] == [
        (origin, 0, 30),
        (alliance.carrier.origin, 7, 1),
    ]
    await bank.node.event_writer.log(origin)
    assert len(await bank.events("finding")) == 2


async def test_a_new_mirror_s_findings_are_events_again(
    alliance: Alliance,
) -> None:
    """Its rows count from 1 again; what was told counted further."""
    bank, book = alliance.bank, alliance.bank.own.events
    await book.now("finding", "4711", "finding")
    fork = another_root(alliance)
    await bank.node.home.mirror.contest(fork.origin, [], fork)
    await bank.node.event_writer.log(fork.origin)
    assert [d["code"] for d in await bank.events("finding")] == ["fork"]
