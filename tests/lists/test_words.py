"""A cell's word means one code in either language, or is refused by name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.indicator import tsv, vocabulary
from syncd.lists import words
from syncd.lists.words import UnknownError

CASES: dict[str, dict[Any, str]] = {
    "region": {
        "CN": "中国 China CHN 86 +86 0086 cn 中國 中华人民共和国 大陆 内地 PRC"
        " 中国（CN） CN-中国 中国大陆+86 China/CN China(Mainland)"
        " People's_Republic_of_China 中国-广东 广东省深圳市",
        "HK": "香港 HK 中国香港 Hong-Kong HKG 852 香港特别行政区",
        "TW": "台湾 台灣 TWN 中国台湾",
        "US": "美国 USA 1 +1 U.S.A.",
        "MM": "缅甸 缅北 Myanmar Burma",
        "KR": "韩国 Korea +82",
        "CI": "Cote-d'Ivoire 科特迪瓦",
        "BA": "Bosnia_and_Herzegovina",
        "GB": "英国 UK England",
    },
    "kind": {
        "phone": "电话 手机号 PHONE 固话",
        "url": "网址 域名 Link",
        "account": "账号 银行卡 卡号",
    },
    "label": {"fake_loan": "fake_loan 虚假网络贷款 FAKE_LOAN"},
    "spoofed": {True: "是 yes Y 1 TRUE √", False: "否 no N 0 ×"},
    "technique": {"screen_share": "共享屏幕"},
}


@pytest.mark.parametrize(
    ("field", "word", "code"),
    [
        (field, word, code)
        for field, codes in CASES.items()
        for code, said in codes.items()
        for word in said.split()
    ],
)
def test_words_of_both_languages(field: str, word: str, code: Any) -> None:
    want = [code] if field == "technique" else code
    assert words.meaning(field)(word) == want


def test_every_label_of_the_vocabulary_is_a_word() -> None:
    for facet in words.FACETS:
        read = words.meaning(facet)
        for one in vocabulary.FACETS[facet].values():
            want = [one.code] if facet == "technique" else one.code
            for said in (one.code, one.zh, one.en.upper()):
                if facet != "technique" or "," not in said:
                    assert read(said) == want


def test_no_word_means_two_countries() -> None:
    """Or which one wins would depend on the order of a table."""
    found: dict[str, str] = {}
    for code, *names in tsv.rows("indicator/countries.tsv"):
        for word in {words._letters(w) for n in names for w in n.split("|")}:
            assert found.setdefault(word, code) == code or not word
    assert len({*found.values()}) == 249


@pytest.mark.parametrize(
    ("field", "word", "why", "hint"),
    [
        ("region", "火星", "火星 names no country", "CN 中国"),
        ("region", "刚果", "刚果 names no country", "CD 刚果金, CG 刚果布"),
        ("region", "US/CN", "names no country", "a code, a name"),
        ("region", "13800138000", "… names no country", "a code, a name"),
        ("kind", "车牌", "kind: 车牌 is no kind", "account 账号"),
        ("label", "杀猪", "label: 杀猪 is not in the", "fake_invest"),
        ("test", "也许", "test: neither yes nor no", ""),
        ("scheme", "支付保", "scheme: 支付保 names no kind", "支付宝"),
        ("bank", "深圳农商银", "深圳农商银 names no", "深圳农商银行"),
        ("place", "不详", "place: 不详 names no country", ""),
    ],
)
def test_a_word_that_nobody_knows(
    field: str, word: str, why: str, hint: str
) -> None:
    """It is refused by name with the nearest, the second time as well."""
    read = words.meaning(field)
    for _ in range(2):
        with pytest.raises(UnknownError, match=why) as refused:
            read(word)
        assert hint in refused.value.hint
        assert (refused.value.field, refused.value.cell) == (field, word)


def test_several_techniques() -> None:
    read = words.meaning("technique")
    assert read("共享屏幕，会议软件;") == ["screen_share", "meeting_app"]
    with pytest.raises(UnknownError) as refused:
        read("共享屏幕、猫")
    assert refused.value.cell == "猫"


def test_a_scheme_that_the_row_decides_passes() -> None:
    """Digits that name no one bank alone may with what stands beside."""
    assert words.meaning("scheme")("313332040018") == "313332040018"


@pytest.mark.parametrize(
    ("field", "code", "means"),
    [
        ("label", "虚假网络贷款", "fake_loan"),
        ("kind", "url", "url"),
        ("region", "中国", "CN"),
        ("scheme", "ICBKCNBJ", "ICBKCNBJ"),
        ("test", "是", True),
    ],
)
def test_own_words(field: str, code: str, means: Any) -> None:
    own = {(field, "我 们"): code, ("role", "我们"): "caller"}
    assert words.meaning(field, own)("我们") == means


def test_own_words_of_no_code() -> None:
    with pytest.raises(UnknownError, match="fake_lone is not in"):
        words.meaning("label", {("label", "x"): "fake_lone"})
    undecided = words.meaning("label", {("label", "x"): ""})
    with pytest.raises(UnknownError, match="X has no code yet"):
        undecided("X")


@given(st.sampled_from(words.FIELDS), st.text(min_size=1))
def test_total(field: str, word: str) -> None:
    read = words.meaning(field)
    try:
        first = read(word)
    except MalformedError:
        return
    assert read(word) == first


def test_only_so_many_cells_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(words, "_MOST", 1)
    read = words.meaning("kind")
    assert [read(w) for w in ("电话", "网址", "网址")] == [
        "phone",
        "url",
        "url",
    ]
