"""The vault accepts once, gives out in order, and shows nothing on disk."""

import base64
import hmac
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from syncd import canonical
from syncd.flows.draft import NewReport
from syncd.flows.ports import Published, State
from syncd.flows.submission import (
    ImportBegin,
    ImportEnd,
    ImportMark,
    ImportStatus,
    Submission,
)
from syncd.indicator import codec
from syncd.indicator.record import ReportFields
from syncd.roster.members import Cut
from syncd.store import gone
from syncd.store.home_stores import OwnStore
from syncd.store.imports import Refused
from syncd.store.own import Succession, succeed
from syncd.store.retracting import Terms, Withdrawn
from syncd.store.sealing import VaultCipher
from syncd.store.vault import Query
from syncd.tlog.merkle import Frontier
from tests import postgres
from tests.cases import tried
from tests.refusals import damaged, stale
from tests.store.conftest import (
    Log,
    Reopen,
    accepted,
    crash_at,
    file,
    known,
    r,
    row_of,
    sql,
    step,
)

DAY = "2026-11-29"
WRONG = Terms("wrong", DAY)


class PlainCipher(VaultCipher):
    """Encryption switched off, for the test of the tests."""

    def seal(self, plain: bytes, context: bytes) -> bytes:
        return plain

    def open(self, sealed: bytes, context: bytes) -> bytes:
        return sealed


def fields(**given: object) -> bytes:
    return canonical.dumps({"evidence": "user_tag", "label": "other", **given})


def phone(n: int, *, urgent: bool = False, **given: object) -> NewReport:
    return NewReport("phone", f"+86138{n:08d}", fields(**given), urgent=urgent)


async def accept(own: OwnStore, *reports: NewReport) -> list[int]:
    outcomes = await own.vault.accept(reports)
    assert all(o.state == "accepted" for o in outcomes)
    return [o.id for o in outcomes]


async def one(own: OwnStore) -> int:
    return (await accept(own, phone(1)))[0]


async def publish(
    own: OwnStore, log: Log, id_: int, *, ends: bool = False, epoch: int = 1
) -> None:
    row = Published(id_, log.frontier.size, b"t" * 16, epoch, ends)
    await log.write(own, r(1), rows=[row])


async def test_accepted_in_order_and_opened_again(own: OwnStore) -> None:
    """What was accepted comes back with value, reason and fields."""
    secret = NewReport("url", "evil.example/a", fields(), again="case 7")
    first, second = await accept(own, phone(1), secret)
    assert first < second
    row = await row_of(own, second)
    assert (row.value, row.again) == ("evil.example/a", "case 7")
    assert row.fields == ReportFields(evidence="user_tag", label="other")
    assert row.state is State.WAITING
    assert "evil" not in repr(row)
    assert "evil" not in repr(secret)


async def test_equal_fields_are_known_others_are_new(own: OwnStore) -> None:
    """The same value twice: known if it says the same, else a new report."""
    value = phone(1).value
    others = phone(1, confidence=90), NewReport("phone", value, fields(), 3)
    said = phone(1), phone(1), *others, NewReport("account", value, fields())
    want = accepted(1), known(1), *map(accepted, (2, 3, 4))
    assert await own.vault.accept(said) == [*want]
    assert await own.vault.accept([phone(1)]) == [known(1)]
    found = await own.vault.find_value("phone", value)
    assert [row.id for row in found] == [1, 2, 3]
    assert await own.vault.find_value("phone", phone(2).value) == []


async def test_urgent_first_then_oldest(own: OwnStore) -> None:
    """Waiting rows come by urgency, then age, of the kinds asked for."""
    await accept(
        own,
        phone(1),
        NewReport("url", "a.example/", fields()),
        phone(2),
        phone(3, urgent=True),
        NewReport("url", "b.example/", fields(), urgent=True),
    )
    both = await own.vault.waiting(10, ["phone", "url"])
    assert [row.id for row in both] == [4, 5, 1, 2, 3]
    assert [r.id for r in await own.vault.waiting(2, ["phone"])] == [4, 1]
    assert await own.vault.waiting(10, ["account"]) == []


async def test_urgent_now_though_known_before(own: OwnStore) -> None:
    """Whoever says that it is urgent is not told `known` and kept waiting."""
    slow = await accept(own, phone(1), phone(2))
    assert await own.vault.accept([phone(2, urgent=True)]) == [known(slow[1])]
    rows = await own.vault.waiting(10, ["phone"])
    assert [(r.id, r.urgent) for r in rows] == [
        (slow[1], True),
        (slow[0], False),
    ]


async def test_the_way_of_a_row(own: OwnStore, log: Log) -> None:
    """Waiting, published, ending, ended; each in its append's transaction."""
    id_ = await one(own)
    await publish(own, log, id_)
    row = await own.vault.by_index(log.origin, 0)
    assert row is not None
    assert (row.id, row.state, row.token) == (id_, State.PUBLISHED, b"t" * 16)
    assert await own.vault.waiting(10, ["phone"]) == []
    assert await own.vault.accept([phone(1)]) == [known(id_)]
    done = await own.vault.retract([id_], WRONG)
    assert done == Withdrawn(ends=Counter({1: 1}), ids=[id_])
    (ending,) = await own.vault.ending(10)
    assert (ending.position, ending.epoch, ending.reason) == (
        (log.origin, 0),
        1,
        "wrong",
    )
    # Said again while it is on its way out: a new report.
    assert await own.vault.accept([phone(1)]) == [accepted(id_ + 1)]
    await publish(own, log, id_, ends=True)
    row = await row_of(own, id_)
    assert (row.state, row.ended_by) == (State.ENDED, (log.origin, 1))
    assert await own.vault.ending(10) == []
    assert await own.vault.counts() == {
        ("phone", State.ENDED): 1,
        ("phone", State.WAITING): 1,
    }


async def test_nothing_is_published_twice(own: OwnStore, log: Log) -> None:
    """An append with a row that was published before is refused whole."""
    id_ = await one(own)
    done = Published(id_, 0, b"t" * 16, 1)
    await log.write(own, r(1), rows=[done])
    ended = Published(id_, 1, b"t" * 16, 1, ends=True)
    for again, why in ((done, "published before"), (ended, "ended before")):
        with stale(why):
            await log.copy().write(own, r(1), rows=[again])
    assert (await own.log.head()).frontier.size == log.frontier.size


async def test_retracted_before_it_was_public(own: OwnStore) -> None:
    """A waiting row ends at once: nothing is ever said of it."""
    id_ = await one(own)
    done = await own.vault.retract([id_, id_, 99], WRONG)
    assert done == Withdrawn(ends=Counter({1: 1}), ids=[id_])
    again = await own.vault.retract([id_, id_, 99], WRONG)
    assert again == Withdrawn(already=1)
    assert await own.vault.waiting(10, ["phone"]) == []
    assert await own.vault.ending(10) == []


async def test_retracted_on_its_way_into_it(own: OwnStore, log: Log) -> None:
    """The append that it was part of turns it into one that must end."""
    id_ = await one(own)
    await own.vault.retract([id_], WRONG)
    await publish(own, log, id_)
    (ending,) = await own.vault.ending(10)
    assert (ending.id, ending.reason) == (id_, "wrong")
    assert ending.position == (log.origin, 0)


async def test_only_what_was_meant_is_withdrawn(own: OwnStore) -> None:
    """Who takes back a report keeps the dispute of the same value."""
    stale = NewReport("phone", phone(1).value, fields(reason="stale"), 3)
    both = await accept(own, phone(1), stale)
    done = await own.vault.retract(both, Terms("wrong", DAY, [1]))
    assert done == Withdrawn(ends=Counter({1: 1}), spared=1, ids=both[:1])
    done = await own.vault.retract(both, Terms("wrong", DAY, [3]))
    assert done == Withdrawn(ends=Counter({3: 1}), ids=both[1:])
    assert await own.vault.retract([], WRONG) == Withdrawn()


async def test_a_dispute_by_token_has_no_value(own: OwnStore) -> None:
    """It is kept, known, listed and found again like any other row."""
    by_token = NewReport(
        "phone", "", fields(reason="stale"), 3, True, token=b"t" * 16, epoch=2
    )
    (id_,) = await accept(own, by_token)
    assert await own.vault.accept([by_token]) == [known(id_)]
    for other in ({"token": b"u" * 16}, {"epoch": 1}, {"kind": "account"}):
        await accept(own, structs.replace(by_token, **other))
    [row] = await own.vault.page(Query(ids=[id_]))
    assert (row.id, row.value, row.token, row.epoch) == (id_, "", b"t" * 16, 2)
    assert (await own.vault.waiting(1, ["phone"]))[0] == row


async def test_pages(own: OwnStore) -> None:
    """Rows come newest first, with a cursor that neither skips nor loops."""
    ids = await accept(own, *[phone(n) for n in range(25)])
    await own.vault.retract(ids[:5], WRONG)
    seen: list[int] = []
    before = 0
    while page := await own.vault.page(
        Query(before, 10, [State.WAITING], "phone")
    ):
        seen += [row.id for row in page]
        before = page[-1].id
    assert seen == ids[:4:-1]
    assert len(await own.vault.page(Query())) == 25
    assert await own.vault.page(Query(kind="url")) == []


# ------------------------------------------------------- files taken in


async def begin(own: OwnStore) -> ImportStatus:
    return await own.imports.begin(file("a"))


def mark(state: ImportStatus, to: int) -> ImportMark:
    return step(state.id, to, state.offset, to // 10)


async def test_an_import_goes_on_where_it_was(own: OwnStore) -> None:
    """Rows and offset are committed together; counts add up."""
    state = await begin(own)
    assert (state.offset, state.row, state.finished_at) == (0, 0, None)
    refused = [Refused(n, b"{}") for n in range(3)]
    both = [phone(1), phone(2)]
    await own.vault.accept(both, mark(state, 40), None, refused)
    state = await begin(own)
    assert (state.offset, state.row, state.prefix) == (40, 4, f"{40:064x}")
    await own.vault.accept([phone(2), phone(3)], mark(state, 100))
    await gone.finish(own.database, state.id, ImportEnd(), 1, DAY)
    state = await own.imports.state(state.id)
    assert (state.accepted, state.known, state.refused) == (3, 1, 3)
    assert state.finished_at
    rows = (await own.vault.page(Query()))[::-1]
    assert [row.value[-1] for row in rows] == ["1", "2", "3"]
    assert (await begin(own)).id != state.id  # one that has ended begins anew


async def test_two_imports_of_one_file_do_not_double(own: OwnStore) -> None:
    """The second to commit from an offset is stale, with all its rows."""
    state = await begin(own)
    await own.vault.accept([phone(1)], mark(state, 40))
    with stale("not at byte 0"):
        await own.vault.accept([phone(2)], mark(state, 40))
    assert await own.vault.find_value("phone", "+8613800000002") == []


@tried("point", ["import.rows", "import.mark", "import.committed"])
async def test_a_crash_in_an_import(
    own: OwnStore, reopen: Reopen, point: str
) -> None:
    """Rows and mark are both there after a crash, or neither."""
    state = await begin(own)
    with crash_at(point):
        await own.vault.accept([phone(1)], mark(state, 40))
    own.close()
    again = reopen()
    state = await begin(again)
    rows = await again.vault.find_value("phone", "+8613800000001")
    [held] = sql(again.database, "SELECT count(*) FROM list_value")
    assert (state.offset, len(rows), *held) == (
        (40, 1, 1) if point == "import.committed" else (0, 0, 0)
    )


# ---------------------------------------------------------------- secrecy

VALUE = "+8613912345678"
SEALED = tried(
    "cipher, shows",
    [(VaultCipher(b"v" * 32), False), (PlainCipher(b"v" * 32), True)],
    ids=["encrypted", "switched off"],
)


def spellings(value: str) -> list[bytes]:
    """Return the forms under which a raw value could leak."""
    digits = value.strip("+")
    return [
        value.encode(),
        digits[2:].encode(),
        digits.translate({i: i + 0xFEE0 for i in range(0x30, 0x3A)}).encode(),
        value.encode().hex().encode(),
        base64.b64encode(value.encode())[:-2],
        value.encode("utf-16-le"),
    ]


def found_in(home: Path, value: str) -> bool:
    """Search all that is kept for a value."""
    parts = postgres.parts(home)
    return any(form in part for part in parts for form in spellings(value))


@SEALED
async def test_no_raw_value_on_disk(
    tmp_path: Path, log: Log, reopen: Reopen, cipher: VaultCipher, shows: bool
) -> None:
    """Neither database nor WAL shows it; the same search finds it in clear."""
    own = reopen(cipher=cipher)
    report = NewReport("phone", VALUE, fields(), again=VALUE)
    (id_,) = await accept(own, report)
    assert found_in(tmp_path, VALUE) is shows  # still in the WAL
    await publish(own, log, id_)
    await own.vault.retract([id_], WRONG)
    await own.vault.find_value("phone", VALUE)
    await own.database.purge()
    assert found_in(tmp_path, VALUE) is shows  # now in the database
    own.close()
    assert found_in(tmp_path, VALUE) is shows


@SEALED
async def test_nothing_of_a_list_is_on_the_disk(
    tmp_path: Path, reopen: Reopen, cipher: VaultCipher, shows: bool
) -> None:
    """Neither its name, nor its file's, nor a refused row, nor a reason."""
    names = ["list of Li", "Li.csv", "n/a of Li", "cells of Li", "told by Li"]
    list_, file, why, cells, again = names
    own = reopen(cipher=cipher)
    wanted = ImportBegin(name=file, size=9, file="f", list=list_)
    state = await own.imports.begin(wanted)
    refused = [Refused(1, why.encode(), VALUE)]
    await accept(own, phone(1))
    await own.vault.retract([1], Terms("entry_error", DAY))
    row = structs.replace(phone(1), raw=VALUE)
    how = Submission(again=again)
    done = await own.vault.accept([row], step(state.id), how, refused)
    assert done == [accepted(2)]
    await own.imports.keep_cells(state.id, [(1, cells.encode())])
    for name in names:
        assert found_in(tmp_path, name) is shows, name
    assert not found_in(tmp_path, VALUE)  # of cells, only a hash is kept
    opened = await own.imports.state(state.id)
    assert (opened.list, opened.name) == (list_, file)


async def test_other_keys_open_nothing(own: OwnStore, reopen: Reopen) -> None:
    """A vault under the wrong key is damaged, not empty."""
    await accept(own, phone(1))
    own.close()
    other = reopen(cipher=VaultCipher(b"w" * 32))
    with damaged("row 1 does not open"):
        await other.vault.waiting(1, ["phone"])


async def test_a_row_in_anothers_place_does_not_open(own: OwnStore) -> None:
    """What is sealed is bound to what it says and of whom."""
    await accept(own, phone(1), phone(2))
    other = "(SELECT sealed FROM vault WHERE id = 1)"
    sql(own.database, f"UPDATE vault SET sealed = {other} WHERE id = 2")
    with damaged("row 2"):
        await row_of(own, 2)


def test_a_value_is_found_by_hmac_sha256() -> None:
    """What stands in databases already is found for ever (RFC 2104)."""
    key, message = bytes(range(32)), b"value\0url\0a.example/"
    mac_key = hmac.digest(key, b"syncd-vault-mac-v1", "sha256")
    cipher = VaultCipher(key)
    for _ in range(2):
        found = cipher.mac(message)
        assert found == hmac.digest(mac_key, message, "sha256")[:16]


# ------------------------------------------------------- another token key


async def test_what_is_said_again_moves(own: OwnStore, log: Log) -> None:
    """It counts once, and is found and taken back at both places.

    Also if it was to end before. What lasts is left, and what nobody said
    again ends with its epoch.
    """
    vault = own.vault
    old = Query(states=[State.PUBLISHED], epoch=1, lasting=DAY)
    days = [DAY, *["2026-11-30"] * 4]
    said = [phone(n, expires=day) for n, day in enumerate(days)]
    _, first, then, stays, _ = ids = await accept(own, *said)
    for id_ in ids:
        await publish(own, log, id_)
    assert await vault.count(old) == 4
    await vault.retract([first], WRONG)
    for id_ in first, then, stays:
        await publish(own, log, id_, epoch=2)
    assert await vault.count(old) == 1
    found = [await vault.by_index(log.origin, at) for at in (3, 7)]
    assert [r and (r.id, r.epoch, r.position) for r in found] == [
        (stays, 2, (log.origin, 7))
    ] * 2
    done = await vault.retract([then], WRONG)
    assert done == Withdrawn(ends=Counter({1: 1}), ids=[then])
    rows = await vault.ending(9)
    assert sorted((row.id, row.epoch) for row in rows) == [
        (id_, epoch) for id_ in (first, then) for epoch in (1, 2)
    ]
    ends = [Published(row.id, 8, b"", 0, ends=True) for row in rows]
    await log.write(own, r(1), rows=ends)
    with stale("published before"):
        await publish(own, log.copy(), then, epoch=3)
    await vault.retire([("phone", 1)])
    assert await vault.by_index(log.origin, 3) is None
    assert await vault.accept(said[3:4]) == [known(stays)]
    want = {("phone", State.PUBLISHED): 1, ("phone", State.ENDED): 4}
    assert await vault.counts() == want


async def test_said_again_behind_the_end_of_a_log(
    own: OwnStore, log: Log
) -> None:
    """It waits to be said once more; where it stood before, it stands."""
    id_ = await one(own)
    await publish(own, log, id_)
    origin, root = log.origin, log.frontier.root()
    await publish(own, log, id_, epoch=2)
    await turned(own, log, 1, root)
    row = await own.vault.by_index(origin, 0)
    assert row
    assert (row.id, row.state) == (id_, State.WAITING)


# ---------------------------------------------------------- the next log


async def turned(own: OwnStore, log: Log, size: int, root: bytes) -> None:
    """Let the next log take over from where the roster says it ended."""
    after = Log("bank.example/syncd/txwz/2").tip
    succession = Succession(after, log.origin, Cut(size, root))
    for _ in range(2):
        await own.database.write(lambda c: succeed(c, succession))


async def three(own: OwnStore, log: Log) -> list[int]:
    """Publish three rows, one an entry; the second is ended by the fourth."""
    ids = await accept(own, phone(1), phone(2), phone(3))
    for id_ in ids:
        await publish(own, log, id_)
    await own.vault.retract([ids[1]], WRONG)
    await publish(own, log, ids[1], ends=True)
    return ids


async def states(own: OwnStore, ids: Sequence[int]) -> list[str]:
    return [(await row_of(own, id_)).state.name for id_ in ids]


async def test_what_counts_stays_and_cannot_be_retracted(
    own: OwnStore, log: Log
) -> None:
    """A log ends only what it said itself; we know where that stands."""
    ids = await three(own, log)
    await turned(own, log, 4, log.frontier.root())
    assert await states(own, ids) == ["PUBLISHED", "ENDED", "PUBLISHED"]
    assert await own.vault.retract(ids, WRONG) == Withdrawn(
        already=1, past=[(log.origin, 0), (log.origin, 2)]
    )
    row = await own.vault.by_index(log.origin, 2)
    assert row is not None
    assert row.position == (log.origin, 2)
    assert await own.vault.by_index("bank.example/syncd/txwz/2", 2) is None


async def test_what_stands_behind_the_end_waits_again(
    own: OwnStore, log: Log
) -> None:
    """And what its retract there was to end is published again."""
    ids = await three(own, log)
    root = Frontier.EMPTY.extend(codec.leaf_hashes(log.records[:2])).root()
    await turned(own, log, 2, root)
    assert await states(own, ids) == ["PUBLISHED", "PUBLISHED", "WAITING"]
    (row,) = await own.vault.waiting(10, ["phone"])
    assert (row.id, row.position, row.token) == (ids[2], None, b"")


@tried("size, is_", [(2, "WAITING"), (400, "PUBLISHED")])
async def test_of_another_log_nothing_counts_of_a_longer_one_all(
    own: OwnStore, log: Log, size: int, is_: str
) -> None:
    """Where a fork parted is not known; what was rolled back is a beginning."""
    ids = await three(own, log)
    await turned(own, log, size, b"\7" * 32)
    assert await states(own, ids) == [is_, "ENDED", is_]
