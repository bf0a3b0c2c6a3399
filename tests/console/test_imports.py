"""A list is read, understood, imported and mended without a terminal."""

import io
import re

import aiohttp
import pytest

from tests.alliance import Alliance
from tests.console.conftest import Page, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")
LIST = (
    "涉案号码,诈骗类型,角色,证据\n"
    "13812345680,冒充客服,主叫,报案\n"
    "13812345681,冒充客服,主叫,报案\n"
    "13812345682,<b>乱写</b>,主叫,报案\n"
).encode("gb18030")


async def upload(who: Visitor, raw: bytes = LIST) -> Page:
    """Send a file as a browser does."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", io.BytesIO(raw), filename="涉案名单.csv")
    headers = {"Origin": who.url, "Sec-Fetch-Site": "same-origin"}
    where = who.url + "/imports"
    async with who.browser.post(where, data=form, headers=headers) as got:
        return Page(got.status, got.headers, await got.text(), got.url.path)


def fields(page: Page) -> dict[str, str]:
    """Return what the form of a page has by now that is hidden and alone."""
    found = re.findall(
        r'type="hidden" name="(name|list|map)" value="([^"]*)"', page.html
    )
    return {k: v.replace("&#34;", '"') for k, v in found}


def where(page: Page) -> str:
    path: str
    [path] = set(re.findall(r'action="(/imports/file/\d+)"', page.html))
    return path


@pytest.mark.slow
async def test_a_list_with_unknown_words_comes_in(
    alliance: Alliance, operator: Visitor
) -> None:
    """In GB18030; each word by one click, what is refused mended in place."""
    page = await upload(operator)
    assert (page.status, page.path) == (200, "/imports")
    assert "kind" in page.text  # no column says it
    file, how = where(page), {"all:kind": "phone", "all:region": "CN"}
    page = await operator.post(file, {**fields(page), **how})
    assert "3 rows: 0 would be reported" in page.text
    assert "<b>乱写" not in page.html
    for word, code in (
        ("role:主叫", "caller"),
        ("evidence:报案", "victim_report"),
        ("label:冒充客服", "refund_cs"),
    ):
        assert f'<button name="word:{word}" value="{code}"' in page.html
        pick = {f"word:{word}": code, "word:label:<b>乱写</b>": ""}
        page = await operator.post(file, {**fields(page), **how, **pick})
    assert "3 rows: 2 would be reported, 1 refused" in page.text
    assert "+86138****5680" in page.text
    assert "13812345680" not in page.html
    page = await operator.post(file, {**fields(page), **how, "start": "1"})
    assert page.path == "/imports"
    await alliance.bank.node.background.idle()
    page = await operator.get("/imports")
    assert "finished" in page.text
    assert "涉案名单.csv" in page.text
    [path] = re.findall(r'href="(/imports/\d+)"', page.html)
    await mended(alliance, operator, path, how)


async def mended(
    alliance: Alliance, operator: Visitor, path: str, how: dict[str, str]
) -> None:
    """Mend the one row that was refused, and import it."""
    page = await operator.get(path)
    assert "accepted 2, already known 0, refused 1" in page.text
    assert 'name="cell:4:涉案号码" value="13812345682"' in page.html
    better = {"诈骗类型": "refund_cs", "角色": "caller", "证据": "user_tag"}
    form = {f"cell:4:{column}": cell for column, cell in better.items()}
    page = await operator.post(path, {"list": "涉案名单.csv", **form})
    page = await operator.post(where(page), {**fields(page), **how})
    assert "1 rows: 1 would be reported, 0 refused" in page.text
    await operator.post(where(page), {**fields(page), **how, "start": "1"})
    await alliance.bank.node.background.idle()
    page = await operator.get(path.replace(path[-1], str(int(path[-1]) + 1)))
    assert "涉案名单.csv: accepted 1" in page.text


async def test_what_is_no_list_says_so(operator: Visitor) -> None:
    page = await upload(operator, b"\xd0\xcf\x11\xe0")
    assert "涉案名单.csv: is XLS" in page.text
    page = await operator.post("/imports", {"file": "x"})
    assert (page.status, "no file" in page.text) == (400, True)
    page = await upload(operator, bytes((16 << 20) + 1))
    assert (page.status, "longer than" in page.text) == (400, True)
    assert (await operator.get("/imports/file/1")).status == 404
    assert (await operator.get("/imports")).status == 200
