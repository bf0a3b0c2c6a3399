"""The passphrase: where it is looked for, and what is none."""

from pathlib import Path
from typing import Any

import pytest

from syncd import config
from syncd.config import Environment
from syncd.config.settings import Database, Exchange, Secret
from tests.cases import tried
from tests.refusals import misused


def private(path: Path, content: bytes = b"correct horse battery\n") -> Path:
    """A file that only we may read."""
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def found(
    tmp_path: Path, there: Environment | None = None, **secret: Any
) -> bytes:
    """The passphrase of a home beside the secrets of these tests."""
    settings = config.Config(tmp_path / "home", secret=Secret(**secret))
    return config.passphrase(settings, there or Environment(), None)


def test_the_first_place_that_has_it_wins(tmp_path: Path) -> None:
    """Variable, credential, file, prompt."""
    file = private(tmp_path / "file", b"f" * 12)
    private(tmp_path / "syncd-secret", b"c" * 12)
    variable = private(tmp_path / "variable", b"v" * 12)
    credentials = Environment(credentials=tmp_path)
    both = Environment(credentials=tmp_path, secret_file=variable)
    assert found(tmp_path, both, file=file) == b"v" * 12
    assert found(tmp_path, credentials, file=file) == b"c" * 12
    assert found(tmp_path, file=file) == b"f" * 12
    asked = config.passphrase(
        config.Config(tmp_path), Environment(), lambda: "äskedfor it"
    )
    assert asked == "äskedfor it".encode()


def test_a_line_end_is_no_part_of_it(tmp_path: Path) -> None:
    """Editors add one; blanks within it stay."""
    path = private(tmp_path / "s", b" correct horse battery \r\n")
    assert found(tmp_path, file=path) == b" correct horse battery "


def test_a_secret_that_others_can_read(tmp_path: Path) -> None:
    """It is refused, with the command that mends it."""
    path = private(tmp_path / "s")
    for mode in (0o640, 0o604, 0o610, 0o666):
        path.chmod(mode)
        with misused(f"mode {mode:04o}") as caught:
            found(tmp_path, file=path)
        assert caught.value.hint == f"chmod 600 {path}"


def test_a_secret_in_the_home_it_protects(tmp_path: Path) -> None:
    """A copy of the home would open itself, whatever way it was named."""
    (tmp_path / "home").mkdir()
    path = private(tmp_path / "home" / "s")
    (tmp_path / "link").symlink_to(path)
    for named in (path, tmp_path / "link", tmp_path / "x/../home/s"):
        with misused("inside the home"):
            found(tmp_path, Environment(secret_file=named))


def test_no_secret_at_all(tmp_path: Path) -> None:
    """Nothing to read, nobody to ask: say what to set."""
    for prompt in (True, False):
        with misused("no passphrase file") as caught:
            found(tmp_path, prompt=prompt)
        assert "SYNCD_SECRET_FILE" in caught.value.hint
    with misused("No such file"):
        found(tmp_path, Environment(secret_file=tmp_path / "missing"))


def test_a_short_secret_is_none(tmp_path: Path) -> None:
    """Its length may be said, the secret itself not."""
    path = private(tmp_path / "s", b"hunter2")
    with misused("7 bytes, want 12") as caught:
        found(tmp_path, file=path)
    assert "hunter2" not in str(caught.value)


# -------------------------------------------------------------- webhooks

BASE64 = b"+//+" * 8


def test_a_webhooks_key_has_one_spelling(tmp_path: Path) -> None:
    path = private(tmp_path / "key", b"whsec_" + BASE64 + b"Ag==\n")
    assert len(config.webhook_key(path)) == 25
    path.chmod(0o640)
    with misused("lets others read it"):
        config.webhook_key(path)


@tried(
    "text",
    [
        BASE64 + b"Ag==",  # nothing says what it is
        b"whsec_" + b"-__-" * 8 + b"Ag==",  # the other alphabet
        b"whsec_" + BASE64 + b"Ag",  # not padded
        b"whsec_" + BASE64 + b"Ah==",  # bits that mean nothing
        b"whsec_" + BASE64 + b"\nAg==",
        b"whsec_" + BASE64[4:] + b"Ag==",  # 22 bytes
        b"whsec_" + b"++++" * 22,  # 66 bytes
        b"whsec_",
        b"",
    ],
)
def test_another_spelling_is_refused(tmp_path: Path, text: bytes) -> None:
    """Receivers differ in what they make of it."""
    with misused("standard base64") as caught:
        config.webhook_key(private(tmp_path / "key", text))
    assert "+//+" not in str(caught.value)


def test_a_proxys_password_is_in_no_url(tmp_path: Path) -> None:
    """Which an error of the library shows."""
    assert config.proxy(Exchange()) == {}
    at, file = "http://proxy.house:3128", private(tmp_path / "p", b"us:s@\n")
    assert config.proxy(Exchange(proxy=at)) == {"proxy": at}
    told = config.proxy(Exchange(proxy=at, proxy_password_file=file))
    header = {"Proxy-Authorization": "Basic dXM6c0A="}
    assert told == {"proxy": at, "proxy_headers": header}


def test_the_databases_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential of systemd goes before the file; neither is in the settings."""
    url = "postgresql://syncd@db.example/syncd"
    file = private(tmp_path / "file", b"of the file\n")
    private(tmp_path / "syncd-database", b"passed on")
    database = Database(url=url, password_file=file)
    settings = config.Config(home=tmp_path / "home", database=database)
    for there, said in ("", "of the file"), (tmp_path, "passed on"):
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(there))
        server = config.server(settings)
        assert server
        assert server.password() == {"password": said}
        assert said not in repr(server)
    file.chmod(0o644)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with misused("lets others read it"):
        config.server(settings)
    assert config.server(config.Config(home=tmp_path)) is None
