"""What no page of ours sends is answered by a page that says what is wrong."""

import re
from urllib.parse import urlencode

import pytest

from tests.alliance import Alliance
from tests.console.browser.scene import lists
from tests.console.conftest import Page, Visitor
from tests.console.test_disputes import disputed

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORM = "application/x-www-form-urlencoded"
LONG = "9" * 5000  # more digits than Python makes a number of
BAD = ((), ("", "x"), (LONG,), (f"x:{LONG}",), ("²:²",), ("2026-99-99\0",))
MOST = 24  # tries of a form
OWN = ("/logout", "/lang", "/system")  # end what the others need


async def sent(
    who: Visitor, path: str, body: bytes | str | None, kind: str = FORM
) -> Page:
    """Send a request that a person made."""
    headers = {"Origin": who.url, "Sec-Fetch-Site": "same-origin"}
    async with who.browser.request(
        "GET" if body is None else "POST",
        who.url + path,
        data=body,
        headers={**headers, "Content-Type": kind},
        allow_redirects=False,
    ) as got:
        return Page(got.status, got.headers, await got.text(), path)


def is_page(found: Page) -> bool:
    """Tell whether something is a page, and none that says we failed."""
    kind = found.headers.get("Content-Type", "text/html")
    return found.status < 500 and kind.startswith("text/")


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/reports", b"value=%ff", FORM),
        ("/reports", b"value=" + b"x" * 70_000, FORM),
        ("/reports/retract", f"reason=duplicate&ids={LONG}", FORM),
        ("/reports/retract", f"reason=duplicate&positions=x:{LONG}", FORM),
        ("/disputes/answer", f"outcome=report_stands&positions={LONG}", FORM),
        ("/imports", b"--x\r\n\r\n", "multipart/form-data"),
        ("/imports", b"x", "multipart/form-data; boundary=y"),
        (
            "/imports",
            b"--y\r\nContent-Length: x\r\n\r\nz\r\n--y--",
            "multipart/form-data; boundary=y",
        ),
        ("/imports", b"", ""),
    ],
)
async def test_it_is_refused_on_a_page(
    operator: Visitor, path: str, body: bytes | str, kind: str
) -> None:
    found = await sent(operator, path, body, kind)
    assert (found.status, is_page(found)) == (400, True), found.html


async def test_no_field_of_a_look_up_breaks_it(operator: Visitor) -> None:
    """One alone is wrong in each; what cannot be read is said of the value."""
    for name in ("kind", "sent", "scheme", "reference"):
        form = {"text": "+12025550181", "purpose": "dissuasion", name: "9:"}
        for bad in ("x", f"{'9' * 30}:1", LONG):
            found = await operator.post("/lookup", {**form, name: bad})
            assert is_page(found), found.html


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
    assert tried > 200


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
    for one in (some := tries[:: len(tries) // MOST + 1]):
        asked = urlencode(one)
        if 'method="post"' in form:
            found = await sent(who, action, asked)
        else:
            found = await sent(who, f"{action}?{asked[:3900]}", None)
        assert is_page(found), (action, one, found.html)
    return len(some)
