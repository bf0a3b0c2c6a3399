"""What is said, in English and in Chinese."""

import subprocess
import sys
from pathlib import Path

import pytest

from syncd.cli import main
from syncd.errors import MalformedError, joined
from syncd.indicator import vocabulary
from syncd.messages import catalogue
from tests.cases import each


def test_a_checkout_that_is_not_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It speaks English, and whoever asked for Chinese can be told."""
    monkeypatch.setattr(catalogue, "ROOM", tmp_path)
    assert not catalogue.choose("zh")
    assert catalogue.language() == "en"
    assert catalogue.t("line {n}", n=1) == "line 1"


@pytest.mark.usefixtures("chinese")
def test_english_where_chinese_is_missing() -> None:
    assert catalogue.t("no such sentence {n}", n=1) == "no such sentence 1"
    assert catalogue.t("line {n}", n=1) == "第 1 行"
    assert catalogue.of(MalformedError("line {n}", n=7)) == "第 7 行"
    assert catalogue.of(MalformedError("no {such} sentence")) == (
        "no {such} sentence"
    )
    catalogue.choose("en")
    assert catalogue.t("line {n}", n=1) == "line 1"


@pytest.mark.usefixtures("chinese")
def test_all_faults_and_their_hints_are_in_chinese() -> None:
    error = joined(
        [
            vocabulary.refused("label", "label", "杀猪盘诈骗"),
            MalformedError("{field}: not 0 to 100", field="confidence"),
        ]
    )
    assert catalogue.of(error) == (
        "label：代码表中没有“杀猪盘诈骗”；confidence：须为 0 至 100"
    )
    assert catalogue.hint_of(error).startswith("最接近的代码：fake_invest ")
    assert catalogue.hint_of(MalformedError("x", hint="hint")) == "提示"
    assert catalogue.hint_of(MalformedError("x")) == ""


def test_help_in_chinese() -> None:
    """In a process of its own: help is built from the first word on."""
    ran = subprocess.run(
        [
            *(sys.executable, "-c", "from syncd.cli.main import main; main()"),
            *("--lang", "zh", "report", "import", "--help"),
        ],
        capture_output=True,
        check=True,
    )
    out = ran.stdout.decode()
    assert "字段=列" in out
    assert "report import [选项] FILE\n" in out
    assert "存放令牌的文件" in out
    for words in ("用法：", "[选项]", "选项:", "显示本说明并退出。"):
        assert words in out
    for words in ("Usage", "Options", "Arguments", "Show this", "required"):
        assert words not in out


@each("messages", "wrong_use", "words, english, chinese")
def test_wrong_use(
    words: list[str],
    english: str,
    chinese: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line, exit code 2, and no argument that may be a raw value."""
    for lang, wanted in (("en", english), ("zh", chinese)):
        with pytest.raises(SystemExit) as caught:
            main.main(["--lang", lang, *words])
        assert caught.value.code == 2
        err = capsys.readouterr().err
        assert wanted in err
        assert "13800138000" not in err
        assert len(err.splitlines()) <= 2
    catalogue.choose("en")


def test_a_language_that_we_do_not_speak(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["--lang=fr", "status"])
    assert caught.value.code == 2
    assert "en or zh" in capsys.readouterr().err
