"""Two-person work: what one person hands in, and a second one looks at."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from syncd.indicator.statement import Erase
from tests.alliance import Alliance, Member, as_founded, shared
from tests.cases import cases, once
from tests.web.local_client import LocalClient, Reply, report

alliance = shared(
    as_founded,
    *("bank", "carrier", "police"),
    local_apis=True,
    settings={"review": {"above": 3}},
)
"""Two of three have a second person look at more than three values."""


@once
async def clients(alliance: Alliance) -> AsyncIterator[dict[str, LocalClient]]:
    async with aiohttp.ClientSession() as session:
        found = {}
        for member in alliance.up:
            client = found[member.id] = LocalClient(session, member)
            await client.add("operator")
            if member.id == "police":
                continue
            add = member.own.bearers.add
            for name, role, staff in cases("syncd/local-api", "people"):
                client.tokens[name] = await add(
                    f"my {name}", role, None, staff, "张三"
                )
        yield found


@pytest.fixture(autouse=True)
async def _a_new_day(alliance: Alliance) -> None:
    for member in alliance.up:
        await forget(member)


async def forget(member: Member) -> None:
    """Nobody has handed in anything of late."""
    await member.own.published.prune("9999")


def phones(first: int, n: int) -> Any:
    return [report(f"+1202555{first + i:04}") for i in range(n)]


def values(first: int, n: int) -> list[dict[str, str]]:
    return [{k: p[k] for k in ("kind", "value")} for p in phones(first, n)]


async def hand_in(
    client: LocalClient, first: int, n: int = 4, **more: Any
) -> Reply:
    body = {"reports": phones(first, n)}
    return await client.post("/v1/reports", body, **more)


async def rows(client: LocalClient, first: int, n: int = 4) -> list[str]:
    """Return the states of what is in the vault."""
    found = []
    for wanted in values(first, n):
        page = await client.post("/v1/reports/search", wanted)
        found += [item["state"] for item in page["items"]]
    return found


async def decide(
    client: LocalClient,
    id_: int,
    what: str = "confirm",
    why: str = "",
    role: str = "reviewer",
    **more: Any,
) -> Reply:
    return await client.post(
        f"/v1/pending/{id_}/{what}", {"why": why}, role=role, **more
    )


async def done(client: LocalClient, id_: int, state: str = "done") -> None:
    """Have it confirmed; so it is then."""
    assert (await decide(client, id_))["items"][0]["state"] == state


async def shown(client: LocalClient, id_: int, what: str = "item") -> Any:
    reply = await client.get(f"/v1/pending/{id_}", role="reviewer")
    assert "+1202555" not in str(reply)  # masked
    return reply[what]


async def after(client: LocalClient) -> Any:
    """Return what went at once, the newest first."""
    return (await client.get("/v1/pending?state=after"))["items"]


def ends(first: int, n: int) -> Any:
    """Return a retraction of reports."""
    return {"reason": "false_positive", "values": values(first, n)}


async def test_many_reports_wait_until_a_second_person_confirms(
    bank: LocalClient,
) -> None:
    reply = await hand_in(bank, 1000)
    assert (reply.status, [*reply]) == (202, ["pending"])
    id_ = reply["pending"]
    assert await rows(bank, 1000) == []
    assert (await hand_in(bank, 1000))["pending"] == id_  # once
    item = await shown(bank, id_)
    assert item["by"]["staff"] == "0042"
    assert item["changes"] == [
        {"what": "report", "kind": "phone", "label": "fake_invest", "n": 4}
    ]
    its = await shown(bank, id_, "rows")
    assert [row["n"] for row in its] == [1, 2, 3, 4]
    assert (its[1]["value"], its[1]["evidence"]) == ("+12****1001", "user_tag")
    where, call = f"/v1/pending/{id_}/rows/2", {"purpose": "case_work"}
    await bank.post(where, call, status=403)
    reply = await bank.post(where, call, role="reviewer")
    assert reply == {"value": "+12025551001"}
    access = bank.member.own.access
    assert [row.caller async for row in access.found()][-1] == "my reviewer"
    last = f"/v1/pending/{id_}/rows/5"
    await bank.post(last, call, role="reviewer", status=404)
    await done(bank, id_)
    assert (await shown(bank, id_))["decided"]["staff"] == "0043"
    assert len(await rows(bank, 1000)) == 4
    await done(bank, id_)


async def test_one_person_with_two_tokens_is_no_second(
    bank: LocalClient,
) -> None:
    id_ = (await hand_in(bank, 1100))["pending"]
    for role in "same", "nobody":
        await decide(bank, id_, role=role, status=422)
    await decide(bank, id_, role="operator", status=403)
    assert await rows(bank, 1100) == []
    assert (await shown(bank, id_))["state"] == "waiting"


async def test_what_is_refused_is_gone_and_says_why(bank: LocalClient) -> None:
    id_ = (await hand_in(bank, 1200))["pending"]
    await decide(bank, id_, "refuse", status=400)
    reply = await decide(bank, id_, "refuse", why="a test list")
    assert reply["items"][0]["state"] == "refused"
    assert (await shown(bank, id_))["why"] == "a test list"
    await decide(bank, id_, status=422)
    assert await rows(bank, 1200) == []
    assert await bank.member.own.pending.parts(id_) == []


async def test_few_go_at_once_and_urgent_ones_are_looked_at_after(
    bank: LocalClient,
) -> None:
    assert (await hand_in(bank, 1300, 3))["accepted"] == 3
    urgent = report("+12025551350", urgent=True)
    assert (await bank.take(urgent))[0]["state"] == "accepted"
    await bank.get("/v1/pending?state=after", role="reader", status=403)
    [item] = await after(bank)
    await done(bank, item["id"], "seen")


async def test_what_goes_in_many_small_calls_is_much(
    bank: LocalClient,
) -> None:
    """By one person, whichever token; an import that adds up waits, too."""
    assert (await hand_in(bank, 1450, 2))["accepted"] == 2
    reply = await hand_in(bank, 1460, 2)
    assert (reply.status, await rows(bank, 1460, 2)) == (202, [])
    assert await imported(bank, "m", 1470, 2)
    reply = await hand_in(bank, 1480, 2, role="second")
    assert reply["accepted"] == 2


async def test_many_vouches_and_new_owners_wait(carrier: LocalClient) -> None:
    for path, field, draft in (
        ("vouches", "vouches", {"kind": "phone", "role": "hotline"}),
        ("reassignments", "numbers", {"since": "2026-11-01"}),
    ):
        drafts = [{"value": f"+1202555149{n}", **draft} for n in range(4)]
        reply = await carrier.post(f"/v1/{path}", {field: drafts})
        [change] = (await shown(carrier, reply["pending"]))["changes"]
        assert (change["what"][:5], change["n"]) == (path[:5], 4)
        await done(carrier, reply["pending"])


async def test_a_drill_waits_for_nobody_once_a_day(bank: LocalClient) -> None:
    """An urgent and a normal one; none is counted, or looked at after."""

    async def counted() -> Any:
        [family] = bank.member.node.metrics.reports.collect()
        n = [s.value for s in family.samples if "accepted" in str(s.labels)]
        return n, (await bank.get("/v1/pending"))["items"]

    before = await counted()
    for urgent in (True, False):
        site = f"http://{urgent}.drill.example/"
        one = report(site, "url", test=True, urgent=urgent)
        for state in ("accepted", "refused"):
            [item] = await bank.take(one)
            assert item["state"] == state, item
        back = {"kind": "url", "value": site, "reason": "test"}
        await bank.post("/v1/retractions", back, status=202)
    assert await counted() == before


async def test_nobody_waits_where_there_is_no_reviewer(
    police: LocalClient,
) -> None:
    assert (await hand_in(police, 1400))["accepted"] == 4


async def test_a_bulk_retraction_waits_and_says_whose_listing_stays(
    bank: LocalClient, police: LocalClient
) -> None:
    await hand_in(police, 1500, 2)
    await hand_in(bank, 1500, 3)
    await forget(bank.member)
    await hand_in(bank, 1503, 2)
    await bank.settle()
    alone, call = ends(1504, 1), ends(1500, 5)
    assert (await bank.post("/v1/retractions", alone))["retracting"] == 1
    id_ = (await bank.post("/v1/retractions", call))["pending"]
    item = await shown(bank, id_)
    assert [(c["what"], c["n"]) for c in item["changes"]] == [("report", -4)]
    its = await shown(bank, id_, "rows")
    assert sorted(row.get("stays", []) for row in its) == [
        *([], []),
        *(["police"], ["police"]),
    ]
    assert all(row["position"] for row in its)
    assert "ended" not in (await rows(bank, 1500))
    more = report("+12025551500", label="fake_loan")
    await bank.take(more)  # more than was shown would end by now
    failed = (await decide(bank, id_))["items"][0]
    assert failed["state"] == "failed"
    assert "were confirmed" in failed["problem"]["detail"]
    await done(bank, (await bank.post("/v1/retractions", call))["pending"])
    went, *_ = await after(bank)
    assert went["changes"][0]["n"] == -1
    # It ended, and is seen still.
    [row] = await shown(bank, went["id"], "rows")
    assert (row["value"], row["label"]) == ("+12****1504", "fake_invest")


async def test_an_erasure_always_waits(bank: LocalClient) -> None:
    """Of one entry too."""
    await hand_in(bank, 1550, 1)
    await bank.settle()
    await bank.post("/v1/retractions", ends(1550, 1))
    await bank.settle()
    last = await bank.member.size() - 1
    named: Any = {"entries": [last - 1, last], "reason": "subject_right"}
    where = "/v1/log/erasures"
    effect = await bank.post(where, named)
    assert effect["types"] == {"report": 1, "retract": 1}
    named["yes"] = True
    id_ = (await bank.post(where, named, status=202))["pending"]
    [row] = await shown(bank, id_, "rows")
    assert row["position"] == [bank.member.origin, last - 1]
    await done(bank, id_)
    assert not (await bank.member.records())[last][1]
    assert (await bank.post(where, named))["types"] == {}


async def test_a_retraction_in_pieces_is_a_bulk_one(bank: LocalClient) -> None:
    """What went at once is added up, by the person and day."""
    await hand_in(bank, 1600, 3)
    await forget(bank.member)
    await hand_in(bank, 1603, 1)
    for n in range(4):
        reply = await bank.post(
            "/v1/retractions", ends(1600 + n, 1), status=202
        )
        assert ("pending" in reply) == (n == 3)
    assert (await rows(bank, 1603, 1)) != ["ended"]


async def test_an_answer_that_withdraws_shows_what_it_ends(
    bank: LocalClient, police: LocalClient
) -> None:
    await hand_in(bank, 1700, 1)
    await bank.settle()
    one = {"kind": "phone", "value": "+12025551700"}
    await police.post("/v1/disputes", {**one, "reason": "innocent_owner"})
    await bank.settle()
    [found] = (await bank.get("/v1/disputes?side=against_us"))["items"]
    answer = {"dispute": found["position"], "outcome": "report_withdrawn"}
    reply = await bank.post("/v1/answers", {**answer, "reason": "case_open"})
    assert reply["retracting"] == 1, reply
    went, *_ = await after(bank)
    assert went["about"] == found["position"]
    [row] = await shown(bank, went["id"], "rows")
    assert row["value"] == "+12****1700"


async def begin(
    client: LocalClient, list_: str, first: int, n: int = 5
) -> int:
    """Begin an import of a list, of so many rows by now."""
    hash_ = hashlib.sha256(f"{list_}{n}".encode()).hexdigest()
    body = {"name": "a.csv", "size": 9, "file": hash_, "list": list_}
    id_ = (await client.post("/v1/imports", body, status=200))["id"]
    await load(client, id_, first, n)
    return int(id_)


async def load(
    client: LocalClient, id_: int, first: int, n: int, at: int = 0, **more: Any
) -> Reply:
    mark = {
        "id": id_,
        "prefix": "0" * 64,
        "old_offset": at,
        "offset": at + 9,
        "row": at + max(n, 9),
    }
    body = {"reports": phones(first, n), "import": mark}
    return await client.post("/v1/reports", body, **more)


async def finish(client: LocalClient, id_: int, **how: Any) -> Reply:
    return await client.post(f"/v1/imports/{id_}/finish", how)


async def imported(
    client: LocalClient, list_: str, first: int, n: int = 5
) -> int:
    """Import a list; return as what it waits."""
    reply = await finish(client, await begin(client, list_, first, n))
    return int(reply["pending"])


async def begin_load(client: LocalClient, list_: str, *firsts: int) -> int:
    """Begin a load of a list of ours, of two rows from each on."""
    begun = (await client.post("/v1/own/loads", {"list": list_}))["load"]
    for first in firsts:
        part = {"list": list_, "load": begun, "reports": phones(first, 2)}
        items = (await client.post("/v1/own/local", part))["items"]
        assert {item["state"] for item in items} == {"pending"}
    return int(begun)


async def remove(client: LocalClient, **what: Any) -> int:
    """Remove entries, or end a load; return as what it waits."""
    return int((await client.post("/v1/own/removals", what))["pending"])


async def entries(client: LocalClient, list_: str) -> list[str]:
    """Return how the values on a list of ours end."""
    page = await client.get(f"/v1/own/entries?list={list_}")
    return [item["value"][-4:] for item in page["items"]]


async def test_an_import_waits_as_a_whole(bank: LocalClient) -> None:
    id_ = await begin(bank, "a", 2000)
    await bank.settle()
    assert await rows(bank, 2000, 5) == ["held"] * 5
    reply = await finish(bank, id_)
    assert reply.status == 202
    pending = reply["pending"]
    assert (await load(bank, id_, 2005, 1, 9)).status == 409  # closed
    assert (await finish(bank, id_))["pending"] == pending
    item = await shown(bank, pending)
    assert (item["list"], item["changes"][0]["n"]) == ("a", 5)
    assert len(await shown(bank, pending, "rows")) == 5
    await done(bank, pending)
    await bank.settle()
    assert await rows(bank, 2000, 5) == ["published"] * 5
    assert (await bank.get(f"/v1/imports/{id_}"))["finished"]


async def test_two_imports_that_end_alike_wait_each_for_itself(
    bank: LocalClient,
) -> None:
    """One that is refused leaves no row of its own, and has ended."""
    held = [await imported(bank, f"{n}", n) for n in (2400, 2410)]
    await hand_in(bank, 2400, 1)  # one is said by a person, too
    await decide(bank, held[0], "refuse", why="not ours")
    await decide(bank, held[1])
    assert len(await rows(bank, 2400, 5)) == 1
    assert "held" not in await rows(bank, 2410, 5)
    of = (await shown(bank, held[0]))["import_"]
    assert (await bank.get(f"/v1/imports/{of}"))["finished"]


async def test_a_small_import_waits_at_its_end_only(bank: LocalClient) -> None:
    reply = await finish(bank, await begin(bank, "c", 2200, 3))
    assert (reply.status, reply["finished"]) == (200, True)
    assert "held" not in await rows(bank, 2200, 3)


async def test_what_an_import_left_held_is_the_next_ones(
    bank: LocalClient,
) -> None:
    """Which may begin, though nobody has decided on it yet."""
    first = await imported(bank, "d", 2300, 6)
    id_ = await begin(bank, "d", 2300)
    assert (await bank.get(f"/v1/imports/{id_}"))["known"] == 5
    pending = (await finish(bank, id_))["pending"]
    assert (await shown(bank, pending))["changes"][0]["n"] == 5
    await decide(bank, first, "refuse", why="not ours")
    await decide(bank, pending)
    assert "held" not in await rows(bank, 2300, 5)
    assert await rows(bank, 2305, 1) == []  # which the first one alone had


async def test_own_lists_wait_and_a_load_as_a_whole(bank: LocalClient) -> None:
    number = "+12025553000"
    body = {"type": "exempt", "entries": [{"kind": "phone", "value": number}]}
    id_ = (await bank.post("/v1/own/entries", body))["pending"]
    assert (await bank.get("/v1/own/entries")).get("items", []) == []
    await done(bank, id_)
    [entry] = (await bank.get("/v1/own/entries"))["items"]
    assert (entry["value"], entry["by"]) == (number, "my operator")
    id_ = await remove(bank, ids=[entry["id"]])
    assert [r["type"] for r in await shown(bank, id_, "rows")] == ["exempt"]
    await begin_load(bank, "x", 3100, 3110)  # which is left half-way
    begun = await begin_load(bank, "x", 3100, 3110)
    id_ = await remove(bank, list="x", load=begun)
    assert [r["type"] for r in await shown(bank, id_, "rows")] == ["local"] * 4
    changes = (await shown(bank, id_))["changes"]
    assert sum(c["n"] for c in changes if c["what"] == "local") == 4
    await done(bank, id_)
    assert len(await entries(bank, "x")) == 4
    id_ = await remove(bank, list="x")
    assert len(await shown(bank, id_, "rows")) == 4


async def test_two_loads_that_wait_are_each_done_as_they_were(
    bank: LocalClient,
) -> None:
    """A row that is refused is on the list still."""
    held = []
    for first in (3200, 3201):  # both get one number: none is in use yet
        begun = await begin_load(bank, "y")
        some = phones(first, 2)
        some[0]["label"] = "fake_invest" if first == 3200 else "x"
        part = {"list": "y", "load": begun, "reports": some}
        await bank.post("/v1/own/local", part)
        held.append(await remove(bank, list="y", load=begun))
    for id_ in held:
        await done(bank, id_)
    assert await entries(bank, "y") == ["3201", "3202"]


async def test_what_goes_together_is_one_sum(bank: LocalClient) -> None:
    calls = []
    for first in 2600, 2603, 2606:
        await hand_in(bank, first, 3)
        await forget(bank.member)
        calls += [bank.post("/v1/retractions", ends(first, 3), role="second")]
    replies = await asyncio.gather(*calls)
    assert sum("pending" in reply for reply in replies) == 2


async def test_what_a_list_lacks_counts_as_taken_back(
    bank: LocalClient,
) -> None:
    """Of 400 a hundredth goes unasked: more than one person may."""
    reply, id_ = Reply(), 0
    for n in 400, 396, 396:
        id_ = await begin(bank, "k", 8000, n)
        reply = await finish(bank, id_, gone="retract")
        if "pending" in reply:
            await decide(bank, reply["pending"])
    assert (reply.status, reply["params"]["due"]) == (422, 4)
    named = {"gone": "retract", "gone_at_most": 4}
    assert "pending" in await finish(bank, id_, **named)


async def test_who_handed_in_a_row_does_not_confirm_anothers_import(
    bank: LocalClient,
) -> None:
    id_ = await begin(bank, "h", 2500, 4)
    await load(bank, id_, 2510, 1, 9, role="second")
    await decide(bank, (await finish(bank, id_))["pending"], status=422)
    assert await rows(bank, 2500, 1) == ["held"]


async def test_nobody_adds_to_anothers_load(bank: LocalClient) -> None:
    begun = await begin_load(bank, "z", 3300)
    part = {"list": "z", "load": begun, "reports": phones(3310, 1)}
    await bank.post("/v1/own/local", part, role="second")
    await bank.post("/v1/own/loads", {"list": "z"}, role="second")
    await done(bank, await remove(bank, list="z", load=begun))
    assert await entries(bank, "z") == ["3300", "3301"]


async def test_confirmed_twice_at_once_it_is_done_once(
    bank: LocalClient,
) -> None:
    """A second click would begin a load of its own, and tear the first."""
    begun = await begin_load(bank, "w", *range(3400, 3440, 2))
    id_ = await remove(bank, list="w", load=begun, gone_at_most=100)
    replies = await asyncio.gather(*(decide(bank, id_) for _ in range(4)))
    assert {r["items"][0]["state"] for r in replies} == {"done"}
    assert len(await entries(bank, "w")) == 40


async def test_a_day_later_it_lapses_and_what_went_is_a_to_do(
    carrier: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hand_in(carrier, 4100)
    assert (await carrier.member.events("waiting"))[-1]["n"] == 4
    monkeypatch.setattr("syncd.node.serve.review_service.SOON_S", 90_000)
    for _ in range(2):
        await carrier.member.node.review.daily()
    assert [one["n"] for one in await carrier.member.events("lapsing")] == [4]
    todo = str((await carrier.get("/v1/status"))["todo"])
    assert "1 wait for a second person" in todo
    monkeypatch.setattr("syncd.flows.review.DAY_S", 0)
    await carrier.take(report("+12025554999", urgent=True))
    pending = await imported(carrier, "l", 4000)
    await decide(carrier, pending, status=422)
    await carrier.member.node.review.daily()
    assert (await shown(carrier, pending))["state"] == "lapsed"
    assert await rows(carrier, 4000, 5) == []
    todo = str((await carrier.get("/v1/status"))["todo"])
    assert "1 went at once" in todo
    await carrier.member.own.pending.prune(-1)
    assert (await hand_in(carrier, 4200))["pending"] > pending


async def test_what_was_confirmed_and_left_is_done_by_the_daily_job(
    bank: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = bank.member.node.review
    id_ = (await hand_in(bank, 5000))["pending"]

    async def die(held: Any) -> Any:
        raise KeyError

    monkeypatch.setattr(review, "_carry_out", die)
    await decide(bank, id_, status=500)
    monkeypatch.undo()
    assert (await shown(bank, id_))["state"] == "confirmed"
    monkeypatch.setattr("syncd.node.serve.review_service.AGAIN_S", -1)
    await review.daily()
    assert (await shown(bank, id_))["state"] == "done"
    assert len(await rows(bank, 5000)) == 4


async def certify(bank: LocalClient, value: str, **more: Any) -> Reply:
    wanted = {"kind": "phone", "value": value}
    return await bank.post("/v1/certificates", wanted, **more)


async def test_a_certificate_takes_an_end_and_two_persons(
    alliance: Alliance, clients: dict[str, LocalClient], bank: LocalClient
) -> None:
    """What is against it reads as if nothing had been listed.

    Made elsewhere it shows what the others say that they have.
    """
    some = phones(4000, 5)
    gone, quiet, stands, erased, never = (one["value"] for one in some)
    some[1]["handling"] = "no_tip_off"
    for two in (some[:2], some[2:4]):
        await bank.post("/v1/reports", {"reports": two})
        await forget(bank.member)
    await bank.settle()
    await bank.post("/v1/retractions", ends(4000, 2))
    index = (await bank.member.node.ctx.own.log.head()).frontier.size - 1
    said = Erase(ranges=((index, index + 1),), reason="privacy")
    await bank.member.say(said)
    await bank.settle()
    against = [await certify(bank, v) for v in (quiet, stands, never)]
    assert {(a.status, a.raw) for a in against} == {(404, against[2].raw)}
    await certify(bank, gone, role="unnamed", status=422)
    for value, end in ((gone, bank.member.node.ctx.today()), (erased, "")):
        id_ = (await certify(bank, value))["pending"]
        [row] = await shown(bank, id_, "rows")
        assert row["value"] == f"{value[:3]}****{value[-4:]}"
        assert (await certify(bank, value))["pending"] == id_
        await done(bank, id_)
        sheet = await certify(bank, value)
        both = sheet["by"]["staff"], sheet["decided"]["staff"]
        assert (sheet["number"][10:], *both) == (f"-{id_}", "0042", "0043")
        [one] = sheet["items"]
        assert (one["sector"], one["ended"]) == ("bank", end)
        assert [s for s, at in one["followed"] if at] == ["carrier", "police"]
        assert "example" not in str(sheet)  # no log, and so no member
    carrier, apart = clients["carrier"], alliance.bank.network.apart
    for silent in ("bank", "police"):  # the author has it, and so has each
        apart.add(frozenset({silent, "carrier"}))
        assert await shown_at(carrier, gone) == ["carrier", "police"]
        apart.clear()


async def shown_at(client: LocalClient, value: str) -> list[str]:
    """Return the sectors that a member shows for another one's listing."""
    reply = await certify(client, value)
    if id_ := reply.get("pending"):
        await done(client, id_)
        reply = await certify(client, value)
    [one] = reply["items"]
    assert one["sector"] == "bank"
    return [sector for sector, at in one["followed"] if at]


async def test_the_rule_outlives_the_reviewer(bank: LocalClient) -> None:
    bearers = bank.member.own.bearers
    for name in ("my reviewer", "my same", "my nobody"):
        await bearers.revoke(name)
    assert "pending" in await hand_in(bank, 6000)
