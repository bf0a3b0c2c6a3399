"""Quotas, access records, cosigner state, bearer tokens, sightings."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from syncd.errors import QuotaError, StaleError
from syncd.flows.ports import Access, Cosigned
from syncd.roster.quotas import Limit
from syncd.store import access as access_book
from syncd.store import quota, sealing, sightings, tables
from syncd.store.home_stores import OwnStore
from syncd.store.server import writer_of
from syncd.store.snapshot import OwnSnapshot
from tests import postgres
from tests.cases import each, tried
from tests.refusals import damaged, forked, misused, over_quota, stale
from tests.store.conftest import Clock, Log, Reopen, crash_at, r, sql

NOW = 1_800_000_000


def debit(n: int, request: int, now: int = NOW, **other: Any) -> quota.Debit:
    return quota.Debit(
        **{
            "member": "bank",
            "key": "phone/1",
            "purpose": "publish",
            "n": n,
            "request": b"%32d" % request,
            "now": now,
            "day": "2027-01-15",
            "limits": (Limit(100, 3600), Limit(250, 86_400)),
            **other,
        }
    )


async def give(own: OwnStore, *of: int, **other: Any) -> int:
    return await own.quotas.debit(debit(*of, **other))


# ----------------------------------------------------------------- quotas


async def test_each_member_and_key_has_its_own(own: OwnStore) -> None:
    """And to another member a request sent again is another request."""
    await give(own, 100, 1)
    with over_quota("pass 100 in 1 h"):
        await give(own, 1, 2)
    await give(own, 100, 1, member="police")
    await give(own, 100, 1, key="account/1")
    await own.quotas.prune(NOW + 30)
    rows = await own.quotas.usage("2027-01-15", "phone/1")
    assert rows == [("bank", "publish", 100, 1), ("police", "publish", 100, 0)]


async def test_many_at_once_never_pass_the_limit(own: OwnStore) -> None:
    """Concurrent requests share a commit, not the quota."""
    outcomes = await asyncio.gather(
        *(give(own, 7, i) for i in range(30)), return_exceptions=True
    )
    refused = [o for o in outcomes if isinstance(o, QuotaError)]
    assert len(refused) == 30 - 100 // 7
    assert {type(o) for o in outcomes} == {int, QuotaError}


async def test_usage_is_reported_once(own: OwnStore, log: Log) -> None:
    """A day's usage is owed until an append wrote it."""
    await give(own, 1, 1)
    await give(own, 1, 2, key="account/2")
    await give(own, 1, 3, day="2027-01-16")
    day = "2027-01-15"
    assert await own.quotas.unreported(before="2027-01-16") == [
        (day, "account/2"),
        (day, "phone/1"),
    ]
    await log.write(own, r(1), done=[quota.reported_mark(day, "phone/1")])
    assert await own.quotas.unreported(before="2027-01-16") == [
        (day, "account/2")
    ]
    await own.quotas.prune(NOW + 10**6)


# --------------------------------------------------------- access records


def access(**other: Any) -> Access:
    return Access(
        **{
            "caller": "desk 1",
            "purpose": "payment_screen",
            "kind": "phone",
            "positions": [("bank.example/syncd/txwz/1", 7)],
            "tokens": [b"t" * 16],
            "reference": "case 9",
            **other,
        }
    )


async def record(own: OwnStore, n: int = 1, **other: Any) -> None:
    await own.access.record([access(**other)] * n)


async def test_a_look_up_is_recorded_before_its_answer(
    own: OwnStore, reopen: Reopen
) -> None:
    """Hits with positions, misses without; durable when it returns."""
    await own.access.record(
        [
            access(action="warn", handling="no_tip_off"),
            access(positions=None, tokens=[]),
        ]
    )
    own.close()
    again = reopen()
    hit, miss = await again.access.page()
    assert hit.positions == (("bank.example/syncd/txwz/1", 7),)
    assert (hit.caller, hit.reference, hit.at) == ("desk 1", "case 9", NOW)
    assert (len(hit.tag), hit.action) == (8, "warn")
    assert hit.handling == "no_tip_off"
    assert (miss.positions, miss.tag, miss.action) == (None, b"", "")
    assert await again.access.page(after=hit.id) == [miss]


async def test_each_writer_has_records_before_its_own(
    own: OwnStore, reopen: Reopen, tmp_path: Path
) -> None:
    """Though others write in between, a transaction fails, and it restarts."""
    other = access_book.AccessBook(
        own.database, sealing.VaultCipher(b"a" * 32), own.clock, "local-1"
    )
    await record(own)
    await other.record([access(), access()])
    write = own.database.write_now

    def fails(job: Callable[[sa.Connection], object]) -> None:
        def step(c: sa.Connection) -> None:
            job(c)
            raise StaleError("lost")

        write(step)

    with patch.object(own.database, "write_now", fails), stale():
        await other.record([access()])
    await record(own)
    await other.record([access()])
    own.close()
    again = reopen()
    await record(again)
    found = await again.access.page()
    daemon = writer_of(tmp_path, access_book.WRITER, postgres.of(tmp_path))
    assert [(row.id, row.writer, row.previous) for row in found] == [
        *((1, daemon, 0), (2, "local-1", 0), (3, "local-1", 2)),
        *((4, daemon, 1), (5, "local-1", 3), (6, daemon, 4)),
    ]


async def test_a_month_whose_key_a_failover_lost_has_another(
    own: OwnStore, reopen: Reopen
) -> None:
    """What is recorded from then on opens, whatever we remember."""
    await record(own)
    await record(own)

    def lose(c: sa.Connection) -> None:
        gone = access_book.access_position, tables.access, tables.access_key
        for table in gone:
            c.execute(sa.delete(table))

    await own.database.write(lose)
    await record(own, reference="after")
    own.close()
    [row] = await reopen().access.page()
    assert row.reference == "after"


@tried(
    "change",
    [
        "caller = 'desk 2'",
        "purpose = 'audit'",
        "at = at + 1",
        "previous = 7",
        "tag = sealed",
        "sealed = (SELECT sealed FROM access WHERE id = 2)",
    ],
)
async def test_a_record_that_was_changed_does_not_open(
    own: OwnStore, change: str
) -> None:
    await record(own, 2)
    sql(own.database, f"UPDATE access SET {change} WHERE id = 1")
    with damaged("does not open"):
        await own.access.page()


@each("store", "records_are_a_chain_that_an_anchor_closes", "change, found")
async def test_records_are_a_chain_that_an_anchor_closes(
    own: OwnStore, change: str, found: Any
) -> None:
    """What was recorded by then is not written anew, with no secret either."""
    for _ in range(3):
        await own.access.record([access(), access(receipt="r")])
    anchored, newest = await own.access.heads(3)
    assert newest == 6
    await record(own)
    sql(own.database, change)
    wanted = sa.select(tables.access).order_by(tables.access.c.id)
    rows = await own.database.read(lambda c: [*c.execute(wanted).mappings()])
    named = await own.database.read(lambda c: access_book.named(c, 3, newest))
    said = access_book.verify(rows, named, anchored)
    for one, start in zip(said, found, strict=True):
        assert start in one


async def test_records_are_found_by_when_and_on_what(
    own: OwnStore, clock: Clock
) -> None:
    """By position and token too, though neither stands there."""
    origin, month = "bank.example/syncd/txwz/1", 31 * 86_400
    await own.access.record([access(), access(positions=None)])
    clock.now += month
    await record(own, caller="desk 2", tokens=[b"u" * 16])
    both = [(origin, 7), (origin, 8)]
    await record(own, purpose="appeal", positions=both)

    async def ids(after: int = 0, **wanted: Any) -> list[int]:
        return [row.id for row in await own.access.page(after, **wanted)]

    assert await ids() == [1, 2, 3, 4]
    assert await ids(after=2) == [3, 4]
    assert await ids(since=NOW + month) == [3, 4]
    assert await ids(positions=[(origin, 7)]) == [1, 3, 4]
    assert await ids(positions=[(origin, 7)], after=1) == [3, 4]
    assert await ids(positions=[(origin, 7)], since=NOW + 1) == [3, 4]
    assert await ids(positions=[(origin, 8)]) == [4]
    assert await ids(positions=both) == [1, 3, 4]
    assert await ids(positions=[(origin, 9)]) == []
    assert await ids(tokens=[b"t" * 16]) == [1, 2, 4]
    assert await ids(tokens=[b"t" * 16, b"u" * 16], after=2) == [3, 4]
    assert await ids(tokens=[b"v" * 16]) == []


async def test_records_are_counted_by_whom_what_for_and_when(
    own: OwnStore, clock: Clock
) -> None:
    """In quarters of an hour, from a time to before another."""
    begin = NOW // 900 * 900
    await own.access.record(
        [access(), access(positions=None), access(purpose="appeal")]
    )
    clock.now = begin + 900
    both = [("bank.example/syncd/txwz/1", n) for n in (7, 8)]
    await record(own, caller="desk 2", positions=both)
    first = [
        (begin, "desk 1", "appeal", 1, 1),
        (begin, "desk 1", "payment_screen", 2, 1),
    ]
    later = [(begin + 900, "desk 2", "payment_screen", 1, 1)]
    assert sorted(await own.access.sums(0, 2**53)) == first + later
    assert sorted(await own.access.sums(NOW, begin + 900)) == first
    assert await own.access.sums(begin + 900, 2**53) == later


@pytest.mark.sqlite
async def test_no_query_but_by_token_walks_through_all(own: OwnStore) -> None:
    """There are millions: each has an index to go by."""
    wanted: tuple[dict[str, Any], ...] = (
        {},
        {"since": NOW},
        {"positions": [("bank.example/syncd/txwz/1", 7)]},
    )
    await record(own)
    asked: list[str] = []

    def hear(_c: Any, cursor: Any, sql: str, values: Any, *_: Any) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        asked.extend(row[3] for row in cursor.fetchall())

    hook = (sa.Engine, "before_cursor_execute", hear)
    sa.event.listen(*hook)
    for query in wanted:
        await own.access.page(1, 100, **query)
    sa.event.remove(*hook)
    walked = {line for line in asked if line.startswith("SCAN access")}
    assert walked == {"SCAN access_key"}  # a row for each month
    (by_position,) = [line for line in asked if "access_position" in line]
    assert by_position.endswith("(month=? AND mac=?)")


async def test_tags_change_with_the_month(
    own: OwnStore, clock: Clock, tmp_path: Path
) -> None:
    """The same token has the same tag for a month, then another."""
    await own.access.record([access(), access(tokens=[b"u" * 16])])
    await record(own)
    clock.now += 31 * 86_400
    await record(own)
    first, other, same, later = await own.access.page()
    assert first.tag == same.tag
    assert len({first.tag, other.tag, later.tag}) == 3
    await own.database.purge()
    disk = postgres.disk(tmp_path, "own")
    assert b"t" * 16 not in disk
    assert b"case 9" not in disk
    assert b"bank.example/syncd" not in disk


async def test_concurrent_look_ups_share_a_commit(own: OwnStore) -> None:
    """All are recorded, each once."""
    await asyncio.gather(*(record(own) for _ in range(200)))
    assert len(await own.access.page(limit=1000)) == 200


@pytest.mark.sqlite
async def test_old_records_go_with_their_keys(
    own: OwnStore, clock: Clock, tmp_path: Path
) -> None:
    """After the days that they are kept neither record nor key is left."""
    await record(own)
    [(key,)] = sql(own.database, "SELECT sealed FROM access_key")
    clock.now += 1099 * 86_400
    await record(own)
    assert await own.access.prune(1100) == 0
    clock.now += 2 * 86_400
    assert await own.access.prune(1100) == 1
    clock.now += 60 * 86_400
    await own.access.prune(1100)
    assert len(await own.access.page()) == 1
    assert len(sql(own.database, "SELECT * FROM access_position")) == 1
    own.close()
    assert key not in (tmp_path / "own.db").read_bytes()


# --------------------------------------------------------- cosigner state

ORIGIN = "bank.example/syncd/txwz/1"


def signed(size: int, root: int = 0) -> Cosigned:
    return Cosigned(size, bytes([root]) * 32, b"note %d" % size)


async def test_a_cosigner_never_signs_less(own: OwnStore) -> None:
    """Compare-and-swap, never smaller, never another root at a size."""
    book = own.cosigned
    assert await book.cosigned("seen", ORIGIN) is None
    await book.cosign("seen", ORIGIN, None, signed(5))
    with stale():
        await book.cosign("seen", ORIGIN, None, signed(9))
    with stale("size 4 after 5"):
        await book.cosign("seen", ORIGIN, signed(5), signed(4))
    with forked("another root"):
        await book.cosign("seen", ORIGIN, signed(5), signed(5, root=1))
    await book.cosign("merged", ORIGIN, None, signed(3))
    await book.cosign("seen", ORIGIN, signed(5), signed(8))
    assert await book.cosigned("seen", ORIGIN) == signed(8)
    assert await book.cosigned("merged", ORIGIN) == signed(3)


@tried("point", ["cosign.row", "cosign.committed"])
async def test_a_crash_while_cosigning(
    own: OwnStore, reopen: Reopen, point: str
) -> None:
    """Before the commit nothing was signed, after it it was."""
    with crash_at(point):
        await own.cosigned.cosign("seen", ORIGIN, None, signed(5))
    own.close()
    again = reopen()
    want = None if point == "cosign.row" else signed(5)
    assert await again.cosigned.cosigned("seen", ORIGIN) == want


async def test_the_first_receipt_of_what_takes_effect_is_kept(
    own: OwnStore, tmp_path: Path, log: Log, clock: Clock
) -> None:
    """Each signer's, also where it covers more; as long as look-ups are."""
    keep = partial(own.cosigned.keep_receipt, log.origin)
    for n in range(6):  # trees of 1 to 6 entries; two have an effect
        await log.write(own, r(n), effect=n in (1, 4))
    for signer, sizes in {"police": (1, 2, 3, 6), "carrier": (4, 6)}.items():
        for size in sizes:
            await keep(signer, size, b"%d" % size)

    def kept() -> list[tuple[str, int]]:
        with OwnSnapshot.of(tmp_path, postgres.of(tmp_path)) as snapshot:
            return [(row.name, row.size) for row in snapshot.kept_receipts()]

    first = [("carrier", 4), ("carrier", 6), ("police", 2), ("police", 6)]
    assert kept() == first
    for index, want in (0, [4, 2]), (3, [4, 6]), (5, [6, 6]), (6, []):
        of_entry = await own.cosigned.first_receipts(log.origin, index)
        assert [receipt.size for receipt in of_entry] == want
    assert await own.cosigned.effect_at(log.origin, 1) == clock.now
    assert await own.cosigned.effect_at(log.origin, 6) == 0
    clock.now += 10 * 86_400
    await own.cosigned.prune(10)
    assert kept() == first
    clock.now += 1
    await own.cosigned.prune(10)
    assert kept() == []


# ---------------------------------------------------------- bearer tokens


async def test_a_token_is_shown_once_and_stored_hashed(
    own: OwnStore, tmp_path: Path
) -> None:
    """The database knows whose it is, not what it is."""
    secret = await own.bearers.add("desk", "reader")
    bearer = await own.bearers.check(secret)
    assert bearer is not None
    assert (bearer.name, bearer.role) == ("desk", "reader")
    assert await own.bearers.check(secret + "x") is None
    assert await own.bearers.check("\udcff") is None
    await own.database.purge()
    disk = postgres.disk(tmp_path, "own")
    assert secret.encode() not in disk
    assert secret.removeprefix("syncd_").encode() not in disk


async def test_a_revoked_token_is_out_and_its_name_free(own: OwnStore) -> None:
    """Till then its name is refused, as is an unknown role."""
    secret = await own.bearers.add("desk", "operator")
    with misused("in use"):
        await own.bearers.add("desk", "auditor")
    with misused("no role") as e:
        await own.bearers.add("other", "root")
    assert "operator" in e.value.hint
    assert await own.bearers.revoke("desk")
    assert await own.bearers.check(secret) is None
    assert not await own.bearers.revoke("desk")
    await own.bearers.add("desk", "auditor")
    roles = [(b.role, b.revoked_at) for b in await own.bearers.all()]
    assert roles == [("operator", NOW), ("auditor", None)]


# -------------------------------------------------------------- sightings


async def test_sightings_wait_and_go_with_their_append(
    own: OwnStore, log: Log
) -> None:
    """Counted by week; dropped in the transaction that tells them."""
    met = sightings.SightedToken(20_000, "phone", 1, b"t" * 16, "blocked")
    later = sightings.SightedToken(20_007, "phone", 1, b"t" * 16, "blocked")
    await own.sightings.add([met, met, later])
    (due,) = await own.sightings.due(before=20_007)
    assert due == replace(met, count=2, id=due.id)
    await log.write(own, r(1), sighted=[due.id])
    assert await own.sightings.due(before=20_007) == []
    assert len(await own.sightings.due(before=20_008)) == 1
