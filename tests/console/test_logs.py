"""The pages of logs: an entry, a log, and who holds what."""

import json
import re
from dataclasses import dataclass
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest

from syncd.console import places
from syncd.console.pages import exchange
from syncd.indicator.statement import NAMES
from syncd.messages import catalogue
from syncd.web.status_forms import MemberRow
from tests.alliance import Alliance
from tests.console.browser.scene import dispute
from tests.console.conftest import Visitor
from tests.console.test_verify import NODE, run
from tests.sample_statements import sighting


@dataclass
class Reported:
    """A report of the police that all have."""

    origin: str
    index: int
    value: str

    @property
    def path(self) -> str:
        return places.entry(self.origin, self.index)


@pytest.fixture(scope="session")
async def reported(alliance: Alliance) -> Reported:
    value = "+12025550130"
    await alliance.police.tell("phone", value)
    at = await alliance.police.size() - 1
    return Reported(alliance.police.origin, at, value)


async def test_an_entry_says_what_it_is_and_that_it_stands(
    operator: Visitor, reported: Reported
) -> None:
    page = await operator.get(
        reported.path,
        f"Entry {reported.index} in the log of police: report, it stands",
        *('"label":"', "suspected", f"police:{reported.index}"),
    )
    assert page.status == 200
    assert reported.value not in page.html
    assert "style=" not in page.html


async def test_what_the_page_shows_is_what_its_script_checks(
    operator: Visitor, reported: Reported
) -> None:
    """The very attributes of the page, run by node."""
    page = await operator.get(reported.path)
    [box] = re.findall(r'<div id="verify"([^>]*)>', page.html)
    data = {
        name: unescape(value)
        for name, value in re.findall(r'data-(\w+)="([^"]*)"', box)
    }
    checks = re.findall(r'data-check="([^"]*)"', page.html)
    keys = [unescape(one) for one in checks if "+" in one]
    assert keys[0].startswith(reported.origin + "+")
    assert {*checks} > {"leaf", "tree"}
    if NODE:
        [found] = run("check", [{**data, "keys": keys}])
        assert set(found.values()) == {"yes"}, json.dumps(found)
        assert {*found} == {unescape(one) for one in checks}


async def test_the_proof_is_a_file(
    operator: Visitor, reported: Reported
) -> None:
    page = await operator.get(reported.path + "?proof=1")
    assert page.html.startswith("c2sp.org/tlog-proof@v1\nindex ")
    assert page.headers["Content-Type"].startswith("text/plain")
    name = f"police-{reported.index}.tlog-proof"
    assert name in page.headers["Content-Disposition"]


async def test_a_dispute_of_it_is_in_its_life(
    alliance: Alliance, operator: Visitor, reported: Reported
) -> None:
    await alliance.police.tell("phone", "+12025550132")
    at = await alliance.police.size() - 1
    await dispute(alliance.bank, "phone", "+12025550132")
    await alliance.settle()
    by = await alliance.bank.size() - 1
    page = await operator.get(places.entry(reported.origin, at))
    life = page.text.partition("What became of it")[2].partition("Verdict")[0]
    assert f"dispute bank bank:{by}" in life
    page = await operator.get(places.entry(alliance.bank.origin, by))
    life = page.text.partition("What became of it")[2].partition("Verdict")[0]
    assert "dispute" not in life
    assert f"police:{at}" in page.text
    await alliance.police.take_back("phone", "+12025550132")
    page = await operator.get(places.entry(alliance.bank.origin, by))
    retract = places.entry(reported.origin, await alliance.police.size() - 1)
    assert f'href="{retract}">taken back on 20' in page.html
    assert page.text.count(" it stands ") == 1
    assert ", it stands." in page.text


async def test_an_auditor_reads_that_it_is_not_for_them(
    people: dict[str, Visitor], reported: Reported
) -> None:
    page = await people["auditor"].get(
        reported.path, "report, not for auditors"
    )
    assert "label" not in page.text.partition("What it says")[2]
    assert 'data-check="tree"' in page.html
    assert 'data-check="leaf"' not in page.html
    assert (await people["reader"].get(reported.path)).status == 403


async def test_a_log_is_shown_from_its_end_and_by_day(
    alliance: Alliance, people: dict[str, Visitor], reported: Reported
) -> None:
    for role in ("operator", "auditor"):
        page = await people[role].get(places.log(reported.origin))
        assert f'href="{reported.path}"' in page.html
        size = await alliance.police.size()
        assert f"{reported.origin} {size} " in page.text
    operator = people["operator"]
    await operator.get(
        places.log(reported.origin, type="vouch", day="2026-01-01"),
        "No such entry",
    )
    await operator.get(
        places.log(reported.origin, before=reported.index + 1),
        f"police:{reported.index} ",
    )
    for odd in ("before=x", "before=%C2%B2", "day=x"):
        page = await operator.get(f"{places.log(reported.origin)}?{odd}")
        assert page.status in (200, 400)


async def test_an_older_page_is_one_link_away(
    alliance: Alliance, operator: Visitor
) -> None:
    await alliance.police.say(*[sighting(n=n) for n in range(120)])
    await alliance.settle()
    page = await operator.get(places.log(alliance.police.origin))
    [older] = re.findall(r'href="([^"]*)" rel="next">older', page.html)
    await operator.get(unescape(older), "roster accepted")


async def test_no_such_entry_is_a_page_that_says_so(
    operator: Visitor, reported: Reported
) -> None:
    for path in (
        places.entry(reported.origin, 10**9),
        places.entry(reported.origin, 10**30),
        f"/entry/{reported.origin}/x",
        places.entry("nobody.example/syncd/txwz/1", 0),
        places.log("nobody.example/syncd/txwz/1"),
    ):
        page = await operator.get(path, Accept="text/html")
        assert page.status == 404, path


async def test_all_hold_all_in_one_sentence(
    alliance: Alliance, people: dict[str, Visitor]
) -> None:
    await alliance.settle()
    await alliance.bank.round()
    for role in ("operator", "auditor", "compliance"):
        await people[role].get(
            "/exchange",
            "All 3 members hold all of each other's entries, as of",
        )


async def test_who_lacks_what_shows_though_it_is_silent(
    alliance: Alliance, operator: Visitor
) -> None:
    await alliance.settle()  # each was heard of
    alliance.cut("carrier", "bank")
    alliance.cut("carrier", "police")
    try:
        await alliance.bank.say(sighting(n=200))
        await alliance.bank.round()
        page = await operator.get("/exchange", "✗ lacks 1 ·")
        assert re.search(r"carrier lacks \d+ entries of bank", page.text)
    finally:
        alliance.heal()
        await alliance.settle()


async def test_who_was_removed_is_not_asked_for() -> None:
    """Nor is an earlier log of a member that writes another one now."""

    def log(origin: str, known: int) -> Any:
        one = {"member": origin[0], "origin": origin, "known": known}
        return SimpleNamespace(**one, lag=1)

    told = {"b/1": 2, "b/2": 5, "a/1": 7}
    members = [
        MemberRow(member="a", sector="", state="self"),
        MemberRow(member="b", sector="", state="ok", told_at=90, holds=told),
        MemberRow(member="c", sector="", state="removed"),
    ]
    status: Any = SimpleNamespace(
        time=100,
        member="a",
        log=SimpleNamespace(size=7),
        members=members,
        logs=[log("a/1", 7), log("b/2", 5), log("b/1", 4), log("c/1", 9)],
    )
    known = exchange.current(status)
    assert exchange.gaps(status, known) == {
        ("a", "a"): (0, 100),
        ("b", "a"): (1, 100),
        ("a", "b"): (0, 90),
        ("b", "b"): (0, 90),
    }


async def test_every_type_of_statement_has_a_name() -> None:
    with catalogue.speaking("zh"):
        assert all(catalogue.phrase("type", n) != n for n in NAMES.values())
