"""Numbers of which a part was hidden are refused by that name."""

from syncd.indicator import account, phone
from tests.cases import each
from tests.refusals import malformed


@each("identifiers/kinds", "hidden", "raw")
def test_a_number_with_a_part_hidden(raw: str) -> None:
    with malformed("a part of it is hidden"):
        phone.normalise(raw, "CN")
    for scheme in ("招商银行", "card", ""):
        with malformed("a part of it is"):
            account.normalise(raw, scheme)


def test_letters_that_hide_nothing() -> None:
    """A bank account may have them; an Ethereum address has one x."""
    form = account.normalise("12AXXX34567", "招商银行")
    assert form.endswith(":12AXXX34567")
    assert account.normalise("0x" + "0" * 39 + "1").startswith("eth:0x")
