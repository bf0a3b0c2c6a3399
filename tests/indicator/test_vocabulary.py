"""Codes have labels in two languages, and unknown ones a reading."""

import re

import pytest

from syncd import tsv
from syncd.indicator import notation, vocabulary
from tests.cases import each, tried


def test_every_code_is_well_formed() -> None:
    """Codes are codes, labels are there, parents are in the facet."""
    for facet, codes in vocabulary.FACETS.items():
        for code, entry in codes.items():
            assert notation.CODE.fullmatch(code)
            assert (entry.facet, entry.code) == (facet, code)
            assert entry.zh
            assert entry.en
            assert not entry.parent or entry.parent in codes


@each("vocabulary", "fallbacks")
def test_unknown_codes_read_as_the_fallback(one: tuple[str, str]) -> None:
    """Nothing breaks when a newer build writes a newer code."""
    facet, read = one
    assert vocabulary.read(facet, "of_2031") == read
    assert vocabulary.label(facet, "of_2031", "zh")
    assert vocabulary.read(facet, "other") == (
        "other" if read == "other" else read
    )


def test_labels_are_in_two_languages() -> None:
    """In English unless told; a third one is a slip of ours."""
    assert vocabulary.label("label", "prize", "zh") == "中奖诈骗"
    assert vocabulary.label("label", "prize") == "prize or lottery"
    with pytest.raises(KeyError):
        vocabulary.label("verdict", "confirmed", "de")


@each("vocabulary", "nearest")
def test_the_nearest_code_is_what_people_mean(one: list[str]) -> None:
    facet, word, code = one
    first, *_ = vocabulary.nearest(facet, word)
    assert first == vocabulary.FACETS[facet][code]


def test_every_code_and_label_is_nearest_to_itself() -> None:
    for facet, codes in vocabulary.FACETS.items():
        for code in codes.values():
            assert vocabulary.nearest(facet, code.code, 1) == (code,)
            first, *_ = vocabulary.nearest(facet, code.zh)
            assert first.zh == code.zh


@tried("word", ["", " ", "?!", "13800138000", "ξψ" * 50])
def test_what_is_like_no_code_has_none_near(word: str) -> None:
    assert vocabulary.nearest("label", word) == ()


def test_only_so_many_are_near_and_only_those_that_may_stand_there() -> None:
    assert len(vocabulary.nearest("label", "虚假", 2)) == 2
    assert vocabulary.nearest("purpose", "publishing", among={"audit"}) == ()


def test_everyday_words_are_of_codes_that_there_are() -> None:
    rows = [*tsv.rows("indicator/everyday.tsv")]
    assert rows
    for facet, code, words in rows:
        assert code in vocabulary.FACETS[facet]
        assert all(words.split("|"))


def test_a_refused_word_is_named_with_field_and_nearest_codes() -> None:
    error = vocabulary.refused("label", "label", "虚假投资理财")
    assert str(error) == "label: 虚假投资理财 is not in the vocabulary"
    assert error.hint.startswith("nearest: fake_invest 虚假网络投资理财")
    assert error.hint.endswith("all codes: syncd vocabulary label")


def test_where_none_is_near_a_short_list_is_named_whole() -> None:
    assert vocabulary.refused("handling", "handling", "xyz").hint == (
        "nearest: open 可告知, no_tip_off 不透露来源和案情; all codes: syncd vocabulary"
        " handling"
    )
    some = vocabulary.refused("purpose", "purpose", "xyz", {"audit"})
    assert some.hint.startswith("nearest: audit 审计; ")
    many = vocabulary.refused("label", "label", "xyz")
    assert many.hint == "all codes: syncd vocabulary label"


@each("vocabulary", "private", "word")
def test_what_may_be_somebodys_is_not_quoted(word: str) -> None:
    assert vocabulary.shown(word) == "…"
    text = str(vocabulary.refused("label", "label", word))
    assert text == "label: … is not in the vocabulary"


def test_a_word_is_quoted_in_one_short_line() -> None:
    assert vocabulary.shown("fake\n invest") == "fake invest"
    assert vocabulary.shown("涉诈收款账户（一级）") == "涉诈收款账户(一级)"
    assert re.fullmatch("x{23}…", vocabulary.shown("x" * 90))


def test_codes_are_listed_by_field() -> None:
    every = vocabulary.listed()
    assert len(every) == sum(map(len, vocabulary.FACETS.values()))
    assert {c.facet for c in vocabulary.listed("role")} == {"role"}


def test_a_role_says_what_it_fits() -> None:
    kinds = {c.code: {*c.kinds} for c in vocabulary.listed("role")}
    assert kinds["caller"] == {"phone"}
    assert kinds["social_account"] == {"phone", "url", "account"}
    assert all(kinds.values())
    assert set().union(*kinds.values()) == kinds["social_account"]
    assert vocabulary.FACETS["label"]["task_rebate"].kinds == ()
