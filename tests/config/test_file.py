"""Settings: what is wrong is named with its file, line and key."""

import re
import tomllib
from contextlib import suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from syncd import config
from syncd.config import Address, editing
from syncd.config.settings import SETTINGS, parse_address, takes
from syncd.errors import MalformedError, UsageError
from tests.cases import ROOT, each, tried
from tests.refusals import misused

DOC = ROOT / "docs" / "configuration.md"
US = '[member]\nid = "bank"\ndomain = "bank.example"\nalliance = "txwz"\n'
HOME = Path("/nowhere/bank")


def refused(text: str) -> UsageError:
    """The error that a config.toml with this text gives."""
    with misused() as caught:
        config.parse(text.encode(), HOME)
    assert str(caught.value).startswith(f"{HOME}/config.toml:")
    return caught.value


def target(more: str) -> str:
    return f"[[notify.targets]]\nname = 't'\nroles = ['duty']\n{more}\n"


# ------------------------------------------------------------- the file


def test_defaults_are_the_designs() -> None:
    """A file that says only who we are gives the documented defaults."""
    ours = config.parse(US.encode(), HOME)
    assert str(ours.peer.listen) == "127.0.0.1:8443"
    assert str(ours.own.listen) == "127.0.0.1:8480"
    assert (ours.exchange.interval_s, ours.exchange.jitter) == (60, 0.2)
    assert (ours.exchange.backoff_max_s, ours.exchange.fanout) == (3600, 3)
    assert (ours.holder.deadline_ms, ours.lookup.deadline_ms) == (2000, 3000)
    assert ours.access.days == 1100
    assert ours.member.region == "CN"
    assert not ours.lookup.cache


@each("config/settings", "refused", "text, want")
def test_what_cannot_be_is_named(text: str, want: str) -> None:
    """File, line, section and key, and what is wrong with the value."""
    assert want in str(refused(US + text))


def test_all_faults_are_named_at_once() -> None:
    """One run of the command is enough to mend a file."""
    error = refused("[member]\nid = 'B'\n[log]\nlevel = 1\nformta = 'json'")
    assert [str(fault).partition(": ")[2] for fault in error.faults] == [
        "line 2: member.id: want 1–32 of a–z, 0–9, -",
        "line 4: log.level: want debug, info, warning, error",
        "line 5: unknown key log.formta",
        "member.domain: is not set",
        "member.alliance: is not set",
    ]
    assert error.hint == "did you mean format?"


def test_a_key_name_has_an_end() -> None:
    """C2SP names are short; a domain that is too long is refused here."""
    text = US.replace("bank.example", f"{'a' * 60}.{'b' * 60}.example")
    assert "above 100" in str(refused(text))


@each("config/settings", "hints", "text, want")
def test_a_hint_says_the_way_out(text: str, want: str) -> None:
    """Near matches, the right section, or what is known there."""
    assert want in refused(US + text).hint


def test_a_secret_is_not_repeated() -> None:
    """Who puts the passphrase into the file does not find it in the logs."""
    for line in ("file = 'hunter2'", "passphrase = 'hunter2'"):
        error = refused(f"{US}[secret]\n{line}")
        assert "hunter2" not in str(error) + error.hint


def test_a_webhooks_address_is_not_repeated() -> None:
    """Some bear a token of the receiver's."""
    for url in ("https://u:hunter2@a.example/", "http://a.example/?t=hunter2"):
        for more in (f"url = '{url}'", f"url = ['{url}']"):
            error = refused(US + target(more))
            assert "hunter2" not in str(error) + error.hint


@tried(
    "url",
    [
        "https://a.example:8443/hook?key=1",
        "http://127.0.0.1:9000/",
        "http://[::1]:9000/",
        "http://localhost/",
    ],
)
def test_a_webhook_is_posted_where_nobody_reads_it(url: str) -> None:
    more = f"url = '{url}'\nsecret = '/etc/syncd/a'"
    [found] = config.parse((US + target(more)).encode(), HOME).notify.targets
    assert (found.url, found.roles) == (url, ("duty",))


def test_text_that_is_no_toml() -> None:
    """The parser's own place is passed on; bytes that are no text have one."""
    assert "(at line 2, column 6)" in str(refused("[member]\nid = x\n"))
    with misused("line 3: not UTF-8"):
        config.parse(b"a = 1\n\n\xff", HOME)


def test_no_file_says_how_to_get_one(tmp_path: Path) -> None:
    """A home without settings needs `syncd init`."""
    with misused("no such file") as caught:
        config.load(tmp_path)
    assert caught.value.hint == f"syncd --home {tmp_path} init"


def test_a_unix_socket_is_fine_for_the_local_api() -> None:
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
        found = parse_address(text)
        assert found.path or str(found) == text


# ----------------------------------------------------------- write_default


def uncommented(text: str) -> str:
    return re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)


def test_what_init_writes_is_what_we_read(tmp_path: Path) -> None:
    """The given values are set, all others stand there as comments."""
    home = tmp_path / "bank"
    text = editing.create(
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
    everything = tomllib.loads(uncommented(text))
    for section, settings in SETTINGS.items():
        assert set(everything[section]) == set(settings)


def test_the_commented_defaults_are_the_defaults(tmp_path: Path) -> None:
    """Taking a comment's # away changes nothing."""
    text = editing.create(tmp_path, tomllib.loads(US))
    everything = uncommented(text).encode()
    assert config.parse(everything, tmp_path) == config.load(tmp_path)


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """A config.toml that is there stays as it is."""
    (tmp_path / "config.toml").write_text("mine")
    with misused("is there already"):
        editing.create(tmp_path, tomllib.loads(US))
    assert (tmp_path / "config.toml").read_text() == "mine"


def test_init_writes_nothing_that_cannot_be(tmp_path: Path) -> None:
    """A bad value or an unknown key is refused before a file exists."""
    for wrong in ({"region": "x"}, {"colour": "red"}):
        values = tomllib.loads(US)
        values["member"] |= wrong
        with misused():
            editing.create(tmp_path / "new", values)
    assert not (tmp_path / "new").exists()


def test_a_fingerprint_is_pinned_in_its_place(tmp_path: Path) -> None:
    """Once and again, and nothing else in the file changes."""
    before = editing.create(tmp_path, tomllib.loads(US))
    for fingerprint in ("ab" * 32, "cd" * 32):
        editing.change(tmp_path, "alliance", "fingerprint", fingerprint)
        assert config.load(tmp_path).alliance.fingerprint == fingerprint
    now = (tmp_path / "config.toml").read_text()
    changed = set(before.split("\n")) ^ set(now.split("\n"))
    assert changed == {'# fingerprint = ""', f'fingerprint = "{"cd" * 32}"'}
    assert (tmp_path / "config.toml").stat().st_mode & 0o777 == 0o600


def test_a_file_of_our_own_is_changed_too(tmp_path: Path) -> None:
    """Its comments stay; a section that is not there is added."""
    path = tmp_path / "config.toml"
    path.write_text(f"{US}# mine\n")
    editing.change(tmp_path, "alliance", "fingerprint", "ab" * 32)
    added = f'[alliance]\nfingerprint = "{"ab" * 32}"\n'
    assert path.read_text() == f"{US}# mine\n\n{added}"


def test_a_value_that_cannot_be_is_not_written(tmp_path: Path) -> None:
    before = editing.create(tmp_path, tomllib.loads(US))
    with misused("want 64 hex digits"):
        editing.change(tmp_path, "alliance", "fingerprint", "ab")
    assert (tmp_path / "config.toml").read_text() == before


# --------------------------------------------------------- the document


def test_every_setting_is_documented_as_it_is() -> None:
    """docs/configuration.md has one row for each key, as the default file."""
    documented = {}
    section = ""
    for line in DOC.read_text().split("\n"):
        if heading := re.fullmatch(r"### \[(\w+)\]", line):
            section = heading[1]
        row = re.fullmatch(r"\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|", line)
        if section and row:
            documented[section, row[1]] = row.groups()
    wanted = {}
    lines: list[str] = []
    for line in editing.DEFAULT.read_text().split("\n"):
        if heading := re.match(r"\[(\w+)\]", line):
            section, lines = heading[1], []
        elif setting := re.fullmatch(r"# (\w+) = (.*)", line):
            key, default = setting.groups()
            empty = section == "member" and default == '""'
            shown = "must be set" if empty else f"`{default}`"
            may = takes(SETTINGS[section][key])
            wanted[section, key] = (key, shown, may, " ".join(lines))
            lines = []
        else:
            lines.append(line.removeprefix("# "))
    assert documented == wanted


def test_the_documents_example_is_one() -> None:
    """It parses, and sets what it says."""
    (example,) = re.findall(r"```toml\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert config.parse(example.encode(), HOME).origin.startswith("bank.")
