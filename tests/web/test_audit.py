"""A bundle that the daemon makes of its own home and checks."""

from pathlib import Path
from typing import Any

import pytest

from syncd.audit import bundle
from syncd.audit.bundle import Bundle
from syncd.audit.verify import verify
from syncd.node import offload
from syncd.node.serve import audit_service
from syncd.web.record_forms import AuditBundle
from tests.alliance import Alliance
from tests.cases import slow
from tests.web.local_client import LocalClient

PATH = "/v1/audit/bundles"


async def made(client: LocalClient, role: str = "auditor") -> Any:
    """Return what is newest, after a bundle was asked for."""
    await client.post(PATH, None, role=role, status=202)
    await client.member.node.background.idle()
    return (await client.get(PATH, role=role))["items"][0]


@slow
async def test_an_auditor_takes_a_bundle_home_and_nothing_else(
    alliance: Alliance, police: LocalClient, tmp_path: Path
) -> None:
    """What is in it has no content; other files of the home stay there."""
    await police.member.tell("phone", "+12025550177")
    kept = await made(police)
    assert {*kept} == {"id", "bundle"}  # no problem, no finding
    path = f"{PATH}/{kept['id']}/bundle.tar"
    sent = await police.get(path, role="auditor")
    (tmp_path / "tar").write_bytes(sent.raw)
    bundle.unpack(tmp_path / "tar", tmp_path / "out")
    given = Bundle(tmp_path / "out")
    assert given.name == kept["bundle"]
    assert not [p for p in given.files if "/payload/" in p]
    assert verify(given, alliance.fingerprint).exit_code == 0
    for name in ("own.db", "..%2F..%2Fown.db", "bundle.tar%00", ".."):
        await police.get(f"{path}/../{name}", status=404)
    news = {"id": kept["id"], "by": "auditor", "n": 0}
    assert news in await police.member.events("audit")


@slow
async def test_they_are_kept_for_a_day_and_not_too_many(
    police: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a crash left half made goes, too; what is being made stays."""
    await made(police)
    second = await made(police)
    there, room = police.member.node.audits, police.member.home / "audits"
    assert room.stat().st_mode & 0o777 == 0o700
    (room / ".half").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(there, "_last", AuditBundle(id=1, running=True))
        there.prune()
    assert (room / ".half").exists()
    monkeypatch.setattr(audit_service, "MOST", 1)
    assert (await police.get(PATH))["items"] == [second]
    assert [p.name for p in room.iterdir()] == [str(second["id"])]
    monkeypatch.setattr(audit_service, "KEPT_S", -10)
    there.prune()
    assert [*room.iterdir()] == []


@slow
async def test_one_is_made_at_a_time_and_may_fail(
    police: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks meanwhile waits for the same; the next may succeed."""
    with monkeypatch.context() as patched:
        patched.setattr(offload, "PYTHON", ["/bin/false"])
        one = await police.post(PATH, None)
        failed = await made(police)
    assert (failed["id"], "problem" in failed) == (one["id"], True)
    assert "problem" not in await made(police)


async def test_who_has_a_value_disclosed_is_recorded(
    alliance: Alliance, bank: LocalClient
) -> None:
    """By the purpose `audit`; also if nothing is said of it."""
    value, path = "+12025550187", "/v1/audit/disclosures"
    wanted = {"kind": "phone", "value": value}
    assert (await bank.post(path, wanted, role="compliance"))["entries"] == []
    await alliance.police.tell("phone", value)
    [entry] = (await bank.post(path, wanted))["entries"]
    assert entry["origin"] == alliance.police.origin
    rows = [row async for row in bank.member.own.access.found()]
    had = [(row.caller, row.purpose, bool(row.positions)) for row in rows]
    assert had[-2:] == [
        ("compliance", "audit", False),
        ("desk", "audit", True),
    ]
