"""A dry run tells all that a list would bring, and nobody's number."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.flows.report import Rules
from syncd.lists import columns, mapping, preview, table
from syncd.lists.preview import Preview
from syncd.lists.rows import FileOptions
from syncd.roster.terms import Never
from tests.cases import each
from tests.flows.test_report import TODAY, founded

RULES = Rules(founded([Never("phone", "cn:95588", "bank")]), TODAY, "CN")
HEAD = "序号,手机号,诈骗类型,归属地,户名\n"


def look(path: Path, text: str, kind: str = "phone", **more: Any) -> Preview:
    path.write_text(text)
    rows = table.open_table(path, FileOptions())
    constants = {
        "kind": kind,
        "role": "caller",
        "evidence": "user_tag",
        **more,
    }
    described = columns.ListDescription(constants=constants)
    plan = columns.plan(rows.header, rows.width, described, where="a")
    return preview.look(rows, plan.surveyed(rows.rows(0, 0)), RULES)


def test_what_a_list_would_bring(tmp_path: Path) -> None:
    rows = [
        *[f"{n},1380013801{n},虚假网络贷款,广东,张三" for n in range(10)],
        "10,13800138011,虚假网络贷款,不详,李四",
        "11,+86 13800138010,虚假网络贷款,,",  # the first again
        "12,13800138012,杀猪盘诈骗,,",
        "13,13800138013,杀猪盘诈骗,,",
        "14,13800138014,快递,,",
        "15,95588,虚假网络贷款,,",
        "16,1.38E+10,杀猪盘诈骗,,",
        "17,1.39E+10,虚假网络贷款,,",
        "18,,虚假网络贷款,,",
        "19,x",
    ]
    found = look(tmp_path / "list.csv", HEAD + "\n".join(rows))
    assert (found.rows, found.good, found.twice) == (20, 12, 2)
    assert found.columns == (
        ("序号", ""),
        ("手机号", "value"),
        ("诈骗类型", "label"),
        ("归属地", "place"),
        ("户名", ""),
    )
    assert len(found.listed) == 10
    first = found.listed[0]
    assert (first.row, first.kind, first.value) == (
        2,
        "phone",
        "+86138****8010",
    )
    assert first.fields["label"] == "fake_loan"
    assert [(u.word, u.shown, u.rows) for u in found.unknown] == [
        ("杀猪盘诈骗", "杀猪盘诈骗", 3),
        ("快递", "快递", 1),
    ]
    assert "fake_invest" in found.unknown[0].near
    assert found.more == 0
    assert found.ignored == {("place", "不详"): 1}
    whys = {str(r.why): (r.row, r.rows) for r in found.reasons}
    rounded = next(w for w in whys if "a spreadsheet rounded it" in w)
    assert whys[rounded] == (18, 2)
    assert whys["report: value not given"] == (20, 1)
    assert any("never-list" in why for why in whys)
    assert any("cells" in why for why in whys)
    assert "1380013" not in repr(found)
    assert "张三" not in repr(found)


def test_objects_show_their_names_as_columns(tmp_path: Path) -> None:
    """They have no header: what the rows named is shown, each name once."""
    text = (
        '{"电话":"13800138012","姓名":"张三"}\nno object\n'
        '{"电话":"13800138013","诈骗类型":"other"}\n'
    )
    found = look(tmp_path / "list.ndjson", text)
    assert found.columns == (
        ("电话", "value"),
        ("姓名", ""),
        ("诈骗类型", "label"),
    )
    names = (*found.columns, ("标签", "label"))
    text = mapping.written(FileOptions(), columns.ListDescription(), names)
    assert text == '[columns]\nvalue = "电话"\n'  # several mean the label


def test_how_urls_were_read_is_counted(tmp_path: Path) -> None:
    text = "网址,标签\nhttp://a.hunt.example/x?id=1,other\n"
    found = look(tmp_path / "list.csv", text, "url", role="phishing_host")
    assert found.good == 1
    assert found.notices == {"query_dropped": 1}


def test_words_without_end_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a column of names is taken for one of codes."""
    monkeypatch.setattr(preview, "WORDS", 2)
    text = "手机号,标签\n" + "".join(
        f"13800138012,词{n}\n" for n in "一二三三一"
    )
    found = look(tmp_path / "list.csv", text)
    assert [(u.word, u.rows) for u in found.unknown] == [
        ("词一", 2),
        ("词二", 1),
    ]
    assert found.more == 2


def test_a_type_that_no_draft_has(tmp_path: Path) -> None:
    found = look(
        tmp_path / "list.csv",
        "手机号,标签\n13800138012,other\n",
        keep_query="x",
    )
    assert found.good == 0


@each("lists/cells", "masked")
def test_masked(one: Any) -> None:
    assert preview.masked(one["value"]) == one["shown"]


@given(st.text(min_size=1, max_size=40))
def test_a_third_is_hidden(value: str) -> None:
    body = value[value.rfind(":") + 1 :]
    shown = preview.masked(value).rpartition("****")
    hidden = len(value) - len(shown[0]) - len(shown[2])
    assert hidden * 3 >= len(body.removeprefix("+86")) or not body
