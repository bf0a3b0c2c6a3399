"""What a court gets of one value is checked alone; a flaw in it is named."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from playwright.async_api import Browser, expect

from syncd.audit import disclosure
from syncd.cli.api_client import ApiClient
from syncd.roster import trust
from tests.audit.conftest import BANK, CARRIER, POLICE, Made, check_form
from tests.cases import each
from tests.cli.conftest import Run
from tests.console.browser.conftest import chromium as chromium
from tests.console.test_verify import SCRIPT
from tests.refusals import failing, malformed


def check(made: Made, of: Any) -> Any:
    found = disclosure.read(json.dumps(of).encode())
    return disclosure.check(found, made.fingerprint)


def test_all_that_is_said_is_proven(made: Made) -> None:
    """By two holders; it is of its schema, and so is what a page has."""
    given = json.loads(made.disclosed)
    check_form("disclosure", given)
    facts = check(made, given)
    [(epoch, (_, holders))] = facts["tokens"].items()
    assert (epoch, len(holders)) == ("phone/1", 2)
    found = [(e["origin"], e["index"], e["type"]) for e in facts["entries"]]
    reports = [(origin, 2, "report") for origin in (BANK, CARRIER, POLICE)]
    assert found == [*reports, (POLICE, 3, "retract")]
    assert "bank.example/syncd/txwz/merged" in str(facts["entries"][2])
    handed = disclosure.read(made.disclosed)
    page = disclosure.page(handed, made.fingerprint, SCRIPT.read_text())
    assert disclosure.read(page.encode()) == facts["found"]


@each("syncd/disclosure", names="path, at, named")
def test_a_character_that_is_changed_is_found(
    made: Made, path: str, at: int, named: str
) -> None:
    """And the part in which it stands is named."""
    given = part = json.loads(made.disclosed)
    *way, last = (int(x) if x.isdecimal() else x for x in path.split())
    for name in way:
        part = part[name]
    raw = bytearray(part[last].encode())
    raw[at] = ord("1") if raw[at] != ord("1") else ord("2")
    part[last] = raw.decode()
    with failing(named):
        check(made, given)


def test_parts_that_are_taken_or_moved_are_missed(made: Made) -> None:
    """An entry is about the value, and in its own place."""
    given = json.loads(made.disclosed)
    [proven], entry = given["evaluations"], given["entries"][3]
    half = [{**proven, "exchanges": proven["exchanges"][:1]}]
    for change, named in (
        ({"evaluations": []}, "it is not about the value"),
        ({"evaluations": half}, "evaluation: "),
        ({"entries": [{**entry, "index": 2}]}, f"{POLICE}:2: proof"),
    ):
        with failing(named):
            check(made, given | change)


def test_an_address_needs_no_holder(made: Made) -> None:
    given = json.loads(made.disclosed)
    given |= {"kind": "url", "value": "evil.example/"}
    facts = check(made, given | {"evaluations": [], "entries": []})
    assert [holders for _, holders in facts["tokens"].values()] == [[]]


def test_it_says_what_ended_with_an_epoch(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was said in it can be shown any more."""
    versions = trust.versions

    def retired(*of: Any) -> Any:
        roster, _ = versions(*of)
        old = [structs.replace(e, retired=True) for e in roster.epochs]
        return [structs.replace(roster, epochs=tuple(old))]

    given = json.loads(made.disclosed) | {"evaluations": [], "entries": []}
    monkeypatch.setattr(trust, "versions", retired)
    [text] = check(made, given)["unseen"]
    assert text.startswith("what was said in phone/1, which has ended")


def test_what_is_no_disclosure_is_refused() -> None:
    for raw in (b"", b"{}", b"<!doctype html>", b'{"format": "\xff"}'):
        with malformed("not of that form"):
            disclosure.read(raw)


def test_commands_make_a_page_and_check_it(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own:
        def post(self, path: str, body: Any) -> Any:
            assert path == "/v1/audit/disclosures"
            assert body == {"kind": "phone", "value": "+12025550123"}
            return json.loads(made.disclosed)

    api = contextlib.nullcontext(Own())
    monkeypatch.setattr(ApiClient, "of", lambda *_: api)
    page, home = tmp_path / "x.html", made.root / "bank"
    words = "audit", "disclose", "-", "--kind", "phone", "--page", page
    run("--home", home, *words, stdin=b"+12025550123\n").ended(0)
    assert page.stat().st_mode & 0o777 == 0o600
    verify = "audit", "verify", page, "--fingerprint", made.fingerprint
    assert f"{POLICE}:3" in run(*verify).ended(0).out
    assert run(*verify, "--json").json["tokens"]["phone/1"]
    run(*verify[:-1], "0" * 64).ended(4)
    page.write_text(page.read_text().replace('"at":1', '"at":-1'))
    run(*verify).ended(2)


@pytest.mark.slow
async def test_a_page_checks_itself_without_a_network(
    made: Made, tmp_path: Path, chromium: Browser
) -> None:
    """Green; red where it was altered; without Ed25519 it is not red."""
    found = disclosure.read(made.disclosed)
    page = disclosure.page(found, made.fingerprint, SCRIPT.read_text())
    path = tmp_path / "page.html"

    async def states(text: str, script: str = "") -> set[str]:
        path.write_text(text)
        context = await chromium.new_context(offline=True)
        window = await context.new_page()
        asked: list[str] = []
        window.on("request", lambda r: asked.append(r.url))
        window.on("console", lambda m: asked.append(m.text))
        await window.add_init_script(script)
        await window.goto(path.as_uri())
        outputs = window.locator("output")
        waiting = outputs.filter(has_text=re.compile("^–$"))
        await expect(waiting).to_have_count(0)
        found = {*await outputs.all_inner_texts()}
        assert asked == [path.as_uri()]
        await context.close()
        return found - {"checked by syncd, not here"}

    assert await states(page) == {"✓ checked, right"}
    altered = re.sub('data-salt="....', 'data-salt="0000', page, count=1)
    assert await states(altered) == {"✓ checked, right", "✗ checked, WRONG"}
    lacks = "SubtleCrypto.prototype.importKey = async () => {throw Error()}"
    assert await states(page, lacks) == {
        "✓ checked, right",
        "– cannot be checked in this browser",
    }
