"""Logs over the local API: what is signed, what an entry says, who holds it."""

import base64
import hashlib
from typing import Any
from unittest.mock import Mock
from urllib.parse import quote

import pytest

from conformance import c2sp_verifier
from syncd.indicator import codec
from syncd.node.serve import log_service
from tests.sample_statements import erase, sighting
from tests.web.local_client import LocalClient
from tests.web.test_access import audits


def path(origin: str, rest: str = "") -> str:
    return f"/v1/logs/{quote(origin, safe='')}{rest}"


async def read(
    client: LocalClient, origin: str, rest: str, **more: Any
) -> Any:
    return await client.get(path(origin, rest), **more, status=200)


async def listed(police: LocalClient, value: str) -> tuple[str, int]:
    """Return where police says something of a number, after all heard."""
    await police.member.tell("phone", value, handling="open")
    return police.member.origin, await police.member.size() - 1


async def test_a_log_is_read_from_its_end_page_by_page(
    police: LocalClient, bank: LocalClient
) -> None:
    origin, last = await listed(police, "+12025550120")
    page = await read(bank, origin, "?limit=1")
    [newest] = page["items"]
    assert newest["index"] == last == page["next"]
    assert (newest["type"], newest["kind"]) == ("report", "phone")
    assert newest["label"] == "fake_invest"
    assert "token" not in str(newest)
    assert (page["size"], page["member"]) == (last + 1, "police")
    assert page["checkpoint"].startswith(f"{origin}\n{last + 1}\n")
    assert {"bank"} == {one["member"] for one in page["cosigned"]}
    seen = [last]
    while before := page.get("next"):
        page = await read(bank, origin, f"?limit=3&before={before}")
        seen += [one["index"] for one in page["items"]]
    assert seen == [*range(last, -1, -1)]


async def test_a_page_looks_into_some_bundles_only(
    police: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await police.member.say(*[sighting(n=n) for n in range(300)])
    origin, last = await listed(police, "+12025550121")
    looked = Mock(wraps=codec.records)
    monkeypatch.setattr(codec, "records", looked)
    await read(police, origin, "?limit=1")  # a full one looks no further
    assert looked.call_count == 1
    monkeypatch.setattr(log_service, "BUNDLES", 1)
    page = await read(police, origin, "?type=rosteraccepted&limit=1000")
    assert page["next"] == last // 256 * 256
    assert page["items"] == []


async def test_entries_are_found_by_type_label_and_day(
    police: LocalClient,
) -> None:
    origin, last = await listed(police, "+12025550122")
    today = (await read(police, origin, "?limit=1"))["items"][0]["on"]
    for query, found in (
        ("type=report&label=fake_invest&limit=1", [last]),
        ("label=charity", []),
        (f"day={today}&type=report&limit=1", [last]),
        ("day=2020-01-01&type=report", []),
    ):
        items = (await read(police, origin, f"?{query}"))["items"]
        assert [one["index"] for one in items] == found
    await police.get(path(origin, "?day=yesterday"), status=400)


async def test_an_entry_opens_is_proven_and_judged(
    police: LocalClient, bank: LocalClient
) -> None:
    origin, last = await listed(police, "+12025550123")
    for client in (police, bank):
        entry = await read(client, origin, f"/{last}")
        payload = base64.b64decode(entry["payload"])
        assert b'"label":"fake_invest"' in payload
        head = f"syncd-leaf-v1\0\1{chr(len(origin))}{origin}".encode()
        opened = head + bytes.fromhex(entry["salt"]) + payload
        assert entry["leaf"] == "0101" + hashlib.sha256(opened).hexdigest()
        proof, _, note = entry["proof"].partition("\n\n")
        assert proof.startswith(f"c2sp.org/tlog-proof@v1\nindex {last}\n")
        text = c2sp_verifier.open_note(note.encode(), entry["keys"][0])
        assert c2sp_verifier.parse_checkpoint(text)[:2] == (origin, last + 1)
        assert entry["verdict"]["verdict"] == "suspected"
        assert [c["position"] for c in entry["claims"]] == [[origin, last]]
        assert ("accepted_at" in entry) == (client is police)
    entry = await read(police, origin, f"/{last}")
    assert {one["member"] for one in entry["cosigned"]} == {"bank", "carrier"}
    assert min(one["size"] for one in entry["cosigned"]) > last


async def test_who_reads_of_a_token_is_recorded(police: LocalClient) -> None:
    origin, last = await listed(police, "+12025550124")
    before = await audits(police, "desk")
    await read(police, origin, "?limit=5")
    assert await audits(police, "desk") == before
    await read(police, origin, f"/{last}")
    assert await audits(police, "desk") == before + 1


async def test_an_auditor_sees_no_payload_of_an_indicator(
    police: LocalClient,
) -> None:
    origin, last = await listed(police, "+12025550125")
    entry = await read(police, origin, f"/{last}", role="auditor")
    assert entry["entry"] == {
        "index": last,
        "type": "report",
        "closed": "auditor",
    }
    assert entry["proof"]
    assert not {"salt", "payload", "claims", "verdict", "accepted_at"} & {
        *entry
    }
    page = await read(police, origin, "?label=fake_invest", role="auditor")
    assert page["items"] == []
    book = await read(
        police, origin, "?type=rosteraccepted&limit=1", role="auditor"
    )
    at = book["items"][0]["index"]
    assert (await read(police, origin, f"/{at}", role="auditor"))["payload"]


async def test_an_entry_that_was_taken_back_names_its_retract(
    police: LocalClient, bank: LocalClient
) -> None:
    origin, last = await listed(police, "+12025550126")
    await police.member.take_back("phone", "+12025550126")
    entry = await read(bank, origin, f"/{last}")
    [claim] = entry["claims"]
    by, on = claim["ended_by"], claim["ended_on"]
    assert entry["verdict"]["verdict"] == "none"
    retract = await read(police, origin, f"/{by}")
    assert (retract["entry"]["type"], retract["entry"]["on"]) == (
        "retract",
        on,
    )
    assert retract["effect_at"]


async def test_an_entry_that_was_erased_is_in_the_tree(
    police: LocalClient, bank: LocalClient
) -> None:
    origin, last = await listed(police, "+12025550127")
    await police.member.say(erase((last, last + 1)))
    await police.settle()
    entry = await read(bank, origin, f"/{last}")
    assert entry["entry"]["closed"] == "erased"
    assert entry["proof"]
