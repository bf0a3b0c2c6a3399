"""Lists and look-ups as people have them, before a real daemon.

Each is one instance of a kind that was seen in the field: what must come is
the very value that stands there, or a refusal that says what is wrong.
"""

import io
import zipfile
from collections.abc import Sequence
from operator import contains, itemgetter
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from syncd.cli import edits
from syncd.roster import drafts
from tests.cases import cases, tried
from tests.cli.conftest import Node, Real, read

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
    "cn:110 cn:96110 cn:12345 cn:12333 cn:95588 cn:95516 mo:993 gov.cn/ google.com/"
    " 12306.cn/ taobao.com/ icbc.com.cn/ qq.com/ bit.ly/ t.cn/ youtube.com/"
)  # of our own list: with all of it each token would be asked for


@pytest.fixture(scope="module", autouse=True)
def protected(real: Real) -> None:
    """The alliance's never-list has some of our own."""
    rows = [x for x in edits.ours() if x.value in PROTECTED.split()]
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
    rows = read(out) if out.exists() else ()
    reasons = [[*row.values()][1] for row in rows]
    assert ran.code == bool(reasons)
    listed = member("report", "list", "--list", name, "--values", "--json")
    return listed.json["items"][::-1], reasons, ran.err


def verdicts(member: Node, kind: str, values: Sequence[str]) -> list[str]:
    words = ("lookup", "--kind", kind, "--purpose", "test", "--json", *CN)
    items = member(*words, stdin="\n".join(values)).json["items"]
    return [i.get("verdict", "problem") for i in items]


# ------------------------------------------------------- protected values


@tried(
    "words, values",
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
            " +8695588 95516 +86110 (0571)96110 mo:993",
        ),
    ],
)
def test_nobody_innocent_is_listed(
    bank: Node, words: list[str], values: str
) -> None:
    """F1, F2: however it is shown; a look-up knows it too."""
    each = values.split()
    ran = bank("report", "add", *words, stdin="\n".join(each))
    assert ran.ended(1).out.count("never-list") == len(each)
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


@tried("one", cases("lists/people"), ids=itemgetter("name"))
def test_a_list_as_it_comes(bank: Node, tmp_path: Path, one: Any) -> None:
    """Every value is the one that stands there, or refused for a reason."""
    path = tmp_path / ("a.xlsx" if "sheet" in one else "a.csv")
    if "sheet" in one:
        data = sheet(one["sheet"], *one.get("merged", ()))
        path.write_bytes(strict(data) if "strict" in one else data)
    else:
        path.write_bytes(one["text"].encode(one.get("encoding", "utf-8")))
    words = {"url": URL, "phone": PHONE, "account": ACCOUNT}[one["as"]]
    items, whys, outcome = imported(bank, path, [*words, *one.get("more", ())])
    assert [item["value"] for item in items] == one["listed"].split()
    assert len(whys) == len(one["reasons"])
    assert all(map(contains, whys, one["reasons"]))
    assert ("its query was dropped" in outcome) == (one["name"] == "D1")
    labels = [item["label"] for item in items]
    assert labels == one.get("labels", labels)


def test_an_explicit_offset_is_honoured(bank: Node, tmp_path: Path) -> None:
    """D5: in the roster's zone; without one the list's own day stands."""
    times = "20:00:00Z", "20:00:00", "20:00:00+08:00", "20:00:00-05:00"
    path = tmp_path / "a.csv"
    rows = [f"z{n}.hunt.example,2026-11-27T{at}" for n, at in enumerate(times)]
    path.write_text("\n".join(["value,seen", *rows]))
    items, _, _ = imported(bank, path, URL)
    assert [item["seen"][-2:] for item in items] == ["28", "27", "27", "28"]


# --------------------------------------------------------------- look-ups


@pytest.mark.slow
def test_no_answer_reads_as_a_clearance(bank: Node, real: Real) -> None:
    """F6, F8: what is no URL is a problem; a sentence's end is cut off."""
    site = "k.hunt.example"
    bank("report", "add", *URL, stdin=f"http://{site}/pay\n")
    real.settle()
    ends = "。", "，请尽快办理", "）", "】回T退订", ",", "？", "点击", "!"
    tried = [f"http://{site}/pay{end}" for end in ends]
    assert verdicts(bank, "url", tried) == ["suspected"] * len(tried)
    wrong = (
        f'"http://{site}/"|<http://{site}/>|http//{site}/|h**p://{site}/|无'
        f"|k(.)hunt(.)example|{site} # note|积分到期http://{site}/"
    ).split("|")
    assert verdicts(bank, "url", wrong) == ["problem"] * len(wrong)


def test_a_bare_number_that_may_be_a_bank_s(bank: Node) -> None:
    """It is unknown, and in both languages the answer says what to give."""
    words = ("lookup", "--kind", "account", "--purpose", "test")
    values = b"20000099999999\n13800138999\n"
    ran = bank(*words, stdin=values)
    assert ran.out.count("if it is a bank account, name the bank") == 2
    ran = bank(*words, stdin=values, lang="zh")
    assert ran.out.count("如是银行账号，请注明银行") == 2
    assert "account:" not in ran.out
