"""From a vault row that waits to a statement in the log, once."""

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec import structs

from syncd.errors import RefusedError, UnavailableError
from syncd.flows import publish
from syncd.flows.ports import Published, VaultRow
from syncd.flows.publish import Writer
from syncd.flows.tokenise import Came, Tokeniser
from syncd.indicator import codec, token
from syncd.indicator.identifier import Identifier
from syncd.indicator.record import DisputeFields, ReportFields
from syncd.indicator.statement import Dispute, Report, Retract, RosterAccepted
from syncd.tlog import checkpoint
from tests import sample_statements
from tests.cases import tried
from tests.flows.growing import KEY, ORIGIN, Log, offload
from tests.refusals import damaged, malformed, refused, unavailable

TODAY = "2026-11-21"
FIELDS = ReportFields(
    label="fake_shop",
    role="phishing_host",
    evidence="user_tag",
    confidence=50,
    seen=TODAY,
    expires="2027-01-01",
    handling="open",
)
DISPUTED = DisputeFields(reason="stale", due=TODAY, expires="2027-01-01")


def row(id_: int, **other: Any) -> VaultRow:
    given = {"kind": "url", "value": "example.com/", "fields": FIELDS}
    return VaultRow(**{"id": id_, **given, **other})


class Tokens(Tokeniser):
    """A tokeniser whose holders may be away."""

    def __init__(self) -> None:
        self.away = False

    async def came(
        self, identifiers: Iterable[Identifier], **how: Any
    ) -> Came:
        assert (how["purpose"], {*how["epochs"].values()}) == ("publish", {4})
        found = {i: token.url_output(i) for i in identifiers}
        if self.away and found:
            return {}, UnavailableError("oprf: 1 of the 2 holders needed")
        return found, None

    def epoch(self, kind: str, number: int = 0) -> Any:
        return type("Epoch", (), {"epoch": 4})


class World:
    def __init__(self) -> None:
        self.own = Log()
        self.why = ""
        self.tokens = Tokens()
        self.writer = Writer(
            own=self.own,
            key=KEY,
            offload=offload,
            rng=lambda n: b"s" * n,
            may_append=self.may_append,
        )

    def may_append(self) -> None:
        if self.why:
            raise RefusedError(self.why)

    async def publish(self, *rows: VaultRow) -> int:
        done = await publish.publish(
            rows, self.tokens, self.writer, today=TODAY, timeout_s=1
        )
        return len(done)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_report(world: World) -> None:
    """The row becomes a report that shows that we knew the value."""
    assert await world.publish(row(7)) == 1
    (content,) = world.own.statements()
    output = token.url_output(Identifier("url", "example.com/"))
    assert isinstance(content, Report)
    assert content.token == token.encode(token.token(output))
    assert content.know == token.know(output, ORIGIN).hex()
    assert (content.epoch, content.on) == (4, TODAY)
    assert world.own.published == [Published(7, 0, token.token(output), 4)]


async def test_a_dispute(world: World) -> None:
    """Of all reports it shows that we knew the value; of some it need not."""
    some = structs.replace(DISPUTED, about=((ORIGIN, 3),))
    await world.publish(
        row(1, type=3, fields=DISPUTED), row(2, type=3, fields=some)
    )
    of_all, of_some = world.own.statements()
    output = token.url_output(Identifier("url", "example.com/"))
    assert isinstance(of_all, Dispute)
    assert isinstance(of_some, Dispute)
    assert of_all.know == token.know(output, ORIGIN).hex()
    assert of_some.know == ""


@tried(
    "fields",
    [
        ReportFields(),
        structs.replace(FIELDS, confidence=101),
        structs.replace(FIELDS, label="A B"),
    ],
)
async def test_a_row_of_which_nothing_can_be_made(
    world: World, fields: ReportFields
) -> None:
    """It holds up no other row; alone it is told of by its id."""
    rows = [row(1, fields=fields), row(2), row(3, fields=fields)]
    assert await world.publish(*rows) == 1
    assert [p.vault_id for p in world.own.published] == [2]
    with malformed("row 1"):
        await world.publish(rows[0])


async def test_every_size(world: World) -> None:
    """Appends leave a gapless log under its signed root, whatever it began with."""
    world.own.add((99, b"void"))
    total = 1
    for count in (1, 254, 1, 1, 300, 513):
        rows = [row(i, value=f"{i}.example.com/") for i in range(count)]
        await world.publish(*rows)
        total += count
        head, _ = checkpoint.open_(world.own.signed, KEY.verifier)
        assert head == world.own.head_at(total)
    assert [p.index for p in world.own.published] == list(range(1, total))


async def test_a_retract(world: World) -> None:
    """What ends is named by its index, under the token it had."""
    there = {"epoch": 1, "token": bytes(16), "position": (KEY.name, 12)}
    rows = [row(3, **there, reason="false_positive")]
    await publish.retract(rows, world.writer, TODAY)
    (content,) = world.own.statements()
    assert isinstance(content, Retract)
    assert content.ends == (12,)
    assert world.own.published[0].ends


async def test_what_an_auditor_asks_about_has_an_effect(world: World) -> None:
    """Whatever else is in the append; a report alone has none."""
    said = sample_statements
    roster = RosterAccepted(version=2, hash_="ab" * 32)
    for one in (said.retract(0), said.dispute(), said.erase((0, 1)), roster):
        await world.writer.append([(said.report(), None)])
        await world.writer.append([(said.report(), None), (one, None)])
    assert world.own.effects == [False, True] * 4


async def test_holders_away(world: World) -> None:
    """Without holders nothing is written; the rows go on waiting."""
    world.tokens.away = True
    with unavailable():
        await world.publish(row(1))
    assert world.own.statements() == []


async def test_a_statement_about_a_token_needs_no_holder(world: World) -> None:
    """It goes before what does, under the key that it names."""
    world.tokens.away = True
    by_token = row(
        2, value="", type=3, fields=DISPUTED, token=b"t" * 16, epoch=3
    )
    assert await world.publish(row(1), by_token) == 1
    (content,) = world.own.statements()
    assert isinstance(content, Dispute)
    assert (content.token, content.epoch) == (token.encode(b"t" * 16), 3)
    assert world.own.published == [Published(2, 0, b"t" * 16, 3)]


async def test_not_allowed(world: World) -> None:
    """While we must not append, nothing is."""
    world.why = "log: rolled back"
    with refused("rolled back"):
        await world.publish(row(1))
    assert world.own.frontier.size == 0


async def test_a_missing_tail_is_damage(world: World) -> None:
    """Upon a bundle that we cannot read we do not build."""
    await world.publish(row(1))
    world.own.bundles.clear()
    with damaged(r"own\.db: bundle 0 is missing"):
        await world.publish(row(2))
    assert world.own.frontier.size == 1


async def test_fresh_salts() -> None:
    """Each entry has sixteen random bytes of its own."""
    asked: list[int] = []
    world = World()

    def rng(count: int) -> bytes:
        asked.append(count)
        return bytes(range(count))

    world.writer.rng = rng
    await world.publish(row(1), row(2, value="other.example/"))
    records = codec.records(ORIGIN, world.own.bundles[0])
    assert asked == [32]
    assert records[0][1] != records[1][1]
