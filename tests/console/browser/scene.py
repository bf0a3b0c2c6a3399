"""What there is to see: three members with consoles, and people at each.

    async with scene.at("bank", "reviewer", lang="zh") as window:
        await window.open("/pending")

One member writes what no member should; some people have odd names. Whatever
is marked up is MARKUP, so that a page which takes a text for more is seen.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import structs
from playwright.async_api import Browser

from syncd.errors import NOTHING, Message, PendingError
from syncd.flows.entry import OwnDraft
from syncd.indicator import statement
from syncd.roster.terms import Never
from syncd.web import forms
from syncd.web.own_list_forms import OwnAdd
from syncd.web.routes import PEOPLE, Caller
from syncd.web.upload_forms import Reading
from tests.alliance import Alliance, Member
from tests.console.browser.window import Window, opened
from tests.node.test_joining import invite, join_by, keep, without

IDS = ("bank", "carrier", "police")
ROLES = tuple(sorted(PEOPLE))
STREAMS = {"/events"}  # answers that do not end, and are no pages
TONGUES = {"en": "en-GB", "zh": "zh-CN"}
MARKUP = "<img src=x onerror=alert(1)>\u202e\x07{{7*7}}&amp;\"'"

CONFIRMED = "+12025550123"
SUSPECTED = "+12025550124"
DISPUTED = "+12025550125"  # by the bank; reported by the carrier
QUIET = "+12025550126"  # no_tip_off
OURS = "http://evil.example/pay"  # the bank's; the carrier disputes it
NOBODYS = "+12025550199"
EMERGENCY = "+12025550911"
LIST = (
    "网址,诈骗类型,角色,证据\n"
    "http://first.example/a,虚假征信,phishing_host,user_tag\n"
    "http://second.example/b,fake_shop,phishing_host,user_tag\n"
    f"http://third.example/c,{MARKUP},phishing_host,user_tag\n"
)
VALUES = tuple(
    v.removeprefix("+1").removeprefix("http://")
    for v in (CONFIRMED, SUSPECTED, DISPUTED, QUIET, OURS, NOBODYS)
)
"""none of which may be where the browser or a log remembers it"""


async def prepare(alliance: Alliance) -> None:
    """Have every page of every member something to show."""
    bank, carrier, police = (alliance.members[id_] for id_ in IDS)
    listed = (Never("phone", EMERGENCY, "emergency"),)
    await alliance.change(lambda d: structs.replace(d, never=listed))
    await alliance.agreed()
    await police.report(
        "phone", CONFIRMED, evidence="police_case", handling="open"
    )
    await police.report(
        "phone", QUIET, evidence="police_case", handling="no_tip_off"
    )
    await carrier.report("phone", SUSPECTED, DISPUTED)
    await bank.tell("url", OURS)
    await dispute(bank, "phone", DISPUTED)
    await dispute(carrier, "url", OURS)
    await alliance.settle()
    # Written beside its publisher, which appends nothing to that any more.
    await carrier.write((1, MARKUP.encode()), (99, MARKUP.encode()))
    await alliance.settle()
    await lists(bank)
    await alliance.settle()
    await remember(bank)
    await remember(police)
    await knock(bank)
    await bank.node.audits.begin(Caller("desk", "operator"))
    await bank.node.background.idle()


async def knock(bank: Member) -> None:
    """Have somebody want in, and a draft that wants a signature."""
    await join_by(await invite(bank))
    await keep(bank, without)


async def remember(member: Member) -> None:
    """Have a member have seen the others for eighty days, not all of them good."""
    history = member.own.history
    today = statement.day(member.node.ctx.today())
    for ago in range(80):
        state = {31: 2, 32: 2, 60: 1}.get(ago, 0)
        why = Message("no answer in time") if state else NOTHING
        seen = [(id_, 0, NOTHING) for id_ in IDS if id_ != "carrier"]
        await history.add(today - ago, [*seen, ("carrier", state, why)])


async def lists(member: Member) -> None:
    """Have a list imported, but for a row, and another one uploaded."""
    there = member.node.uploads
    for name in ("imported.csv", "unknown.csv"):
        id_ = (await there.take(LIST.encode("gb18030"))).id
        how = Reading(name=name, constants={"kind": "url"})
        if name == "imported.csv":
            await there.import_(Caller("desk", "operator", 1), id_, how)
            await member.node.background.idle()
        else:
            await there.preview(id_, how)


async def dispute(member: Member, kind: str, value: str) -> None:
    """Have a member dispute all reports of a value."""
    draft = forms.DisputeDraft(kind=kind, value=value, reason="innocent_owner")
    await member.node.claim_intake.dispute(Caller("desk", "operator"), draft)


@dataclass
class Scene:
    """The alliance, its people's tokens, and who is logged in already."""

    alliance: Alliance
    chromium: Browser
    pictures: Path | None = None
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    _cookies: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    def address(self, member: str) -> str:
        """Return where a console is."""
        return f"http://{self.alliance.members[member].config.own.listen}"

    async def hire(self) -> None:
        """Give each member a person of each role."""
        for id_ in IDS:
            bearers = self.alliance.members[id_].own.bearers
            for n, role in enumerate(ROLES):
                self.tokens[id_, role] = await bearers.add(
                    *(f"{role}-1", role),
                    staff=f"{n:04}",
                    person=MARKUP if role == "compliance" else f"No. {n}",
                )
        draft = OwnDraft(kind="phone", value=NOBODYS, why=MARKUP[:24])
        exempt = OwnAdd(type="exempt", entries=(draft,))
        with suppress(PendingError):
            lists = self.alliance.bank.node.own_lists
            await lists.add(Caller("desk", "operator"), exempt)

    @asynccontextmanager
    async def at(
        self,
        member: str = "bank",
        role: str = "operator",  # "": a stranger
        lang: str = "en",
        **how: Any,
    ) -> AsyncIterator[Window]:
        """Open a window at a console, logged in as the person of a role."""
        async with opened(
            self.chromium,
            self.address(member),
            self.pictures,
            storage_state=await self._state(member, role, lang),
            locale=TONGUES[lang],
            **how,
        ) as window:
            yield window

    async def _state(self, member: str, role: str, lang: str) -> Any:
        key = member, role, lang
        if role and key not in self._cookies:
            async with self.at(member, "", lang) as window:
                await window.log_in(self.tokens[member, role])
                state = await window.page.context.storage_state()
            self._cookies[key] = state
        return self._cookies.get(key)
