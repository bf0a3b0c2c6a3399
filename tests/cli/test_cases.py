"""Lists and look-ups as people have them, before a real daemon.

Each is one instance of a kind that was seen in the field: what must come is
the very value that stands there, or a refusal that says what is wrong.
"""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from operator import contains
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from syncd.cli import never_edits
from syncd.roster import drafts
from tests.cli.conftest import Node, Real

REST = ["--evidence", "user_tag", "--label"]
URL = ["--kind", "url", "--role", "phishing_host", *REST, "fake_shop"]
CN = ["--region", "CN"]
PHONE = ["--kind", "phone", "--role", "caller", *REST, "nuisance_call", *CN]
ACCOUNT = ["--kind", "account", "--role", "collecting_account", *REST, "other"]
OPEN, PURL = "http://schemas.openxmlformats.org", "http://purl.oclc.org/ooxml"
NAMESPACES = {
    f"{OPEN}/spreadsheetml/2006/main": f"{PURL}/spreadsheetml/main",
    f"{OPEN}/officeDocument/2006/": f"{PURL}/officeDocument/",
}
PROTECTED = (
    "cn:110 cn:96110 cn:12345 cn:12333 cn:95588 mo:993 gov.cn/ google.com/"
    " 12306.cn/ taobao.com/ icbc.com.cn/ qq.com/ bit.ly/ t.cn/ youtube.com/"
)  # of our own list: with all of it each token would be asked for


@pytest.fixture(scope="module", autouse=True)
def protected(real: Real) -> None:
    """The alliance's never-list has some of our own."""
    rows = [x for x in never_edits.ours() if x.value in PROTECTED.split()]
    real.do(
        real.alliance.change(
            lambda d: drafts.put(d, ("never",), *rows), "bank"
        )
    )


def imported(
    member: Node, path: Path, words: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str], str]:
    """Return the reports that a list became, the reasons, what was told."""
    out, name = path.with_name("out.csv"), f"{path.parent.name}/{path.name}"
    more = ("--list", name, "--refused", out)
    ran = member("report", "import", path, *words, *more)
    text = out.read_text("utf-8-sig") if out.exists() else ""
    reasons = [row[1] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert ran.code == (1 if reasons else 0)
    listed = member("report", "list", "--list", name, "--values", "--json")
    return listed.json["items"][::-1], reasons, ran.err


def verdicts(member: Node, kind: str, values: Sequence[str]) -> list[str]:
    words = ("lookup", "--kind", kind, "--purpose", "test", "--json", *CN)
    items = member(*words, stdin="\n".join(values).encode()).json["items"]
    return [i.get("verdict", "problem") for i in items]


# ------------------------------------------------------- protected values


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (
            URL,
            "https://www.google.com/ https://www.12306.cn/ https://t.cn/"
            " https://mp.weixin.qq.com/ https://www.bit.ly/ https://docs.qq.com"
            " https://login.taobao.com/ https://mybank.icbc.com.cn/"
            " http://user@www.google.com./ https://www.sz.gov.cn/x",
        ),
        (
            PHONE,
            "025-96110 0755-96110 010110 021-12345 0571-12333 008675596110"
            " +8695588 +86110 (0571)96110 mo:993",
        ),
    ],
)
def test_nobody_innocent_is_listed(
    bank: Node, words: list[str], values: str
) -> None:
    """F1, F2: however it is shown; a look-up knows it too."""
    each = values.split()
    ran = bank("report", "add", *words, stdin="\n".join(each).encode())
    assert (ran.code, ran.out.count("never-list")) == (1, len(each))
    assert verdicts(bank, words[1], each) == ["protected"] * len(each)


# ------------------------------------------------------------------ lists


def sheet(rows: str, *merged: str) -> bytes:
    """Return a workbook: a row a line, cells parted by blanks."""
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in rows.splitlines():
        page.append(row.split())
    for area in merged:
        page.merge_cells(area)
    book.save(raw := io.BytesIO())
    return raw.getvalue()


def strict(raw: bytes) -> bytes:
    """Return a workbook as Strict Open XML."""
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as old,
        zipfile.ZipFile(made := io.BytesIO(), "w") as new,
    ):
        for name in old.namelist():
            text = old.read(name).decode()
            for one, other in NAMESPACES.items():
                text = text.replace(one, other)
            new.writestr(name, text)
    return made.getvalue()


BANK = "20000012345678"
TWO = "more than one URL in it"
Case = tuple[bytes | str, list[str], str, list[str]]
CASES: Mapping[str, Case] = {
    "F3": (
        f"value,联行号\n{BANK},313100000013\n{BANK},313332082914\n"
        f"{BANK},402584009991\n{BANK},313\n{BANK},313100000014\n",
        ACCOUNT,
        f"bank:BJCNCNBJ:{BANK} bank:BKNBCN2N:{BANK} bank:SRCCCNBS:{BANK}",
        ["is a class of many banks", "last digit of a clearing code"],
    ),
    "F4": (
        'value\n"http://m1.hunt.example/a\nhttp://m2.hunt.example/b"\n'
        "http://m3.hunt.example/a http://m4.hunt.example/b\n"
        "http://m5.hunt.example/a;http://m6.hunt.example/b\n"
        '"http://m9.hunt.example/a,http://m10.hunt.example/b"\n'
        '"http://m11.hunt.example/a\rm12.hunt.example"\n',
        URL,
        "",
        [TWO] * 5,
    ),
    "F6, F21": (
        "\ufeffsep=|\r\nvalue|label\r\nhttp://s1.hunt.example/|fake_shop\r\n"
        "http://p1.hunt.example/pay。|\r\nhttp://p2.hunt.example/pay,|\r\n"
        "http://p3.hunt.example/pay）|\r\nhttp://p4.hunt.example/】回T退订|\r\n",
        URL,
        "s1.hunt.example/",
        ["text or punctuation stands behind it"] * 4,
    ),
    "F9, F22": (
        strict(
            sheet(
                "value\nhttp://x1.hunt.example/login_x000D_\n"
                "x2.hunt.example/_x005F_x000D_\nx3.hunt.example/x005F_order\n"
                "http://x4.hunt.example/_x000A_http://x5.hunt.example/"
            )
        ),
        URL,
        "x1.hunt.example/login x2.hunt.example/_x000D_"
        " x3.hunt.example/x005F_order",
        [TWO],
    ),
    "F11": (
        "value,scheme\n6222021234567890000,ICBKCNBJ\n62220212345678900,102\n"
        '="6222021234567890120",102\n6.22202123456789E+18,102\n',
        ACCOUNT,
        "bank:ICBKCNBJ:6222021234567890120",
        ["zeros from the 16th on"] * 2 + ["a spreadsheet rounded it"],
    ),
    "F13": (
        sheet(
            "值 标签 种类\nx6.hunt.example fake_invest url\nx7.hunt.example\n"
            "x8.hunt.example",
            *("B2:B3", "C2:C4"),
        ),
        [*PHONE, "--role", "phishing_host"],
        "x6.hunt.example/ x7.hunt.example/ x8.hunt.example/",
        [],
    ),
    "F15": (
        "####\n# Terms apply, a lot of them #\n# id,dateadded,url,tags\n"
        '"1","2026-11-20 10:00:00","http://u1.hunt.example/m","elf,mozi"\n'
        '# part two\n"2","2026-11-20 10:01:00","http://u2.hunt.example:5/",""',
        URL,
        "u1.hunt.example/m u2.hunt.example/",
        [],
    ),
    "F18": (
        "手机号,国家,地区\n13800138011,中国,广东深圳\n13800138012,CHN,北京\n"
        "13800138013,86,香港\n13800138014,,火星\n+8613800138015,火星,\n"
        "13800138016,China (Mainland),\n13800138017,火星,\n",
        PHONE,
        " ".join(f"+861380013801{n}" for n in range(1, 7)),
        ["region: 火星 names no country"],
    ),
    "F19": (  # in GBK
        (
            "账号,账号方案\nzs-hunt@example.com,支付宝\nzhang_hunt01,微信\n"
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t,波场\n"
            f"6222021234567890128,工商银行\n{BANK},工行深圳分行\n{BANK},某某银行\n"
        ).encode("gbk"),
        ACCOUNT,
        "alipay:zs-hunt@example.com wechat:zhang_hunt01"
        " tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t card:6222021234567890128"
        f" bank:ICBKCNBJ:{BANK}",
        ["scheme: 某某银行 names no kind of account"],
    ),
    "D1": (
        "value\nhttps://play.google.com/store/apps/details?id=a.b\n"
        "https://www.youtube.com/watch?v=1\nhttp://d.hunt.example/x?y=1\n"
        "https://mp.weixin.qq.com/s/x1\nhttps://x.feishu.cn/\n",
        URL,
        "d.hunt.example/x mp.weixin.qq.com/s/x1 x.feishu.cn/",
        ["query id the page", "query v the page"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_list_as_people_have_it(
    bank: Node, tmp_path: Path, case: str
) -> None:
    """Every value is the one that stands there, or refused for a reason."""
    raw, words, forms, reasons = CASES[case]
    data = raw.encode() if isinstance(raw, str) else raw
    path = tmp_path / ("a.xlsx" if data.startswith(b"PK") else "a.csv")
    path.write_bytes(data)
    items, whys, outcome = imported(bank, path, words)
    assert [item["value"] for item in items] == forms.split()
    assert len(whys) == len(reasons)
    assert all(map(contains, whys, reasons))
    assert ("its query was dropped" in outcome) == (case == "D1")
    if case == "F13":  # the last row is not below the merged cell
        labels = [item["label"] for item in items]
        assert labels == ["fake_invest", "fake_invest", "nuisance_call"]


def test_an_explicit_offset_is_honoured(bank: Node, tmp_path: Path) -> None:
    """D5: in the roster's zone; without one the list's own day stands."""
    times = "20:00:00Z", "20:00:00", "20:00:00+08:00", "20:00:00-05:00"
    path = tmp_path / "a.csv"
    rows = [f"z{n}.hunt.example,2026-11-27T{at}" for n, at in enumerate(times)]
    path.write_text("\n".join(["value,seen", *rows]))
    items, _, _ = imported(bank, path, URL)
    assert [item["seen"][-2:] for item in items] == ["28", "27", "27", "28"]


# --------------------------------------------------------------- look-ups


def test_no_answer_reads_as_a_clearance(bank: Node, real: Real) -> None:
    """F6, F8: what is no URL is a problem; a sentence's end is cut off."""
    site = "k.hunt.example"
    bank("report", "add", *URL, stdin=f"http://{site}/pay\n".encode())
    real.settle()
    ends = "。", "，请尽快办理", "）", "】回T退订", ",", "？", "点击", "!"
    tried = [f"http://{site}/pay{end}" for end in ends]
    assert verdicts(bank, "url", tried) == ["suspected"] * len(tried)
    wrong = (
        f'"http://{site}/"|<http://{site}/>|http//{site}/|h**p://{site}/|无'
        f"|k(.)hunt(.)example|{site} # note|积分到期http://{site}/"
    ).split("|")
    assert verdicts(bank, "url", wrong) == ["problem"] * len(wrong)


def test_machine_numbers(bank: Node, real: Real) -> None:
    """F16: 13 digits are a SIM of their own, never a sender of SMS."""
    values = (
        b"1440012345678\n1410012345678\n+861440123456789\n1064712345678\n"
        b"14812345678\n14612345678\n1480012345678"
    )
    good = values.decode().split()[:-1]
    ran = bank("report", "add", *PHONE, stdin=values)
    assert (ran.code, ran.out.count("accepted")) == (1, 6)
    real.settle()
    assert verdicts(bank, "phone", good) == ["suspected"] * 6


def test_a_bare_number_that_may_be_a_bank_s(bank: Node) -> None:
    """It is unknown, and in both languages the answer says what to give."""
    words = ("lookup", "--kind", "account", "--purpose", "test")
    values = b"20000099999999\n13800138999\n"
    ran = bank(*words, stdin=values)
    assert ran.err.count("if it is a bank account, name the bank") == 2
    ran = bank(*words, stdin=values, lang="zh")
    assert ran.err.count("如是银行账号，请注明银行") == 2
    assert "account:" not in ran.err
