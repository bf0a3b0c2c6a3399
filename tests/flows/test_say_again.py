"""What of ours stands under an older token key is said under the newest."""

import hashlib
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.errors import HoldersError
from syncd.flows.ports import Published, VaultRow
from syncd.flows.publish import Writer
from syncd.flows.say_again import say_again
from syncd.indicator import token
from syncd.indicator.identifier import Identifier
from syncd.indicator.record import ReportFields
from syncd.indicator.statement import Answer, ClaimStatement
from tests import sample_statements
from tests.flows.growing import KEY, ORIGIN, Log, offload
from tests.flows.test_lookup import Book

POLICE = "police.example/syncd/txwz/1"
VALUES = [f"+1202555010{n}" for n in range(4)]


def output(value: str) -> bytes:
    return hashlib.sha512(value.encode()).digest()


def about(value: str, epoch: int) -> dict[str, Any]:
    made = output(value) if epoch == 2 else output(value)[::-1]
    return {"epoch": epoch, "token": token.encode(token.token(made))}


class World:
    """Our vault and log, and what is claimed; of phones alone."""

    def __init__(self) -> None:
        self.own, self.book = Log(), Book()
        self.rows: list[VaultRow] = []
        self.have = len(VALUES)  # outputs that holders give
        self.writer = Writer(
            own=self.own,
            key=KEY,
            offload=offload,
            rng=lambda n: b"s" * n,
            may_append=lambda: None,
        )

    def say(
        self, value: str, content: ClaimStatement, origin: str = ORIGIN
    ) -> tuple[str, int]:
        """Have it claimed; it is in the vault if it is ours."""
        place = self.book.add(origin, content).position
        if origin == ORIGIN:
            row = VaultRow(
                id=len(self.rows) + 1,
                kind="phone",
                value="" if isinstance(content, Answer) else value,
                fields=ReportFields(),
                position=place,
            )
            self.rows.append(row)
        return place

    def report(
        self, value: str, origin: str = ORIGIN, epoch: int = 1, **more: Any
    ) -> tuple[str, int]:
        said = sample_statements.report(**about(value, epoch), **more)
        return self.say(value, said, origin)

    async def by_index(self, *place: Any) -> VaultRow | None:
        found = (row for row in self.rows if row.position == place)
        return next(found, None)

    async def outputs(
        self,
        identifiers: Iterable[Identifier],
        *,
        purpose: str,
        done: dict[Identifier, bytes],
        epochs: dict[str, int],
        **_: Any,
    ) -> None:
        assert (purpose, epochs) == ("rotate", {"phone": 2})
        for one in identifiers:
            if len(done) == self.have:
                raise HoldersError("the quota is used up")
            done[one] = output(one.value)

    async def again(self) -> list[int]:
        """Return the rows that were said again."""
        tokeniser: Any = SimpleNamespace(
            outputs=self.outputs,
            epoch=lambda kind: SimpleNamespace(kind=kind, epoch=2),
        )
        given = self.rows, self.book, self.by_index, tokeniser, self.writer
        await say_again(*given, today="2026-12-24", timeout_s=1)
        return sorted(row.vault_id for row in self.own.published)


@pytest.fixture
def world() -> World:
    return World()


async def test_it_says_the_same_under_the_new_key(world: World) -> None:
    """As written today, and that the value is known; in no old order."""
    world.report(VALUES[0])
    world.report(VALUES[1])
    world.report(VALUES[2])
    world.book.rows.pop()  # it has ended
    assert await world.again() == [1, 2]
    found: Any = world.own.statements()
    assert [*found] == sorted(found, key=lambda one: token.decode(one.token))
    for value in VALUES[:2]:
        named = about(value, 2)
        [said] = [one for one in found if one.token == named["token"]]
        named["know"] = token.know(output(value), ORIGIN).hex()
        assert said == sample_statements.report(**named, on="2026-12-24")
    moved = Published(1, 0, token.token(output(VALUES[0])), 2, again=True)
    assert moved in [replace(row, index=0) for row in world.own.published]


async def test_what_it_names_is_named_where_it_was_said_again(
    world: World,
) -> None:
    """It waits for that; what is about another value it names as before."""
    theirs = world.report(VALUES[0], POLICE)
    other = world.report(VALUES[1], POLICE)
    gone = POLICE, 99
    world.report(VALUES[0], basis=(theirs,))
    world.report(VALUES[2], basis=(other, gone))
    assert await world.again() == [2]
    [said] = world.own.statements()
    assert said.basis == (other, gone)
    del world.rows[1]
    now = world.report(VALUES[0], POLICE, 2)
    assert await world.again() == [1, 2]
    *_, said = world.own.statements()
    assert said.basis == (now,)


async def test_an_answer_follows_the_report_that_it_is_about(
    world: World,
) -> None:
    """Of the answer's own there is no value."""
    ours = world.report(VALUES[0])
    answer = Answer(
        **{**sample_statements.ABOUT, **about(VALUES[0], 1)},
        outcome="report_stands",
        reason="case_open",
        about=(ours,),
    )
    world.say(VALUES[0], answer)
    assert await world.again() == [1]
    place = world.report(VALUES[0], epoch=2)
    del world.rows[2]
    world.own.published.clear()
    assert await world.again() == [1, 2]
    said: Any = [s for s in world.own.statements() if isinstance(s, Answer)]
    assert said == [replace(answer, about=(place,), **about(VALUES[0], 2))]
    del world.rows[0]
    world.own.published.clear()
    assert await world.again() == []  # its report is nowhere


async def test_what_came_in_time_is_said(world: World) -> None:
    """The rest waits, and whoever asked hears why."""
    world.have = 1
    world.report(VALUES[0])
    world.report(VALUES[1])
    with pytest.raises(HoldersError, match="quota"):
        await world.again()
    assert [row.vault_id for row in world.own.published] == [1]
