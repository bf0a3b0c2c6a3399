"""What cannot run says so: one line, a way out, and the right exit code."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.alliance import Alliance, Member, Process, as_founded, bound, shared
from tests.cases import tried

pytestmark = pytest.mark.slow


alliance = shared(as_founded, "police", "bank", "carrier", start=False)


@pytest.fixture
def bank(alliance: Alliance) -> Member:
    """A member whose daemon does not run."""
    return alliance.bank


async def refused(bank: Member) -> tuple[int, str]:
    """Run the daemon, which must end by itself; return code and text."""
    process = await Process.start(bank)
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
    assert (await first.member.call("GET", "/healthz"))[0] == 200
    assert await first.stop() == 0


async def test_a_port_in_use(bank: Member) -> None:
    """Whichever API it is, its address is named."""
    for port in (bank.address[1], bank.config.own.listen.port):
        with bound(port):
            code, text = await refused(bank)
        assert code == 2
        assert f"cannot listen on 127.0.0.1:{port}" in text
        assert "hint" in text


@contextlib.contextmanager
def spoiled(path: Path, spoil: Callable[[Path], object]) -> Iterator[None]:
    """Have a file other bytes or none of them meanwhile."""
    right, mode = path.read_bytes(), path.stat().st_mode
    spoil(path)
    try:
        yield
    finally:
        path.touch(mode)
        path.write_bytes(right)


def unpin(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"threshold":2', b'"threshold":1'))


@tried(
    "name, spoil, says",
    [
        ("keys/seen.key", Path.unlink, "seen.key: missing"),
        ("roster/000001.note", unpin, "roster"),
    ],
)
async def test_a_file_that_it_cannot_use(
    bank: Member, name: str, spoil: Callable[[Path], object], says: str
) -> None:
    """Which one, and the exit code."""
    with spoiled((bank.home / name).resolve(), spoil):
        code, text = await refused(bank)
    assert code == 5
    assert says in text
