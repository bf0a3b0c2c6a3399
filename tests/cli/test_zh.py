"""The command line speaks Chinese: every sentence, and no others."""

import ast
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.cli import imported, main, text, told, usage, vault, zh
from syncd.errors import MalformedError, joined
from syncd.indicator import masked, vocabulary
from syncd.lists import kinds, mapping

ROOM = Path(zh.__file__).parent
TREES = {p.name: ast.parse(p.read_text()) for p in ROOM.rglob("*.py")}


def said(tree: ast.AST) -> Iterator[str]:
    """What `t` is called with: texts, or a name that runs over texts."""
    for node in ast.walk(tree):
        if isinstance(
            node, ast.ListComp | ast.DictComp | ast.For | ast.GeneratorExp
        ):
            yield from looped(node)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "t"
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def looped(
    node: ast.ListComp | ast.DictComp | ast.For | ast.GeneratorExp,
) -> Iterator[str]:
    """The texts of a tuple in `t(name) for name in (…)`."""
    loop = node if isinstance(node, ast.For) else node.generators[0]
    names = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
    called = any(
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "t"
        and isinstance(call.args[0], ast.Name)
        and call.args[0].id in names
        for call in ast.walk(node)
    )
    if called:
        for one in ast.walk(loop.iter):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield one.value


# Files below syncd/ whose refusals are said in Chinese too.
REFUSING: tuple[str, ...] = (
    "cli/importing/journey.py",
    *("cli/imported.py", "cli/imports.py"),
    "flows/faults.py",
    "flows/lookup.py",
    "flows/report.py",
    "node/serve/disputed.py",
    "indicator/vocabulary.py",
    *(f"lists/{p.name}" for p in ROOM.parent.glob("lists/*.py")),
    *(
        "lists/cells.py",
        "lists/columns.py",
        "lists/names.py",
        "lists/header.py",
    ),
    *("lists/kinds.py", "lists/lines.py", "lists/sheet.py"),
    *("lists/table.py", "lists/text.py"),
    *("lists/columns.py", "lists/days.py", "lists/lines.py"),
    *(
        "lists/losses.py",
        "lists/mapping.py",
        "lists/sheet.py",
        "lists/words.py",
    ),
    "lists/table.py",
    "indicator/account.py",
    "indicator/bank.py",
    "indicator/chain.py",
    "indicator/iban.py",
    "indicator/national.py",
    "indicator/payment.py",
    "indicator/phone.py",
    "indicator/suffixes.py",
    "flows/own_lists.py",
    *("node/serve/intake.py", "store/gone.py", "store/imports.py"),
    "web/import_routes.py",
    "node/serve/own_list_service.py",
    "store/own_entries.py",
    "cli/lookup_files.py",
    "cli/tables.py",
    "web/codes.py",
    "web/own_lists.py",
    "indicator/host.py",
    "indicator/link.py",
    "indicator/url.py",
    "indicator/scheme.py",
)


def refused(tree: ast.AST) -> Iterator[str]:
    """What errors and notes are made with: messages and hints."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):  # _SHORT_HINT: Final = "…"
            name = getattr(node.target, "id", "")
            if name.endswith("_HINT") and isinstance(node.value, ast.Constant):
                yield str(node.value.value)
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name.endswith("Error") or name in {"_refuse", "refuse", "Note"}:
            hints = [k.value for k in node.keywords if k.arg == "hint"]
            for one in (*node.args[:1], *hints):
                either = [one]
                if isinstance(one, ast.IfExp):
                    either = [one.body, one.orelse]
                for text in either:
                    if isinstance(text, ast.Constant) and text.value:
                        yield str(text.value)


SENTENCES = {s for tree in TREES.values() for s in said(tree)}
SENTENCES |= {
    s
    for name in REFUSING
    for s in refused(ast.parse((ROOM.parent / name).read_text()))
}
SENTENCES |= {hint for *_, hint in kinds.FOREIGN if hint}
SENTENCES |= {
    "this token opens nothing here: it was revoked on {day}",
    "this token opens nothing here: it is another member's, or none",
    "retraction: nothing of ours that stands matches",
    "the role {role} may not: {what}",
}
SENTENCES |= {about for _, about in main.NOUNS.values()}
SENTENCES |= {*told.SENTENCES}
SENTENCES |= {*vault.HEAD, *imported.HEAD, masked.HINT, *mapping.REMARKS}
SENTENCES |= {*usage.SENTENCES, "#", "verdict", "action", "labels"}


def test_no_sentence_is_missing() -> None:
    assert sorted(SENTENCES - set(zh.TEXT)) == []


def test_none_is_left_over() -> None:
    assert sorted(set(zh.TEXT) - SENTENCES) == []


def test_the_same_names_stand_in_both() -> None:
    """Or what is put in would be lost, or missing."""
    for english, chinese in zh.TEXT.items():
        assert names(chinese) == names(english), english


def names(pattern: str) -> list[tuple[str, str | None]]:
    parts = string.Formatter().parse(pattern)
    return sorted((f, s) for _, f, s, _ in parts if f is not None)


def test_english_where_chinese_is_missing() -> None:
    text.choose("zh")
    try:
        assert text.t("no such sentence {n}", n=1) == "no such sentence 1"
        assert text.t("line {n}", n=1) == "第 1 行"
    finally:
        text.choose("en")
    assert text.t("line {n}", n=1) == "line 1"


def test_an_error_with_parameters_is_said_in_chinese() -> None:
    error = MalformedError("line {n}", n=7)
    assert (str(error), text.of(error)) == ("line 7", "line 7")
    text.choose("zh")
    try:
        assert text.of(error) == "第 7 行"
        assert text.of(MalformedError("no {such} sentence")) == (
            "no {such} sentence"
        )
    finally:
        text.choose("en")


def test_all_faults_and_their_hints_are_said_in_chinese() -> None:
    error = joined(
        [
            vocabulary.refused("label", "label", "杀猪盘诈骗"),
            MalformedError("confidence: not 0 to 100"),
        ]
    )
    text.choose("zh")
    try:
        assert text.of(error) == (
            "label：代码表中没有“杀猪盘诈骗”；confidence：须为 0 至 100"
        )
        assert text.hint_of(error).startswith("最接近的代码：fake_invest ")
        assert text.hint_of(MalformedError("x", hint="hint")) == "提示"
        assert text.hint_of(MalformedError("x")) == ""
    finally:
        text.choose("en")


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
    for words in ("用法：", "[选项]", "选项:", "显示本说明并退出。", "[必填]"):
        assert words in out
    for words in ("Usage", "Options", "Arguments", "Show this", "required"):
        assert words not in out


def literals(tree: ast.AST) -> Iterator[str]:
    """The texts of a module, `{}` where something is put in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}"
                for part in node.values
            )


def test_the_daemon_says_so() -> None:
    """Each part of a sentence that we know again is the daemon's own."""
    rooms = ("node", "flows", "peer", "web")
    source = "\n".join(
        text
        for room in rooms
        for path in (ROOM.parent / room).rglob("*.py")
        for text in literals(ast.parse(path.read_text()))
    )
    for sentence in told.WHYS:
        for part in re.split(r"\{\w+\}", sentence):
            for piece in part.split(": "):
                assert piece.strip(" ;") in source, sentence


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "publishing: log: not appending: the other members were not asked"
            " yet; 4 reports wait",
            "发布：日志：未写入：尚未询问其他成员；4 条上报在等待",
        ),
        (
            "behind: 7 entries of bank.example/syncd/txwz/1: bank: no answer"
            " in time",
            "落后：bank.example/syncd/txwz/1 的 7 条：bank：未按时应答",
        ),
        (
            "holders: 1 of the 2 needed are up: phones and accounts are"
            " unknown, and 3 reports wait; call bank, carrier",
            "密钥持有方：需要 2 方，仅 1 方在线：电话和账号无法查询，"
            "3 条上报在等待；请联系 bank, carrier",
        ),
        ("something that a newer daemon says", None),
    ],
)
def test_what_the_daemon_tells(english: str, chinese: str | None) -> None:
    """In English as it came; in Chinese, if it is known again."""
    assert told.said(english) == english
    text.choose("zh")
    try:
        assert told.said(english) == (chinese or english)
    finally:
        text.choose("en")


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (["bogus"], "no command bogus", "没有命令 bogus"),
        (["status", "--bogus"], "no option --bogus", "没有选项 --bogus"),
        (["report", "import"], "file is missing", "缺少 file"),
        (["status", "13800138000"], "more arguments", "参数过多"),
        (["report", "list", "--limit"], "--limit needs a value", "需要一个值"),
        (["report", "list", "--limit", "x"], "--limit: not a", "不接受这个值"),
        (["status", "--watch=1"], "--watch takes none", "不接受值"),
    ],
)
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
    text.choose("en")


def test_a_language_that_we_do_not_speak(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["--lang=fr", "status"])
    assert caught.value.code == 2
    assert "en or zh" in capsys.readouterr().err
