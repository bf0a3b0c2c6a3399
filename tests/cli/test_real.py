"""The same commands before a real daemon, in a real alliance of three."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from syncd.cli import compliance_commands
from tests.cli.conftest import Node, Real, Run, lookup

LISTED = "shop-for-fraud.example"
WORDS = ["--label", "fake_shop", "--evidence", "bank_detection"]
URL = [*WORDS, "--kind", "url", "--role", "phishing_host"]


def test_reported_here_listed_there_retracted_gone(
    real: Real, bank: Node, police: Node
) -> None:
    """The way of one report, by the words that an operator types."""
    ran = bank("report", "add", *URL, "--json", stdin=LISTED)
    assert ran.ended(0).json["accepted"] == 1
    real.settle()
    found = lookup(police, LISTED, "url")
    assert found["verdict"] == "suspected"
    assert found["positions"][0][0] == "bank.example/syncd/txwz/1"
    listed = bank("report", "list", "--state", "published", "--json").json
    assert found["positions"][0] in [i["position"] for i in listed["items"]]
    where = ":".join(map(str, found["positions"][0]))
    bank("report", "retract", "--position", where, "--reason", "test").ended(0)
    real.settle()
    assert lookup(police, LISTED, "url")["verdict"] == "none"


def test_a_log_is_shown(bank: Node) -> None:
    """Ours, or one that we mirror; and of no other anything."""
    ours = bank("log", "show", "--json").ended(0).json
    assert ours["size"] == len(ours["items"])
    police = "police.example/syncd/txwz/1"
    bank("log", "show", "--mirror", police).printed(police)
    bank("log", "show", "--mirror", "x.example/1").ended(1, "nothing of")


def test_how_a_url_was_read_is_printed(bank: Node, police: Node) -> None:
    """By the report that dropped a query, and the look-up that tried both."""
    pay = "http://a.b.c.pay.hunt.example/pay"
    bank("report", "add", *URL, stdin=f"{pay}?id=1\n").printed(
        "its query was dropped", "only this very host"
    )
    words = ("lookup", "--kind", "url", "--purpose", "test")
    police(*words, stdin=f"{pay}。\n").printed("it was tried with and without")
    ran = police(*words, stdin=f"“{pay}”\n").ended(1)
    assert "text stands before it" in ran.out


def test_what_is_in_the_vault_is_found(bank: Node, tmp_path: Path) -> None:
    """By kind, list, import, day, person and value, which is on no line."""
    path = tmp_path / "list.txt"
    path.write_text("one.found.example\ntwo.found.example\n")
    words = ("report", "import", path, *URL, "--list", "found", "--json")
    number = bank(*words).json["import"]

    def found(*words: object, stdin: bytes = b"") -> int:
        ran = bank("report", "list", *words, "--json", stdin=stdin)
        return len(ran.json["items"])

    assert found("--list", "found") == found("--import", number) == 2
    assert found("--list", "found", "--kind", "phone") == 0
    assert found("--list", "found", "--label", "fake_shop") == 2
    assert found("--list", "found", "--to", "2020-01-01") == 0
    assert found("--list", "found", "--from", "2020-01-01", "--by", "cli") == 2
    value = ("--value", "--kind", "url")
    assert found(*value, stdin=b"http://two.found.example/") == 1
    bank("report", "list", "--value").ended(2)
    table = bank("report", "list", "--list", "found", "--values").out
    assert "due" in table
    assert table.index("two.found") < table.index("one.found")
    assert str(number) in bank("report", "imports", "--list", "found").out


BANKS_OWN = (
    "涉案账户名单（2026年11月）,,,,,\n"
    "序号,种类,涉案账号,诈骗类型,角色,发现时间\n"
    "1,网址,http://px1.words.example/pay,冒充公检法,钓鱼网站,2026年11月3日\n"
    "2,网址,http://px2.words.example/pay,杀猪盘,钓鱼网站,2026/11/4\n"
    "3,网址,http://px3.words.example/pay,冒充公检法,钓鱼网站,20261105\n"
    "4,网址,http://com.cn/,冒充公检法,钓鱼网站,20261105\n"
)


def test_a_list_in_its_own_words(bank: Node, tmp_path: Path) -> None:
    """One dry run, one mapping file edited, one import; refusals mended."""
    path = tmp_path / "名单.csv"
    path.write_text(BANKS_OWN)
    codes, out = tmp_path / "codes.toml", tmp_path / "退回.csv"
    words = ("report", "import", path, "--evidence", "bank_detection")
    before = len(bank("report", "imports", "--json").json["items"])
    ran = bank(
        *words, "--role", "phishing_host", "--dry-run", lang="zh"
    ).ended(1)
    for want in ("涉案账号", "不保存", "imp_police", "将上报 0，退回 4"):
        assert want in ran.out
    ran = bank(*words, "--write-codes", codes)
    assert (ran.code, codes.stat().st_mode & 0o777) == (1, 0o600)
    bank(*words, "--write-codes", codes).ended(2, "is there already")
    found = codes.read_text()
    assert "nearest: imp_police" in found
    # Until it is decided, its rows are refused.
    bank(*words, "--map", codes, "--dry-run").ended(1)
    for word, code in (
        ("冒充公检法", "imp_police"),
        ("杀猪盘", "fake_invest"),
        ("钓鱼网站", "phishing_host"),
    ):
        found = found.replace(f'"{word}" = ""', f'"{word}" = "{code}"')
    codes.write_text(found)
    ran = bank("report", "import", path, "--map", codes, "--dry-run")
    assert "4 rows: 3 would be reported, 1 refused" in ran.out
    listed = ran.out[ran.out.index("The first rows") :].split("\n")[2].split()
    assert listed[:4] == ["3", "url", listed[2], "imp_police"]
    assert "words.example" not in ran.out
    assert "public suffix" in ran.out
    assert len(bank("report", "imports", "--json").json["items"]) == before
    ran = bank(
        "report", "import", path, "--map", codes, "--refused", out, "--json"
    )
    assert (ran.json["accepted"], ran.json["refused"]) == (3, 1)
    text = out.read_text("utf-8-sig")
    text = text.replace("http://com.cn/", "http://icbc.words.example")
    out.write_text(text, "utf-8-sig")
    ran = bank("report", "import", out, "--map", codes, "--json")
    assert ran.ended(0).json["accepted"] == 1


def test_what_a_dry_run_tells_programs(bank: Node, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("url,诈骗类型\na.dry.example,虚构\na.dry.example,假\n")
    ran = bank("report", "import", path, *URL[2:], "--dry-run", "--json")
    assert (ran.code, ran.json["good"], ran.json["rows"]) == (1, 0, 2)
    assert {u["word"] for u in ran.json["unknown"]} == {"虚构", "假"}
    path.write_text("url\na.dry.example\n# twice\nhttp://a.dry.example/\n")
    ran = bank("report", "import", path, *URL, "--dry-run").printed(
        "2 would be reported, 0 refused; 1 stand in another"
    )
    assert ran.err.count("comment lines skipped: 1") == 1


def test_a_local_list_answers_here_alone(
    bank: Node, police: Node, tmp_path: Path
) -> None:
    """Until it is removed whole."""
    path = tmp_path / "list.txt"
    path.write_text("local.own.example\n")
    words = ("report", "import", path, *URL, "--local", "--list", "ours")
    assert bank(*words, "--json").json["added"] == 1
    assert bank(*words, "--json").json["known"] == 1
    assert lookup(bank, "local.own.example", "url")["ours"]["local"]
    assert "ours" not in lookup(police, "local.own.example", "url")
    [item] = bank("own", "list", "--list", "ours", "--json").json["items"]
    assert item["type"] == "local"
    assert bank("own", "remove", "--list", "ours").out == "removed 1 entries\n"
    assert "ours" not in lookup(bank, "local.own.example", "url")


@pytest.mark.slow
def test_a_drill_once_a_day(
    real: Real, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All have it and its end; it is in no figure, and alarms nobody."""
    carrier, told = real.member("carrier", run), ("urgent", "retract")
    monkeypatch.setattr(compliance_commands, "PAUSE_S", 0.01)
    members = real.alliance.members.values()

    async def beside() -> Any:
        """Run rounds until it ended; return events and figures of others."""
        ran = asyncio.create_task(asyncio.to_thread(carrier, "drill"))
        while not ran.done():
            await real.alliance.settle()
        events = [await m.events(name) for m in members for name in told]
        mirror = real.alliance.police.node.ctx.mirror
        return await ran, events, await mirror.figures(str)

    real.settle()
    before = real.do(real.alliance.police.node.ctx.mirror.figures(str))
    ran, events, figures = real.do(beside())
    assert (ran.code, ran.out.count("not within 300 s: -")) == (0, 1), ran
    assert ran.out.count("police") == 1
    assert (events, figures) == ([[]] * len(events), before)
    carrier("drill").ended(1, "today's drill was")
