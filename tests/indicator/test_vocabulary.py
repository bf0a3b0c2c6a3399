"""Codes have labels in two languages, and unknown ones a reading."""

import pytest

from syncd.indicator import vocabulary
from syncd.indicator.statement import CODE


def test_every_code_is_well_formed() -> None:
    """Codes are codes, labels are there, parents are in the facet."""
    for facet, codes in vocabulary.FACETS.items():
        for code, entry in codes.items():
            assert CODE.fullmatch(code)
            assert (entry.facet, entry.code) == (facet, code)
            assert entry.zh
            assert entry.en
            assert not entry.parent or entry.parent in codes


def test_labels() -> None:
    """A label in Chinese, and in English unless told."""
    assert vocabulary.label("label", "prize", "zh") == "中奖诈骗"
    assert vocabulary.label("label", "prize") == "prize or lottery"


@pytest.mark.parametrize(
    ("facet", "read"),
    [
        ("label", "other"),
        ("role", "other"),
        ("evidence", "user_tag"),
        ("handling", "no_tip_off"),
    ],
)
def test_unknown_codes_read_as_the_fallback(facet: str, read: str) -> None:
    """Nothing breaks when a newer build writes a newer code."""
    assert not vocabulary.known(facet, "of_2031")
    assert vocabulary.read(facet, "of_2031") == read
    assert vocabulary.label(facet, "of_2031", "zh")
    assert vocabulary.read(facet, "other") == (
        "other" if read == "other" else read
    )


def test_known_codes_read_as_themselves() -> None:
    """Reading changes nothing that this build knows."""
    for facet in vocabulary.FACETS:
        for code in vocabulary.codes(facet):
            assert vocabulary.known(facet, code)
            assert vocabulary.read(facet, code) == code


def test_there_are_two_languages() -> None:
    """A third is a slip of ours."""
    for lang in vocabulary.LANGUAGES:
        assert vocabulary.label("verdict", "confirmed", lang)
    with pytest.raises(KeyError):
        vocabulary.label("verdict", "confirmed", "de")
