"""Who forked is convicted by what it signed, whoever has the roster."""

from base64 import b64encode
from functools import partial
from typing import Any

from msgspec.structs import replace

from syncd.flows import trial
from syncd.indicator import codec, statement
from syncd.roster import membership
from syncd.roster.members import Cut
from tests.cases import tried
from tests.flows.founders import CLUB, FOUNDED
from tests.flows.growing import ORIGIN, FakeSource, Log
from tests.refusals import failing

ROSTER = FOUNDED.roster


def written(size: int, salt: bytes = b"s") -> Log:
    return Log(CLUB.keys["bank"].log).reports(size, salt)


async def charge(size: int, more: int) -> statement.Evidence:
    """Return what convicts the bank, as soon as one shows the larger log."""
    one, two = written(size), written(size + more, b"t")
    notes = [two.signed, one.signed]
    if more:
        assert await trial.prove(ORIGIN, notes, [FakeSource(one)]) is None
    sources = [FakeSource(log) for log in (one, two)]
    found = await trial.prove(ORIGIN, notes, sources)
    assert found is not None
    return found


@tried("size, more", [(7, 0), (1, 1), (10, 20), (256, 1), (300, 400)])
async def test_two_histories_convict(size: int, more: int) -> None:
    """Whoever has one statement of it."""
    said = await charge(size, more)
    assert statement.decode(statement.encode(said), 20) == said
    why = str(trial.judge(said, ROSTER))
    assert f"size {size}:" in why
    assert why.endswith("by roster 2 its log is active")


async def test_one_history_convicts_nobody() -> None:
    log = written(10)
    notes = log.signed, log.reports(20).signed
    assert await trial.prove(ORIGIN, notes, [FakeSource(log)]) is None
    said = await charge(10, 20)
    texts = tuple(raw.decode() for raw in notes)
    for change in (
        {"what": "arson"},
        {"origin": "nobody.example/syncd/txwz/1"},
        {"notes": said.notes[:1]},
        {"notes": said.notes[:1], "proof": ()},
        {"notes": texts},  # which lead elsewhere
        {"notes": texts, "proof": ()},
        {"proof": said.proof[1:]},
    ):
        other = replace(said, **change)
        with failing():
            trial.judge(other, ROSTER)


async def test_nodes_cut_elsewhere_convict_nobody() -> None:
    """Two that hash to a signed root, and are 31 and 33 bytes long."""
    one, two = written(1), written(2)
    nodes = b"".join(codec.leaf_hashes(two.records))
    said = statement.Evidence(
        what=trial.FORK,
        origin=ORIGIN,
        notes=(one.signed.decode(), two.signed.decode()),
        proof=tuple(
            b64encode(part).decode() for part in (nodes[:31], nodes[31:])
        ),
    )
    with failing():
        trial.judge(said, ROSTER)


@tried(
    "edit, how",
    [
        (partial(membership.cut, at=Cut(9, bytes(32))), "active"),
        (partial(membership.cut, at=Cut(10, bytes(32))), "cut"),
        (partial(membership.cut, at=Cut(9, bytes(32)), ended=True), "ended"),
        (lambda draft, _: membership.remove(draft, "bank"), "removed"),
    ],
)
async def test_the_roster_decides(edit: Any, how: str) -> None:
    """From the smaller of the two checkpoints on, or by an end."""
    why = trial.judge(await charge(10, 20), edit(ROSTER, ORIGIN))
    assert why.params["code"] == how
