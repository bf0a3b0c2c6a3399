"""An identifier is a kind and a normal form, and shows only the kind."""

from typing import Any

from syncd.indicator import identifier
from syncd.indicator.identifier import Identifier
from tests.cases import each, tried
from tests.refusals import malformed, refused


@each("identifiers/kinds", "reports")
def test_a_report_has_one_identifier_that_is_looked_up_first(one: Any) -> None:
    kind, raw, value = one
    found = identifier.for_report(kind, raw)
    assert found == Identifier(kind, value)
    assert identifier.for_lookup(kind, raw)[0] == found
    assert identifier.parse_normal(kind, value) == found


@tried(
    "kind, raw, how, value",
    [
        ("phone", "8775273810", {"region": "US"}, "+18775273810"),
        ("account", "12345678", {"scheme": "102"}, "bank:ICBKCNBJ:12345678"),
    ],
)
def test_region_and_scheme_say_how_to_read_a_bare_value(
    kind: str, raw: str, how: Any, value: str
) -> None:
    assert identifier.for_report(kind, raw, **how).value == value
    [tried] = identifier.for_lookup(kind, raw, **how)
    assert tried.value == value


def test_a_url_keeps_its_query_only_when_asked() -> None:
    raw = "evil.example/x?id=1"
    assert identifier.for_report("url", raw).value == "evil.example/x"
    kept = identifier.for_report("url", raw, keep_query=True)
    assert kept.value == "evil.example/x?id=1"


def test_a_value_is_retracted_under_each_form_it_may_have() -> None:
    forms = identifier.for_retract("url", "http://evil.example/a?uid=7")
    assert [f.value for f in forms] == [
        *("evil.example/a", "evil.example/a?uid=7")
    ]
    forms = identifier.for_retract("phone", "877 527 3810", region="US")
    assert [f.value for f in forms] == ["+18775273810"]


def test_a_url_that_may_name_a_person_needs_the_flag() -> None:
    raw = "evil.example/u/13800138000"
    with refused():
        identifier.for_report("url", raw)
    assert identifier.for_report("url", raw, allow_personal=True).value == raw
    assert identifier.parse_normal("url", raw).value == raw


@each("identifiers/kinds", "not_normal")
def test_what_is_not_normal_is_not_parsed_as_normal(one: Any) -> None:
    with malformed("not in normal form") as e:
        identifier.parse_normal(*one)
    assert one[1] not in str(e.value)


def test_the_value_does_not_show() -> None:
    one = Identifier("phone", "+8613800138000")
    assert "138" not in repr(one)
    assert "138" not in f"{one}"


@tried("value", ["", "x" * 257, "ü", "a\nb"])
def test_a_value_is_1_to_256_printable_ascii_characters(value: str) -> None:
    with malformed("1 to 256"):
        Identifier("account", value)


@tried("kind", ["email", "Phone", "", "手机"])
def test_only_three_kinds_exist(kind: str) -> None:
    for read in (
        *(identifier.for_report, identifier.for_lookup),
        *(identifier.parse_normal, Identifier),
    ):
        with malformed("kind: not one of"):
            read(kind, "x")


@each("identifiers/kinds", "no_region")
def test_what_needs_no_region_is_not_refused_for_one(one: Any) -> None:
    for region in ("广东深圳", "cn", "XX"):
        assert identifier.for_report(*one, region=region).kind == one[0]
