"""An account has one normal form, and its checksum holds where it has one."""

import contextlib
import string
from collections.abc import Callable
from functools import partial
from typing import Any

import base58
from hypothesis import assume, given
from hypothesis import strategies as st
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from stdnum import iban as stdnum_iban
from stdnum import numdb

from syncd import tsv
from syncd.errors import MalformedError
from syncd.indicator import account, bank, chain, checksum, scheme
from tests.cases import cases, each, tried
from tests.indicator.texts import whole
from tests.refusals import malformed

ALPHABET = base58.BITCOIN_ALPHABET.decode()
ACCEPTED = cases("identifiers/account", "accepted")


@each("identifiers/account", "banks")
def test_a_bank_is_named_as_people_name_it(one: Any) -> None:
    """By its short name, and with what of it the account is.

    A broker or insurer of the same name is none.
    """
    assert bank.named(one["word"]) == one["id"]


# --------------------------------------------------------------- any text


RAW = st.one_of(
    st.text("0123456789", min_size=1, max_size=24),
    st.text(string.printable, max_size=60),
    st.text(max_size=30),
    st.text(ALPHABET, min_size=25, max_size=100),
    whole(r"0x[0-9a-fA-F]{38,42}"),
    whole(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{10,31}"),
    st.sampled_from([case["raw"] for case in ACCEPTED]),
    st.builds(
        "{}:{}".format,
        st.sampled_from(["card", "bank:102", "qq", "btc", "alipay", "x"]),
        st.text(string.printable, max_size=30),
    ),
)


@given(RAW, st.sampled_from(cases("identifiers/account", "tried")))
def test_any_text_gives_forms_that_are_their_own_or_a_refusal(
    raw: str, code: str
) -> None:
    """What a report is about is the first that a look-up tries."""
    with contextlib.suppress(MalformedError):
        forms = account.candidates(raw, code)
        assert forms or account.may_be_bank(raw, code)
        assert len(forms) <= account.MAX_CANDIDATES
        for form in forms:
            assert account.normalise(form) == form
    with contextlib.suppress(MalformedError):
        form = account.normalise(raw, code)
        assert form.isascii()
        assert form.isprintable()
        assert 1 <= len(form) <= 256
        assert account.normalise(form) == form
        assert account.candidates(raw, code)[0] == form


# ------------------------------------------------------ cards and banks


@given(st.text("0123456789", min_size=15, max_size=18))
def test_one_check_digit_of_ten_makes_a_card(digits: str) -> None:
    cards = [
        f"{digits}{last}"
        for last in range(10)
        if checksum.luhn(f"{digits}{last}")
    ]
    assert len(cards) == 1
    assume(cards[0][15:].strip("0"))  # else rounded
    assert account.normalise(cards[0]) == f"card:{cards[0]}"
    assert account.normalise(cards[0], "ICBKCNBJ") == f"card:{cards[0]}"
    wrong = cards[0][:-1] + str((int(cards[0][-1]) + 1) % 10)
    with malformed(r"Luhn|rounded"):
        account.normalise(wrong)
    if wrong[15:].strip("0") or len(wrong) < 17:
        assert account.normalise(wrong, "102") == f"bank:ICBKCNBJ:{wrong}"


@given(
    st.sampled_from(sorted(account.IBANS)),
    st.text("0123456789", min_size=30, max_size=30),
)
def test_an_iban_schwifty_takes_is_taken(country: str, digits: str) -> None:
    bban = digits[: account.IBANS[country] - 4]
    check = stdnum_iban.calc_check_digits(f"{country}00{bban}")
    text = f"{country}{check}{bban}"
    assert account.normalise(text) == f"iban:{text}"
    try:
        assert IBAN(text).compact == text
    except SchwiftyException as e:  # it knows which places hold letters
        assert "checksum" not in str(e).lower()  # noqa: PT017
    for other in range(100):
        wrong = f"{country}{other:02d}{bban}"
        if wrong != text:
            with malformed():
                account.normalise(wrong, "iban")
            break


@given(whole(r"[1-9][0-9]{5,11}"))
def test_the_bank_is_part_of_the_form(number: str) -> None:
    """One number occurs under several banks in real lists."""
    forms = {
        account.normalise(number, bank)
        for bank in ("ICBKCNBJ", "HSBCHKHH", "BARCGHAC", "103")
    }
    assert len(forms) == 4


def test_a_bank_has_one_id_by_code_bic_and_every_name() -> None:
    for id_, three, codes, *names in tsv.rows("indicator/banks.tsv"):
        for code in codes.split():
            assert bank.holds(code), code
        for code in filter(None, (three, id_, *codes.split())):
            assert bank.coded(code) == id_
        for word in filter(None, "|".join(names).split("|")):
            assert bank.named(word) == scheme.read(word).bank == id_, word
        form = f"bank:{id_}:12345678"
        assert account.normalise(form) == form


@given(whole(r"[0-9]{11}"))
def test_one_digit_of_ten_is_a_clearing_code_s_last(code: str) -> None:
    assert sum(bank.holds(f"{code}{last}") for last in range(10)) == 1


def test_no_word_means_two_things() -> None:
    found: dict[str, str] = {}
    for code, _, words in tsv.rows("indicator/schemes.tsv"):
        meant = scheme.read(code)
        assert set(meant.chains) <= set(chain.BY_NAME)
        for word in (code, *filter(None, words.split("|"))):
            assert scheme.read(word) == meant, word
            assert found.setdefault(bank.fold(word), code) == code, word
    assert not found.keys() & set(bank.words())


@each("identifiers/account", "reasons")
def test_a_reason_names_the_word_and_the_way_out(one: Any) -> None:
    with malformed() as e:
        account.normalise("12345678", one["scheme"])
    assert str(e.value).startswith("scheme: ")
    assert one["why"] in str(e.value)
    assert e.value.hint.startswith(one["hint"])


def test_ibans_are_those_of_two_other_registries() -> None:
    """Two oracles: schwifty has territories too, and no IBAN begins so."""
    registered = {
        c for c in account.IBANS if numdb.get("iban").info(c + "0" * 40)[0][1]
    }
    rows = tsv.rows("indicator/ibans.tsv")
    reasons = {country: why for country, _, why in rows}
    assert registered == {c for c, why in reasons.items() if why == "registry"}
    assert not set(account.TERRITORIES) & set(account.IBANS)
    for case in ACCEPTED:
        form = case["normal"].removeprefix("iban:")
        if form != case["normal"] and form[:2] in registered:
            assert stdnum_iban.is_valid(form, check_country=False), case


def test_a_bare_number_may_be_a_bank_s_unless_it_is_something_else() -> None:
    for raw in ("12345678901", "6222021234567890127", "1001 2441 0900"):
        assert account.may_be_bank(raw)
        assert not account.may_be_bank(raw, "工行")
    for raw in ("6222021234567890128", "2088123456789012", "123456", "abc123"):
        assert not account.may_be_bank(raw)
    assert account.candidates("6222021234567890127") == ()


# -------------------------------------------------------------- checksums


@given(st.binary(min_size=20, max_size=20), st.sampled_from([0, 8]))
def test_cashaddr_round_trip(digest: bytes, version: int) -> None:
    body = bytes([version]) + digest
    text = checksum.to_cashaddr(body)
    assert checksum.cashaddr(text) == body
    assert account.normalise(text) == f"bch:{text}"
    legacy = base58.b58encode_check(bytes([5 if version else 0]) + digest)
    assert account.normalise(legacy.decode(), "BCH") == f"bch:{text}"


@tried(
    "read, texts",
    [
        (partial(checksum.base58, check=True), ["2g", ""]),
        (checksum.cashaddr, ["qpm2qsz", "b" * 42, "qpm2Qsznhks", ""]),
        (checksum.monero, ["zzzzzzzzzzz", "1111", "111111111lI", ""]),
    ],
)
def test_what_has_no_checksum(
    read: Callable[[str], bytes | None], texts: list[str]
) -> None:
    """Too short, of another alphabet or sum, or above its bytes."""
    assert {*map(read, texts)} == {None}


ADDRESSES = sorted(
    {
        (case["normal"].partition(":")[0], case["raw"])
        for case in ACCEPTED
        if case["normal"].partition(":")[0]
        in {one.name for one in chain.CHAINS} - {"sol", "eth", "etc", "ton"}
        and ":" not in case["raw"]
        and " " not in case["raw"]
    }
)


@given(st.sampled_from(ADDRESSES), st.data())
def test_a_changed_character_is_noticed(
    address: tuple[str, str], data: st.DataObject
) -> None:
    name, text = address
    form = account.normalise(text, name)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.sampled_from(ALPHABET)) + text[at + 1 :]
    if changed == text or changed.lower() == form.partition(":")[2]:
        return
    with malformed():
        account.normalise(changed, name)


@given(st.binary(min_size=20, max_size=20), st.data())
def test_a_changed_case_breaks_eip55(raw: bytes, data: st.DataObject) -> None:
    lower = raw.hex()
    mixed = checksum.eip55(lower)
    assert account.normalise(f"0x{mixed}", "ETH") == f"eth:0x{lower}"
    letters = [n for n, c in enumerate(mixed) if c.isalpha()]
    if len(letters) < 2:
        return
    at = data.draw(st.sampled_from(letters))
    wrong = mixed[:at] + mixed[at].swapcase() + mixed[at + 1 :]
    if wrong in {lower, lower.upper()}:
        return
    with malformed("EIP-55"):
        account.normalise(f"0x{wrong}", "ETH")


@each("identifiers/account", "schemes")
def test_a_branch_s_code_beside_a_name_of_its_class(one: Any) -> None:
    """The table has head offices: the name says which bank of the class."""
    if one["bank"]:
        assert scheme.read(one["scheme"]).bank == one["bank"]
    else:
        with malformed():
            scheme.read(one["scheme"])


@tried("text", ["USDT TRC-20", "usdt-trc 20", "USDT (TRC_20)"])
def test_a_token_s_standard_with_its_joint(text: str) -> None:
    assert scheme.read(text).chains == ("tron",)
