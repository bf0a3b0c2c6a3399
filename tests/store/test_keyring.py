"""Keys open by a secret that is not beside them, and by nothing else."""

import json
import os
from pathlib import Path

import pytest

from syncd.store.keyring import Keyring
from tests.cases import tried
from tests.refusals import damaged, misused, untrusted

COST = 2**4  # scrypt: quick, for tests
SECRET = b"correct horse battery"


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    """Return a keyring with one key."""
    ring = Keyring.create(tmp_path, SECRET, cost=COST)
    ring.put("log", b"seed of the log, 32 bytes long..")
    return ring


def test_keys_come_back_by_their_names(ring: Keyring, tmp_path: Path) -> None:
    """Opened again with the secret, the keys are the same."""
    ring.put("share-phone-1-2", b"scalar")
    ring.put("log", b"another seed")
    again = Keyring.open(tmp_path, SECRET)
    assert again.names() == ["log", "share-phone-1-2"]
    assert again.get("log") == b"another seed"
    assert again.need("share-phone-1-2") == b"scalar"
    again.drop("share-phone-1-2")
    assert again.get("share-phone-1-2") is None
    with damaged("missing"):
        again.need("share-phone-1-2")


@pytest.mark.slow
def test_a_keyring_of_another_cost_opens(tmp_path: Path) -> None:
    """An old home is as good as a new one; a new secret costs as today's."""
    Keyring.create(tmp_path, SECRET, cost=2**5).put("log", b"seed")
    master = tmp_path / "keys" / "master"
    assert json.loads(master.read_text())["n"] == 2**5
    Keyring.open(tmp_path, SECRET).change_secret(SECRET, b"new")
    assert json.loads(master.read_text())["n"] == 2**17
    assert Keyring.open(tmp_path, b"new").get("log") == b"seed"
    value = {**json.loads(master.read_text()), "n": 2**40}
    master.write_text(json.dumps(value))  # it would take all memory there is
    with damaged():
        Keyring.open(tmp_path, b"new")


def test_no_key_lies_open(ring: Keyring, tmp_path: Path) -> None:
    """No file shows a key, and only the owner may read any."""
    for path in (tmp_path / "keys").iterdir():
        assert b"seed of the log" not in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert "seed" not in repr(ring)


@tried("at", range(0, 400, 37))
def test_a_changed_master_file_is_damaged(
    ring: Keyring, tmp_path: Path, at: int
) -> None:
    """Any flipped bit is noticed before the secret is blamed."""
    path = tmp_path / "keys" / "master"
    raw = bytearray(path.read_bytes())
    raw[at % len(raw)] ^= 1
    path.write_bytes(raw)
    with damaged("master: damaged"):
        Keyring.open(tmp_path, SECRET)


def test_a_changed_key_file_is_damaged(ring: Keyring, tmp_path: Path) -> None:
    """So is one that lies under another's name."""
    path = tmp_path / "keys" / "log.key"
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with damaged(r"log\.key: does not open"):
        ring.get("log")
    path.write_bytes(raw)
    other = tmp_path / "keys" / "seen.key"
    other.touch(mode=0o600)
    other.write_bytes(raw)
    with damaged(r"seen\.key"):
        ring.get("seen")
    other.write_bytes(b"short")
    with damaged(r"seen\.key"):
        ring.get("seen")


@tried("name", ["log.key", "master", ""])
@tried("mode", [0o640, 0o604, 0o755])
def test_what_others_can_read_is_refused(
    ring: Keyring, tmp_path: Path, name: str, mode: int
) -> None:
    """With the very command that mends it."""
    (tmp_path / "keys" / name).chmod(mode)
    with misused("others can read it") as e:
        Keyring.open(tmp_path, SECRET).get("log")
    assert e.value.hint.startswith("chmod ")
    words = e.value.hint.split()
    Path(words[2]).chmod(int(words[1], 8))
    assert Keyring.open(tmp_path, SECRET).get("log")


def test_another_secret_for_the_keys(ring: Keyring, tmp_path: Path) -> None:
    """The new one opens them; a wrong one is told apart from a damaged file."""
    with untrusted():
        ring.change_secret(b"wrong", b"new", cost=COST)
    ring.change_secret(SECRET, b"new", cost=COST)
    assert Keyring.open(tmp_path, b"new").get("log")
    for wrong in (SECRET, b"wrong", b""):
        with untrusted("secret does not open"):
            Keyring.open(tmp_path, wrong)


def test_no_keyring_is_made_twice(ring: Keyring, tmp_path: Path) -> None:
    """A home that has keys keeps them."""
    (other := tmp_path / "other").mkdir()
    with misused("already"):
        Keyring.create(tmp_path, b"other", cost=COST)
    with misused("secret is empty"):
        Keyring.create(other, b"", cost=COST)
    with misused("missing"):
        Keyring.open(other / "x", SECRET)


@tried("name", ["", "../log", "a/b", "Log", "-x", "x" * 65])
def test_names_are_names(ring: Keyring, name: str) -> None:
    """No name leaves the directory."""
    with misused("no key name"):
        ring.put(name, b"")


def test_a_laxer_umask_changes_nothing(tmp_path: Path) -> None:
    """Modes are set, not inherited."""
    before = os.umask(0)
    try:
        Keyring.create(tmp_path, SECRET, cost=COST).put("log", b"x")
    finally:
        os.umask(before)
    assert Keyring.open(tmp_path, SECRET).get("log") == b"x"
