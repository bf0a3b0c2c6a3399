"""The daemon itself over the local API, and who may come in."""

from pathlib import Path
from unittest.mock import AsyncMock
from urllib.parse import quote

from syncd import config
from syncd.node.serve.system_service import in_force
from tests.web.local_client import LocalClient

WEBHOOK = b"""
[member]
id = "bank"
domain = "bank.example"
alliance = "txwz"
[[notify.targets]]
name = "soc"
roles = ["duty"]
url = "https://soc.example/hooks/SECRET"
secret = "/etc/syncd/soc.whsec"
"""


async def test_the_daemon_says_what_it_runs_with(police: LocalClient) -> None:
    """Of each job when it ran, how long, and how often it failed."""
    jobs = police.member.node.jobs
    type(jobs).start(jobs)
    jobs.scheduler.pause()  # they wait
    await jobs.run("round", AsyncMock(side_effect=OSError))
    await jobs.run("round", jobs.round)
    state = await police.get("/v1/system")
    jobs.stop()
    ran = {job["name"]: job for job in state["jobs"]}
    assert ran["round"]["last_at"] > 0 < ran["round"]["took_s"]
    assert ran["round"]["failed"] == 1
    assert ran["daily"]["last_at"] is None
    assert ran["daily"]["next_at"] > 0
    assert state["files"]["own.db"] > 0 < state["files"]["keys"]
    assert state["free"] > 0
    settings = state["settings"]
    assert (settings["member.id"], settings["own.workers"]) == ("police", "0")
    roles = {one["name"]: one["role"] for one in state["tokens"]}
    assert roles["auditor"] == "auditor"


async def test_no_setting_shows_a_secret() -> None:
    shown = in_force(config.parse(WEBHOOK, Path()))
    assert "SECRET" not in str(shown)
    assert "whsec" not in str(shown)
    assert shown["notify.targets"] == "soc"
    assert shown["own.tls_listen"] == ""
    assert shown["own.listen"] == "127.0.0.1:8480"


async def test_what_is_revoked_is_named(bank: LocalClient) -> None:
    """By whatever name; what is not there is not found."""
    name = "a / b"
    await bank.member.own.bearers.add(name, "reader")
    path = f"/v1/tokens/{quote(name, safe='')}/revoke"
    assert await bank.post(path, None) == {"revoked": name}
    await bank.post(path, None, status=404)
    await bank.post("/v1/sessions/0/revoke", None, status=404)
