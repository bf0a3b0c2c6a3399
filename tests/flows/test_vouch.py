"""Vouches and reassigned numbers are checked before they are kept."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from syncd.errors import RefusedError, SyncdError
from syncd.flows import vouch
from syncd.flows.draft import ReassignedDraft, VouchDraft
from tests.flows.test_report import NUMBER, RULES, TODAY

CARRIER = replace(RULES, member="carrier", checked={})
OURS = VouchDraft(kind="phone", value="202 555 0123", role="hotline")
MOVED = ReassignedDraft(value="202 555 0123", since=TODAY)


def test_a_vouch_ends_as_the_roster_has_it() -> None:
    kept = vouch.prepare(OURS, RULES)
    assert (kept.kind, kept.value, kept.type) == ("phone", NUMBER, 7)
    assert msgspec.json.decode(kept.fields) == {
        "expires": "2027-03-20",
        "role": "hotline",
    }
    sooner = msgspec.structs.replace(OURS, expires="2026-10-01")
    assert b"2026-10-01" in vouch.prepare(sooner, RULES).fields


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"role": ""}, "vouch: role not given"),
        ({"role": "friend"}, "role: friend is not in the vocabulary"),
        ({"expires": TODAY}, f"expires: {TODAY} is past"),
        ({"kind": "13800138000"}, "kind: not one of"),
    ],
)
def test_a_vouch_that_cannot_be_is_refused(
    fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(SyncdError) as caught:
        vouch.prepare(msgspec.structs.replace(OURS, **fields), RULES)
    assert says in str(caught.value)


def test_a_carrier_says_since_when_a_number_is_anothers() -> None:
    kept = vouch.prepare_reassigned(MOVED, CARRIER)
    assert (kept.kind, kept.value, kept.type) == ("phone", NUMBER, 5)
    assert msgspec.json.decode(kept.fields) == {"since": TODAY}


def test_nobody_else_says_so() -> None:
    with pytest.raises(RefusedError, match="a carrier says that, we are bank"):
        vouch.prepare_reassigned(MOVED, replace(RULES, member="bank"))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"since": ""}, "reassigned: since not given"),
        ({"since": "soon"}, "since: … is no day"),
        ({"since": "2026-09-22"}, "since: 2026-09-22 is in the future"),
        ({"value": "12"}, "phone"),
    ],
)
def test_a_reassigned_number_that_cannot_be_is_refused(
    fields: dict[str, Any], says: str
) -> None:
    draft = msgspec.structs.replace(MOVED, **fields)
    with pytest.raises(SyncdError) as caught:
        vouch.prepare_reassigned(draft, CARRIER)
    assert says in str(caught.value)
