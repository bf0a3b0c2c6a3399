"""What an operator does through the local API, from end to end."""

import asyncio
import json
import secrets
from typing import Any

import aiohttp

from tests.cases import tried
from tests.web.local_client import LocalClient, report


async def one(client: LocalClient, kind: str, value: str) -> Any:
    [item] = await client.ask(kind, value, purpose="test")
    return dict(item)


# ----------------------------------------------------- report and look up


async def test_a_report_is_found_at_a_member_that_did_not_make_it(
    police: LocalClient, bank: LocalClient
) -> None:
    taken = await police.take(
        report("(202) 555-0110", evidence="police_case", handling="open"),
        report("http://evil.example/pay", "url", confidence=80),
        report("6222021234567890128", "account"),
    )
    assert [item["state"] for item in taken] == ["accepted"] * 3
    await police.settle()
    reply = await bank.post(
        "/v1/lookups",
        {
            "purpose": "transaction_check",
            "reference": "T-1",
            "items": [
                {"kind": "phone", "value": "+1 202 555 0110"},
                {"kind": "url", "value": "https://evil.example/pay?uid=1"},
                {"kind": "phone", "value": "+12025550111"},
                {"kind": "account", "value": "6222 0212 3456 7890 128"},
                {"kind": "phone"},
            ],
        },
    )
    phone, url, none, account, nothing = reply["items"]
    assert "want a value" in nothing["problem"]["detail"]
    assert phone["verdict"] == "confirmed"
    assert (phone["action"], phone["unattended"]) == ("hold", "delay")
    assert phone["labels"][0]["code"] == "fake_invest"
    assert phone["sectors"] == {"police": 1}
    [[origin, index]] = phone["positions"]
    assert origin == police.member.origin
    assert (url["verdict"], account["verdict"]) == ("suspected", "suspected")
    assert none == {
        "verdict": "none",
        "reasons": ["no_report"],
        "handling": "open",
    }
    assert reply["roster"]["expired"] is False
    # the position leads to the claim, at any member
    for client in (police, bank):
        page = await client.get("/v1/indicators?limit=1000", role="reader")
        claims = [c for item in page["items"] for c in item["claims"]]
        [claim] = [c for c in claims if c["position"] == [origin, index]]
        assert claim["member"] == "police"
        assert claim["evidence"] == "police_case"


async def test_reading_indicators_is_recorded_like_a_look_up(
    police: LocalClient, bank: LocalClient
) -> None:
    """A cursor can be made for any token: that is asking for it."""
    await police.member.tell("phone", "+12025550118")
    own = bank.member.own
    before = (await own.access.page(limit=10_000))[-1:]
    after = before[0].id if before else 0
    [item] = (await bank.get("/v1/indicators?limit=1", role="reader"))["items"]
    [page] = await own.access.page(after)
    assert (page.caller, page.purpose) == ("reader", "audit")
    assert (page.kind, page.positions) == (item["kind"], ())
    assert page.tag


async def test_beyond_its_budget_a_token_is_told_when_to_come_back(
    bank: LocalClient,
) -> None:
    """As a problem with a code; what others gave can be read at any time."""
    item = {"kind": "phone", "value": "+12025550190"}
    asked = {"purpose": "test", "items": [item] * 5001}
    refused = await bank.post("/v1/lookups", asked, role="reader", status=429)
    assert 0 < int(refused.headers["Retry-After"]) <= 3660
    assert refused["type"] == "urn:syncd:problem:quota"
    assert refused["params"]["most"] == 5000
    await one(bank, "phone", "+12025550190")
    quota = await bank.get("/v1/quota", role="reader")
    (said, *_) = quota["member"]
    assert said["purpose"] == "lookup"
    assert 0 < said["left"] < 10_000
    assert "bank" in {one["member"] for one in quota["given"]}


# ------------------------------------------------------ known and retracted


async def rows(client: LocalClient, **query: Any) -> Any:
    return list((await client.post("/v1/reports/search", query))["items"])


@tried("way", ["value", "id", "position"])
async def test_what_is_retracted_is_gone_everywhere(
    police: LocalClient, bank: LocalClient, way: str
) -> None:
    value = f"+1202555013{len(way)}"
    [taken] = await police.take(report(value))
    await police.settle()
    assert (await one(bank, "phone", value))["verdict"] == "suspected"
    [row] = await rows(police, before=taken["id"] + 1, limit=1)
    assert (row["state"], row["value"]) == ("published", value)
    ways: Any = {
        "value": {"kind": "phone", "value": value},
        "id": {"ids": [taken["id"]]},
        "position": {"positions": [row["position"]]},
    }
    body = {"reason": "false_positive", **ways[way]}
    effect = await police.post("/v1/retractions/effect", body)
    reply = await police.post("/v1/retractions", body, status=202)
    assert effect == reply | {"stays": {}}  # it had not ended
    assert (reply["reports"], reply["ids"]) == (1, [taken["id"]])
    await police.settle()
    for client in (bank, police):
        assert (await one(client, "phone", value))["verdict"] == "none"
    [row] = await rows(police, before=taken["id"] + 1, limit=1)
    assert (row["state"], row["reason"]) == ("ended", "false_positive")
    # Whoever lost the first answer may ask again.
    gone = await police.post("/v1/retractions", body)
    assert (gone.status, gone["already"]) == (202, 1)
    assert (gone["retracting"], gone["ids"]) == (0, [])


async def test_only_a_dispute_is_no_report_to_take_back(
    bank: LocalClient,
) -> None:
    value = {"kind": "url", "value": "http://fair.example/"}
    draft = {**value, "reason": "stale", "yes": True}
    made = await bank.post("/v1/disputes", draft)
    body = {**value, "reason": "test"}
    reply = await bank.post("/v1/retractions", body, status=404)
    assert "say its type" in reply["hint"]
    await bank.take(report(value["value"], "url"))
    spared = await bank.post("/v1/retractions", body)
    assert (spared["reports"], spared["spared"]) == (1, 1)
    reply = await bank.post("/v1/retractions", {**body, "type": "dispute"})
    assert reply["ids"] == [made["id"]]


# ---------------------------------------------------------------- disputes


async def test_a_dispute_may_name_the_reports_that_it_is_about(
    police: LocalClient, bank: LocalClient
) -> None:
    """Or by its id."""
    phone = ("phone", "+12025550151")
    await police.member.tell(*phone)
    [position] = (await one(bank, *phone))["positions"]
    body: Any = {"kind": phone[0], "value": phone[1], "reason": "stale"}
    body["about"] = [position]
    made = await bank.post("/v1/disputes", body)
    assert (made.status, await bank.post("/v1/disputes", body)) == (202, made)
    await police.settle()
    answer = await one(police, *phone)
    assert answer["verdict"] == "disputed"
    assert "disputed" in answer["reasons"]
    id_ = made["id"]
    [row] = await rows(bank, before=id_ + 1, limit=1)
    assert (row["type"], row["about"]) == ("dispute", [position])
    # And taken back, by its id or its position.
    for n, way in enumerate(
        ({"ids": [id_]}, {"positions": [row["position"]]})
    ):
        reply = await bank.post("/v1/retractions", {"reason": "test", **way})
        assert (reply["disputes"], reply["already"]) == (1 - n, n)
    await police.settle()
    answer = await one(police, *phone)
    assert answer["verdict"] == "suspected"


async def test_a_dispute_of_what_nobody_reports_needs_a_yes(
    police: LocalClient, bank: LocalClient
) -> None:
    """A value, a position; what has been retracted is nobody's."""
    url = "http://nobody.example/shop"
    body = {"kind": "url", "value": url, "reason": "stale"}
    nowhere = {**body, "about": [["police.example/syncd/txwz/1", 1_000_000]]}
    for wrong in (body, nowhere):
        reply = await bank.post("/v1/disputes", wrong, status=422)
        assert "as far as we know" in reply["detail"]
        assert "--yes" in reply["hint"]
        assert url not in str(reply)
    await police.member.tell("url", url, "http://other.example/")
    [position] = (await one(bank, "url", "http://other.example/"))["positions"]
    other = {**body, "about": [position]}  # of another value
    await bank.post("/v1/disputes", other, status=422)
    await police.member.take_back("url", url)
    await bank.post("/v1/disputes", body, status=422)
    await bank.post("/v1/disputes", {**body, "yes": True}, status=202)


async def test_a_dispute_answers_a_less_specific_report_too(
    police: LocalClient, bank: LocalClient
) -> None:
    """What was looked at for it is recorded, as an appeal."""
    await police.member.tell("url", "http://fairer.example/")
    value = "http://www.fairer.example/shop/cart.html"
    body = {"kind": "url", "value": value, "reason": "innocent_owner"}
    await bank.post("/v1/disputes", body, status=202)
    *_, access = await bank.member.own.access.page(0, 10_000)
    assert (access.purpose, access.kind) == ("appeal", "url")
    assert access.positions is not None


async def test_a_report_of_our_own_is_retracted_and_not_disputed(
    police: LocalClient, bank: LocalClient
) -> None:
    """Waiting or published; the hint has the command that ends it."""
    url = "http://mine.example/"
    body = {"kind": "url", "value": url, "reason": "innocent_owner"}
    async with bank.member.node.writer.lock:  # so that it waits
        [taken] = await bank.take(report(url, "url"))
        reply = await bank.post(
            "/v1/disputes", {**body, "yes": True}, status=422
        )
    assert f" --id {taken['id']}" in reply["hint"]
    await police.settle()
    reply = await bank.post("/v1/disputes", {**body, "yes": True}, status=422)
    [row] = await rows(bank, before=taken["id"] + 1, limit=1)
    at = ":".join(map(str, row["position"]))
    ways = f"syncd report retract --reason CODE --position {at}"
    assert ways in reply["hint"]
    about = {**body, "about": [row["position"]]}
    reply = await bank.post("/v1/disputes", about, status=422)
    assert ways in reply["hint"]
    # Where another reports it too, that report can be disputed.
    await police.member.tell("url", url)
    await bank.post("/v1/disputes", body, status=202)


# -------------------------------------------------------------- indicators


async def test_indicators_are_paged_by_token_each_once(
    police: LocalClient, bank: LocalClient
) -> None:
    sites = (f"http://held{n}.example/" for n in range(7))
    await police.member.tell("url", *sites)

    async def walk(client: LocalClient, limit: int) -> Any:
        found, after = [], ""
        while True:
            path = f"/v1/indicators?limit={limit}&after={after}"
            page = await client.get(path, role="reader")
            found += page["items"]
            if "next" not in page:
                return found
            after = page["next"]

    whole = await walk(police, 1000)
    assert len(whole) >= 7
    assert await walk(police, 2) == whole
    assert await walk(bank, 3) == whole
    keys = [(i["token"], i["kind"], i["epoch"]) for i in whole]
    assert len(set(keys)) == len(keys)


# ----------------------------------------------------------------- metrics


async def test_metrics_count_what_was_done(bank: LocalClient) -> None:
    async def read() -> dict[str, str]:
        text = (await bank.get("/metrics", role="reader")).raw.decode()
        lines = (x for x in text.splitlines() if x[0] != "#")
        return dict(line.rsplit(" ", 1) for line in lines)

    name = 'syncd_lookups_total{purpose="appeal",verdict="none"}'
    before = await read()
    await bank.ask("url", "http://unlisted.example/", purpose="appeal")
    after = await read()
    assert float(after[name]) == float(before.get(name, 0)) + 1
    took = "syncd_lookup_seconds_count"
    assert float(after[took]) == float(before[took]) + 1


# ------------------------------------------------------------------ events


async def read(
    client: LocalClient, until: str, query: str = "", **headers: str
) -> list[tuple[str, str, Any]]:
    """Follow events until one of that name; (id, name, data) of each."""
    found = []
    url, headers = (
        f"{client.url}/v1/events{query}",
        headers | client.auth("reader"),
    )
    async with (
        aiohttp.ClientSession() as session,
        asyncio.timeout(30),
        session.get(url, headers=headers) as got,
    ):
        assert got.content_type == "text/event-stream"
        event: dict[str, str] = {}
        async for raw in got.content:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
                continue
            if "event" in event:
                found.append(
                    (event["id"], event["event"], json.loads(event["data"]))
                )
                if event["event"] == until:
                    return found
            event = {}
    raise AssertionError(f"no {until} among {found}")


async def mark(client: LocalClient) -> None:
    """Have an event of our own happen."""
    book = client.member.own.events
    await book.now("mark", secrets.token_hex(8), "mark", {"n": 1})
    client.member.node.feed.wake()


async def test_events_resume_without_loss(bank: LocalClient) -> None:
    """By either way to name a cursor; one that nobody gave is reset."""
    await mark(bank)
    first = await read(bank, "mark", "?cursor=0.0")
    cursor, _, data = first[-1]
    assert (first[0][1], data["n"]) == ("hello", 1)
    await mark(bank)
    for rest in (
        await read(bank, "mark", f"?cursor={cursor}"),
        await read(bank, "mark", **{"Last-Event-ID": cursor}),
    ):
        assert rest[0][:2] == (cursor, "hello")
        numbers = [int(id_.partition(".")[0]) for id_, _, _ in rest]
        assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]


async def test_a_revoked_token_hears_nothing_more(bank: LocalClient) -> None:
    """A stream is one long request: its token is looked at event by event."""
    bearers = bank.member.own.bearers
    bank.tokens["guest"] = await bearers.add("guest", "reader")
    async with (
        aiohttp.ClientSession(headers=bank.auth("guest")) as session,
        asyncio.timeout(30),
        session.get(bank.url + "/v1/events") as got,
    ):
        hello = await got.content.readuntil(b"\n\n")
        await mark(bank)
        heard = await got.content.readuntil(b"\n\n")
        await bearers.revoke("guest")
        await mark(bank)
        rest = await got.content.read()
    assert b"event: hello" in hello
    assert b"event: mark" in heard
    assert rest == b""
