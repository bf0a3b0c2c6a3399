"""What is handed over to be read, and is no list."""

import io

import aiohttp
import pytest

from tests.console.conftest import Page, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def upload(who: Visitor, raw: bytes) -> Page:
    """Send a file as a browser does."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", io.BytesIO(raw), filename="涉案名单.csv")
    headers = {"Origin": who.url, "Sec-Fetch-Site": "same-origin"}
    where = who.url + "/imports"
    async with who.browser.post(where, data=form, headers=headers) as got:
        return Page(got.status, got.headers, await got.text(), got.url.path)


async def test_what_is_no_list_says_so(operator: Visitor) -> None:
    page = await upload(operator, b"\xd0\xcf\x11\xe0")
    assert "涉案名单.csv: is XLS" in page.text
    page = await operator.post("/imports", {"file": "x"})
    assert (page.status, "no file" in page.text) == (400, True)
    page = await upload(operator, bytes((16 << 20) + 1))
    assert (page.status, "longer than" in page.text) == (400, True)
    assert (await operator.get("/imports/file/1")).status == 404
    assert (await operator.get("/imports")).status == 200
