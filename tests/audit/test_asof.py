"""What a member had to conclude at a time, by what it had signed until then."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.audit.bundle import log_directory
from syncd.indicator.notation import day_text
from syncd.indicator.statement import Retract
from syncd.roster.quotas import DAY_S
from syncd.tlog import checkpoint
from tests import sample_statements as samples
from tests.audit.conftest import (
    CARRIER,
    POLICE,
    Made,
    check_form,
    drop,
    grow,
    head_of,
    put,
    put_note,
)
from tests.cases import each, once
from tests.cli.conftest import Run

Told = Callable[..., list[object]]  # what to type, of how many days after


@once
def told(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Reported, confirmed, disputed, taken back: a day between each."""
    given = made.bundle("bank", tmp_path_factory.mktemp("told"), "a case")
    start = made.audit(given).rosters[0].issued
    for keys in made.keys.values():  # who signed what is ours to say
        drop(given, f"{log_directory(keys.origin)}/notes/")
        raw = bytes(checkpoint.sign(head_of(given, keys.origin), keys.log))
        put(given, f"{log_directory(keys.origin)}/checkpoint", raw)

    def says(days: float, name: str, said: Any, *by: str) -> int:
        index = grow(given, made, said, who=name) if said else 0
        at = start + int(days * DAY_S)
        keys = [(made.keys[one].merged, at) for one in by]
        put_note(given, head_of(given, made.keys[name].origin), *keys)
        return index

    on, soon, end = (day_text(start // DAY_S + n) for n in (0, 20, 90))
    about: Any = samples.about(7, on=on)
    more = about | {"seen": on, "expires": end}
    says(0.5, "carrier", None, "bank")
    says(0.5, "police", None, "bank", "carrier")
    said: Any = samples.report(**more, evidence="carrier_detection")
    first = says(1, "carrier", said, "bank", "police")
    said = samples.report(**more, evidence="police_alert")
    second = says(2, "police", said, "bank")
    said = replace(samples.dispute(**about), due=soon, expires=end)
    third = says(3, "police", said, "bank")
    ends = Retract(**about, ends=(first,), reason="wrong")
    says(4, "carrier", ends, "bank", "police")
    ends = Retract(**about, ends=(second, third), reason="wrong")
    says(5, "police", ends, "bank", "carrier")
    entry = f"{CARRIER}:{first}"
    trusted = ("--fingerprint", made.fingerprint, "--as-of")

    def words(days: float, member: str, *more: object) -> list[object]:
        at = start + int(days * DAY_S)
        words = ("audit", "verdict", entry, given.root, "--member", member)
        return [*words, *trusted, at, *more]

    return words


@each(
    "audit", "it_changes_with_what_was_merged", "days, member, verdict, reason"
)
def test_it_changes_with_what_was_merged(
    told: Told, run: Run, days: float, member: str, verdict: str, reason: str
) -> None:
    """Asked before, between and after, of one member and another."""
    found = run(*told(days, member, "--json")).json
    check_form("audit-verdict", found)
    assert found["verdict"] == verdict
    assert reason in found["least"]["reasons"]


def test_what_cannot_be_said(told: Told, run: Run) -> None:
    """It names what it may have had; of whom, when and where it is told."""
    shown = run(*told(2.5, "carrier")).out
    assert f"may have had {POLICE}:" in shown
    assert "not seen: what was erased" in shown
    words = told(2.5, "bank")
    for n, other, code in (
        (2, f"{POLICE}:0", 3),
        (5, "nobody", 2),
        (9, "yesterday", 2),
    ):
        assert run(*words[:n], other, *words[n + 1 :]).code == code
