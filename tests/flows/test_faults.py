"""Whoever hands a report in is told all that is wrong with it, at once."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import json, structs

from syncd.errors import RefusedError, SyncdError
from syncd.flows import claim, report
from syncd.flows.draft import Draft
from syncd.indicator import vocabulary
from syncd.indicator.active import AUTHORITY
from tests.flows.test_claim import WRONG
from tests.flows.test_report import RULES, TODAY, with_

BANK = replace(RULES, member="bank", checked={})
POLICE = replace(RULES, member="police", checked={})
URL = with_(kind="url", value="http://evil.example/", role="phishing_host")


def refused(draft: Draft, rules: report.Rules = BANK) -> SyncdError:
    with pytest.raises(SyncdError) as caught:
        report.prepare(draft, rules)
    return caught.value


def disputed(**fields: Any) -> SyncdError:
    draft = structs.replace(WRONG, **fields)
    with pytest.raises(SyncdError) as caught:
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
    places = [str(fault).split(":")[0] for fault in error.faults]
    assert places == [
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


@pytest.mark.parametrize(
    ("kind", "value", "role"),
    [
        ("phone", "2025550123", "phishing_host"),
        ("phone", "2025550123", "collecting_account"),
        ("phone", "2025550123", "app_download"),
        ("url", "http://evil.example/", "caller"),
        ("url", "http://evil.example/", "mule_account"),
        ("account", "alipay:13800138000", "sms_sender"),
        ("account", "alipay:13800138000", "redirector"),
    ],
)
def test_a_role_that_does_not_fit_the_kind_is_refused(
    kind: str, value: str, role: str
) -> None:
    error = refused(with_(kind=kind, value=value, role=role))
    assert f"role: {role} fits " in str(error)
    assert f", not {kind}" in str(error)
    for fits in error.hint.removeprefix("roles of this kind: ").split(", "):
        assert kind in vocabulary.FACETS["role"][fits].kinds


def test_every_role_goes_with_its_kinds() -> None:
    values = {
        "phone": "2025550123",
        "url": "http://evil.example/",
        "account": "alipay:13800138000",
    }
    for role in vocabulary.listed("role"):
        for kind in role.kinds:
            draft = with_(kind=kind, value=values[kind], role=role.code)
            assert report.prepare(draft, BANK).kind == kind


# ----------------------------------------------------- evidence and sector


@pytest.mark.parametrize(
    ("evidence", "instead"),
    [
        ("police_case", "official_relay"),
        ("police_alert", "official_relay"),
        ("judgment", "official_relay"),
        ("official_list", "official_relay"),
        ("carrier_detection", "partner_feed"),
        ("platform_detection", "partner_feed"),
    ],
)
def test_evidence_beyond_the_own_sector_is_refused_and_another_offered(
    evidence: str, instead: str
) -> None:
    error = refused(with_(evidence=evidence))
    assert isinstance(error, RefusedError)
    assert str(error).startswith(f"evidence: {evidence} is for ")
    assert str(error).endswith("to give, we are bank")
    assert f" {instead} " in error.hint
    offered = with_(evidence=instead)
    assert report.prepare(offered, BANK).value


def test_evidence_of_the_own_sector_is_taken() -> None:
    for evidence in ("bank_detection", "official_relay", "victim_report"):
        assert report.prepare(with_(evidence=evidence), BANK).fields
    for evidence in ("police_case", "judgment", "official_list"):
        assert report.prepare(with_(evidence=evidence), POLICE).fields
    assert "we are police" in str(
        refused(with_(evidence="bank_detection"), POLICE)
    )


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


@pytest.mark.parametrize("index", [-1, 2**53])
def test_a_position_is_an_index_of_a_log(index: int) -> None:
    error = disputed(about=(("a.example/syncd/txwz/1", index),))
    assert str(error).startswith("about: not all are ORIGIN:INDEX")
