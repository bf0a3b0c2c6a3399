"""A cell's word means one code in either language, or is refused by name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd import errors, tsv
from syncd.indicator import vocabulary
from syncd.lists import words
from syncd.lists.words import UnknownError
from tests.cases import each


@each("lists/cells", "words")
def test_words_of_both_languages(one: Any) -> None:
    assert words.meaning(one["field"])(one["word"]) == one["means"]


def test_every_label_of_the_vocabulary_is_a_word() -> None:
    for facet in words.FACETS:
        read = words.meaning(facet)
        for one in vocabulary.FACETS[facet].values():
            want = [one.code] if facet == "technique" else one.code
            for word in (one.code, one.zh, one.en.upper()):
                if facet != "technique" or "," not in word:
                    assert read(word) == want


def test_no_word_means_two_countries() -> None:
    """Or which one wins would depend on the order of a table."""
    read, countries = words.meaning("region"), 0
    for code, *names in tsv.rows("indicator/countries.tsv"):
        countries += 1
        for word in filter(None, "|".join(names).split("|")):
            assert read(word) == code
    assert countries == 249


@each("lists/cells", "unknown")
def test_a_word_that_nobody_knows(one: Any) -> None:
    """It is refused by name with the nearest, the second time as well."""
    read = words.meaning(one["field"])
    for _ in range(2):
        with pytest.raises(UnknownError) as refused:
            read(one["word"])
        assert one["why"] in str(refused.value)
        assert one["hint"] in refused.value.hint
        found = refused.value.field, refused.value.cell
        assert found == (one["field"], one["word"])


def test_several_techniques() -> None:
    read = words.meaning("technique")
    assert read("共享屏幕，会议软件;") == ["screen_share", "meeting_app"]
    with pytest.raises(UnknownError) as refused:
        read("共享屏幕、猫")
    assert refused.value.cell == "猫"


def test_a_scheme_that_the_row_decides_passes() -> None:
    """Digits that name no one bank alone may with what stands beside."""
    assert words.meaning("scheme")("313332040018") == "313332040018"


@each("lists/cells", "own")
def test_own_words(one: Any) -> None:
    own = {(one["field"], "我 们"): one["code"], ("role", "我们"): "caller"}
    assert words.meaning(one["field"], own)("我们") == one["means"]


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
    except errors.MalformedError:
        return
    assert read(word) == first
