"""A home whose passphrase was changed starts as before."""

from pathlib import Path

import pytest

from syncd import config
from syncd.store.keyring import Keyring
from tests.cli.conftest import Run, keep_token


@pytest.mark.slow
def test_the_home_knows_the_new_passphrase(run: Run, tmp_path: Path) -> None:
    """config.toml named the old file; now it names the new one."""
    old = keep_token(tmp_path / "old", "correct horse battery")
    new = keep_token(tmp_path / "new", "a much longer staple")
    home = tmp_path / "bank"
    run(
        *("--home", home, "init", "--id", "bank", "--domain", "bank.example"),
        *("--alliance", "txwz", "--set", f'secret.file="{old}"'),
        *("--token-file", tmp_path / "token"),
    ).ended(0)
    run("keys", "passphrase", home, "--new-file", new).ended(0)
    settings = config.load(home)
    assert settings.secret.file == new
    found = config.passphrase(settings, config.environment(), None)
    assert Keyring.open(home, found).names()
