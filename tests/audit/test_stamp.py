"""RFC 3161 time stamps: what an authority outside signed, and nobody else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.audit import bundle as bundles
from syncd.audit.bundle import Bundle
from tests.audit.conftest import Made, put
from tests.cli.conftest import Ran, Run

CONF = """
[tsa]
default_tsa = one
[one]
serial = serial
default_policy = 1.2.3.4
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
[v3]
extendedKeyUsage = critical, timeStamping
"""
KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc"


class Desk:
    """An auditor's desk, with a bundle, and a small authority of its own."""

    def __init__(self, root: Path, made: Made, run: Run) -> None:
        self.root, self.made, self.run = root, made, run
        (root / "conf").write_text(CONF)
        (root / "serial").write_text("01\n")
        for name in ("root", "other"):
            given = f"-days 9 -subj /CN={name} -keyout {name}.key -out {name}"
            self.openssl(f"req -x509 {KEY} {given}")
        self.openssl(f"req {KEY} -subj /CN=Clock -keyout key -out csr")
        self.openssl(
            "x509 -req -in csr -CA root -CAkey root.key -days 9"
            " -extfile conf -extensions v3 -out tsa"
        )

    def openssl(self, words: str) -> None:
        subprocess.run(
            ["openssl", *words.split()],
            cwd=self.root,
            check=True,
            capture_output=True,
        )

    def stamp(self, given: Path) -> Ran:
        """Have a bundle stamped, by hand; what came back lies beside it."""
        asked = self.root / f"{given.name}q"
        ran = self.run("audit", "stamp", given, asked)
        self.openssl(
            f"ts -reply -config conf -queryfile {asked.name} -signer tsa"
            f" -inkey key -out {given.name}.tsr"
        )
        return ran

    def verify(self, given: Path, by: str = "root", *words: str) -> Ran:
        print_ = ("--fingerprint", self.made.fingerprint)
        trusted = ("--certificates", self.root / by) if by else ()
        return self.run("audit", "verify", given, *print_, *trusted, *words)


@pytest.fixture
def desk(tmp_path: Path, made: Made, run: Run) -> Desk:
    return Desk(tmp_path, made, run)


def test_a_bundle_was_there_by_a_time(
    desk: Desk, mine: Bundle, tmp_path: Path
) -> None:
    """As a directory and as a tar alike; openssl says the same of it."""
    desk.stamp(mine.root).ended(0, "mine.tsr")
    assert "UTC, says CN=Clock\n" in desk.verify(mine.root).ended(0).out
    [found] = desk.verify(mine.root, "root", "--json").json["stamps"]
    assert found["authority"] == "CN=Clock"
    tar = tmp_path / "mine.tar"
    bundles.pack(mine.root, tar)
    shutil.copy(tmp_path / "mine.tsr", tmp_path / "mine.tar.tsr")
    assert "says CN=Clock\n" in desk.verify(tar).ended(0).out
    desk.openssl("ts -verify -data mine/manifest -in mine.tsr -CAfile root")
    words = ("audit", "stamp", tar, tmp_path / "mineq")
    desk.run(*words).ended(2, "is there already")


def test_a_stamp_by_others_or_of_something_else(
    desk: Desk, mine: Bundle, tmp_path: Path
) -> None:
    """Each is a finding; and whom to trust is never guessed."""
    desk.stamp(mine.root).ended(0)
    kept = tmp_path / "mine.tsr"
    ran = desk.verify(mine.root, "other").ended(4)
    assert "UNTRUSTED stamp_bad mine.tsr" in ran.out
    assert "not by whom the certificates vouch for" in ran.out
    ran = desk.verify(mine.root, "").ended(0)
    assert "whose the time stamp beside it is" in ran.out
    reply = kept.read_bytes()
    for raw in (b"", reply[:-1], reply.replace(b"Clock", b"Cloak", 1)):
        kept.write_bytes(raw)
        assert "stamp_bad" in desk.verify(mine.root).ended(4).out
    kept.write_bytes(reply)
    put(mine, "README.txt", b"x")
    ran = desk.verify(mine.root).ended(4)
    assert "time stamp: not of this bundle" in ran.out


def test_wrong_use(
    desk: Desk, mine: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is named, the library's name to pip too."""
    desk.verify(mine.root, "conf").ended(2, "conf: no certificate in PEM")
    desk.verify(mine.root).ended(2, "mine.tsr")
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    ran = desk.run("audit", "stamp", mine.root, desk.root / "asked")
    ran.ended(2, "pip install 'syncd[timestamp]'")
