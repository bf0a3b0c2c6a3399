"""Which cell is which field, and all that is wrong with a row at once."""

from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd.errors import MalformedError
from syncd.indicator import identifier
from syncd.lists import column_names, columns, lost_digits
from syncd.lists.columns import Columns, ListDescription
from syncd.lists.rows import Flawed, Row
from tests.cases import each, tried
from tests.refusals import failing, malformed, misused

REST = {"label": "other", "role": "caller", "evidence": "user_tag"}


def plan(
    header: str | None, kind: str = "phone", width: int = 0, **given: Any
) -> Columns:
    cells = header.split(",") if header else None if header is None else ()
    constants = {"kind": kind, **REST, **given.pop("constants", {})}
    return columns.plan(
        cells,
        width or len(cells or ()),
        ListDescription(constants=constants, **given),
        where="a",
    )


def row(cells: str | list[str] | dict[str, str]) -> Row:
    found = cells.split(",") if isinstance(cells, str) else cells
    return Row(2, 2, 9, found, "")


def listed(report: Any) -> str:
    """Return what the daemon makes of a report."""
    return identifier.for_report(
        report["kind"],
        report["value"],
        region=report.get("region", "CN"),
        scheme=report.get("scheme", ""),
    ).value


# -------------------------------------------------------------- the names


def test_every_name_means_one_field() -> None:
    found = Counter(n for some in column_names.NAMES.values() for n in some)
    assert [n for n, count in found.items() if count > 1] == []
    assert all(column_names.fold(name) == name for name in found)


@each("lists/cells", "names")
def test_what_lists_call_their_columns(one: Any) -> None:
    """The victim's side is never taken for what is reported."""
    assert (
        column_names.BY_NAME.get(column_names.fold(one["name"]), "")
        == one["field"]
    )


def test_what_is_not_stored_is_named() -> None:
    made = plan("序号,手机号,户名,归属地")
    assert made.unused == ("序号", "户名")
    report = made.report(row("7,13800138000,张三,广东"))
    assert report == {"kind": "phone", **REST, "value": "13800138000"}


@each("lists/columns", "rows")
def test_a_row(one: Any) -> None:
    """What each vector says of it."""
    made = plan(
        one["header"],
        one["kind"],
        constants=one.get("constants", {}),
        columns=one.get("columns", {}),
        words={(f, word): code for f, word, code in one.get("words", ())},
    )
    if "refused" in one or "faults" in one:
        with failing() as caught:
            made.report(row(one["cells"]))
        found = caught.value.faults or (caught.value,)
        assert one.get("refused", "") in str(caught.value)
        begun = [str(fault).split()[0] for fault in found]
        assert begun == one.get("faults", begun)
        return
    report = made.report(row(one["cells"]))
    assert report == {**report, **one.get("says", {})}
    assert not {*report} & {*one.get("is_not", ())}
    assert [[*k, n] for k, n in made.ignored.items()] == one.get("ignored", [])
    if "listed" in one:
        assert listed(report) == one["listed"]
    if "unlisted" in one:
        with malformed(one["unlisted"]):
            listed(report)


# ------------------------------------------------------------------ losses


@tried(
    "value",
    ["http://a.example/1E5", "10.0.0.1", "1234E56789", "12345", "a.e1"],
)
def test_what_only_looks_like_one(value: str) -> None:
    assert lost_digits.value(value) == value


@each("lists/columns", "losses")
def test_what_a_column_shows(one: Any) -> None:
    """Of digits that a spreadsheet dropped, as each vector says."""
    made = plan(one.get("header", "value"), one.get("kind", "account"))
    made = made.surveyed(map(row, one["seen"]))
    lost = one.get("lost", ())
    for cells in one.get("fine", () if lost else one["seen"]):
        assert made.report(row(cells))
    for cells in lost:
        with failing(f"(?s){one['refused']}"):
            made.report(row(cells))


def test_only_accounts_are_surveyed() -> None:
    assert plan("value", "phone").surveyed([row("1")]).seen is None


# ---------------------------------------------------------- faults and plan


def test_a_flawed_cell_is_refused_with_its_reason() -> None:
    flawed = Flawed("1", MalformedError("a number of {n} digits", n=17))
    with malformed("value: a number of 17 digits"):
        plan("号码").report(Row(2, 2, 9, (flawed,), ""))


def test_the_plan_has_the_zone() -> None:
    made = plan("value,seen", zone=ZoneInfo("America/New_York"))
    assert made.report(row("1,2026-11-27T20:00:00Z"))["seen"] == "2026-11-27"


def test_columns_by_number() -> None:
    made = plan("", width=3, columns={"value": "3"})
    assert made.report(row("a,b,13800138000"))["value"] == "13800138000"
    assert made.unused == ("1", "2")


@each("lists/columns", "plans")
def test_what_is_not_sure_is_not_read(one: Any) -> None:
    with misused(one["why"]):
        plan(one["header"], columns=one["columns"])


def test_a_constant_that_is_none() -> None:
    with misused("--region: region: 火星 names no"):
        plan("号码", constants={"region": "火星"})


def test_fields_that_are_not_asked_for_are_left_out() -> None:
    assert columns.plan(
        ("号码", "标签"),
        2,
        ListDescription(
            columns={"label": "标签"}, constants={"kind": "phone"}
        ),
        where="a",
        fields=("kind", "value"),
    ).report(row("1,x")) == {"kind": "phone", "value": "1"}
    assert columns.plan(
        None,
        0,
        ListDescription(columns={"label": "l"}),
        where="a",
        fields=("value",),
    ).report(row({"l": "x", "值": "1"})) == {"value": "1"}


@each("lists/columns", "maps")
def test_maps(one: tuple[list[str], str]) -> None:
    maps, why = one
    with misused(why):
        column_names.parted(maps)
    assert column_names.parted(["value=a=b"]) == {"value": "a=b"}


def test_the_value_of_a_row_as_it_stands() -> None:
    """For a refused row, whose other cells may be wrong."""
    assert plan("号码,标签").value(row("'13800138000,x")) == "13800138000"
    assert plan("号码").value(row(" ")) == ""
    assert plan("号码").value(Row(2, 2, 9, (), "x")) == ""
    named = plan(None)
    assert named.value(row({"x": "1", "值": "2"})) == "2"
    assert named.value(row({"x": "1"})) == ""
    assert named.value(row({"值": "1", "value": "2"})) == ""
    unread = Row(2, 2, 9, (), "no object")
    assert named.value(unread) == ""
    assert named.known(unread) == {"kind": "phone"}


def test_ignored_words_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(columns, "_WORDS", 2)
    made = plan("号码,地区")
    for word in "甲乙丙丁甲":
        made.report(row(f"13800138000,{word}"))
    found = {("place", "甲"): 2, ("place", "乙"): 1, ("place", "…"): 2}
    assert made.ignored == found
