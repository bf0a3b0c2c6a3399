"""What no page of ours sends is answered by a page that says what is wrong."""

import io
import re
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.alliance import Alliance
from tests.console.browser.scene import lists
from tests.console.conftest import Page, Visitor
from tests.console.test_disputes import disputed

FORM = "application/x-www-form-urlencoded"
LONG = "9" * 5000  # more digits than Python makes a number of
BAD = ((), ("", "x"), (LONG,), (f"x:{LONG}",), ("²:²",), ("2026-99-99\0",))
MOST = 16  # tries of a form
OWN = ("/logout", "/lang", "/system")  # end what the others need


def is_page(found: Page) -> bool:
    """Tell whether something is a page, and none that says we failed."""
    kind = found.headers.get("Content-Type", "text/html")
    return found.status < 500 and kind.startswith("text/")


async def test_what_is_no_form_of_ours_is_refused(operator: Visitor) -> None:
    multipart = "multipart/form-data; boundary=y"
    part = "--y\r\nContent-Length: x\r\n\r\nz\r\n--y--"
    answer, retract = "outcome=report_stands", "reason=duplicate"
    for path, text, kind in (
        *(("/reports", "%ff", FORM), ("/reports", "x" * 70_000, FORM)),
        ("/reports/retract", f"{retract}&ids={LONG}", FORM),
        ("/reports/retract", f"{retract}&positions=x:{LONG}", FORM),
        ("/disputes/answer", f"{answer}&positions={LONG}", FORM),
        *(("/imports", "", ""), ("/imports", "x", multipart)),
        *(("/imports", "x", multipart[:19]), ("/imports", part, multipart)),
    ):
        found = await operator.post(path, text.encode(), Content_Type=kind)
        assert (found.status, is_page(found)) == (400, True), found.html
    for field in f"kind=x sent=9:{LONG[:30]}:1 sent={LONG[:30]}:1".split():
        raw = f"text=12345678&purpose=dissuasion&{field}".encode()
        found = await operator.post("/lookup", raw, Content_Type=FORM)
        assert (found.status, is_page(found)) == (200, True), found.html


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
    page = await upload(operator, bytes((16 << 20) + 1))
    assert (page.status, "longer than" in page.text) == (400, True)
    assert (await operator.get("/imports/file/1")).status == 404
    assert (await operator.get("/imports")).status == 200


@pytest.mark.slow
async def test_every_form_with_every_field_wrong(
    alliance: Alliance, people: dict[str, Visitor]
) -> None:
    """Missing, there twice, overlong and of another type, one at a time."""
    await disputed(alliance, "+12025550197", "police", "bank")
    await disputed(alliance, "+12025550198", "bank", "police")
    await lists(alliance.bank)
    tried = 0
    for role in ("operator", "compliance"):
        who, seen = people[role], set[str]()
        todo, done = ["/", "/reports/new"], set[str]()
        while todo:
            done.add(path := todo.pop())
            page = await who.get(path)
            found = set(re.findall(r'href="(/[^"?#]*)', page.html)) - done
            todo += [p for p in found if not p.startswith(("/static", "/log"))]
            for form in re.findall(r"<form.*?</form>", page.html, re.DOTALL):
                tried += await wrong(who, path, form, seen)
    assert tried > 150


async def wrong(who: Visitor, path: str, form: str, seen: set[str]) -> int:
    """Send a form of a page with each field wrong; return how often."""
    action = (re.findall(r'action="([^"?]*)', form) or [path])[0]
    fields = dict.fromkeys(re.findall(r'name="([^"]*)"', form), "")
    fields |= dict(re.findall(r'name="([^"]*)" value="([^"]*)"', form))
    kind = re.sub(r"\d+", "", f"{action} {sorted(fields)}")
    if kind in seen or action in OWN:
        return 0
    seen.add(kind)
    tries = [
        [*((n, v) for n, v in fields.items() if n != name), *instead]
        for name in fields
        for instead in ([(name, one) for one in bad] for bad in BAD)
    ]
    most = 6 if "/imports/" in action else MOST  # that starts a process
    for one in (some := tries[:: len(tries) // most + 1]):
        asked = urlencode(one)
        if 'method="post"' in form:
            found = await who.post(action, asked.encode(), Content_Type=FORM)
        else:
            found = await who.get(f"{action}?{asked[:3900]}")
        assert is_page(found), (action, one, found.html)
    return len(some)
