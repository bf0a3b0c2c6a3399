"""`syncd log`: another process, no daemon, no secret; and it sees everything."""

import asyncio
import contextlib
import shutil
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest

from syncd import config
from syncd.indicator.statement import Erase
from tests.alliance import Alliance, payload
from tests.cases import cases, once, slow, tried
from tests.cli.conftest import FalseApi, Node, Run
from tests.commands import syncd

IDS = ("police", "bank", "carrier")
POLICE = "police.example/syncd/txwz/1"
BANK = "bank.example/syncd/txwz/1"
CARRIER = "carrier.example/syncd/txwz/1"


async def _make(root: Path) -> None:
    async with Alliance.found(root, IDS) as alliance:
        for n, member in enumerate(alliance.members.values()):
            await member.report("phone", f"+1202555{1000 + n}", "+12025550123")
            await member.report("url", f"http://m{n}.evil.example/")
        await alliance.settle()
        await alliance.police.take_back("phone", "+12025550123")
        await alliance.bank.write(
            *[payload(n, BANK) for n in range(300)], (1, b'{"type":1}')
        )
        await alliance.bank.say(Erase(ranges=((20, 23),), reason="privacy"))
        await alliance.settle()


@once
def made(root: Path) -> Path:
    """Three homes with reports, a retract, an erasure and a void entry."""
    asyncio.run(_make(root))
    return root


@pytest.fixture
def at(run: Run) -> Run:
    """Run `syncd log WORDS…` on a home."""
    return lambda home, *words: run("--home", home, "log", *words)


# ----------------------------------------------------------------- the home


def test_all_members_hold_the_same(made: Path, at: Run) -> None:
    """Sizes, roots and digests are equal at all of them, and not empty."""
    police, bank, carrier = (
        at(made / m, "verify", "--json").json for m in IDS
    )
    assert police == bank == carrier
    assert [r["origin"] for r in police] == [BANK, CARRIER, POLICE]
    for report in police:
        assert report["ok"]
        assert report["problems"] == []
        assert report["merged"] == report["size"]
        assert len(report["digest"]["phone/1"]) == 64
    assert police[0]["rows"] == 3 + 300 - 3
    assert police[2]["rows"] == 2
    ran = at(made / "bank", "verify").ended(0)
    assert (ran.out.count(": ok"), ran.err) == (3, "")


@slow
def test_while_the_daemon_runs(tmp_path: Path) -> None:
    """A daemon that appends and merges meanwhile is no damage."""

    async def busy() -> None:
        async with Alliance.found(tmp_path, IDS) as alliance:
            police, bank = alliance.police, alliance.bank
            await alliance.settle()

            def verify_all() -> list[int]:
                # one after the other: both print
                homes = (police.home, bank.home) * 3
                return [syncd("--home", h, "log", "verify") for h in homes]

            running = asyncio.create_task(asyncio.to_thread(verify_all))
            n = 0
            while not running.done():
                more = [payload(n + i, POLICE) for i in range(100)]
                await police.write(*more)
                await alliance.settle()
                n += 100
            assert running.result() == [0] * 6
            assert n

    asyncio.run(busy())


def test_forked_log(tmp_path: Path, at: Run) -> None:
    """A log that forked is contested; what we hold of it is not damaged."""

    async def fork() -> None:
        async with Alliance.found(tmp_path, IDS) as alliance:
            police, bank = alliance.police, alliance.bank
            await alliance.settle()
            await bank.write(*[payload(n, BANK) for n in range(5)])
            await alliance.settle()
            await bank.fork(3, *[payload(90 + n, BANK) for n in range(305)])
            async with asyncio.timeout(10):
                while not (await police.head(BANK)).contested:
                    await police.round()
            assert (await police.head(BANK)).mirrored == 6

    asyncio.run(fork())
    ran = at(tmp_path / "police", "verify").printed(
        f"{BANK}: 6 entries, 6 merged, 5 claims stand: ok, contested"
    )
    assert ran.err == ""


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of the police's home, to be damaged."""
    return Path(shutil.copytree(made / "police", tmp_path / "police"))


def altered(home: Path, database: str, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(home / f"{database}.db")) as db:
        assert db.execute(sql).rowcount
        db.commit()


@tried(
    "database, sql, of, expected",
    cases("cli/damage"),
    ids=lambda c: str(c)[:60],
)
def test_one_change(
    at: Run, home: Path, database: str, sql: str, of: str, expected: str
) -> None:
    """Exit 5, and the origin and position of it, for each table once.

    Of a row, of its bundle. What else is wrong: tests/flows/test_audit.py.
    """
    altered(home, database, sql)
    assert "DAMAGED" in at(home, "verify").ended(5, f"{of}: ", expected).out


def test_an_old_receipt_of_a_key_that_is_no_more(at: Run, home: Path) -> None:
    """Only a roster of its time could tell: it is no damage."""
    note = "replace(CAST(note AS TEXT), '/merged ', '/merged AAAA')"
    altered(
        home, "own", f"UPDATE kept_receipt SET note = CAST({note} AS BLOB)"
    )
    at(home, "verify").ended(0)


def test_row_of_no_log(at: Run, home: Path) -> None:
    """A claim of a log that is not there is damage too."""
    altered(home, "mirror", "UPDATE claim SET log_id = 99 WHERE idx = 100")
    at(home, "verify").ended(5, "a row at 100 is of no log")


def test_mark(made: Path, at: Run, home: Path) -> None:
    """A lost, changed or larger high-water mark is damage."""
    mark = home / "high-water.note"
    raw = mark.read_bytes()
    for bad in (b"", raw[:-3], raw.replace(b"\n", b"\n\n", 1)):
        mark.write_bytes(bad)
        at(home, "verify").ended(5, f"{POLICE}: high-water mark: ")
    shutil.copy(made / "carrier" / "high-water.note", mark)
    at(home, "verify").ended(5)
    mark.unlink()
    at(home, "verify").ended(5)


def test_rolled_back(at: Run, home: Path, tmp_path: Path) -> None:
    """An own.db from before the mark is neither exported nor passed over."""
    altered(home, "own", "UPDATE log SET size = size - 1")
    at(home, "export", tmp_path / "out").ended(5, "high-water.note")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_database(at: Run, home: Path) -> None:
    """It is named, with a way out."""
    for name in ("mirror.db-wal", "mirror.db-shm"):
        (home / name).unlink(missing_ok=True)
    (home / "mirror.db").write_bytes(b"not a database" * 1000)
    at(home, "verify").ended(5, "mirror.db: ", "hint")


def test_wrong_use(made: Path, at: Run, tmp_path: Path) -> None:
    """What cannot be is said, with exit 2."""
    home = made / "police"
    for ran in (
        at(tmp_path / "none", "verify"),
        at(home, "export", tmp_path / "o", "--mirror", "x.example/1"),
        at(home, "export", tmp_path / "no" / "such"),
    ):
        assert ran.ended(2).err.startswith("syncd: error: ")


# ---------------------------------------------------------------- the files


def files(out: Path, origin: str) -> dict[str, bytes]:
    """Return a log's files in an export, without the notes beside it."""
    log = out / "log" / origin.replace("/", "~")
    paths = (p for p in log.rglob("*") if p.is_file())
    found = {p.relative_to(log).as_posix(): p.read_bytes() for p in paths}
    return {p: raw for p, raw in found.items() if not p.startswith("notes/")}


def test_export_and_verify(
    made: Path, run: Run, at: Run, tmp_path: Path
) -> None:
    """Own and mirrored logs hold as files."""
    for member, *mirror in (
        ("bank",),
        ("police", "--mirror", BANK),
        ("bank", "--mirror", POLICE),
    ):
        path = tmp_path / f"{member}-{len(mirror)}"
        home = made / member
        at(home, "export", path, *mirror).ended(0)
        trusted = config.load(home).alliance.fingerprint
        ran = run("audit", "verify", path, "--fingerprint", trusted)
        assert (ran.code, ran.err) == (0, ""), ran.out


def test_mirror_s_export_is_the_owner_s(
    made: Path, at: Run, tmp_path: Path
) -> None:
    """But for cosignatures and erased payloads, no byte differs."""
    own, other = tmp_path / "own", tmp_path / "other"
    at(made / "bank", "export", own)
    at(made / "police", "export", other, "--mirror", BANK)
    mine, theirs = files(own, BANK), files(other, BANK)
    assert mine.pop("checkpoint").startswith(theirs.pop("checkpoint"))
    assert mine == theirs


def test_export_for_auditors(made: Path, at: Run, tmp_path: Path) -> None:
    """No token of any kind is in an auditor's files."""
    for more in ((), ("--complete",)):
        path = tmp_path / f"{len(more)}"
        at(made / "bank", "export", path, *more)
        whole = b"".join(files(path, BANK).values())
        assert (b'"token"' in whole) is not bool(more)
        assert b'"hash":' in whole  # of the roster: for everybody


def test_nothing_is_overwritten(made: Path, at: Run, tmp_path: Path) -> None:
    """An export goes to a new or empty directory, whole or not at all."""
    home = made / "police"
    path = tmp_path / "there"
    path.mkdir()
    at(home, "export", path).ended(0)
    before = {p: p.stat().st_mtime_ns for p in path.rglob("*")}
    at(home, "export", path).ended(2, "is there already")
    assert before == {p: p.stat().st_mtime_ns for p in path.rglob("*")}
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


# -------------------------------------------------------------------- show


@tried("stated", ["2J", "\x9b2J"])
def test_show(member: Node, false: FalseApi, stated: str) -> None:
    """What is signed, by whom, and the newest entries.

    A stranger's checkpoint and fields are anything; no terminal obeys them.
    """
    entry = {"index": 9, "type": "report", "on": stated, "kind": stated}
    key = BANK.replace("/1", "/merged")
    false.answers["/v1/logs/" + quote(BANK, safe="")] = {
        "checkpoint": f"{BANK}\n10\n{stated}\n",
        "cosigned": [{"key": key, "size": 8, "at": 1_800_000_000}],
        "items": [{**entry, "label": "", "closed": "erased", "void": ""}],
    }
    shown = member("log", "show", "--mirror", BANK).out.splitlines()
    assert all(line.isprintable() for line in shown)
    assert shown[:2] == [BANK, "10"]
    assert shown[4].split()[:3] == [key, "8", "2027-01-15"]
    says = stated.replace("\x9b", "?")
    assert shown[6].split() == ["9", "report", says, says, "-", "erased"]


def test_an_erasure_says_what_it_takes(member: Node, false: FalseApi) -> None:
    """And what stays, before it is done; entries may be named as a range."""
    found = {"types": {"report": 2}, "ours": [[BANK, 7]], "stays": {"q": 1}}
    false.answers["/v1/log/erasures"] = found
    ran = member("log", "erase", "3-4", "9", "--reason", "court_order")
    assert "2 report; nobody can undo" in ran.out
    assert f"ours stays: {BANK}:7\n1 of the values" in ran.out
    assert false.calls == [{"entries": [3, 4, 9], "reason": "court_order"}]
    for text in ("x", "5-3", "3-", "3-4-5"):
        member("log", "erase", "1", text, "--reason", "court_order").ended(
            2, f"'{text}': want INDEX"
        )
