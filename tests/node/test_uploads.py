"""A list that was handed over is read elsewhere, and leaves nothing."""

import asyncio
import pickle
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import MissingError
from syncd.lists import refused_rows
from syncd.node.serve import uploads
from syncd.node.serve.uploads import Uploads
from syncd.web.report_forms import (
    ImportQuery,
    Reading,
    RefusedCells,
    RefusedQuery,
    ReportSearch,
)
from syncd.web.routes import Caller
from tests.alliance import Alliance
from tests.cases import slow, tried
from tests.refusals import misused, refused

CALLER = Caller("desk", "operator", 1)  # whose token is the first
ROWS = "涉案号码,诈骗类型,角色,证据\n" + "".join(
    f"1381234567{n},{word},主叫,报案\n"
    for n, word in enumerate(["冒充客服", "杀猪盘子", "冒充客服"])
)
LIST = ROWS.encode("gb18030")

WORDS = {
    "label": {"冒充客服": "refund_cs"},
    "role": {"主叫": "caller"},
    "evidence": {"报案": "victim_report"},
}


def reading(**more: Any) -> Reading:
    constants = {"kind": "phone", "region": "CN"}
    return Reading(**{"name": "涉案名单.csv", "constants": constants, **more})


async def taken(alliance: Alliance, raw: bytes = LIST) -> tuple[Uploads, int]:
    there = alliance.bank.node.uploads
    return there, (await there.take(raw)).id


async def imported(
    alliance: Alliance, id_: int, how: Reading, who: Caller = CALLER
) -> None:
    """Have a list imported to its end."""
    node = alliance.bank.node
    await node.uploads.import_(who, id_, how)
    await node.background.idle()


async def why_not(there: Uploads) -> str:
    """Return why the import of the one that is kept failed."""
    [kept] = (await there.uploads()).items
    assert not kept.running
    assert kept.problem
    return kept.problem.detail


async def test_unknown_words_are_named_with_proposals(
    alliance: Alliance,
) -> None:
    """The words of a GB18030 list; told their codes, rows are good."""
    there, id_ = await taken(alliance)
    found = await there.preview(id_, reading())
    assert (found.about, found.rows, found.good) == (
        "csv, gb18030, comma",
        3,
        0,
    )
    words = {one.word: one.near for one in found.unknown}
    assert words["冒充客服"].startswith("refund_cs")
    assert words["杀猪盘子"].startswith("fake_invest")
    found = await there.preview(id_, reading(map=found.map, words=WORDS))
    assert [w.word for w in found.unknown] == ["杀猪盘子"]
    assert found.good == 2
    [first, _] = found.listed
    assert (first.kind, first.value) == ("phone", "+86138****5670")
    again = await there.preview(id_, reading(constants={}, map=found.map))
    assert again.good == 2  # the map has the words by now


async def test_an_import_leaves_its_reports_and_no_file(
    alliance: Alliance,
) -> None:
    """Handed in as by whoever asked; refused rows are kept, with cells."""
    there, id_ = await taken(alliance)
    node = alliance.bank.node
    assert (await there.import_(CALLER, id_, reading(words=WORDS))).running
    await there.import_(CALLER, id_, reading(words=WORDS))  # once is enough
    await node.background.idle()
    [done] = (await node.intake.imports(ImportQuery())).items
    assert (done.accepted, done.refused, done.finished) == (2, 1, True)
    assert (done.list, done.by) == ("涉案名单.csv", CALLER.name)
    page = await node.intake.reports(ReportSearch(by=CALLER.name))
    assert len(page.items) == 2
    assert (await there.uploads()).items == ()
    assert [*(alliance.bank.home / "uploads").iterdir()] == []
    [row] = (await node.intake.refused_rows(done.id, RefusedQuery())).items
    assert row.cells["诈骗类型"] == "杀猪盘子"


@slow
async def test_refused_rows_are_mended_in_place(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They become a list of their own, which is a part of the first."""
    write, ours = refused_rows.write, threading.get_ident()

    def beside(*args: Any) -> None:  # there may be a hundred thousand
        assert threading.get_ident() != ours
        write(*args)

    monkeypatch.setattr(refused_rows, "write", beside)
    there, id_ = await taken(alliance)
    node = alliance.bank.node
    await imported(alliance, id_, reading(words=WORDS))
    [done] = (await node.intake.imports(ImportQuery())).items
    mended = await there.mend(
        done.id, RefusedCells(rows=((3, {"诈骗类型": "refund_cs"}),))
    )
    how = reading(name="mended.csv", list=done.list, words=WORDS)
    found = await there.preview(mended.id, how)
    assert (found.rows, found.good) == (1, 1)
    assert "refused line" not in str(found.columns)
    await imported(alliance, mended.id, how)
    newest, _ = (await node.intake.imports(ImportQuery())).items
    assert (newest.list, newest.accepted, newest.gone) == (done.list, 1, 0)


async def test_it_lies_sealed_for_a_day(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, id_ = await taken(alliance)
    [path] = (alliance.bank.home / "uploads").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"1381234" not in path.read_bytes()
    monkeypatch.setattr(uploads, "MOST", 2)
    for raw in b"x", b"y":
        await there.take(raw)
    assert len((await there.uploads()).items) == 2
    monkeypatch.setattr(uploads, "KEPT_S", -10)
    there.prune()
    assert not path.exists()
    with pytest.raises(MissingError):
        await there.preview(id_, reading())


@slow
async def test_what_cannot_be_read_says_why(alliance: Alliance) -> None:
    """By the name that its owner gave it; an import keeps saying so."""
    there, id_ = await taken(alliance, b"\xd0\xcf\x11\xe0")
    with misused() as caught:
        await there.preview(id_, reading())
    assert "涉案名单.csv: is" in str(caught.value)
    await imported(alliance, id_, reading())
    assert "涉案名单.csv: is" in await why_not(there)


async def test_an_import_ends_with_its_token(alliance: Alliance) -> None:
    """Whatever is in stays; the file may be imported by somebody else."""
    there, id_ = await taken(alliance)
    bearers = alliance.bank.own.bearers
    await bearers.add("gone", "operator")
    [gone] = [one for one in await bearers.all() if one.name == "gone"]
    await bearers.revoke("gone")
    who = Caller("gone", "operator", gone.id)
    await imported(alliance, id_, reading(words=WORDS), who)
    assert "token" in await why_not(there)


async def test_a_map_names_no_file_of_ours(alliance: Alliance) -> None:
    there, id_ = await taken(alliance)
    with refused("control"):
        await there.preview(
            id_, reading(map='[file]\ncontrol = "/etc/passwd"\n')
        )


async def test_a_process_that_ends_early_is_a_refusal(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Killed by a limit, or by us, or by itself; none is left behind."""
    there, id_ = await taken(alliance)
    program = tmp_path / "python"
    monkeypatch.setattr(uploads, "PROGRAM", [str(program)])
    for line, why in (
        *(("kill -9 $$", "more memory"), ("kill -XCPU $$", "more time")),
        *(("exec sleep 9", "more time"), ("exit 1", "reads it failed")),
    ):
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o700)
        seconds = 0.3 if "sleep" in line else 60
        monkeypatch.setattr(uploads, "PREVIEW_S", seconds)
        with refused(why):
            await there.preview(id_, reading())


async def test_it_is_told_nothing_of_our_environment(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that cannot be started can be tried again."""
    there, id_ = await taken(alliance)
    monkeypatch.setenv("SYNCD_SECRET_FILE", "/run/secret")
    told: dict[str, str] = {}

    async def start(*_: Any, env: dict[str, str], **__: Any) -> None:
        told.update(env)
        raise BlockingIOError

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    await imported(alliance, id_, reading())
    assert "PATH" in told
    assert "SYNCD_SECRET_FILE" not in told
    [kept] = (await there.uploads()).items
    assert not kept.running


@slow
@tried(
    "greedy, ended",
    [
        ("bytearray(2 << 30)", -signal.SIGABRT),
        ("open('/dev/shm/syncd-test', 'wb', 0).write(b'xx')", 1),
    ],
)
def test_its_memory_and_its_files_are_bounded(greedy: str, ended: int) -> None:
    """Before it reads anything at all."""

    class Greedy:
        def __reduce__(self) -> tuple[Any, ...]:
            return eval, (greedy,)

    ran = subprocess.run(
        uploads.PROGRAM,
        input=pickle.dumps(Greedy()),
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, b"Traceback" in ran.stderr) == (ended, ended == 1)
