"""An alliance of three with consoles, and somebody of each role logged in."""

import html
import itertools
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest

from tests.alliance import Alliance, Member

Form = Mapping[str, str] | bytes | None
ROLES = ("operator", "reviewer", "reader", "compliance", "auditor")


@dataclass
class Page:
    """What a browser gets."""

    status: int
    headers: Mapping[str, str]
    html: str
    path: str  # after redirects

    @property
    def text(self) -> str:
        """What a person reads, its blanks as one."""
        main = self.html.partition("<main")[2] or self.html
        bare = re.sub(r"<[^>]*>", " ", main.partition(">")[2])
        return " ".join(html.unescape(bare).split())

    def read(self, *says: str) -> "Page":
        """Assert that it says all of that."""
        assert all(one in self.text for one in says), (says, self.text)
        return self


@dataclass
class Visitor:
    """A browser without JavaScript, of one member's console."""

    member: Member
    browser: aiohttp.ClientSession
    staff: str = ""
    token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """The console's address."""
        (_, port, *_) = self.member.node.listeners.runners[-1].addresses[0]
        return f"http://127.0.0.1:{port}"

    async def get(self, path: str, *says: str, **headers: str) -> Page:
        """Open a page, which says all of that."""
        return (await self._ask("GET", path, None, headers)).read(*says)

    async def post(
        self, path: str, form: Form = None, *says: str, **headers: str
    ) -> Page:
        """Send a form from a page of this console; the answer says all that."""
        given = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        got = await self._ask("POST", path, form or {}, given | headers)
        return got.read(*says)

    async def log_in(self, **headers: str) -> Page:
        """Hand in the token."""
        return await self.post("/login", {"token": self.token}, **headers)

    async def _ask(
        self, method: str, path: str, form: Form, headers: Mapping[str, str]
    ) -> Page:
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        async with self.browser.request(
            method, self.url + path, data=form, headers=sent
        ) as got:
            where = got.url.path_qs
            return Page(got.status, got.headers, await got.text(), where)


OPEN: list[aiohttp.ClientSession] = []  # closed in the end


async def visitor(member: Member, role: str, staff: str) -> Visitor:
    """Return somebody with a token of their own, not logged in."""
    jar = aiohttp.CookieJar(unsafe=True)
    made = Visitor(member, aiohttp.ClientSession(cookie_jar=jar), staff)
    OPEN.append(made.browser)
    made.token = await member.own.bearers.add(
        f"{role} {staff}", role, None, staff, f"Person {staff}"
    )
    return made


NUMBERS = itertools.count(900)  # of staff


@pytest.fixture
async def newcomer(alliance: Alliance) -> Visitor:
    """A reader at the bank, not logged in."""
    return await visitor(alliance.bank, "reader", f"0{next(NUMBERS)}")


@pytest.fixture(scope="session")
async def alliance(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Alliance]:
    """Three members that are each other's holders, 2 of 3."""
    home = tmp_path_factory.mktemp("console")
    names = ["bank", "carrier", "police"]
    async with Alliance.found(home, names, local_apis=True) as found:
        await found.agreed()
        yield found
    for browser in OPEN:
        await browser.close()


@pytest.fixture(scope="session")
async def people(alliance: Alliance) -> dict[str, Visitor]:
    """Somebody of each role at the bank, logged in."""
    found = {}
    for number, role in enumerate(ROLES, 1):
        found[role] = await visitor(alliance.bank, role, f"{number:04}")
        assert (await found[role].log_in()).status == 200
    return found


@pytest.fixture
async def operator(people: dict[str, Visitor]) -> Visitor:
    return people["operator"]


@pytest.fixture
async def reader(people: dict[str, Visitor]) -> Visitor:
    return people["reader"]
