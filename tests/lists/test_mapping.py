"""A mapping file is kept, edited and given back; what cannot be is named."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from syncd.errors import UsageError
from syncd.lists import columns, mapping, words
from syncd.lists.columns import ListDescription
from syncd.lists.preview import Unknown
from syncd.lists.rows import FileOptions
from tests.cases import each

FULL = """\
# 深圳分行, nightly
[file]
format = "csv"
encoding = "gb18030"
delimiter = "|@|"
header = false
control = "list.ctl"

[columns]
value = 3
label = "类型"

[constants]
kind = "account"
confidence = 80
keep_query = true

[words.label]
"杀猪盘" = "fake_invest"
"其它" = ""
"""


def test_every_key_of_a_mapping() -> None:
    options, plan = mapping.read(FULL, "m.toml")
    assert options == FileOptions(
        format="csv",
        encoding="gb18030",
        delimiter="|@|",
        header=False,
        control=Path("list.ctl"),
        names=("3", "类型"),
    )
    assert plan.columns == {"value": "3", "label": "类型"}
    assert plan.constants["confidence"] == 80
    assert plan.words[("label", "其它")] == ""


def test_what_is_written_is_read_again() -> None:
    """Together with what the dry run understood, and did not know."""
    options, plan = mapping.read(FULL, "m.toml")
    made = columns.plan(
        ("序号", "涉案卡号", "省", "市", "类型"),
        5,
        ListDescription(
            {"label": "类型"}, {**plan.constants, "role": "other"}
        ),
        where="a",
        fields=("value", "label", "place"),
    )
    found = [
        Unknown("label", "其它", "其它", "", 3),
        Unknown("role", '一级"卡\x7f', "…", "", 1),
        Unknown("region", '"火星\x7f\n', "火星", "CN 中国", 1),
    ]
    text = mapping.written(options, plan, made.names, found)
    assert '"火星\\u007f\\n" = "" # rows: 1; nearest: CN 中国' in text
    assert '"其它" = "" # rows: 3\n' in text
    options2, plan2 = mapping.read(text, "m.toml")
    assert {*options2.names} == {*options.names}
    assert structs.replace(options2, names=options.names) == options
    assert plan2.columns == plan.columns
    assert plan2.constants == plan.constants
    assert plan2.words == {**plan.words, ("region", '"火星\x7f\n'): ""}
    text = mapping.written(FileOptions(), ListDescription(), made.names)
    assert text == '[columns]\nvalue = "涉案卡号"\nlabel = "类型"\n'
    assert mapping.read(text, "m")[1].columns == {
        "value": "涉案卡号",
        "label": "类型",
    }


@each("lists/mappings")
def test_what_cannot_be_is_named_with_its_line(one: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=one["why"]) as refused:
        mapping.read(one["text"], "m.toml")
    assert str(refused.value).startswith("m.toml: ")


def test_the_nearest_codes_are_suggested() -> None:
    with pytest.raises(UsageError) as refused:
        mapping.read("[words.role]\n'x' = 'caler'", "m.toml")
    assert "caller 主叫号码" in refused.value.hint


@given(
    st.dictionaries(
        st.sampled_from(sorted(set(words.OWN) - {"scheme", "bank"})).flatmap(
            lambda field: st.tuples(
                st.just(field),
                st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
            )
        ),
        st.just(""),
    )
)
def test_any_word_comes_back(own: dict[tuple[str, str], Any]) -> None:
    found = [Unknown(f, word, "x", "", 1) for f, word in own]
    text = mapping.written(FileOptions(), ListDescription(), (), found)
    assert mapping.read(text, "m")[1].words == own
