"""`syncd roster` with files and a home, no daemon running."""

import asyncio
from pathlib import Path

import pytest

from syncd.cli.main import main
from syncd.roster import drafts
from syncd.tlog import checkpoint
from tests.alliance import Alliance


def syncd(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Homes of three members that have heard of each other, stopped."""
    path = tmp_path_factory.mktemp("roster")

    async def live() -> None:
        members = ("police", "bank", "carrier", "platform")
        async with Alliance.found(path, members) as alliance:
            await alliance.bank.report("url", "http://evil.example/")
            await alliance.settle()
            note = alliance.bank.node.home.own.log.released()
            (path / "bank.checkpoint").write_bytes(note)
            (path / "roster.note").write_bytes(alliance.notes[-1])

    asyncio.run(live())
    return path


@pytest.mark.parametrize("source", ["home", "checkpoint"])
def test_a_removal_pins_where_the_log_ends(root: Path, source: str) -> None:
    """What the home mirrors, or a checkpoint that the member signed."""
    out = root / f"draft-{source}"
    words = ["roster", "remove", "bank", str(out)]
    if source == "home":
        code = syncd("--home", root / "police", *words)
    else:
        given = ["--checkpoint", str(root / "bank.checkpoint")]
        code = syncd(*words, *given, "--current", root / "roster.note")
    assert code == 0
    bank = drafts.read(out.read_bytes())[1].known("bank")
    head, _ = checkpoint.open_(
        (root / "bank.checkpoint").read_bytes(), bank.generation.log
    )
    end = bank.end(bank.generation)
    assert end is not None
    assert (end.size, end.root) == (head.size, head.root)
    assert head.size > 0


def test_another_log_is_no_end(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkpoint by another key is not trusted: exit 4, no draft."""
    out = root / "draft-wrong"
    given = ["--checkpoint", str(root / "bank.checkpoint")]
    words = ["roster", "remove", "carrier", str(out), *given]
    assert syncd("--home", root / "police", *words) == 4
    assert "carrier" in capsys.readouterr().err
    assert not out.exists()


def test_nobody_to_remove(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown member is wrong use."""
    words = ["roster", "remove", "nobody", str(root / "x")]
    assert syncd("--home", root / "police", *words) == 2
    assert "no member nobody" in capsys.readouterr().err
