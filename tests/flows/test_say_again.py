"""What of ours stands under an older token key is said under the newest."""

from typing import Any

import pytest
from msgspec.structs import replace

from syncd import shape
from syncd.flows.ports import VaultRow
from syncd.flows.say_again import say_again
from syncd.indicator import record, token
from syncd.indicator.claims import Claim
from syncd.indicator.statement import Answer, type_of
from tests.flows import test_lookup, test_publish
from tests.flows.growing import ORIGIN
from tests.flows.test_lookup import POLICE, REPLACED, numbers
from tests.flows.test_publish import TODAY
from tests.refusals import holderless
from tests.sample_statements import ABOUT


class World(test_publish.World):
    """Our vault and log, and what is claimed; of phones alone."""

    def __init__(self) -> None:
        super().__init__()
        self.book = test_lookup.Book()
        self.holders = test_lookup.Holders(test_lookup.Clock())
        self.holders.roster = lambda: REPLACED
        self.rows: list[VaultRow] = []

    def say(self, n: int, **fields: Any) -> Claim:
        """Report a number under the old key; return what is claimed."""
        return self.keep(self.book.report(numbers(n), ORIGIN, **fields), n)

    def keep(self, claim: Claim, n: int = 0) -> Claim:
        said = claim.statement
        row = VaultRow(
            id=len(self.rows) + 1,
            kind="phone",
            value=(n and numbers(n).value) or "",
            fields=shape.part(record.KEPT[type_of(said)], said),
            position=claim.position,
            epoch=1,
            token=claim.token,
        )
        self.rows.append(row)
        return claim

    async def by_index(self, *place: Any) -> VaultRow | None:
        return next((r for r in self.rows if r.position == place), None)

    async def again(self) -> list[int]:
        """Say again what can be; return of which rows, and claim it."""
        before = len(self.own.published)
        given = self.rows, self.book, self.by_index, self.holders, self.writer
        try:
            await say_again(*given, today=TODAY, timeout_s=1)
        finally:
            self.said = self.own.statements()[before:]
            for said in self.said:
                self.book.add(ORIGIN, said)
        return sorted(row.vault_id for row in self.own.published[before:])


@pytest.fixture
def world() -> World:
    return World()


async def test_it_says_the_same_under_the_new_key(world: World) -> None:
    """As written today, and that the value is known; in no old order.

    What did not come in time waits, and whoever asked hears why.
    """
    world.say(1)
    world.say(2)
    world.say(3)
    world.book.rows.pop()  # it has ended
    world.holders.in_time = 1
    with holderless("no time left"):
        await world.again()
    assert [row.vault_id for row in world.own.published] == [1]
    world.holders.in_time = 2
    assert await world.again() == [1, 2]
    assert world.holders.asked[-1][:2] == (2, "rotate")
    same = (world.book.report(numbers(n), ORIGIN, epoch=2) for n in (1, 2))
    want = [replace(one.statement, on=TODAY) for one in same]
    assert world.said == sorted(want, key=lambda s: token.decode(s.token))


async def test_what_it_names_is_named_where_it_was_said_again(
    world: World,
) -> None:
    """It waits for that; what is about another value it names as before.

    An answer, of whose own there is no value, follows its report.
    """
    ours = world.say(1)
    about = ABOUT | {"token": ours.statement.token, "about": (ours.position,)}
    answer = Answer(**about, outcome="report_stands", reason="case_open")
    world.keep(world.book.add(ORIGIN, answer))
    world.say(2, basis=(world.book.report(numbers(2), POLICE).position,))
    elsewhere = world.book.report(numbers(3), POLICE).position, (POLICE, 99)
    world.say(4, basis=elsewhere)
    assert await world.again() == [1, 4]
    assert elsewhere in [said.basis for said in world.said]
    now = world.book.report(numbers(2), POLICE, epoch=2).position
    assert await world.again() == [1, 2, 3, 4]
    assert (now,) in [getattr(said, "basis", ()) for said in world.said]
    [again] = [said for said in world.said if isinstance(said, Answer)]
    [first] = [c for c in world.book.rows if c.position == again.about[0]]
    moved = {"epoch": 2, "token": first.statement.token}
    assert again == replace(answer, about=(first.position,), **moved)
    world.rows = world.rows[1:2]
    assert await world.again() == []  # its report is nowhere
