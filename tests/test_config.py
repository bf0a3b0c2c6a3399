"""Settings: what is wrong is named with its file, line and key."""

import os
import re
import socket
import tomllib
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd import config
from syncd.config import Address, Environment
from syncd.errors import MalformedError, UsageError

DOC = Path(__file__).parents[1] / "docs" / "configuration.md"
US = '[member]\nid = "bank"\ndomain = "bank.example"\nalliance = "txwz"\n'
HOME = Path("/nowhere/bank")
PASSPHRASE = b"correct horse battery\n"


def refused(text: str) -> UsageError:
    """The error that a config.toml with this text gives."""
    with pytest.raises(UsageError) as caught:
        config.parse(text.encode(), HOME)
    assert str(caught.value).startswith(f"{HOME}/config.toml:")
    return caught.value


# ------------------------------------------------------------- the file


def test_defaults_are_the_designs() -> None:
    """A file that says only who we are gives the documented defaults."""
    ours = config.parse(US.encode(), HOME)
    assert str(ours.peer.listen) == "127.0.0.1:8443"
    assert str(ours.own.listen) == "127.0.0.1:8480"
    assert (ours.exchange.interval_s, ours.exchange.jitter) == (60, 0.2)
    assert (ours.exchange.backoff_max_s, ours.exchange.fanout) == (3600, 3)
    assert (ours.holder.deadline_ms, ours.lookup.deadline_ms) == (2000, 3000)
    assert (ours.access.days, ours.skew.max_s) == (180, 300)
    assert ours.member.region == "CN"
    assert not ours.lookup.cache


def test_names_of_keys() -> None:
    """Origin and key names are built from domain, alliance and generation."""
    ours = config.parse((US + "generation = 2\n").encode(), HOME)
    assert ours.origin == "bank.example/syncd/txwz/2"
    assert ours.key_name("merged") == "bank.example/syncd/txwz/merged"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("[exchange]\nintervall_s = 6", "line 6: unknown key exchange.interv"),
        ("[exchnge]\ninterval_s = 60", "line 5: unknown section exchnge"),
        ("[member.more]\nx = 1", "unknown key member.more"),
        ("[exchange]\ninterval_s = 0", "line 6: exchange.interval_s: 0 is"),
        ("[exchange]\n\n'interval_s'=0", "line 7: exchange.interval_s: 0 is"),
        ("[exchange]\ninterval_s = true", "want a whole number"),
        ("[exchange]\ninterval_s = 1.5", "want a whole number"),
        ('[exchange]\ninterval_s = "60"', "want a whole number"),
        ("[exchange]\njitter = 1", "1 is not in 0.0–0.9"),
        ("[exchange]\njitter = nan", "nan is not in 0.0–0.9"),
        ("[exchange]\njitter = false", "want a number"),
        ("[exchange]\npoke = 1", "exchange.poke: want true or false"),
        ("[exchange]\nbackoff_max_s = 5", "5 s is below interval_s, 60 s"),
        ("region = 'China'", "'China' is not two capital letters"),
        ("region = 86", "want a string"),
        ("[alliance]\nfingerprint = 'AB'", "'AB' is not 64 hex digits"),
        ("[peer]\nlisten = '8443'", "'8443' is not host:port"),
        ("[peer]\nlisten = '127.0.0.1:65536'", "is not host:port"),
        ("[peer]\nlisten = '/run/peer'", "peer.listen: a unix socket"),
        ("[peer]\nlisten = '127.0.0.1:8480'", "is the peer door's address"),
        ("[own]\nlisten = '0.0.0.0:8480'", "0.0.0.0:8480 is not loopback"),
        ("[own]\nlisten = 'bank.example:8480'", "is not loopback"),
        ("[own]\nhosts = 'bank'", "want a list of host names"),
        ("[own]\nhosts = ['a b']", "want a list of host names"),
        ("[log]\nlevel = 'loud'", "'loud' is not one of debug, info"),
        ("[secret]\nfile = 'hunter2'", "secret.file: want an absolute path"),
        ("[secret]\nfile = '/nowhere/bank/s'", "line 6: secret.file: lies in"),
        ("[skew]\nmax_s = 3601", "3601 is not in 1–3600 s"),
    ],
)
def test_what_cannot_be_is_named(text: str, want: str) -> None:
    """File, line, section and key, and what is wrong with the value."""
    assert want in str(refused(US + text))


@pytest.mark.parametrize("key", ["id", "domain", "alliance"])
def test_who_we_are_must_be_said(key: str) -> None:
    """Without them there is no key name."""
    without = "\n".join(x for x in US.split("\n") if not x.startswith(key))
    assert f"member.{key}: is not set" in str(refused(without))


def test_a_key_name_has_an_end() -> None:
    """C2SP names are short; a domain that is too long is refused here."""
    text = US.replace("bank.example", f"{'a' * 60}.{'b' * 60}.example")
    assert "above 100" in str(refused(text))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("[exchange]\nintervall_s = 60", "did you mean interval_s?"),
        ("[exchnge]\n", "did you mean exchange?"),
        ("[lookup]\nfanout = 3", "did you mean exchange.fanout?"),
        ("[access]\nzzz = 3", "known here: days"),
        ("[own]\nlisten = '[::]:8480'", "use 127.0.0.1 or a unix socket"),
    ],
)
def test_a_hint_says_the_way_out(text: str, want: str) -> None:
    """Near matches, the right section, or what is known there."""
    assert want in refused(US + text).hint


def test_a_secret_is_not_repeated() -> None:
    """Who puts the passphrase into the file does not find it in the logs."""
    for line in ("file = 'hunter2'", "passphrase = 'hunter2'"):
        error = refused(f"{US}[secret]\n{line}")
        assert "hunter2" not in str(error) + error.hint


def test_text_that_is_no_toml() -> None:
    """The parser's own place is passed on; bytes that are no text have one."""
    assert "(at line 2, column 6)" in str(refused("[member]\nid = x\n"))
    with pytest.raises(UsageError, match="line 3: not UTF-8"):
        config.parse(b"a = 1\n\n\xff", HOME)


def test_no_file_says_how_to_get_one(tmp_path: Path) -> None:
    """A home without settings needs `syncd init`."""
    with pytest.raises(UsageError, match="no such file") as caught:
        config.load(tmp_path)
    assert caught.value.hint == f"syncd --home {tmp_path} init"
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(UsageError, match="Is a directory"):
        config.load(tmp_path)


def test_a_unix_socket_is_fine_for_the_own_door() -> None:
    """A path is an address of its own."""
    ours = config.parse((US + "[own]\nlisten='/run/s'").encode(), HOME)
    assert ours.own.listen == Address(path=Path("/run/s"))
    assert ours.own.listen.loopback
    assert str(ours.own.listen) == "/run/s"


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_give_settings_or_a_usage_error(raw: bytes) -> None:
    """Reading is total."""
    with suppress(UsageError):
        config.parse(raw, HOME)


@given(st.text() | st.from_regex(r"[a-z.:\[\]0-9/]{0,20}", fullmatch=True))
def test_an_address_has_one_spelling(text: str) -> None:
    """What parses is written back as it was, or is refused."""
    with suppress(MalformedError):
        found = config.parse_address(text)
        assert found.path or str(found) == text


# ----------------------------------------------------------- write_default


def test_what_init_writes_is_what_we_read(tmp_path: Path) -> None:
    """The given values are set, all others stand there as comments."""
    home = tmp_path / "bank"
    text = config.write_default(
        home,
        {
            "member": {"id": "bank", "domain": "b.example", "alliance": "x"},
            "peer": {"listen": "[::1]:9443"},
            "secret": {"file": tmp_path / "secret"},
            "exchange": {"poke": False, "jitter": 0.5},
        },
    )
    ours = config.load(home)
    assert ours.peer.listen == Address("::1", 9443)
    assert ours.secret.file == tmp_path / "secret"
    assert (ours.exchange.poke, ours.exchange.jitter) == (False, 0.5)
    assert (home / "config.toml").read_text() == text
    assert (home / "config.toml").stat().st_mode & 0o777 == 0o600
    everything = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    for section, settings in config.SETTINGS.items():
        assert set(tomllib.loads(everything)[section]) == set(settings)


def test_the_commented_defaults_are_the_defaults(tmp_path: Path) -> None:
    """Taking a comment's # away changes nothing."""
    text = config.write_default(tmp_path, tomllib.loads(US))
    everything = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    assert config.parse(everything.encode(), tmp_path) == config.load(tmp_path)


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """A config.toml that is there stays as it is."""
    (tmp_path / "config.toml").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        config.write_default(tmp_path, tomllib.loads(US))
    assert (tmp_path / "config.toml").read_text() == "mine"


def test_init_writes_nothing_that_cannot_be(tmp_path: Path) -> None:
    """A bad value or an unknown key is refused before a file exists."""
    for wrong in ({"region": "x"}, {"colour": "red"}):
        values = tomllib.loads(US)
        values["member"] |= wrong
        with pytest.raises(UsageError):
            config.write_default(tmp_path / "new", values)
    assert not (tmp_path / "new").exists()


def test_a_fingerprint_is_pinned_in_its_place(tmp_path: Path) -> None:
    """Once and again, and nothing else in the file changes."""
    before = config.write_default(tmp_path, tomllib.loads(US))
    for fingerprint in ("ab" * 32, "cd" * 32):
        config.set_fingerprint(tmp_path, fingerprint)
        assert config.load(tmp_path).alliance.fingerprint == fingerprint
    now = (tmp_path / "config.toml").read_text()
    changed = set(before.split("\n")) ^ set(now.split("\n"))
    assert changed == {'# fingerprint = ""', f'fingerprint = "{"cd" * 32}"'}
    assert (tmp_path / "config.toml").stat().st_mode & 0o777 == 0o600


def test_a_fingerprint_that_cannot_be_pinned(tmp_path: Path) -> None:
    """A file of another shape says what to write; a bad one is refused."""
    path = tmp_path / "config.toml"
    path.write_text(US)
    with pytest.raises(UsageError, match="no line for") as caught:
        config.set_fingerprint(tmp_path, "ab" * 32)
    assert "under [alliance]" in caught.value.hint
    path.unlink()
    config.write_default(tmp_path, tomllib.loads(US))
    with pytest.raises(UsageError, match="is not 64 hex digits"):
        config.set_fingerprint(tmp_path, "ab")


# --------------------------------------------------------- the document


def test_every_setting_is_documented_as_it_is() -> None:
    """docs/configuration.md has one row for each key, and no other."""
    documented = {}
    section = ""
    for line in DOC.read_text().split("\n"):
        if heading := re.fullmatch(r"### \[(\w+)\]", line):
            section = heading[1]
        row = re.fullmatch(r"\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|", line)
        if section and row:
            documented[section, row[1]] = row.groups()
    for name, settings in config.SETTINGS.items():
        for key, setting in settings.items():
            row_found = documented.pop((name, key), None)
            assert row_found is not None, f"{name}.{key} is not documented"
            shown = f"`{config.toml(setting.default)}`"
            if name == "member" and not setting.default:
                shown = "must be set"
            assert row_found == (key, shown, setting.rule.takes, setting.doc)
    assert not documented


def test_the_documents_example_is_one() -> None:
    """It parses, and sets what it says."""
    (example,) = re.findall(r"```toml\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert config.parse(example.encode(), HOME).origin.startswith("bank.")


def test_every_variable_is_documented() -> None:
    """Each variable that config.py reads stands in the document."""
    source = Path(config.__file__).read_text()
    names = set(re.findall(r'"([A-Z]+_[A-Z_]+)"', source))
    assert names >= {"SYNCD_HOME", "LISTEN_FDS", "NOTIFY_SOCKET"}
    for name in names:
        assert f"`{name}`" in DOC.read_text(), f"{name} is not documented"


# ------------------------------------------------------ the environment


def test_the_environment_is_read_once() -> None:
    """Each variable ends in its own field."""
    found = config.environment(
        {
            "SYNCD_HOME": "/srv/bank",
            "SYNCD_SECRET_FILE": "/etc/secret",
            "SYNCD_TOKEN_FILE": "/etc/token",
            "CREDENTIALS_DIRECTORY": "/run/credentials/syncd",
            "LISTEN_PID": "77",
            "LISTEN_FDS": "2",
            "LISTEN_FDNAMES": "own:peer",
            "NOTIFY_SOCKET": "@notify",
            "WATCHDOG_USEC": "60000000",
            "SYNCD_FAILPOINTS": "append.head:3,merge.claims",
        },
        pid=77,
    )
    assert found.home == Path("/srv/bank")
    assert found.secret_file == Path("/etc/secret")
    assert found.token_file == Path("/etc/token")
    assert found.credentials == Path("/run/credentials/syncd")
    assert found.listen_fds == {"own": 3, "peer": 4}
    assert (found.notify_socket, found.watchdog_s) == ("@notify", 60.0)
    assert found.failpoints is not None
    assert found.failpoints.at == {"append.head": 3, "merge.claims": 1}


def test_a_child_hears_nothing_of_our_manager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither its sockets nor its watchdog, and its own secret only."""
    for name in ("SYNCD_HOME", "LISTEN_FDS", "NOTIFY_SOCKET", "WATCHDOG_PID"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("LANG", "C.UTF-8")
    child = config.for_child(Path("/etc/secret"))
    assert child["SYNCD_SECRET_FILE"] == "/etc/secret"
    assert child["LANG"] == "C.UTF-8"
    ours = ("SYNCD_", "LISTEN_", "NOTIFY_", "WATCHDOG_")
    assert [n for n in child if n.startswith(ours)] == ["SYNCD_SECRET_FILE"]
    assert "SYNCD_SECRET_FILE" not in config.for_child(None)


def test_nothing_set_is_nothing() -> None:
    """A plain shell gives the empty environment."""
    assert config.environment({}) == Environment()


def test_a_seed_tosses_the_coin_at_the_names() -> None:
    """With a seed the names say where, without names everywhere."""
    some = config.environment({"SYNCD_FAILPOINTS": "seed=7,append.head"})
    assert some.failpoints is not None
    assert some.failpoints.seed == 7
    assert some.failpoints.only == {"append.head"}
    everywhere = config.environment({"SYNCD_FAILPOINTS": "seed=7,one_in=9"})
    assert everywhere.failpoints is not None
    assert everywhere.failpoints.one_in == 9
    assert len(everywhere.failpoints.only) > 10


def test_what_was_meant_for_another_process_is_left() -> None:
    """Sockets and watchdog of a parent are not ours."""
    found = config.environment(
        {
            "LISTEN_PID": "76",
            "LISTEN_FDS": "2",
            "WATCHDOG_PID": "76",
            "WATCHDOG_USEC": "1",
        },
        pid=77,
    )
    assert found == Environment()


@pytest.mark.parametrize(
    "variables",
    [
        {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "public"},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "peer"},
        {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "peer:peer"},
        {"LISTEN_FDS": "many", "LISTEN_FDNAMES": "peer"},
        {"LISTEN_FDS": "１", "LISTEN_FDNAMES": "peer"},
        {"WATCHDOG_USEC": "-1"},
        {"SYNCD_FAILPOINTS": "no.such.point"},
        {"SYNCD_FAILPOINTS": "append.head:0"},
    ],
)
def test_a_variable_that_makes_no_sense(variables: dict[str, str]) -> None:
    """It is refused under its own name."""
    with pytest.raises(UsageError, match=r"^[A-Z]+_[A-Z]+: "):
        config.environment({"LISTEN_PID": "77"} | variables, pid=77)


def test_sockets_are_taken_over() -> None:
    """A listening descriptor is handed on, and not inherited further."""
    with closing(socket.create_server(("127.0.0.1", 0))) as given:
        fd = os.dup(given.fileno())
        os.set_inheritable(fd, True)
        (taken,) = Environment(listen_fds={"own": fd}).sockets().values()
        with closing(taken):
            assert taken.getsockname() == given.getsockname()
            assert not taken.get_inheritable()


def test_a_descriptor_that_is_no_listening_socket() -> None:
    """It is refused by its door's name."""
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        handed = Environment(listen_fds={"peer": os.dup(ours.fileno())})
        with pytest.raises(UsageError, match="peer does not listen"):
            handed.sockets()
    with pytest.raises(UsageError, match="descriptor 999"):
        Environment(listen_fds={"peer": 999}).sockets()


# ------------------------------------------------------------ the secret


def private(path: Path, content: bytes = PASSPHRASE) -> Path:
    """A file that only we may read."""
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def ours(tmp_path: Path, **secret: Path | bool) -> config.Config:
    """Settings of a home beside the secrets of these tests."""
    return config.Config(
        home=tmp_path / "home",
        secret=config.Secret(**secret),  # type: ignore[arg-type]
    )


def test_the_first_place_that_has_it_wins(tmp_path: Path) -> None:
    """Variable, credential, file, prompt."""
    by_file = ours(tmp_path, file=private(tmp_path / "file", b"f" * 12))
    private(tmp_path / "syncd-secret", b"c" * 12)
    variable = private(tmp_path / "variable", b"v" * 12)
    credentials = Environment(credentials=tmp_path)
    both = Environment(credentials=tmp_path, secret_file=variable)
    assert config.passphrase(by_file, both, None) == b"v" * 12
    assert config.passphrase(by_file, credentials, None) == b"c" * 12
    assert config.passphrase(by_file, Environment(), None) == b"f" * 12
    asked = config.passphrase(
        ours(tmp_path), Environment(), lambda: "äskedfor it"
    )
    assert asked == "äskedfor it".encode()


def test_a_line_end_is_no_part_of_it(tmp_path: Path) -> None:
    """Editors add one; blanks within it stay."""
    path = private(tmp_path / "s", b" correct horse battery \r\n")
    found = config.passphrase(ours(tmp_path, file=path), Environment(), None)
    assert found == b" correct horse battery "


def test_a_secret_that_others_can_read(tmp_path: Path) -> None:
    """It is refused, with the command that mends it."""
    path = private(tmp_path / "s")
    for mode in (0o640, 0o604, 0o610, 0o666):
        path.chmod(mode)
        with pytest.raises(UsageError, match=f"mode {mode:04o}") as caught:
            config.passphrase(ours(tmp_path, file=path), Environment(), None)
        assert caught.value.hint == f"chmod 600 {path}"


def test_a_secret_in_the_home_it_protects(tmp_path: Path) -> None:
    """A copy of the home would open itself, whatever way it was named."""
    (tmp_path / "home").mkdir()
    path = private(tmp_path / "home" / "s")
    (tmp_path / "link").symlink_to(path)
    for named in (path, tmp_path / "link", tmp_path / "x/../home/s"):
        with pytest.raises(UsageError, match="inside the home"):
            config.passphrase(
                ours(tmp_path), Environment(secret_file=named), None
            )


def test_no_secret_at_all(tmp_path: Path) -> None:
    """Nothing to read, nobody to ask: say what to set."""
    for settings in (ours(tmp_path), ours(tmp_path, prompt=False)):
        with pytest.raises(UsageError, match="no passphrase file") as caught:
            config.passphrase(settings, Environment(), None)
        assert "SYNCD_SECRET_FILE" in caught.value.hint
    missing = Environment(secret_file=tmp_path / "missing")
    with pytest.raises(UsageError, match="No such file"):
        config.passphrase(ours(tmp_path), missing, None)


def test_a_short_secret_is_none(tmp_path: Path) -> None:
    """Its length may be said, the secret itself not."""
    path = private(tmp_path / "s", b"hunter2")
    with pytest.raises(UsageError, match="7 bytes, want 12") as caught:
        config.passphrase(ours(tmp_path, file=path), Environment(), None)
    assert "hunter2" not in str(caught.value)
