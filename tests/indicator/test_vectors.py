"""Phones and accounts have the normal forms that the vectors say."""

from collections.abc import Iterator
from typing import Any

from syncd.indicator import account, phone
from tests.cases import cases, each
from tests.refusals import malformed

READERS = {"phone": (phone, "region"), "account": (account, "scheme")}
SEEN = {"phone": ("CN", "US", "TW", "DE"), "account": ("",)}
BEGIN = {
    "phone": ("phone: ", "value: "),
    "account": ("account: ", "scheme: ", "value: "),
}


def vectors(section: str) -> Iterator[tuple[str, Any, dict[str, Any], Any]]:
    """Kind, its module, a case, and how its raw value is to be read."""
    for kind, (module, how) in READERS.items():
        for case in cases(f"identifiers/{kind}", section):
            yield kind, module, case, case[how]


def test_every_accepted_vector_has_its_normal_form() -> None:
    for _, module, case, how in vectors("accepted"):
        assert module.normalise(case["raw"], how) == case["normal"], case


def test_every_refused_vector_is_refused_and_never_quoted() -> None:
    for kind, module, case, how in vectors("refused"):
        with malformed() as e:
            module.normalise(case["raw"], how)
        assert str(e.value).startswith(BEGIN[kind]), case
        text = whole = case["raw"].strip()
        if kind == "phone":
            whole = "".join(c for c in text if c.isdigit())
        if len(whole) >= (4 if kind == "phone" else 6):  # as a count may be
            problem = f"{e.value} {e.value.hint}"
            assert text not in problem, case
            assert whole[-6:] not in problem, case


def test_a_look_up_tries_the_forms_of_the_vectors_in_order() -> None:
    for _, module, case, how in vectors("lookups"):
        assert [*module.candidates(case["raw"], how)] == case["forms"], case


def test_a_normal_form_is_its_own_and_is_looked_up_first() -> None:
    """Seen from anywhere."""
    for kind, module, case, how in vectors("accepted"):
        form = case["normal"]
        for seen in SEEN[kind]:
            assert module.normalise(form, seen) == form
            assert module.candidates(form, seen)[0] == form
        forms = module.candidates(case["raw"], how)
        assert forms[0] == form
        assert len({*forms}) == len(forms) <= account.MAX_CANDIDATES
        assert kind != "phone" or phone.is_normal(form), form


@each("identifiers/kinds", "hidden", "raw")
def test_a_number_with_a_part_hidden(raw: str) -> None:
    with malformed("a part of it is hidden"):
        phone.normalise(raw, "CN")
    for scheme in ("招商银行", "card", ""):
        with malformed("a part of it is"):
            account.normalise(raw, scheme)


def test_letters_that_hide_nothing() -> None:
    """A bank account may have them; an Ethereum address has one x."""
    assert account.normalise("12AXXX34567", "招商银行").endswith(
        ":12AXXX34567"
    )
    assert account.normalise("0x" + "0" * 39 + "1").startswith("eth:0x")
