"""Look up: what a hot line's clerk reads, and what is kept of it."""

import html
import re
import time

import pytest
from msgspec import structs

from syncd.indicator import vocabulary
from syncd.messages import catalogue
from syncd.roster.terms import Never
from tests.alliance import Alliance, until
from tests.cases import cases, tried
from tests.console.conftest import Page, Visitor
from tests.web.local_client import EMERGENCY

OPEN = {"evidence": "police_case", "handling": "open", "label": "refund_cs"}
QUIET = {**OPEN, "handling": "no_tip_off"}
OFFICIAL = {**OPEN, "label": "sanctioned"}  # of which nothing is explained
SAFE = "That it is not listed does not mean that it is safe."


@pytest.fixture(scope="session")
async def listed(alliance: Alliance) -> Alliance:
    """The police list numbers and a link; a number is protected."""
    police = alliance.police
    await police.report("phone", "+8613800138001", **OPEN)
    await police.report("phone", "+8613800138002", **QUIET)
    await police.report("phone", "+8613800138004", **OFFICIAL)
    await police.report("url", "http://sf.example/p", **OPEN)
    await alliance.carrier.report(
        "phone", "+8613800138003", evidence="user_tag"
    )
    await alliance.protect(Never("phone", EMERGENCY, "emergency"))
    await alliance.settle()
    return alliance


async def ask(visitor: Visitor, text: str, **more: str) -> Page:
    script = more.pop("HX_Request", "false")
    form = {"text": text, "purpose": "dissuasion", **more}
    found = await visitor.post("/lookup", form, HX_Request=script)
    assert found.status == 200, found.text
    return found


def told(found: Page) -> list[str]:
    """Return what may be told of each value, in the page's order."""
    said = re.findall(r"What may be told</dt><dd>(.*?)</dd>", found.html)
    return [html.unescape(one) for one in said]


def hidden(found: Page, action: str, has: str = "") -> dict[str, str]:
    """Return the hidden fields of the first form that does so."""
    forms = found.html.split(f'action="{action}"')[1:]
    inside = next((f for f in forms if has in f.split("</form>")[0]), "")
    fields = re.findall(
        r'type="hidden" name="(\w+)" value="(.*?)"', inside.split("</form>")[0]
    )
    return {name: html.unescape(value) for name, value in fields}


@tried("text, word", cases("syncd/console", "verdicts"))
async def test_a_verdict_is_a_word_and_a_sentence(
    listed: Alliance, reader: Visitor, text: str, word: str
) -> None:
    assert f"Looked up: 1. {word}" in (await ask(reader, text)).text


async def test_all_that_a_message_names_is_looked_up(
    listed: Alliance, reader: Visitor
) -> None:
    """The worst first."""
    message = "加QQ 2088112233，点http://sf.example/p，退款找+8613800138003"
    found = await ask(reader, message)
    words = (
        "Looked up: 3",
        "Confirmed fraud",
        "Suspected fraud",
        "Not listed",
    )
    places = [found.text.index(word) for word in words]
    assert places == sorted(places)
    assert "share no screen" in found.text  # advice for its label
    assert "No number, link or account" in (await ask(reader, "转账")).text


async def test_what_lacks_something_says_what_and_is_asked_again(
    listed: Alliance, reader: Visitor
) -> None:
    wrong = await ask(reader, "138001380")
    assert "It cannot be read" in wrong.text
    assert "a number of US has 10" in wrong.text
    number = "1001244109000012345"
    open_ = await ask(reader, number, reference="case 9")
    assert "if it is a bank account, name the bank" in open_.text
    form = hidden(open_, "/lookup", 'name="again"')
    assert form == {
        "kind": "account",
        "purpose": "dissuasion",
        "reference": "case 9",
    }
    form |= {"text": number, "scheme": "ICBKCNBJ", "again": ""}
    await reader.post("/lookup", form, "Not listed")


async def test_what_may_not_be_told_reads_like_what_is_not_listed(
    listed: Alliance, reader: Visitor
) -> None:
    found = await ask(reader, "+8613800138002")
    assert "Advice" not in found.text
    [quiet] = told(found)
    [nothing] = told(await ask(reader, "+8613911112222"))
    [official] = told(await ask(reader, "+8613800138004"))
    [open_] = told(await ask(reader, "+8613800138001"))
    assert quiet == nothing == official
    assert quiet.startswith(SAFE)
    assert "reported, as “fake e-commerce" in open_


async def test_a_transfer_opens_the_card_and_counts_its_minutes(
    reader: Visitor,
) -> None:
    assert '<details class="stop">' in (await reader.get("/lookup")).html
    found = await ask(reader, "", sent="00:00")
    assert '<details class="stop" open>' in found.html
    assert re.search(r"\b\d{1,4} minutes since the transfer as of", found.text)
    assert "minutes since" not in (await ask(reader, "", sent="soon")).text


async def test_a_value_is_in_no_address_and_no_box(
    listed: Alliance, reader: Visitor
) -> None:
    found = await ask(reader, "+8613800138001", purpose="call_check")
    assert "138001" not in found.path
    assert "></textarea>" in found.html
    assert '<option value="call_check" selected>' in found.html
    assert not re.search(r'(?:href|action)="[^"]*138001', found.html)


async def test_what_came_of_a_call_is_kept_once(
    listed: Alliance, reader: Visitor
) -> None:
    answer = await ask(reader, "+8613800138001", purpose="call_check")
    form = hidden(answer, "/lookup/call") | {"amount": "5000", "label": ""}
    for _ in range(2):  # sent twice
        done = await reader.post(
            "/lookup/call",
            form | {"outcome": "stopped", "notice": "hold"},
            "Noted",
        )
        assert done.path == "/lookup?noted&for=call_check"
    sums = await listed.bank.own.calls.sums(0, 2**53, lambda _: "")
    ours = [(s["calls"], s["notice"]) for s in sums if s["amount"] == 5000]
    assert ours == [(1, "hold")]
    wrong = await reader.post("/lookup/call", form | {"outcome": "won"})
    assert wrong.status == 400


async def test_who_met_it_is_told_by_the_week(
    listed: Alliance, reader: Visitor
) -> None:
    """A script gets parts alone, so that the answer stays."""
    found = await ask(reader, "+8613800138001", HX_Request="true")
    assert found.html.lstrip().startswith('<div id="lookup">')
    form = hidden(found, "/lookup/seen")
    assert (await reader.post("/lookup/seen", form)).status == 200
    part = await reader.post("/lookup/seen", form, HX_Request="true")
    assert (part.status, "HX-Redirect" in part.headers) == (200, False)
    assert "Noted" in part.html
    assert "<textarea" not in part.html
    met = [one.outcome for one in await listed.bank.own.sightings.due(99_999)]
    assert met[-1] == "warned"


async def test_a_role_is_offered_what_it_may(
    listed: Alliance, reader: Visitor, operator: Visitor
) -> None:
    text = "+8613911112222"
    assert hidden(await ask(reader, text), "/reports/new") == {}
    assert "/entry/" not in (await ask(reader, "+8613800138001")).html
    assert "/entry/" in (await ask(operator, "+8613800138001")).html
    fields = hidden(await ask(operator, text), "/reports/new")
    assert f'name="value" required autocomplete="off" value="{text}"' in (
        (await operator.post("/reports/new", fields)).html
    )


async def test_a_measure_has_a_notice_for_the_customer(
    listed: Alliance, reader: Visitor
) -> None:
    """In the same general words, whether it may be told or not."""
    pages = [(await ask(reader, f"+861380013800{n}")).html for n in (1, 2)]
    notices = [one.partition('class="notice"')[2] for one in pages]
    own = re.compile(r'<time.*?</small>|nonce="[^"]*"')
    quiet, open_ = (own.sub("", one) for one in notices)
    assert "and 32 on notice and appeal" in open_
    assert "· ____" in open_  # filled in by hand
    structs.force_setattr(
        listed.bank.node.ctx.config.console, "house", "甲银行"
    )
    assert "· 甲银行" in (await ask(reader, "+8613800138001")).text
    assert "this measure: hold<" in open_
    assert quiet == open_
    for text in "+8613911112222", "+8613800138003":  # nothing; a warning
        assert 'class="notice"' not in (await ask(reader, text)).html


async def test_what_is_known_is_answered_in_200_ms(
    listed: Alliance, reader: Visitor
) -> None:
    async def quick() -> bool:  # a machine with more to do is asked again
        began = time.monotonic()
        await ask(reader, "+8613800138001")
        return time.monotonic() - began < 0.2

    await until(quick)


async def test_every_label_has_advice_in_both_languages() -> None:
    for label in vocabulary.FACETS["label"]:
        texts = []
        for lang in catalogue.LANGUAGES:
            with catalogue.speaking(lang):
                texts.append(catalogue.phrase("advice", label))
                told = texts[-1] + catalogue.phrase("told", "protected")
                # A caller who is no bank, or 110, has no card to turn over.
                assert not re.search("背面|the number on|your card", told)
        assert len({*texts, catalogue.phrase("advice", "other")}) == 3 or (
            label == "other"
        )
