"""What is acknowledged can be published; what cannot is refused, and why."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from syncd.errors import MalformedError, SyncdError, UsageError
from syncd.flows import faults, report, submission
from syncd.flows.draft import Draft, NewReport
from syncd.flows.report import Rules
from syncd.indicator import statement, vocabulary
from syncd.indicator.record import ReportFields
from syncd.roster import drafts
from syncd.roster.roster import Roster
from syncd.roster.terms import Never
from syncd.shape import part
from tests.cases import each, tried
from tests.flows import founders
from tests.refusals import malformed, refused

TODAY = "2026-09-21"
NUMBER = "+12025550123"
RIGHT = Draft(
    kind="phone",
    value="(202) 555-0123",
    label="fake_invest",
    role="caller",
    evidence="user_tag",
)


def founded(never: Sequence[Never] = ()) -> Roster:
    return drafts.put(founders.FOUNDED.roster, ("never",), *never)


ROSTER = founded([Never("phone", "+12025550911", "emergency")])
RULES = Rules(ROSTER, TODAY, "US")


def with_(draft: Draft = RIGHT, **fields: Any) -> Draft:
    return structs.replace(draft, **fields)


def prepared(
    draft: Draft = RIGHT, rules: Rules = RULES, **fields: Any
) -> NewReport:
    """Return what is to be kept of a draft with other fields."""
    return report.prepare(with_(draft, **fields), rules)


def made_of(kept: NewReport) -> statement.Report:
    """Return the statement that would be published."""
    return msgspec.convert(
        {
            "type": 1,
            "on": TODAY,
            "kind": kept.kind,
            "epoch": 1,
            "token": report.NOBODY,
            "know": "00" * 8,
            **msgspec.json.decode(kept.fields),
        },
        statement.Report,
    )


def test_a_report_is_its_normal_form_and_public_fields() -> None:
    kept = prepared()
    assert (kept.kind, kept.value, kept.type) == ("phone", NUMBER, 1)
    assert made_of(kept) == statement.Report(
        on=TODAY,
        kind="phone",
        epoch=1,
        token=report.NOBODY,
        label="fake_invest",
        role="caller",
        evidence="user_tag",
        confidence=50,
        seen=TODAY,
        expires="2027-03-20",  # 180 days: the roster's cap for phones
        know="00" * 8,
        handling="open",
    )


@each("flows", "police_alone_do_not_tip_off", "evidence, given, kept")
def test_police_alone_do_not_tip_off(
    evidence: str, given: str, kept: str
) -> None:
    """Whoever names no handling may tell, but for what only police have."""
    made = prepared(evidence=evidence, handling=given)
    assert made_of(made).handling == kept


def test_every_field_that_is_given_is_kept() -> None:
    said: Any = {
        "channel": next(iter(vocabulary.FACETS["channel"])),
        "case": "0123456789abcdef",
        "spoofed": True,
        "test": True,
        "confidence": 7,
        "seen": "2026-09-20",
        "expires": "2026-10-01",
        "handling": "open",
    }
    basis = ("b.example/syncd/txwz/1", 7)
    kept = prepared(**said, basis=(basis, basis))
    assert msgspec.json.decode(kept.fields) == {
        **said,
        "basis": [[*basis]],
        "evidence": "user_tag",
        "label": "fake_invest",
        "role": "caller",
    }


@each(
    "flows", "a_drill_is_of_a_value_that_nobody_has", "kind, role, value, fine"
)
def test_a_drill_is_of_a_value_that_nobody_has(
    kind: str, role: str, value: str, fine: bool
) -> None:
    one = with_(kind=kind, role=role, value=value, test=True)
    if fine:
        assert prepared(one).test
        return
    with refused("a reserved value alone"):
        prepared(one)


def test_what_would_be_too_long_once_published_is_refused_at_once() -> None:
    basis = tuple((f"{n:030}.example/syncd/txwz/1", n) for n in range(80))
    with malformed("payload is"):
        prepared(basis=basis)


def test_only_so_many_sets_of_fields_are_remembered() -> None:
    rules = structs.replace(RULES, checked={("", n): b"" for n in range(4096)})
    prepared(rules=rules)
    assert len(rules.checked) == report.CHECKED


def test_what_is_remembered_is_of_all_that_a_draft_says() -> None:
    """A draft that differs in any field is judged by itself."""
    rules = structs.replace(RULES, checked={})
    alone = {"kind", "value", "scheme", "region", "urgent"}
    alone |= {"keep_query", "allow_personal"}  # of the value
    assert {*ReportFields.__struct_fields__} == {
        *structs.asdict(Draft())
    } - alone
    first = prepared(rules=rules)
    assert prepared(rules=rules, confidence=7).fields != first.fields
    for _ in range(2):
        with malformed("not 0 to 100"):
            prepared(rules=rules, confidence=101)


def test_fields_hold_no_value_and_repr_shows_none() -> None:
    kept = prepared()
    assert b"2025550123" not in kept.fields
    assert "2025550123" not in repr(kept)


def test_equal_reports_have_equal_bytes_however_they_are_written() -> None:
    techniques = [*vocabulary.FACETS["technique"]][:2]
    kept = prepared(technique=(techniques[1], techniques[0], techniques[0]))
    assert kept == structs.replace(
        prepared(technique=tuple(techniques), seen=TODAY), seen=""
    )  # whether it was said is kept


@tried(
    "fields, says",
    [
        ({"value": ""}, "report: value not given"),
        ({"confidence": -1}, "confidence: not 0 to 100"),
        ({"seen": "21.9.2026"}, "seen: … is no day as YYYY-MM-DD"),
        ({"expires": TODAY}, "expires: 2026-09-21, and seen 2026-09-21"),
        ({"case": "12"}, "case: not 16 digits in lower-case hex"),
        ({"basis": (("bank", 1),)}, "basis: not all are ORIGIN:INDEX"),
        ({"kind": "13800138000"}, "kind: not one of phone, url, account"),
        (
            {"region": "13800138000", "value": "0912345678"},
            "region: want two capital letters",
        ),
        ({"region": "XX", "value": "0912345678"}, "phone: no region XX"),
        ({"value": "+0001234567"}, "report: a caller id that is no number"),
        ({"value": "n/a"}, "phone: "),
        (
            {"kind": "url", "value": "http://x.example/" + "a" * 10**6},
            "characters, at most",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    fields: Any, says: str
) -> None:
    with pytest.raises((MalformedError, UsageError)) as caught:
        prepared(**fields)
    assert says in str(caught.value)
    assert "13800138000" not in str(caught.value)


def test_a_caller_id_that_is_no_number_is_only_ever_spoofed() -> None:
    kept = prepared(value="+000 1234567", spoofed=True)
    assert kept.value == "shown:+0001234567"


def test_the_never_list_is_refused() -> None:
    with refused("never-list"):
        prepared(value="202-555-0911")


def test_an_owner_of_one_name_is_named_once() -> None:
    rows = [Never("url", "google.com/", "big_host")]
    site: Any = {"kind": "url", "value": "google.com", "role": "phishing_host"}
    with refused(r"never-list: Google$"):
        prepared(rules=structs.replace(RULES, roster=founded(rows)), **site)


def test_a_wrong_draft_does_not_hold_up_the_others() -> None:
    error = MalformedError("reports[2]: not JSON")
    some: list[Draft | SyncdError]
    some = [RIGHT, with_(confidence=101), error, RIGHT]
    done = report.each(report.prepare, some, RULES)
    fine = [isinstance(d, NewReport) for d in done]
    assert fine == [True, False, False, True]
    assert done[2] is error


text = st.text(max_size=30)
drafted = st.builds(
    Draft,
    kind=st.sampled_from(["phone", "url", "account", ""]) | text,
    value=st.sampled_from([NUMBER, "evil.example/a", "6222021234567890128"])
    | text,
    scheme=text,
    region=st.sampled_from(["US", "CN", ""]) | text,
    label=st.sampled_from([*vocabulary.FACETS["label"]]) | text,
    role=st.sampled_from([*vocabulary.FACETS["role"]]) | text,
    evidence=st.sampled_from([*vocabulary.FACETS["evidence"]]) | text,
    confidence=st.integers(0, 101) | st.integers(),
    seen=st.sampled_from(["", TODAY, "2020-01-01", "2199-12-31"]) | text,
    expires=st.sampled_from(["", "2199-12-31"]) | text,
    technique=st.lists(text, max_size=2).map(tuple),
    case=st.sampled_from(["", "00" * 8]) | text,
    handling=st.sampled_from(["", "open"]) | text,
    spoofed=st.booleans(),
    test=st.booleans(),
    basis=st.lists(
        st.tuples(st.sampled_from(["a.b/syncd/c/1"]) | text, st.integers()),
        max_size=2,
    ).map(tuple),
)


@given(drafted)
def test_a_draft_becomes_a_writable_statement_or_an_error_of_ours(
    draft: Draft,
) -> None:
    [kept] = report.each(report.prepare, [draft], RULES)
    if isinstance(kept, SyncdError):
        others = str(with_(draft, value=""))
        assert (
            len(draft.value) < 7
            or draft.value in others  # which may be named
            or draft.value not in str(kept)
        )
    else:
        made = made_of(kept)
        statement.encode(made)
        assert made.seen < made.expires
        assert not [*faults.of_report(part(ReportFields, made), "", "", TODAY)]


def test_what_is_kept_says_how_its_url_was_read() -> None:
    """A query that was dropped, and a host so deep, are told, not guessed."""
    draft = with_(
        kind="url",
        value="http://a.b.c.d.evil.example/x?id=1",
        role="phishing_host",
    )
    kept = prepared(draft)
    assert kept.value == "a.b.c.d.evil.example/x"
    assert kept.notices == ("query_dropped", "this_host_only")
    store = with_(
        draft, value="https://play.google.com/store/apps/details?id=x.y"
    )
    with refused("of its query id the page"):
        prepared(store)
    kept = prepared(store, keep_query=True)
    assert kept.notices == ()


# -------------------------------------------------------------- retracting


def test_a_value_is_found_without_its_kind() -> None:
    """As all that it may have been reported as."""
    where = {"region": "US", "scheme": ""}
    assert report.forms_to_find("", "", **where) == ()
    forms = report.forms_to_find("", "202 555 0123", **where)
    assert [f.value for f in forms] == [NUMBER]
    assert report.forms_to_find("phone", "2025550123", **where) == forms
    with malformed("no phone, URL or account"):
        report.forms_to_find("", "what?", **where)


GUARDED = Rules(founded([Never("url", "bank.example/", "bank")]), TODAY, "US")
PLANTED = with_(
    kind="url",
    value="http://www.bank.example/upload/x.html",
    role="phishing_host",
    technique=("compromised",),
)


def test_a_page_planted_on_a_protected_site_is_reported_for_two_weeks() -> (
    None
):
    """By its path, as such: nothing else of the site is reportable."""
    assert made_of(prepared(PLANTED, GUARDED)).expires == "2026-10-05"
    soon = prepared(PLANTED, GUARDED, expires="2026-09-25")
    assert made_of(soon).expires == "2026-09-25"
    for fields in (
        {"technique": ()},
        {"value": "http://www.bank.example/"},
        {"value": "http://login.bank.example:8080/index.html"},
    ):
        with refused("never-list: bank"):
            prepared(PLANTED, GUARDED, **fields)


def test_a_host_below_no_top_level_domain_is_refused() -> None:
    with malformed("no top-level domain") as caught:
        prepared(PLANTED, GUARDED, value="http://x.notatld/a")
    assert "notatld" not in str(caught.value)


def test_each_row_that_ends_too_late_is_refused() -> None:
    """Not the first alone, whose fields the others share."""
    for value in ("http://bank.example/a", "http://bank.example/b"):
        with refused("more than 14 days"):
            prepared(PLANTED, GUARDED, value=value, expires="2026-12-01")


@tried("wrong", [{"file": "ab"}, {"name": "x" * 257}])
def test_what_begins_an_import_keeps_to_its_form(wrong: Any) -> None:
    good = {"name": "a.csv", "size": 9, "file": "ab" * 32}
    msgspec.convert(good, submission.ImportBegin)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**good, **wrong}, submission.ImportBegin)
