"""Whoever hands a report in is told all that is wrong with it, at once."""

from operator import attrgetter
from typing import Any

from msgspec import json, structs
from msgspec.structs import replace

from syncd.errors import RefusedError, SyncdError
from syncd.flows import claim, report
from syncd.flows.draft import Draft
from syncd.indicator import vocabulary
from syncd.indicator.active import AUTHORITY
from tests.cases import tried
from tests.flows.test_claim import WRONG
from tests.flows.test_report import RULES, TODAY, with_
from tests.refusals import failing

BANK = replace(RULES, member="bank", checked={})
POLICE = replace(RULES, member="police", checked={})
URL = with_(kind="url", value="http://evil.example/", role="phishing_host")


def refused(draft: Draft, rules: report.Rules = BANK) -> SyncdError:
    with failing() as caught:
        report.prepare(draft, rules)
    return caught.value


def disputed(**fields: Any) -> SyncdError:
    draft = structs.replace(WRONG, **fields)
    with failing() as caught:
        claim.prepare(draft, BANK)
    return caught.value


def test_all_faults_of_a_report_come_at_once() -> None:
    error = refused(
        with_(
            value="12",
            label="虚假投资理财",
            role="主叫",
            evidence="银行识别",
            channel="owl",
            technique=("x", "y"),
            handling="loud",
            confidence=101,
            seen="2026-02-30",
            expires="soon",
            case="12",
            basis=(("bank", 1),),
        )
    )
    assert [str(fault).split(":")[0] for fault in error.faults] == [
        *("phone", "label", "role", "channel", "evidence", "handling"),
        *("technique", "technique", "basis", "confidence", "seen"),
        *("expires", "case"),
    ]
    assert str(error) == "; ".join(map(str, error.faults))
    hints = [fault.hint for fault in error.faults]
    for code in ("fake_invest", "caller", "bank_detection"):
        assert any(f"nearest: {code} " in hint for hint in hints)


def test_what_is_missing_does_not_hide_what_is_wrong() -> None:
    error = refused(Draft(role="主叫", seen="2030-01-01"))
    assert [str(fault) for fault in error.faults] == [
        "report: kind, value, label, evidence not given",
        "role: 主叫 is not in the vocabulary",
        "seen: 2030-01-01 is in the future",
    ]


def test_one_fault_is_no_list() -> None:
    assert refused(with_(label="xyz")).faults == ()


def test_a_value_in_a_wrong_column_is_never_quoted() -> None:
    number = "13800138000"
    wrong: Any = dict.fromkeys(("label", "role", "channel", "seen"), number)
    error = refused(with_(**wrong, kind=number, case=number, region=number))
    assert number not in f"{error} {error.hint} {error.faults}"
    assert number not in str(disputed(reason=number, due=number))


# ------------------------------------------------------------ role and kind


VALUES = {
    "phone": "2025550123",
    "url": "http://evil.example/",
    "account": "alipay:13800138000",
}


@tried("role", vocabulary.listed("role"), ids=attrgetter("code"))
@tried("kind", VALUES)
def test_a_role_goes_with_its_kinds_alone(kind: str, role: Any) -> None:
    draft = with_(kind=kind, value=VALUES[kind], role=role.code)
    if kind in role.kinds:
        assert report.prepare(draft, BANK).kind == kind
        return
    error = refused(draft)
    assert f"role: {role.code} fits " in str(error)
    assert f", not {kind}" in str(error)
    for fits in error.hint.removeprefix("roles of this kind: ").split(", "):
        assert kind in vocabulary.FACETS["role"][fits].kinds


# ----------------------------------------------------- evidence and sector


@tried("evidence", AUTHORITY)
@tried("rules", [BANK, POLICE], ids=["bank", "police"])
def test_evidence_is_of_the_own_sector(
    evidence: str, rules: report.Rules
) -> None:
    """Of another's it is refused, and what may be said instead is offered."""
    sectors, draft = AUTHORITY[evidence], with_(evidence=evidence)
    if rules.sector in sectors:
        assert report.prepare(draft, rules).fields
        return
    error = refused(draft, rules)
    assert isinstance(error, RefusedError)
    assert str(error).startswith(f"evidence: {evidence} is for ")
    assert str(error).endswith(f"to give, we are {rules.sector}")
    instead = "official_relay" if "police" in sectors else "partner_feed"
    assert f" {instead} " in error.hint
    assert report.prepare(with_(evidence=instead), rules).value


def test_who_is_in_no_roster_is_not_asked_for_a_sector() -> None:
    for evidence in AUTHORITY:
        assert report.prepare(with_(evidence=evidence), RULES).fields


# --------------------------------------------------------------- disputes


def test_all_faults_of_a_dispute_come_at_once() -> None:
    error = disputed(
        kind="fax", reason="冤枉", due="2020-01-01", expires="2020-01-02"
    )
    assert [str(fault) for fault in error.faults] == [
        "kind: not one of phone, url, account",
        "reason: 冤枉 is not in the vocabulary",
        "due: 2020-01-01 is past",
        "expires: 2020-01-02 is past, or before due",
    ]
    assert "innocent_owner" in error.faults[1].hint


def test_a_dispute_is_due_today_at_the_earliest() -> None:
    today = structs.replace(WRONG, due=TODAY)
    assert TODAY.encode() in claim.prepare(today, BANK).fields
    assert "due: 2026-09-20 is past" in str(disputed(due="2026-09-20"))


def test_a_dispute_stands_until_it_is_due() -> None:
    error = disputed(due="2026-10-10", expires="2026-10-09")
    assert "expires: 2026-10-09 is past, or before due" in str(error)
    early = structs.replace(WRONG, expires="2026-09-23")
    fields = json.decode(claim.prepare(early, BANK).fields)
    assert (fields["due"], fields["expires"]) == ("2026-09-23", "2026-09-23")


@tried("index", [-1, 2**53])
def test_a_position_is_an_index_of_a_log(index: int) -> None:
    error = disputed(about=(("a.example/syncd/txwz/1", index),))
    assert str(error).startswith("about: not all are ORIGIN:INDEX")
