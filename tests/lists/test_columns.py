"""Which cell is which field, and all that is wrong with a row at once."""

from collections import Counter
from typing import Any

import pytest

from syncd.errors import MalformedError, SyncdError, UsageError
from syncd.indicator import identifier
from syncd.lists import columns, losses, names, words
from syncd.lists.columns import Columns, Said
from syncd.lists.rows import Flawed, Row
from tests.cases import cases

REST = {"label": "other", "role": "caller", "evidence": "user_tag"}


def plan(
    header: str | None, kind: str = "phone", width: int = 0, **said: Any
) -> Columns:
    cells = header.split(",") if header else None if header is None else ()
    constants = {"kind": kind, **REST, **said.pop("constants", {})}
    return columns.plan(
        cells,
        width or len(cells or ()),
        Said(constants=constants, **said),
        where="a",
    )


def row(cells: str | dict[str, str]) -> Row:
    found = cells if isinstance(cells, dict) else cells.split(",")
    return Row(2, 2, 9, found, "")


def read(header: str, cells: str, kind: str = "phone", **said: Any) -> Any:
    return plan(header, kind, **said).report(row(cells))


def listed(report: dict[str, Any]) -> str:
    """Return what the daemon makes of a report."""
    return identifier.for_report(
        report["kind"],
        report["value"],
        region=report.get("region", "CN"),
        scheme=report.get("scheme"),
    ).value


# -------------------------------------------------------------- the names


def test_every_name_means_one_field() -> None:
    found = Counter(n for some in names.NAMES.values() for n in some)
    assert [n for n, count in found.items() if count > 1] == []
    assert all(names.fold(name) == name for name in found)


@pytest.mark.parametrize("one", cases("lists/cells", "names"))
def test_what_lists_call_their_columns(one: dict[str, str]) -> None:
    """The victim's side is never taken for what is reported."""
    assert names.BY_NAME.get(names.fold(one["name"]), "") == one["field"]


def test_what_is_not_stored_is_named() -> None:
    made = plan("序号,手机号,户名,归属地")
    assert made.unused == ("序号", "户名")
    report = made.report(row("7,13800138000,张三,广东"))
    assert report == {"kind": "phone", **REST, "value": "13800138000"}


# -------------------------------------------------- country and place


@pytest.mark.parametrize("word", ["中国", "CHN", "China", "86", "CN", "+86"])
def test_a_country_in_its_own_words(word: str) -> None:
    report = read("手机号,国家", f"13800138011,{word}")
    assert report["region"] == "CN"
    assert listed(report) == "+8613800138011"


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("Hong Kong SAR", "HK"),
        ("Macau SAR", "MO"),
        ("澳門", "MO"),
        ("韓國", "KR"),
    ],
)
def test_a_region_of_china_by_its_own_code(word: str, code: str) -> None:
    assert words.meaning("region")(word) == code


def test_a_country_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(MalformedError, match="region: 火星 names no country"):
        read("手机号,国家", "13800138011,火星")


@pytest.mark.parametrize(
    ("kind", "value", "form"),
    [
        ("phone", "+8613800138011", "+8613800138011"),
        ("phone", "0085298765432", "+85298765432"),
        ("phone", "+1 212-555-2368", "+12125552368"),
        ("url", "http://a.hunt.example/", "a.hunt.example/"),
        ("account", "6222021234567890128", "card:6222021234567890128"),
    ],
)
def test_what_needs_no_country_is_not_refused_for_one(
    kind: str, value: str, form: str
) -> None:
    made = plan("值,国家", kind)
    assert listed(made.report(row(f"{value},火星"))) == form
    assert made.ignored == {("region", "火星"): 1}


@pytest.mark.parametrize(
    "place", ["广东深圳", "北京", "缅甸", "香港", "深圳市南山区", "不详"]
)
def test_a_place_is_no_region(place: str) -> None:
    """What nobody knows there is counted, and hurts no row."""
    made = plan("手机号,地区,城市")
    report = made.report(row(f"13800138021,{place},{place}"))
    assert "region" not in report
    assert "place" not in report
    assert made.ignored == ({("place", "不详"): 2} if place == "不详" else {})


# ------------------------------------------------------ banks and schemes


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("313100000013,", "bank:BJCNCNBJ:20000012345678"),
        (",工行", "bank:ICBKCNBJ:20000012345678"),
        (",建行深圳分行", "bank:PCBCCNBJ:20000012345678"),
        ("105100000017,建设银行", "bank:PCBCCNBJ:20000012345678"),
        ("313332082914,宁波银行", "bank:BKNBCN2N:20000012345678"),
        # a branch's code, of which the table has the head office alone
        ("313332040018,宁波银行", "bank:BKNBCN2N:20000012345678"),
    ],
)
def test_code_and_name_of_a_bank_are_joined(said: str, form: str) -> None:
    report = read("账号,联行号,开户行", f"20000012345678,{said}", "account")
    assert listed(report) == form


@pytest.mark.parametrize(
    "said", ["313332082914,北京银行", "105100000017,工商银行"]
)
def test_code_and_name_that_disagree_are_refused(said: str) -> None:
    report = read("账号,行号,银行名称", f"20000012345678,{said}", "account")
    with pytest.raises(MalformedError, match=r"the code is that of .*银行"):
        listed(report)


def test_three_codes_are_three_banks() -> None:
    made = plan("value,联行号", "account")
    codes = ("313100000013", "313332082914", "402584009991")
    forms = {
        listed(made.report(row(f"20000012345678,{code}"))) for code in codes
    }
    assert len(forms) == 3


@pytest.mark.parametrize(
    ("account", "word", "begins"),
    [
        ("zs-hunt@example.com", "支付宝", "alipay:"),
        ("zhang_hunt01", "微信", "wechat:"),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "波场", "tron:"),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT-TRC20", "tron:"),
        ("6222021234567890128", "工商银行", "card:"),
        ("62220212345678901", "工商银行", "bank:ICBKCNBJ:"),
    ],
)
def test_what_an_account_is_in_both_languages(
    account: str, word: str, begins: str
) -> None:
    report = read("账号,账号方案", f"{account},{word}", "account")
    assert listed(report).startswith(begins)


def test_a_scheme_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(MalformedError, match="scheme: 火星币 names no kind"):
        read("账号,账号方案", "62220212345678901,火星币", "account")


def test_a_card_needs_no_bank() -> None:
    """Nor does what is no account need a scheme."""
    made = plan("账号,开户行", "account")
    report = made.report(row("6222021234567890128,火星村镇银行"))
    assert listed(report) == "card:6222021234567890128"
    assert made.ignored == {("bank", "火星村镇银行"): 1}
    with pytest.raises(MalformedError, match="火星村镇银行 names no kind"):
        made.report(row("62220212345678901,火星村镇银行"))
    assert "scheme" not in read("网址,链", "a.hunt.example,火星链", "url")


@pytest.mark.parametrize(
    "value",
    ["6222021234567890000", "6228481234567800000", "62170012345678900"],
)
def test_rounded_digits_are_refused_whatever_the_file(value: str) -> None:
    report = read("value,scheme", f"{value},103", "account")
    with pytest.raises(MalformedError, match="spreadsheet rounded it"):
        listed(report)


# ------------------------------------------------------------------ losses


@pytest.mark.parametrize(
    "value",
    [
        *("6.22E+18", "6.22202020011223E+018", "6.22E18", "6,22E+18"),
        *("1.38E+10", "1e10", "13800138000.0", "6222021234567890128.00"),
        *("13,800,138,000", "6,222,021,234,567,890,000"),
    ],
)
def test_a_number_that_a_spreadsheet_made(value: str) -> None:
    made = plan("value", "account")
    with pytest.raises(MalformedError, match="a spreadsheet rounded it"):
        made.report(Row(2, 2, 9, (value,), ""))


@pytest.mark.parametrize(
    "value",
    ["http://a.example/1E5", "10.0.0.1", "1234E56789", "12345", "a.e1"],
)
def test_what_only_looks_like_one(value: str) -> None:
    assert losses.value(value) == value


def seen(*values: str, kind: str = "account") -> tuple[Columns, list[Row]]:
    rows = [row(value) for value in values]
    return plan("value", kind).surveyed(rows), rows


ZEROS = ("0200001234567890", "0200001234567891", "6200001234567892")


def test_a_zero_that_was_in_front() -> None:
    """Where the column has them, a shorter number has lost its own."""
    made, rows = seen(*ZEROS, "200001234567893")
    assert [made.report(r)["value"] for r in rows[:3]] == [*ZEROS]
    with pytest.raises(MalformedError, match="15 digits, where most have 16"):
        made.report(rows[3])
    assert made.report(row("'200001234567893"))  # marked as text
    assert made.report(row("12345678"))  # another bank's
    assert made.report(row("20000123456789X"))


@pytest.mark.parametrize(
    "values",
    [
        ("6200001234567890", "6200001234567891", "200001234567892"),
        ("0200001234567890", "200001234567891"),
        ("0200001234567890", "20000123456789", "200001234567891"),
    ],
)
def test_what_shows_no_zero_is_not_refused(values: tuple[str, ...]) -> None:
    """None with one in front, too few rows, or no usual length."""
    made, rows = seen(*values)
    assert all(made.report(r) for r in rows)


def test_sixteen_digits_that_all_end_with_0() -> None:
    values = [f"62220200012345{n}0" for n in range(10)]
    made, rows = seen(*values)
    with pytest.raises(MalformedError, match="all numbers of 16 digits end"):
        made.report(rows[0])
    made, rows = seen(*values[:9])
    assert made.report(rows[0])


def test_a_list_of_which_no_row_was_read_shows_no_loss() -> None:
    """Say because no label was known yet: the words are told, not that."""
    made = plan("value,标签", "account", constants=REST).surveyed([])
    with pytest.raises(MalformedError, match="not in the vocabulary"):
        made.report(row("6222020000000000000,虚构"))


def test_rows_of_unknown_words_show_losses_too() -> None:
    """A first dry run knows few words, and tells the lost digits at once."""
    rows = [row(f"{value},虚构") for value in (*ZEROS, "200001234567893")]
    made = plan("value,标签", "account", constants=REST).surveyed(rows)
    with pytest.raises(SyncdError, match="where most have 16") as refused:
        made.report(rows[3])
    assert "虚构" in str(refused.value)


def test_only_accounts_are_surveyed() -> None:
    made, _ = seen(*ZEROS, kind="phone")
    assert made.seen is None
    made = columns.plan(("kind", "value"), 2, Said(constants=REST), where="a")
    rows = [row(f"账号,{value}") for value in ZEROS]
    bad = Row(9, 9, 9, ("", ""), "", MalformedError("x"))
    made = made.surveyed([*rows, bad, row("x,y"), row("url,http://a.example")])
    with pytest.raises(MalformedError, match="where most have 16"):
        made.report(row("账号,200001234567893"))
    assert made.report(row("phone,200001234567893"))


def test_rows_that_name_their_kind_are_surveyed() -> None:
    """A constant stands only for rows that do not say it."""
    rows = [row({"kind": "账号", "value": value}) for value in ZEROS]
    made = plan(None, "phone").surveyed(rows)
    with pytest.raises(MalformedError, match="where most have 16"):
        made.report(row({"kind": "账号", "value": "200001234567893"}))


# ---------------------------------------------------------- faults and plan


def test_all_faults_of_a_row_at_once() -> None:
    made = plan("号码,标签,置信度,发现日期,改号", constants={})
    with pytest.raises(SyncdError) as refused:
        made.report(row("1.3E10,杀猪盘诈骗,高,46353,也许"))
    assert [str(f).partition(":")[0] for f in refused.value.faults] == [
        *("value", "label", "confidence", "seen", "spoofed")
    ]
    assert "杀猪盘诈骗" in str(refused.value)
    assert "fake_invest" in refused.value.hint


@pytest.mark.parametrize(
    ("head", "cells", "kind", "whys"),
    [
        ("value,label", "http://a b/,xx", "url", ["label:", "url:"]),
        ("value,seen", "1234,x", "account", ["seen:", "account:"]),
        ("value,region,seen", "12,CN,x", "phone", ["seen:", "phone:"]),
        # Read by a region or scheme that nobody knows, it may be right.
        ("value,region,seen", "12,火星,x", "phone", ["region:", "seen:"]),
        ("value,scheme", "1234,xx", "account", ["scheme:"]),
        ("value,seen", "12,x", "phone", ["seen:"]),
        ("value,seen", "http://a.example/,x", "url", ["seen:"]),
        ("value,seen", "6.2E+18,x", "account", ["value:", "seen:"]),
        ("value,seen", ",x", "url", ["seen:"]),
    ],
)
def test_a_value_is_refused_beside_its_words(
    head: str, cells: str, kind: str, whys: list[str]
) -> None:
    """One look at a refused row mends it."""
    with pytest.raises(SyncdError) as caught:
        read(head, cells, kind)
    found = caught.value.faults or (caught.value,)
    assert [str(one).split()[0] for one in found] == whys


def test_a_flawed_cell_is_refused_with_its_reason() -> None:
    flawed = Flawed("1", MalformedError("a number of {n} digits", n=17))
    with pytest.raises(MalformedError, match="value: a number of 17 digits"):
        plan("号码").report(Row(2, 2, 9, (flawed,), ""))


@pytest.mark.parametrize("said", ["80", "80%", "80.0", "８０％", "80 %"])
def test_confidence(said: str) -> None:
    assert read("号码,置信度", f"1,{said}")["confidence"] == 80


@pytest.mark.parametrize("said", ["0.8", "高", "-1", "1e2"])
def test_no_confidence(said: str) -> None:
    with pytest.raises(MalformedError, match="no whole number"):
        read("号码,置信度", f"1,{said}")


def test_objects_name_their_own_cells() -> None:
    made = plan(None, columns={"value": "n"})
    cells = {
        "n": "13800138000",
        "国家": "CHN",
        "x": "y",
        "省": "",
        "市": "广州",
    }
    assert made.report(row(cells)) == {
        "kind": "phone",
        **REST,
        "value": "13800138000",
        "region": "CN",
    }
    with pytest.raises(MalformedError, match="label: is there twice"):
        made.report(row({"标签": "other", "label": "other"}))
    assert made.report(row({"标签": " ", "label": "other"}))


def test_columns_by_number() -> None:
    made = plan("", width=3, columns={"value": "3"})
    assert made.report(row("a,b,13800138000"))["value"] == "13800138000"
    assert made.unused == ("1", "2")


def test_own_words_go_before() -> None:
    own = {("label", "冒充 客服"): "refund_cs", ("region", "本地"): "中国"}
    made = plan("号码,标签,国家", words={**own, ("label", "其它"): ""})
    report = made.report(row("13800138000,冒充客服,本地"))
    assert (report["label"], report["region"]) == ("refund_cs", "CN")
    with pytest.raises(MalformedError, match="label: 其它 has no code yet"):
        made.report(row("13800138000,其它,"))


def test_a_constant_stands_where_a_cell_is_empty() -> None:
    made = plan("号码,国家", constants={"region": "香港", "keep_query": True})
    assert made.constants["region"] == "HK"
    assert made.report(row("98765432,"))["region"] == "HK"
    assert made.report(row("13800138000,86"))["region"] == "CN"


@pytest.mark.parametrize(
    ("header", "told", "why"),
    [
        ("手机号,电话", {}, "columns '手机号' and '电话' both mean value"),
        ("a,b", {"value": "a", "label": "1"}, "a column is named twice"),
        ("a,b", {"value": "c"}, "no column 'c'"),
        ("a,b", {"value": "3"}, "no column 3, there are 2"),
        ("a,a", {"value": "1"}, "columns 1 and 2 are both named 'a'"),
        ("13800138000,a", {}, "column 1 of the header looks like a value"),
        ("a.example,b", {"value": "1"}, "column 1 of the header looks like"),
        ("a,b", {}, "no column and no option for value"),
    ],
)
def test_what_is_not_sure_is_not_read(
    header: str, told: dict[str, str], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        plan(header, columns=told)


def test_a_constant_that_is_none() -> None:
    with pytest.raises(UsageError, match="--region: region: 火星 names no"):
        plan("号码", constants={"region": "火星"})


def test_fields_that_are_not_asked_for_are_left_out() -> None:
    made = columns.plan(
        ("号码", "标签"),
        2,
        Said(columns={"label": "标签"}, constants={"kind": "phone"}),
        where="a",
        fields=("kind", "value"),
    )
    assert made.report(row("1,x")) == {"kind": "phone", "value": "1"}
    named = columns.plan(
        None, 0, Said(columns={"label": "l"}), where="a", fields=("value",)
    )
    assert named.report(row({"l": "x", "值": "1"})) == {"value": "1"}


@pytest.mark.parametrize(
    ("maps", "why"),
    [
        (["value"], "want FIELD=COLUMN"),
        (["x=1"], "want FIELD=COLUMN"),
        (["value=1", "value=2"], "names value twice"),
    ],
)
def test_maps(maps: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        names.parted(maps)
    assert names.parted(["value=a=b"]) == {"value": "a=b"}


def test_the_value_of_a_row_as_it_stands() -> None:
    """For a refused row, whose other cells may be wrong."""
    assert plan("号码,标签").value(row("'13800138000,x")) == "13800138000"
    assert plan("号码").value(row(" ")) == ""
    assert plan("号码").value(Row(2, 2, 9, (), "x")) == ""
    named = plan(None)
    assert named.value(row({"x": "1", "值": "2"})) == "2"
    assert named.value(row({"x": "1"})) == ""
    assert named.value(row({"值": "1", "value": "2"})) == ""


def test_what_is_no_digits_is_not_counted() -> None:
    made, rows = seen("zhang", *ZEROS, "200001234567893")
    assert made.report(rows[0])["value"] == "zhang"
    with pytest.raises(MalformedError, match="where most have 16"):
        made.report(rows[4])


def test_nineteen_digits_as_javascript_keeps_them() -> None:
    """A double has 17 at most: the rest of all of them is zeros."""
    made, rows = seen(*(f"62170012345678{n}100" for n in range(10, 20)))
    with pytest.raises(MalformedError, match="all numbers of 19 digits end"):
        made.report(rows[0])


@pytest.mark.parametrize(
    "said", ["-", "/", "无", "N/A", "——", "\\N", "（无）"]
)
def test_what_says_that_it_is_empty(said: str) -> None:
    """Of what nobody needs; a label that is none is refused by name."""
    report = read(
        "号码,国家,发现日期,渠道,开户行",
        f"13800138000,{said},{said},{said},{said}",
    )
    assert report == {"kind": "phone", **REST, "value": "13800138000"}
    with pytest.raises(MalformedError, match=r"label: .* is not in the"):
        read("号码,标签", f"13800138000,{said}")


def test_a_bank_s_code_that_a_spreadsheet_rounded() -> None:
    with pytest.raises(MalformedError, match="scheme: a spreadsheet rounded"):
        read("账号,联行号", "20000012345678,3.131E+11", "account")


def test_ignored_words_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(columns, "_WORDS", 2)
    made = plan("号码,地区")
    for word in "甲乙丙丁甲":
        made.report(row(f"13800138000,{word}"))
    found = {("place", "甲"): 2, ("place", "乙"): 1, ("place", "…"): 2}
    assert made.ignored == found
