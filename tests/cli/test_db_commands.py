"""`syncd db migrate`: a member moves from its files to a real server."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from syncd import config
from syncd.store import failpoint, moving, tables
from syncd.store.bearer import bearer
from syncd.store.database import Database
from syncd.store.failpoint import Plan
from syncd.store.server import Server
from tests import postgres
from tests.alliance import Alliance
from tests.cases import once, slow, tried
from tests.cli.conftest import Ran, Run
from tests.refusals import misused

pytestmark = [slow, pytest.mark.sqlite]  # a server starts

STEPS = (  # in the order in which a move comes to them
    *("begun", "rows", "committed", "rows", "sealed", "configured", "away"),
)


class Pulled(BaseException):
    """The plug was."""


async def _make(root: Path) -> None:
    async with Alliance.found(root, ("police", "bank", "carrier")) as alliance:
        for n in range(5):
            await alliance.police.report("url", f"http://m{n}.evil.example/")
        await alliance.bank.tell("phone", "+12025551000")
        await alliance.police.take_back("url", "http://m1.evil.example/")


@once
def made(root: Path) -> Path:
    """Return the home of a member that has stopped."""
    asyncio.run(_make(root))
    return root / "police"


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, to be moved in small batches."""
    monkeypatch.setattr(moving, "_BATCH", 3)
    return Path(shutil.copytree(made, tmp_path / "police"))


@pytest.fixture
def server() -> Server:
    """Return a new database, with nothing in it."""
    return postgres.fresh("template0")


@pytest.fixture
def move(run: Run, home: Path, server: Server) -> Callable[..., Ran]:
    """Move the member, up to a step or to the end."""

    def pull(_name: str) -> None:
        raise Pulled

    def moved(step: str = "", url: str = server.url) -> Ran:
        failpoint.arm(Plan({f"move.{step}": 1}, pull) if step else None)
        try:
            return run("--home", home, "db", "migrate", url)
        except Pulled as e:
            return Ran(-1, "", repr(e))

    return moved


Move = Callable[..., Ran]


def test_a_move_goes_on_wherever_it_was_interrupted(
    move: Move, run: Run, home: Path, server: Server
) -> None:
    """In the end all is there, and numbers go on where they were."""
    for step in STEPS:
        assert move(step).code == -1
    move().ended(0)
    assert config.load(home).database.url == server.url
    assert run("--home", home, "log", "verify").out.count(": ok") == 3
    new = tables.event.insert().values(at=1, name="test", data=b"{}")
    with closing(Database(server, "own")) as db:
        db.write_now(lambda c: c.execute(new))


def test_nothing_runs_on_files_that_were_moved(move: Move, home: Path) -> None:
    """Whatever they are called then."""
    move().ended(0)
    with misused(r"own\.db: was moved to a server"):
        Database(home / "own.db", "own")
    (home / "own.db.moved").replace(home / "old.db")
    with misused(r"old\.db: was moved to a server"):
        Database(home / "old.db", "own")


def test_a_daemon_may_go_on_with_the_files_until_all_is_moved(
    move: Move, home: Path, server: Server
) -> None:
    """It does not run on a part; what was copied does not count any more."""
    move("committed")
    with misused("was interrupted"):
        Database(server, "own")
    with closing(Database(home / "own.db", "own")) as db:
        db.write_now(lambda c: c.execute(bearer.delete()))
    move().ended(0)
    with closing(Database(server, "own")) as db:
        assert not db.read_now(lambda c: c.execute(sa.select(bearer)).all())


def test_what_came_over_wrong_ends_the_move(
    move: Move, home: Path, server: Server
) -> None:
    move("sealed")
    name = urlsplit(server.url).path[1:]
    postgres.sql("UPDATE own.vault SET urgent = 1 - urgent", name)
    assert "own.vault: is not what it was" in move().err
    assert not config.load(home).database.url


def test_what_does_not_hold_is_not_moved(move: Move, home: Path) -> None:
    with sqlite3.connect(home / "mirror.db") as c:
        c.execute("DELETE FROM claim")
    move().ended(5)
    assert not config.load(home).database.url
    Database(home / "own.db", "own").close()


def test_no_other_member_is_overwritten(move: Move) -> None:
    there = postgres.fresh()
    log = tables.log.insert().values(origin="x", size=0, peaks=b"", note=b"")
    with closing(Database(there, "own")) as db:
        db.write_now(lambda c: c.execute(log))
    assert "are there already" in move(url=there.url).err


@tried("url", ["postgresql://a:b@/x", "mysql://x", ""])
def test_a_wrong_url_is_refused(move: Move, url: str) -> None:
    move(url=url).ended(2)
