"""Who asked what: for internal audit, and for the person concerned."""

from typing import Any

import pytest
from msgspec.structs import replace

from syncd.flows.ports import Access
from syncd.indicator import identifier, token
from tests.cases import each
from tests.web.local_client import LocalClient, Reply, report

ROLE = {"role": "compliance"}
OPEN = {"evidence": "police_case", "handling": "open"}
QUIET = {**OPEN, "handling": "no_tip_off"}


async def ask(
    client: LocalClient,
    value: str,
    purpose: str = "transaction_check",
    role: str = "reader",
    reference: str = "",
) -> Any:
    body = {
        "purpose": purpose,
        "reference": reference,
        "items": [{"kind": "phone", "value": value}],
    }
    return (await client.post("/v1/lookups", body, role=role))["items"][0]


async def read(client: LocalClient, query: str = "") -> Any:
    reply = await client.get(f"/v1/access?{query}", **ROLE, status=200)
    return list(reply["items"])


async def about(client: LocalClient, value: str, **more: Any) -> Reply:
    body = {"kind": "phone", "value": value, **more}
    return await client.post("/v1/access/about", body, **ROLE, status=200)


# ------------------------------------------------------------- the record


async def audits(client: LocalClient, by: str) -> int:
    """Return how often one has looked something up for an audit."""
    return sum(
        one["lookups"]
        for one in await read(client)
        if (one["by"], one["purpose"]) == (by, "audit")
    )


async def test_seeing_a_value_of_ours_is_recorded_as_a_look_up(
    bank: LocalClient,
) -> None:
    """With its purpose, as which the person concerned may hear of it."""
    number = "+12025559077"
    [one] = await bank.take(report(number, handling="open"))
    await bank.settle()
    where = f"/v1/reports/{one['id']}/value"
    await bank.post(where, {"purpose": "curious"}, status=400)
    shown = await bank.post(where, {"purpose": "transaction_check"})
    assert shown == {"value": number}
    [heard] = (await about(bank, number))["items"]
    assert heard["purpose"]["code"] == "transaction_check"
    await bank.post(
        "/v1/reports/999999/value",
        {"purpose": "transaction_check"},
        status=404,
    )


async def test_all_tokens_of_a_person_are_counted_as_one(
    bank: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name counts as whose it was by then."""
    own = bank.member.own
    for n in range(2):
        await own.bearers.add(f"till {n}", "reader", None, "0901", "Li")
    access = own.access
    looked = Access("till 0", "account_opening", "", None)
    await access.record([looked, looked, replace(looked, caller="till 1")])
    past = bank.member.node.ctx.now() - 86_400
    monkeypatch.setattr(access, "_clock", lambda: past)
    await access.record([looked])

    found = [
        (row["by"], row["staff"], row["person"], row["lookups"])
        for row in await read(bank)
    ]
    counted = [r for r in found if "till" in r[0] or r[1] == "0901"]
    assert counted == [("till 0", "", "", 1), ("", "0901", "Li", 3)]


# --------------------------------------------------- the person concerned


async def test_a_person_hears_when_what_for_and_what_came_of_it(
    police: LocalClient, bank: LocalClient
) -> None:
    """Ours alone; without ids, names of our people, reports or members."""
    number = "+12025559010"
    await ask(bank, number)
    await police.member.tell("phone", number, **OPEN)
    await ask(bank, number, purpose="account_opening", reference="secret 1")
    await ask(police, number)
    items = (await about(bank, number))["items"]
    assert [
        (i["purpose"]["code"], i.get("listed", False), i.get("action", ""))
        for i in items
    ] == [("transaction_check", False, ""), ("account_opening", True, "hold")]
    fields = {name for item in items for name in item}
    assert fields == {"at", "on", "purpose", "kind", "listed", "action"}


async def test_the_asking_is_recorded(bank: LocalClient) -> None:
    number = "+12025559011"
    assert await about(bank, number, reference="letter 7") == {"items": []}
    kept = await bank.member.own.access.page(limit=10_000)
    [row] = [row for row in kept if row.reference == "letter 7"]
    assert (row.caller, row.kind) == ("compliance", "phone")
    assert row.purpose == "subject_access"
    again = (await about(bank, number))["items"]
    assert [i["purpose"]["code"] for i in again] == ["subject_access"]


async def test_what_is_left_out_leaves_no_trace(
    police: LocalClient,
    bank: LocalClient,
    carrier: LocalClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Byte for byte the reply of a member that never did these look-ups."""
    quiet = "+12025559012"
    clock = bank.member.node.ctx.clock()
    for member in (bank, carrier):
        access = member.member.own.access
        monkeypatch.setattr(access, "_clock", lambda: int(clock))

    async def compared(number: str) -> Any:
        mine = await about(bank, number)
        assert mine.raw == (await about(carrier, number)).raw
        return mine["items"]

    for member in (bank, carrier):
        await ask(member, quiet)
    await ask(bank, quiet, purpose="case_work")
    await ask(bank, quiet, purpose="dissuasion")
    assert len(await compared(quiet)) == 1

    await police.member.tell("phone", quiet, **QUIET)
    await ask(bank, quiet)
    await ask(bank, quiet, purpose="loan_check", role="operator")
    await bank.get("/v1/indicators?limit=1000", role="reader")
    assert [i["purpose"]["code"] for i in await compared(quiet)] == [
        *("transaction_check", "subject_access")
    ]

    await police.member.take_back("phone", quiet)
    assert len(await compared(quiet)) == 3  # nor after it has ended


async def test_what_is_secret_by_now_is_left_out_too(
    bank: LocalClient, police: LocalClient
) -> None:
    """A position that was open at the answer, and is not any more."""
    number = "+12025559013"
    await police.member.tell("phone", number, **QUIET)
    await ask(police, number, purpose="case_work")
    node = bank.member.node
    outputs = await node.tokeniser.outputs(
        identifier.for_lookup("phone", number), purpose="test", timeout_s=5
    )
    kept = await police.member.own.access.page(limit=10_000)
    [place] = [r for r in kept if r.purpose == "case_work"][-1].positions or ()
    await node.home.own.access.record(
        [
            Access(
                *("teller", "call_check", "phone", [place]),
                [token.token(output) for output in outputs.values()],
                handling="open",
            )
        ]
    )
    assert (await about(bank, number))["items"] == []


# ------------------------------------------------------------- appeals


@each("syncd/local-api", "appeals", "draft, why")
async def test_an_appeal_that_cannot_be(
    bank: LocalClient, draft: Any, why: str
) -> None:
    reply = await bank.post("/v1/appeals", draft, **ROLE, status=400)
    assert why in reply["detail"]


# --------------------------------------------------------------- calls


async def test_what_came_of_calls_counts_by_month(bank: LocalClient) -> None:
    call = {"outcome": "stopped", "label": "imp_police", "amount": 70}
    call["notice"] = "hold"
    for key, kept in (("1", 1), ("1", 0), ("2", 1)):
        reply = await bank.post("/v1/calls", {**call, "key": key})
        assert reply == {"kept": kept}
    day = bank.member.node.ctx.today()
    found = await bank.get(f"/v1/calls?since={day}", role="auditor")
    count = {"calls": 2, "month": day[:7]} | call | {"amount": 140}
    assert found["items"] == [count]
    for name in ("label", "notice"):
        wrong = await bank.post(
            "/v1/calls", {**call, name: "?", "key": "3"}, status=400
        )
        assert name in wrong["detail"]
