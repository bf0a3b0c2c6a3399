"""Tokens are made, listed and revoked with no daemon, and kept as hashes."""

import asyncio
import ssl
import stat
from functools import partial
from pathlib import Path

import pytest

from syncd.roster import certificate
from syncd.store.bearer import Bearers
from syncd.store.database import Database
from tests.cases import each
from tests.cli.conftest import Run, furnish
from tests.test_pinning import SERVER_ONLY, issue, p256


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    furnish(home, "127.0.0.1:1")
    Database(home / "own.db", "own").close()
    return home


@pytest.fixture
def token(run: Run, home: Path) -> Run:
    """Run `syncd token WORDS…`."""
    return partial(run, "--home", home, "token")


def test_add(token: Run, home: Path) -> None:
    """It is shown once, is accepted, and is not in the home."""
    made = token("add", "crm", "--role", "reader").ended(0).out.strip()
    database = Database(home / "own.db", "own")
    bearer = asyncio.run(Bearers(database, lambda: 0).check(made))
    database.close()
    assert bearer is not None
    assert (bearer.name, bearer.role) == ("crm", "reader")
    assert made.encode() not in (home / "own.db").read_bytes()


def test_into_a_file(token: Run, tmp_path: Path) -> None:
    """Of mode 0600, that was not there; then nothing is shown."""
    out = tmp_path / "crm.token"
    ran = token("add", "crm", "--role", "operator", "--out", out)
    assert ran.ended(0).out == ""
    assert out.read_text().startswith("syncd_")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    ran = token("list", "--json")
    assert [t["name"] for t in ran.json] == ["crm"]
    for where in (out, tmp_path / "none" / "t", tmp_path):
        token("add", "other", "--role", "reader", "--out", where).ended(2)
    assert len(token("list", "--json").json) == 1


def test_list_and_revoke(token: Run) -> None:
    token("add", "crm", "--role", "auditor")
    token("revoke", "crm").ended(0)
    token("revoke", "crm").ended(1)
    assert "crm" in token("list").out
    found = token("list", "--json").json
    assert found[0]["revoked_at"] >= found[0]["added_at"]


def test_a_certificate(token: Run, tmp_path: Path) -> None:
    """It stands for its bearer, once; what is no client's is refused."""
    ours, server = issue(p256()), issue(p256(), usage=SERVER_ONLY)
    path = tmp_path / "crm.pem"
    path.write_text(ssl.DER_cert_to_PEM_cert(ours.der))
    words = ("--role", "reader", "--certificate", path)
    assert token("add", "crm", *words).ended(0).out == ""
    row = token("list", "--json").json[0]
    assert row["certificate_ends"] == certificate.expires(ours.der)
    token("revoke", "crm")
    token("add", "crm", *words).ended(2, "was added before")
    path.write_bytes(server.der)
    token("add", "crm", *words).ended(2, "client authentication")


@each("cli", "refused", "words, why")
def test_refused(token: Run, words: list[str], why: str) -> None:
    token("add", *words).ended(2, why)


def test_no_database_is_made(token: Run, home: Path) -> None:
    """A home that was not set up stays as it is."""
    (home / "own.db").unlink()
    token("list").ended(2)
    assert not (home / "own.db").exists()
