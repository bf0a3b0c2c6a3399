"""The member's own lists: over the answer, and nowhere else."""

from typing import Any

from tests.alliance import Alliance
from tests.cases import cases, each, tried
from tests.web.local_client import LocalClient, Reply, report


async def add(
    client: LocalClient, type_: str, *entries: dict[str, Any], **more: Any
) -> Reply:
    body = {"type": type_, "entries": list(entries)}
    return await client.post("/v1/own/entries", body, **more)


def phone(value: str, **more: Any) -> Any:
    return {"kind": "phone", "value": value, **more}


async def local(
    client: LocalClient, name: str, *values: str, **more: Any
) -> Reply:
    reports = [report(v, evidence="official_list") for v in values]
    body = {"list": name, "reports": reports, **more}
    return await client.post("/v1/own/local", body)


async def test_a_local_list_is_answered_here_and_never_sent(
    police: LocalClient, bank: LocalClient
) -> None:
    number = "+12025557030"
    before = await bank.get("/v1/status")
    reply = await local(bank, "公安协查 17", "(202) 555-7030", "nobody")
    assert [i["state"] for i in reply["items"]] == ["added", "refused"]
    [answer] = await bank.ask("phone", number)
    assert (answer["verdict"], answer.get("action")) == ("none", None)
    ours = answer["ours"]
    assert (ours["action"], ours["unattended"]) == ("hold", "delay")
    assert ours["reasons"] == ["local"]
    [listed] = ours["local"]
    assert listed["list"] == "公安协查 17"
    assert listed["label"]["code"] == "fake_invest"
    assert listed["evidence"] == "official_list"
    await police.settle()
    [other] = await police.ask("phone", number)
    assert (other["verdict"], other.get("ours")) == ("none", None)
    after = await bank.get("/v1/status")
    assert after["log"]["size"] == before["log"]["size"]
    assert after["vault"] == before["vault"]


async def test_a_local_list_is_answered_while_the_holders_are_away(
    alliance: Alliance, bank: LocalClient
) -> None:
    number = "+12025557031"
    await local(bank, "regulator", number)
    alliance.cut("bank", "carrier", "police")
    try:
        [answer] = await bank.ask("phone", number)
        reply = await add(bank, "exempt", phone("+12025557032"))
        named = await add(bank, "exempt", phone("+12025557032", why="x"))
    finally:
        alliance.heal()
        await bank.settle()
    assert answer["verdict"] == "unknown"
    assert answer["ours"]["action"] == "hold"
    # Whether an official report lists it cannot be said without them.
    [item] = reply["items"]
    assert "cannot be said" in item["problem"]["detail"]
    assert named["items"][0]["state"] == "added"


async def test_a_row_that_is_refused_is_on_the_list_still(
    bank: LocalClient,
) -> None:
    """Whether the daemon refuses it, or whoever read the file."""
    name = "nightly with faults"
    numbers = [f"+1202555{n}" for n in range(7130, 7135)]
    begun = await bank.post("/v1/own/loads", {"list": name})
    await local(bank, name, *numbers, load=begun["load"])
    await local(bank, "another", numbers[4])
    number = (await bank.post("/v1/own/loads", {"list": name}))["load"]
    reports = [
        report(numbers[0], evidence="official_list"),
        report("(202) 555-7131", label="no such label"),
    ]
    seen = [{"value": "202-555-7132", "region": "US"}, {"value": "nobody"}]
    body = {"list": name, "load": number, "reports": reports, "refused": seen}
    reply = await bank.post("/v1/own/local", body)
    assert (reply["known"], reply["refused"]) == (1, 1)
    done = await bank.post("/v1/own/removals", {"list": name, "load": number})
    assert (done["removed"], done["entries"]) == (2, 3)
    many = {**body, "refused": [{"value": "x"}] * 10_001}
    await bank.post("/v1/own/local", many, status=400)


@tried(
    "path, body, why",
    [
        *cases("syncd/local-api", "own"),
        ("removals", {"ids": [1] * 10_001}, "10000"),
    ],
)
async def test_what_cannot_be_is_refused(
    bank: LocalClient, path: str, body: Any, why: str
) -> None:
    reply = await bank.post(f"/v1/own/{path}", body, status=400)
    assert why in reply["detail"]


@each("syncd/local-api", "own_queries", "query")
async def test_a_query_that_cannot_be(bank: LocalClient, query: str) -> None:
    await bank.get(f"/v1/own/entries?{query}", status=400)


async def test_a_local_hit_is_recorded_as_a_hit(bank: LocalClient) -> None:
    """The record names the entry, and no log: whoever audits finds it."""
    number = "+12025557060"
    id_ = (await local(bank, "audited", number))["items"][0]["id"]
    item = {"kind": "phone", "value": number}
    body = {"purpose": "case_work", "reference": "K-7", "items": [item]}
    await bank.post("/v1/lookups", body, role="reader")
    last = (await bank.member.own.access.page(limit=100_000))[-1]
    assert last.positions == (("own", id_),)
    assert (last.caller, last.purpose) == ("reader", "case_work")
    assert last.reference == "K-7"


async def test_a_member_whom_we_distrust_counts_for_less_here_alone(
    alliance: Alliance, bank: LocalClient, clients: dict[str, LocalClient]
) -> None:
    """At once, and visibly; no log, digest or other member is the wiser."""
    url, us = "http://doubted.example/", bank.member
    case = {"evidence": "police_case", "case": "c0ffee00c0ffee00"}
    await alliance.police.tell("url", url, **case)
    police = alliance.police.origin
    before = await us.digest(police), await us.size()
    wrong = [{"value": "bank", "why": "x"}, {"value": "nobody", "why": "x"}]
    reply = await add(bank, "distrust", *wrong, {"value": "police"})
    assert [i["state"] for i in reply["items"]] == ["refused"] * 3
    doubt = {"value": "police", "why": "its key was stolen"}
    [kept] = (await add(bank, "distrust", doubt))["items"]
    body = {"purpose": "call_check", "items": [{"kind": "url", "value": url}]}
    answers = await bank.post("/v1/lookups", body)
    assert answers["items"][0]["verdict"] == "suspected"
    assert "contested" in answers["items"][0]["reasons"]
    assert [*answers["distrusted"]] == ["police"]
    last = (await us.own.access.page(limit=100_000))[-1]
    assert ("own", kept["id"]) in (last.positions or ())
    [said] = [x for x in (await us.status()).todo if "distrust" in x.detail]
    assert f"syncd own remove --id {kept['id']} ends it" in said.detail
    assert before == (await us.digest(police), await us.size())
    await bank.post("/v1/own/removals", {"ids": [kept["id"]]})
    for member in ("carrier", "bank"):
        [item] = await clients[member].ask("url", url)
        assert item["verdict"] == "confirmed"
