"""A phone number has one normal form, by rules that are our own."""

import contextlib
import csv
import subprocess
import sys
from collections import Counter
from typing import Any
from unittest.mock import Mock

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.indicator import numbering, phone
from tests.cases import VECTORS, cases, each, tried
from tests.indicator.texts import whole
from tests.refusals import malformed, misused

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def test_what_is_not_normal_is_told_from_what_is() -> None:
    for value in cases("identifiers/phone", "not_normal"):
        assert not phone.is_normal(value), value


def form_of(*how: str) -> str:
    """Return the normal form, which is never empty; "" of what is refused."""
    with contextlib.suppress(MalformedError):
        form = phone.normalise(*how)
        assert form
        return form
    return ""


def test_real_rows_have_the_library_s_form_or_are_refused() -> None:
    """Callers show numbers that nobody has: some are well formed."""
    counts = Counter[tuple[bool, str]]()
    with (VECTORS / "identifiers" / "ftc-dnc.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            valid = row["valid"] == "1"
            got = form_of(row["raw"], row["default_region"])
            if valid or (got and not got.startswith("shown:")):
                assert got == row["e164"]
            counts[valid, got[:1]] += 1
    assert counts[True, "+"] > 250
    assert counts[False, "+"] > 5
    assert counts[False, ""] > 30


# ------------------------------------------------- against the library


EXAMPLES = {
    region: [
        found
        for type_ in range(11)
        for number in [phonenumbers.example_number_for_type(region, type_)]
        if number is not None
        for found in [phonenumbers.format_number(number, 0)]
    ]
    for region in REGIONS
}


@st.composite
def _valid(draw: st.DrawFn, regions: list[str]) -> str:
    """Draw a number that the library finds valid, and leaves as it is."""
    e164 = draw(
        st.sampled_from(regions)
        .map(EXAMPLES.__getitem__)
        .flatmap(st.sampled_from)
    )
    keep = draw(st.integers(4, len(e164)))
    e164 = e164[:keep] + draw(
        st.text(
            "0123456789", min_size=len(e164) - keep, max_size=len(e164) - keep
        )
    )
    number = phonenumbers.parse(e164)
    assume(phonenumbers.is_valid_number(number))
    assume(phonenumbers.format_number(number, 0) == e164)
    return e164


# What the library takes for valid and we refuse, each with its reason.
def _left_out(e164: str) -> bool:
    dialled_at_home_only = (
        *("+6200", "+6600", "+8100", "+8200", "+9100", "+35900", "+59800"),
        "+25006",  # the 0 looks like a trunk prefix
        "+1310",  # seven digits in Canada
        "+78108",  # 14 digits in Russia
    )
    return (
        not 8 <= len(e164) <= 16  # no E.164 number
        or e164.startswith(dialled_at_home_only)
        or (e164[1] == "1" and e164[5:6] in {"0", "1"})  # Dominican exchanges
        or (e164.startswith("+241") and len(e164) == 11)  # before 2019
    )


@given(_valid(REGIONS))
def test_what_the_library_finds_valid_has_the_same_form(e164: str) -> None:
    assume(not e164.startswith("+86") and not _left_out(e164))
    assert phone.normalise(e164) == e164


@given(_valid(["CN"]))
def test_good_mainland_numbers_have_the_librarys_form_or_cn(e164: str) -> None:
    """The library's data has more: lines that begin with 0, 1 or 9."""
    number = e164[3:]
    if numbering.MOBILE.fullmatch(number) or numbering.LINE.fullmatch(number):
        assert phone.normalise(e164) == e164
        assert phone.normalise(f"0{number}") == e164
    else:
        assert form_of(e164)[:3] in ("cn:", "")
        assert not number.startswith(("13", "15", "18"))


@given(
    st.one_of(
        whole(r"\+86(1[3-9]|10|2[0-9]|[3-9][0-9]{2})[0-9]{7,9}"),
        whole(r"\+1[0-9]{10}"),
        whole(r"\+[0-9]{7,15}"),
        st.builds(
            "+{}{}".format,
            st.sampled_from([*numbering.PLANS, *numbering.GRAMMARS]),
            whole(r"[0-9]{5,11}"),
        ),
    ).filter(str.isascii)
)
def test_what_we_accept_the_library_reads_as_the_same(e164: str) -> None:
    form = form_of(e164)
    if form.startswith("+"):
        assert form == e164
        assert phonenumbers.format_number(phonenumbers.parse(form), 0) == form


@given(st.sampled_from(["TW", "HK", "DE", "GB", "JP", "US", "SG"]), st.data())
def test_a_national_spelling_is_what_the_library_says(
    region: str, data: st.DataObject
) -> None:
    e164 = data.draw(_valid([region]))
    assume(not _left_out(e164))
    national = phonenumbers.format_number(
        phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.NATIONAL
    )
    assume(len("".join(filter(str.isdigit, national))) > 6)
    assert phone.normalise(national, region) == e164


SPELLINGS = st.one_of(
    whole(r"(\+|00)?(86|1|0|17951)?[0-9]{5,12}"),
    whole(r"(\+?86|0|1)?1[3-9][0-9]{8,10}"),
    whole(r"(\+1|1{0,3})[2-9][0-9]{2}[2-9][0-9]{5,7}"),
    whole(r"[+(]?[0-9]{2,4}[ )-][0-9 ().-]{5,14}"),
    st.text("0123456789+()-. ０１３８（）＋－转x;,/ext", max_size=24),
    st.text(max_size=20),
)


@given(SPELLINGS, st.sampled_from(["CN", "US", "CA"]))
def test_the_fast_path_and_the_slow_one_never_differ(
    raw: str, region: str
) -> None:
    """The fast one takes no blank: before it, all goes the slow way."""
    assert form_of(raw, region) == form_of(" " + raw, region)


@given(SPELLINGS, st.sampled_from(["CN", "US", "TW", "DE"]))
def test_any_text_gives_a_form_that_is_its_own_or_a_refusal(
    raw: str, region: str
) -> None:
    if form := form_of(raw, region):
        assert form.isascii()
        assert len(form) <= 256
        assert phone.is_normal(form)
        assert phone.normalise(form, "CN") == form
        assert phone.normalise(form, "TW") == form


@given(whole(r"1[3-9][0-9]{9}"), st.data())
def test_a_mobile_with_a_digit_too_few_or_many_is_refused(
    mobile: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(2, 10))
    for wrong in (
        mobile[:at] + mobile[at + 1 :],
        mobile[:at] + "5" + mobile[at:],
    ):
        for prefix in ("", "+86", "86", "0", "0086"):
            # without its 0 a line in a small city looks like a short mobile
            with malformed():
                phone.normalise(prefix + wrong)


@given(st.text("0123456789", min_size=3, max_size=12))
def test_separators_never_change_a_mainland_number(digits: str) -> None:
    form = form_of(digits)
    if form.startswith("+86"):
        spaced = f"{digits[:3]} {digits[3:-4]} {digits[-4:]}"
        assert form_of(spaced) in (form, "")  # taken for an extension


def test_an_unknown_region_is_the_operator_s_mistake() -> None:
    with misused("no region XX"):
        phone.normalise("0912345678", "XX")
    with malformed("two capital letters") as e:
        phone.normalise("0912345678", "广东深圳")
    assert e.value.hint == "a number with + in front needs none"


@each("identifiers/phone", "short")
def test_the_hint_for_a_short_number_is_one_that_works(one: Any) -> None:
    raw, region, way_out = one["raw"], one["region"], one["way_out"]
    with malformed() as e:
        phone.normalise(raw, region)
    assert e.value.hint == f"a short number is written as {way_out}"
    assert phone.normalise(way_out, region) == way_out


@given(whole(r"(\+|00)?[0-9]{2,9}"), st.sampled_from(["CN", "US", "TW", "DE"]))
def test_no_hint_names_a_form_that_is_refused(raw: str, region: str) -> None:
    try:
        phone.normalise(raw, region)
    except MalformedError as e:
        if "short" in e.params:
            form = str(e.params["short"]).replace("…", raw[-6:].lstrip("+0"))
            assert phone.normalise(form, region) == form


@given(st.text("0123456789", min_size=1, max_size=20))
def test_a_caller_id_that_is_no_number_is_no_number_anywhere(
    digits: str,
) -> None:
    number = "+" + digits
    form = form_of(number)
    if form.startswith("shown:"):
        assert form == f"shown:{number}"
        with contextlib.suppress(phonenumbers.NumberParseException):
            assert not phonenumbers.is_valid_number(phonenumbers.parse(number))
        assert phone.normalise(form, "US") == form


@tried("valid", [True, False])
@tried("form", ["+886912345678", "+8860912345678", "+886987654321", "+999123"])
def test_another_release_of_the_library_changes_no_form(
    form: str, valid: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It accepts or refuses; it never decides what enters a token."""
    other = Mock(wraps=phonenumbers, SUPPORTED_REGIONS={"TW"})
    other.NumberParseException = phonenumbers.NumberParseException
    other.is_valid_number.return_value = valid
    other.is_valid_short_number_for_region.return_value = False
    other.format_number.return_value = form
    other.national_significant_number.return_value = form[4:]
    monkeypatch.setitem(sys.modules, "phonenumbers", other)
    assert form_of("0912345678", "TW") in ("+886912345678", "")


def test_the_mainland_and_north_america_need_no_library() -> None:
    """Their forms cannot depend on the library's release."""
    program = (
        "import sys; sys.modules['phonenumbers'] = None\n"
        "from syncd.indicator import phone\n"
        "assert phone.normalise('0755-26123456') == '+8675526123456'\n"
        "assert phone.normalise('+4915112345678') == '+4915112345678'\n"
        "assert phone.normalise('955 88') == 'cn:95588'\n"
        "assert phone.normalise('877 527-3810', 'US') == '+18775273810'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@tried("sign", [",", "，", ";", "；", "\n", "\r\n", "/", "、"])
def test_two_numbers_are_no_extension(sign: str) -> None:
    """Or the hint would say to leave out the second."""
    with malformed("more than one number") as e:
        phone.normalise(f"13800138000{sign}138 0013 8001", "CN")
    assert e.value.hint == "give each by itself"
