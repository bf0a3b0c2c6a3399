"""Lists that come again, through the local API."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from syncd.flows.submission import LONGEST_NAME
from syncd.node.serve import intake
from tests.cases import tried
from tests.web.local_client import LocalClient, Reply, report


def urls(name: str, count: int) -> Any:
    """Return reports of hosts that nobody else has."""
    hosts = [f"http://{name}{n}.example/" for n in range(count)]
    return [report(host, "url") for host in hosts]


def problem(detail: str) -> Any:
    return {"type": "x", "title": "", "status": 400, "detail": detail}


async def take(
    client: LocalClient, name: str, reports: Any, *refused: Any, **more: Any
) -> Any:
    """Hand in all rows of a list's next file; return how far it is."""
    wanted = {"name": f"{name}.csv", "size": 9, "list": name, **more}
    wanted["file"] = f"{len(reports):064x}"
    step = {
        "id": (await client.post("/v1/imports", wanted))["id"],
        "old_offset": 0,
        "offset": 9,
        "row": len(reports) + len(refused),
        "prefix": bytes(32).hex(),
        "rows": [*range(1, len(reports) + 1)],
        "refused": [*refused],
    }
    body = {"reports": reports, "import": step}
    reply = await client.post("/v1/reports", body, status=202)
    # The answer was lost: the same step again changes nothing.
    again = await client.post("/v1/reports", body, status=409)
    assert again["type"] == "urn:syncd:problem:stale"
    resumed = await client.post("/v1/imports", wanted, status=200)
    assert resumed["offset"] == 9
    return {**resumed, "items": reply["items"]}


async def test_an_import_moves_with_its_rows(police: LocalClient) -> None:
    """It counts what the client refused, and what we did, and ends."""
    rows = [*urls("moves", 1), report("n/a")]
    unread = {"row": 3, "value": "x", "problem": problem("no row")}
    begun = await take(police, "moves", rows, unread)
    counts = {"row": 3, "accepted": 1, "refused": 2, "finished": False}
    state = {**counts, "by": "desk", "prefix": bytes(32).hex()}
    assert begun.items() >= state.items()
    other = {
        "name": "moves.csv",
        "size": 9,
        "list": "moves",
        "file": f"{2:064x}",
        "options": {"label": "fake_loan"},
    }
    # The same list: it stopped, and may go on.
    await police.post("/v1/imports", other, status=400)
    assert (await end(police, begun["id"]))["finished"]
    assert (await police.post("/v1/imports", other, status=200))["offset"] == 0
    body = {"reason": "duplicate", "import": begun["id"]}
    assert (await police.post("/v1/retractions", body))["retracting"] == 1


async def test_steps_are_published_when_the_list_ends(
    police: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or after a while, or at once where one is urgent."""
    woken: list[str] = []
    node = police.member.node
    monkeypatch.setattr(node.intake, "wake", lambda: woken.append("now"))
    monkeypatch.setattr(intake, "BETWEEN_S", 60.0)
    begun = await take(police, "ends", urls("ends", 1))
    assert not woken
    await end(police, begun["id"])
    assert woken == ["now"]
    monkeypatch.setattr(intake, "BETWEEN_S", 0.0)
    await take(police, "later", urls("later", 1))
    await asyncio.sleep(0)
    assert woken == ["now"] * 2
    await take(police, "hurry", [{**urls("hurry", 1)[0], "urgent": True}])
    assert woken == ["now"] * 3


async def test_rows_before_the_first_are_refused(police: LocalClient) -> None:
    """Three reports cannot be the first two rows of a file."""
    wanted = {"name": "few.csv", "size": 9, "file": bytes(32).hex()}
    begun = await police.post("/v1/imports", wanted)
    step = {"id": begun["id"], "old_offset": 0, "offset": 9}
    step |= {"prefix": bytes(32).hex()}
    for row, status in ((2, 400), (3, 202)):
        body = {"reports": urls("few", 3), "import": {**step, "row": row}}
        await police.post("/v1/reports", body, status=status)


@tried("field", ["name", "list"])
async def test_a_list_is_asked_for_by_the_longest_name(
    police: LocalClient, field: str
) -> None:
    """Which is percent-encoded in an address; a longer one is refused."""
    wanted = {"name": "a.csv", "size": 9, "file": f"{1:064x}"}
    longest = "名" * LONGEST_NAME
    made = await police.post(
        "/v1/imports", {**wanted, field: longest}, status=200
    )
    page = await police.get(f"/v1/imports?list={quote(longest)}")
    assert page["items"][0]["id"] == made["id"]
    too_long = {**wanted, field: longest + "x"}
    await police.post("/v1/imports", too_long, status=400)


async def end(
    client: LocalClient, id_: int, status: int = 200, **how: Any
) -> Reply:
    return await client.post(f"/v1/imports/{id_}/finish", how, status=status)


async def whole(
    client: LocalClient, name: str, reports: Any, **how: Any
) -> Any:
    """Import a file of a list, to its end."""
    return await end(client, (await take(client, name, reports))["id"], **how)


async def test_what_a_list_lacks_twice_is_taken_back_once_it_is_named(
    police: LocalClient,
) -> None:
    """The problem has the number; the import ends when it is said."""
    rows = urls("nightly", 6)
    first = await whole(police, "n", rows)
    assert (first["list"], first["accepted"]) == ("n", 6)
    again = await whole(police, "n", rows[:4], gone="retract")
    assert (again["known"], again["gone"], again["due"]) == (4, 2, 0)
    begun = await take(police, "n", rows[:4])
    for how in ({}, {"gone_at_most": 3}, {"complete": False}):
        reply = await end(police, begun["id"], 422, gone="retract", **how)
        assert reply["params"]["due"] == 2
        assert "--gone-at-most 2" in reply["hint"]
    reply = await end(police, begun["id"], gone="retract", gone_at_most=2)
    assert (reply["due"], reply["dropped"]) == (2, 2)
    reply = await end(police, begun["id"])  # the answer was lost
    assert reply["dropped"] == 2
    assert (await police.get(f"/v1/imports/{first['id']}"))["accepted"] == 6
    brought = await police.post("/v1/reports/search", {"import": first["id"]})
    stand = [i for i in brought["items"] if not i["state"].startswith("end")]
    assert len(stand) == 4
    page = await police.get("/v1/imports?list=n&limit=2")
    assert [i["id"] for i in page["items"]] == [begun["id"], again["id"]]
    page = await police.get(f"/v1/imports?list=n&before={page['next']}")
    assert [i["id"] for i in page["items"]] == [first["id"]]
    assert "next" not in page
    await police.get("/v1/imports/999999", status=404)


async def test_a_reason_is_one_line(police: LocalClient) -> None:
    for why in "x" * 201, "a\nb":
        body = {"reports": urls("why", 1), "again": why}
        await police.post("/v1/reports", body, status=400)


async def test_reports_that_others_took_back_are_marked(
    police: LocalClient, bank: LocalClient
) -> None:
    """Of a URL at once, of a phone once it is published; it binds nobody."""
    [url], phone = urls("elsewhere", 1), report("+12025550178")
    other = report("+12025550179")
    await police.take(url, phone, other)
    await police.settle()
    for row, reason in (
        *((url, "court_order"), (phone, "false_positive")),
        (other, "duplicate"),
    ):
        back = {"kind": row["kind"], "value": row["value"], "reason": reason}
        await police.post("/v1/retractions", back)
    await police.settle()
    began = await take(bank, "others", [url, phone, other])
    notes = [item.get("elsewhere") for item in began["items"]]
    assert notes == ["police court_order", None, None]
    await police.settle()
    ended = await end(bank, began["id"])
    assert (ended["accepted"], ended["elsewhere"]) == (3, 2)
    for row, says in (
        *((url, "police court_order"), (phone, "police false_positive")),
        (other, None),
    ):
        [found] = await search(bank, value=row["value"], kind=row["kind"])
        assert found.get("elsewhere") == says
    # It is not told of what we took back ourselves, unless there is a reason.
    [held] = await police.take(url)
    assert (held["state"], held["reason"]) == ("taken_back", "court_order")
    body = {"reports": [url], "again": "the court has decided anew"}
    assert (await police.post("/v1/reports", body))["accepted"] == 1
    [found, _] = await search(police, value=url["value"])
    assert found["again"] == "the court has decided anew"


async def test_refused_rows_come_back_unchanged(police: LocalClient) -> None:
    """What the client and what the daemon refused, with all their cells."""
    rows = [*urls("refused", 1), report("n/a")]
    unread = {"row": 3, "value": "?", "problem": problem("not a day")}
    begun = await take(police, "refused", rows, unread)
    cells = {"rows": [[2, {"no": "7", "url": "n/a"}], [9, {"no": "x"}]]}
    path = f"/v1/imports/{begun['id']}/refused"
    assert await police.post(path, cells) == {"kept": 2}
    kept = await police.get(path)
    assert [(i["row"], i.get("cells")) for i in kept["items"]] == [
        (2, {"no": "7", "url": "n/a"}),
        (3, None),
    ]
    assert kept["items"][1]["problem"]["detail"] == "not a day"
    assert (await police.get(f"{path}?after=2"))["items"][0]["row"] == 3
    await police.get("/v1/imports/999999/refused", status=404)
    await police.post("/v1/imports/999999/refused", cells, status=404)
    many = {"rows": [[n, {}] for n in range(10_001)]}
    await police.post(path, many, status=400)


async def search(client: LocalClient, **asked: Any) -> Any:
    """Ask for rows of the vault, by value too."""
    reply = await client.post("/v1/reports/search", asked, status=200)
    return list(reply["items"])
