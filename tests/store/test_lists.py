"""Lists come again: what stands is known, what was taken back stays away."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from syncd import canonical
from syncd.errors import MissingError, RefusedError
from syncd.flows.draft import NewReport
from syncd.flows.ports import State
from syncd.flows.submission import (
    ImportBegin,
    ImportEnd,
    ImportStatus,
    Outcome,
    Submission,
)
from syncd.store import gone, imports
from syncd.store.home_stores import OwnStore
from syncd.store.imports import Refused
from syncd.store.retracting import Terms
from syncd.store.vault import Query
from tests.cases import each, tried, vectors
from tests.refusals import misused, refused
from tests.store.conftest import accepted, file, row_of, sql, step, taken_back

TODAY, LATER = "2026-11-29", "2026-12-03"


def phone(
    n: int,
    seen: str = "",
    *,
    today: str = TODAY,
    expires: str = "",
    evidence: str = "user_tag",
    raw: str = "",
    label: str = "other",
) -> NewReport:
    """Report the n-th phone; a day that is not said has a default."""
    fields = canonical.dumps(
        {
            "evidence": evidence,
            "expires": expires or "2027-05-01",
            "label": label,
            "seen": seen or today,
        }
    )
    value = f"+86138{n:08d}"
    return NewReport(
        "phone", value, fields, seen=seen, expires=expires, raw=raw or value
    )


async def hand(
    own: OwnStore, *said: NewReport | int, day: str = TODAY, **how: Any
) -> list[Outcome]:
    handing = Submission("desk", day, **how)
    return await own.vault.accept(reports(said), None, handing)


def reports(said: Iterable[NewReport | int]) -> list[NewReport]:
    return [phone(one) if isinstance(one, int) else one for one in said]


async def read(
    own: OwnStore,
    of: ImportBegin,
    *said: NewReport | int,
    refused: Sequence[Refused] = (),
) -> int:
    """Begin an import, and take in all of its rows."""
    begun = await own.imports.begin(of)
    how = Submission("desk", TODAY)
    await own.vault.accept(reports(said), step(begun.id), how, refused)
    return begun.id


async def run(
    own: OwnStore,
    name: str,
    *said: NewReport | int,
    refused: tuple[str, ...] = (),
    **ending: Any,
) -> ImportStatus:
    """Import a file of a list, to its end.

    With `agreed`, what would be taken back is named as soon as it is told.
    """
    number = len(await own.imports.history())
    rows = [Refused(n, b'{"no":1}', raw) for n, raw in enumerate(refused, 1)]
    of = file(str(number), name, anew=True)
    return await end(own, await read(own, of, *said, refused=rows), **ending)


async def end(
    own: OwnStore, id_: int, *, agreed: bool = False, **ending: Any
) -> ImportStatus:
    """End an import."""
    if agreed:
        ending["gone"] = "retract"
    try:
        await gone.finish(own.database, id_, ImportEnd(**ending), 1, TODAY)
    except RefusedError as e:
        if not agreed:
            raise
        ending["gone_at_most"] = e.params["due"]
        await gone.finish(own.database, id_, ImportEnd(**ending), 1, TODAY)
    return await own.imports.state(id_)


async def in_force(own: OwnStore) -> list[str]:
    rows = await own.vault.page(Query(states=[State.WAITING]))
    return sorted(row.value[-1] for row in rows)


# --------------------------------------------------------------- sameness


DUE = canonical.dumps({"due": TODAY, "reason": "stale"})
STEPS = vectors("store/lists")


@tried("steps", STEPS["said"].values(), ids=STEPS["said"])
async def test_what_is_said_again(own: OwnStore, steps: Any) -> None:
    for one in steps:
        how = {"day": one.get("day", TODAY)}
        if "back" in one:
            terms = Terms(one["for"], how["day"])
            await own.vault.retract([one["back"]], terms)
            continue
        report = phone(**one.get("say", {"n": 1}))
        if "dispute" in one:
            report = NewReport("phone", report.value, DUE, 3)
        came = await hand(own, report, **how, refresh="refresh" in one)
        assert came == [Outcome(*one["is"])]


# -------------------------------------------------------------- creep-back

ABOUT_THE_VALUE = (
    *("appeal_upheld", "court_order", "false_positive", "victim_account"),
    *("case_closed", "entry_error", "reassigned"),
)


@tried("reason", ABOUT_THE_VALUE)
async def test_what_is_taken_back_is_away(own: OwnStore, reason: str) -> None:
    """From any list, in other words too; told with its old reason."""
    await hand(own, 1)
    await own.vault.retract([1], Terms(reason, TODAY))
    held = [taken_back(1, reason, TODAY)]
    assert await hand(own, 1, day=LATER) == held
    assert await hand(own, phone(1, label="fake_shop")) == held
    assert await hand(own, phone(1, TODAY)) == held
    state = await run(own, "a", 1, 2)
    assert (state.taken_back, state.accepted) == (1, 1)


async def test_a_number_may_be_used_after_half_a_year(own: OwnStore) -> None:
    await hand(own, 1, 2)
    await own.vault.retract([1], Terms("reassigned", "2026-01-01"))
    await own.vault.retract([2], Terms("appeal_upheld", "2026-01-01"))
    both = [phone(1), phone(2)]
    assert await hand(own, *both, day="2026-06-29") == [
        taken_back(1, "reassigned", "2026-01-01"),
        taken_back(2, "appeal_upheld", "2026-01-01"),
    ]
    assert await hand(own, *both, day="2026-06-30") == [
        accepted(3),
        taken_back(2, "appeal_upheld", "2026-01-01"),
    ]


async def test_again_with_a_reason_ends_it(own: OwnStore) -> None:
    """The reason is kept beside the value, sealed."""
    await hand(own, 1)
    await own.vault.retract([1], Terms("entry_error", TODAY))
    came = await hand(own, 1, 2, again="checked by Li")
    assert came == [accepted(2), accepted(3)]
    row, other = await row_of(own, 2), await row_of(own, 3)
    assert (row.again, other.again) == ("checked by Li", "")


# -------------------------------------------------------------------- gone


@tried("steps", STEPS["gone"].values(), ids=STEPS["gone"])
async def test_what_is_gone(own: OwnStore, steps: Any) -> None:
    for one in steps:
        of = {**one}
        if "hand" in of:
            await hand(own, *of["hand"])
            continue
        if "stop" in of:
            await read(own, file("a", "a"), *of["stop"])
            continue
        rows = [
            r if isinstance(r, int) else phone(**r) for r in of.pop("rows")
        ]
        stops, lost = of.pop("stops", ""), of.pop("lacks", None)
        left = of.pop("left", None)
        try:
            state = await run(own, "a", *rows, **of)
        except RefusedError as e:
            assert stops, e  # noqa: PT017 (of some alone)
            assert stops in str(e)  # noqa: PT017
            continue
        assert not stops
        assert lost in (None, [state.gone, state.due, state.dropped])
        assert left in (None, await in_force(own))
    ended = await own.vault.page(Query(states=[State.ENDED]))
    assert {row.reason for row in ended} <= {"list_dropped"}


async def test_the_next_file_comes_though_the_last_was_not_agreed_to(
    own: OwnStore,
) -> None:
    """It was in to its end; only what it lacks was left open."""
    await run(own, "a", 1, 2, 3)
    await run(own, "a", 1, 2)
    with refused("gone: 1 of"):
        await run(own, "a", 1, 2, gone="retract")
    id_ = await read(own, file("next", "a"), 1, 2, 4)
    state = await end(own, id_, agreed=True)
    assert (state.due, state.dropped) == (1, 1)
    assert await in_force(own) == ["1", "2", "4"]


@each("store", "too_many_at_once_stop_it", "size, lost, may")
async def test_too_many_at_once_stop_it(
    own: OwnStore, size: int, lost: int, may: int
) -> None:
    """More than one in a hundred of the list, or a hundred rows.

    Nothing is taken back, and the import ends when the number is named.
    """
    rows = [phone(n) for n in range(size)]
    await run(own, "a", *rows)
    await run(own, "a", *rows[lost:])
    if lost <= may:
        state = await run(own, "a", *rows[lost:], gone="retract")
        assert (state.due, state.dropped) == (lost, lost)
        return
    with refused(f"gone: {lost} of") as e:
        await run(own, "a", *rows[lost:], gone="retract")
    assert f"at most {may} go unasked" in str(e.value)
    assert f"--gone-at-most {lost}" in e.value.hint
    [newest] = await own.imports.history(limit=1)
    for other in (lost - 1, lost + 1):  # that is not what was told
        with refused(f"gone: {lost} of"):
            await end(own, newest.id, gone="retract", gone_at_most=other)
    assert len(await in_force(own)) == min(size, 100)
    state = await end(own, newest.id, gone="retract", gone_at_most=lost)
    assert state.dropped == lost
    assert state.finished_at


async def test_a_number_that_is_named_is_a_limit_too(own: OwnStore) -> None:
    rows = [phone(n) for n in range(300)]
    await run(own, "a", *rows)
    await run(own, "a", *rows[2:])
    with refused("at most 1 go unasked"):
        await run(own, "a", *rows[2:], gone="retract", gone_at_most=1)


async def test_an_end_that_is_repeated_changes_nothing(own: OwnStore) -> None:
    await run(own, "a", 1, 2)
    await run(own, "a", 1)
    state = await run(own, "a", 1)
    again = ImportEnd(gone="retract", gone_at_most=1)
    await gone.finish(own.database, state.id, again, 2, TODAY)
    assert await own.imports.state(state.id) == state
    with pytest.raises(MissingError, match="none of that id"):
        await end(own, 99)


async def test_an_import_that_ends_late_drops_nothing(own: OwnStore) -> None:
    old = await own.imports.begin(file("old", "a"))
    await run(own, "a", 1, 2)
    state = await end(own, old.id, gone="retract")
    assert (state.gone, state.dropped) == (0, 0)


# ----------------------------------------------------------------- history


async def test_imports_are_found_again(own: OwnStore) -> None:
    """Newest first, by the name of their list, with who and how many."""
    await run(own, "a", 1, 2, refused=("x",))
    await run(own, "b", 2)
    await run(own, "a", 1)
    found = await own.imports.history()
    assert [(i.list, i.name) for i in found] == [
        ("a", "2.csv"),
        ("b", "1.csv"),
        ("a", "0.csv"),
    ]
    assert [i.id for i in await own.imports.history(list_name="a")] == [3, 1]
    assert [i.id for i in await own.imports.history(3, 1)] == [2]
    with misused("list: none has that name"):
        await own.imports.history(list_name="c")
    first = found[2]
    assert (first.accepted, first.refused) == (2, 1)
    assert first.finished_at
    brought = await own.vault.of_import(1)
    assert len(await own.vault.in_force(brought)) == 2
    await own.vault.retract(brought, Terms("duplicate", TODAY))
    assert not await own.vault.in_force(brought)
    rows = await own.vault.page(Query(list_id=await own.imports.list_id("b")))
    assert [row.value[-1] for row in rows] == ["2"]
    assert rows[0].by == "desk"


async def test_a_list_that_stopped_ends_on_purpose_only(own: OwnStore) -> None:
    """Another file, or other options, could double what is in."""
    first = await own.imports.begin(file("1", "a"))
    await own.vault.accept([phone(1)], step(first.id, row=2))
    with misused("import 1 stopped at row 2"):
        await own.imports.begin(file("2", "a"))
    assert (await own.imports.begin(file("1", "a"))).id == first.id
    assert (await own.imports.begin(file("1", "a", anew=True))).id == 2
    assert [bool(i.finished_at) for i in await own.imports.history()] == [
        False,
        True,
    ]


async def test_no_hash_of_a_file_can_be_tried_out(own: OwnStore) -> None:
    """Of a list with one number, that would tell the number."""
    hashed = "ff" * 32
    begun = await own.imports.begin(file(hashed, "a"))
    assert begun.prefix == hashlib.sha256().hexdigest()
    mark = step(begun.id)
    await own.vault.accept([phone(1)], mark)
    again = await own.imports.begin(file(hashed, "a"))
    assert (again.prefix, again.offset) == (mark.prefix, 9)
    [kept] = sql(own.database, "SELECT file, prefix FROM import_job")
    assert bytes.fromhex(hashed) not in kept[0]
    assert bytes.fromhex(mark.prefix) not in kept[1]


async def test_refused_rows_are_sealed_and_forgotten(
    own: OwnStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many of a list, for so long, and only of its newest import."""
    monkeypatch.setattr(imports, "MOST_REFUSED", 2)
    state = await run(own, "a", refused=("x", "y", "z"))
    await own.imports.keep_cells(state.id, [(1, b'["x"]')])
    rows, more = await own.imports.refused(state.id)
    assert [(r.row, r.why, r.cells) for r in rows] == [
        (1, b'{"no":1}', b'["x"]'),
        (2, b'{"no":1}', b""),
    ]
    assert not more
    assert state.refused == 3
    newer = await run(own, "a", refused=("x",))
    assert await own.imports.refused(state.id) == ([], False)
    monkeypatch.setattr(imports, "REFUSED_S", -1)
    await own.imports.prune()
    assert await own.imports.refused(newer.id) == ([], False)


async def test_more_refused_than_are_kept_take_nothing_back(
    own: OwnStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was refused cannot be known again then."""
    monkeypatch.setattr(imports, "MOST_REFUSED", 1)
    await run(own, "a", 1, 2)
    await run(own, "a", 1, refused=("x", "y"))
    with refused("2 rows were refused, too many"):
        await run(own, "a", 1, refused=("x", "y"), gone="retract")
    assert await in_force(own) == ["1", "2"]


async def test_what_is_asked_for(own: OwnStore) -> None:
    """By value, label, day and person, also when few of many match."""
    await hand(own, phone(1), phone(2, label="fake_shop"))
    await own.vault.accept([phone(1)], None, Submission("other"))

    async def ids(**asked: Any) -> list[int]:
        return [row.id for row in await own.vault.page(Query(**asked))]

    assert await ids(values=[("phone", phone(1).value)]) == [1]
    assert await ids(label="fake_shop") == [2]
    assert await ids(caller="desk") == [2, 1]
    assert await ids(caller="nobody") == []
    assert await ids(accepted=(2**40, 0)) == []
    assert await ids(accepted=(0, 2**40)) == [2, 1]
    assert await ids(list_id=-1) == []
    assert await ids(import_id=1) == []
