"""What cannot run says so: one line, a way out, and the right exit code."""

import sqlite3
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.alliance import Alliance, Member, Process, bound

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.slow,  # a process each
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bank(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Member]:
    """A member whose daemon does not run."""
    root = tmp_path_factory.mktemp("start")
    async with Alliance.found(
        root, ("police", "bank", "carrier"), start=False
    ) as alliance:
        yield alliance.bank


async def refused(bank: Member, **environ: str) -> tuple[int, str]:
    """Run the daemon, which must end by itself; return code and text."""
    process = await Process.start(bank, **environ)
    code = await process.ended()
    text = process.text
    assert "Traceback" not in text
    assert text.count("syncd: error: ") == 1
    return code, text


async def test_two_daemons_on_one_home(bank: Member) -> None:
    """The second one names the first and leaves it alone."""
    first = await Process.start(bank)
    assert await first.ready()
    code, text = await refused(bank)
    assert code == 2
    assert f"in use by another syncd (pid {first.child.pid})" in text
    assert (await first.ask("GET", "/healthz"))[0] == 200
    assert await first.stop() == 0


async def test_a_port_in_use(bank: Member) -> None:
    """Whichever door it is, its address is named."""
    for port in (bank.address[1], bank.config.own.listen.port):
        with bound(port):
            code, text = await refused(bank)
        assert code == 2
        assert f"cannot listen on 127.0.0.1:{port}" in text
        assert "hint" in text


async def test_an_unknown_key(bank: Member) -> None:
    """Line, name, and what it may have been."""
    path = bank.home / "config.toml"
    right = path.read_text()
    path.write_text(right.replace("[exchange]", "[exchange]\nintervall_s = 3"))
    try:
        code, text = await refused(bank)
    finally:
        path.write_text(right)
    assert code == 2
    assert "exchange.intervall_s" in text
    assert "interval_s" in text.split("hint")[1]


async def test_a_key_file_that_others_can_read(bank: Member) -> None:
    """Nothing is started with keys that may be known."""
    path = bank.home / "keys" / "member.key"
    path.chmod(0o644)
    try:
        code, text = await refused(bank)
    finally:
        path.chmod(0o600)
    assert code == 2
    assert "others can read it" in text
    assert f"chmod 600 {path}" in text


async def test_a_passphrase_file_that_others_can_read(bank: Member) -> None:
    path = bank.home.parent / "secret"
    path.chmod(0o640)
    try:
        code, text = await refused(bank)
    finally:
        path.chmod(0o600)
    assert code == 2
    assert "lets others read it" in text


async def test_a_wrong_passphrase(bank: Member) -> None:
    """Not trusted, and nothing of it is told."""
    path = bank.home.parent / "wrong"
    path.touch(mode=0o600)
    path.write_text("another passphrase\n")
    code, text = await refused(bank, SYNCD_SECRET_FILE=str(path))
    assert code == 4
    assert "secret" in text
    assert "another passphrase" not in text


async def test_no_passphrase(bank: Member) -> None:
    code, text = await refused(bank, SYNCD_SECRET_FILE="")
    assert code == 2
    assert "passphrase" in text


def newer(path: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE alembic_version SET version_num = 'own_999'")
    db.close()


def garbage(path: str) -> None:
    with open(path, "r+b") as file:  # noqa: PTH123
        file.write(b"this is no database, whatever it is called" * 9)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [(newer, "own_999"), (garbage, "own.db")],
    ids=["newer", "garbage"],
)
async def test_a_database_that_it_cannot_use(
    bank: Member, spoil: Callable[[str], None], says: str
) -> None:
    """From a newer version, or no database at all: damaged, exit 5."""
    path = bank.home / "own.db"
    for other in bank.home.glob("own.db-*"):
        other.unlink()
    right = path.read_bytes()
    spoil(str(path))
    try:
        code, text = await refused(bank)
    finally:
        for other in bank.home.glob("own.db-*"):
            other.unlink()
        path.write_bytes(right)
    assert code == 5
    assert says in text


async def test_a_missing_mark(bank: Member) -> None:
    """At size 0 it is made anew."""
    (bank.home / "high-water.note").unlink()
    process = await Process.start(bank)
    assert await process.ready()
    assert await process.stop() == 0
    assert (bank.home / "high-water.note").exists()


async def test_a_missing_key(bank: Member) -> None:
    path = bank.home / "keys" / "seen.key"
    right = path.read_bytes()
    path.unlink()
    try:
        code, text = await refused(bank)
    finally:
        path.touch(mode=0o600)
        path.write_bytes(right)
    assert code == 5
    assert "seen.key: missing" in text


async def test_a_changed_roster(bank: Member) -> None:
    """A roster that is not what was pinned is not run with."""
    path = bank.home / "roster" / "000001.note"
    right = path.read_bytes()
    path.write_bytes(right.replace(b'"threshold":2', b'"threshold":1'))
    try:
        code, text = await refused(bank)
    finally:
        path.write_bytes(right)
    assert code == 5
    assert "roster" in text
