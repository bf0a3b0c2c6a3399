"""System: what an operator sees and ends, and what compliance reads."""

from tests.console.conftest import Visitor


async def test_an_operator_sees_what_runs(operator: Visitor) -> None:
    page = await operator.get(
        "/system", "tokens open something", "own.workers 0", "operator 0001"
    )
    assert page.status == 200
    assert "syncd_" not in page.html
    assert operator.token not in page.html
    csv = await operator.get("/system?csv=settings")
    assert '"member.id","bank"' in csv.html


async def test_who_is_revoked_is_out(
    newcomer: Visitor, operator: Visitor
) -> None:
    """By the session, which may come again; by the token, which may not."""
    one, sessions = newcomer, newcomer.member.own.sessions
    await one.log_in()
    [session] = [
        s.id for s in await sessions.all() if s.bearer.staff == one.staff
    ]
    assert session in (await operator.get("/system")).html
    assert (
        await operator.post("/system", {"sessions": session})
    ).status == 200
    assert (await one.get("/")).path.startswith("/login")
    assert (await one.log_in()).path == "/lookup"
    token = {"tokens": f"reader {one.staff}"}
    await operator.post("/system", token)
    assert (await one.get("/")).path.startswith("/login")
    assert (await one.log_in()).status == 401
    assert (await operator.post("/system", token)).status == 404


async def test_compliance_reads_who_asked(people: dict[str, Visitor]) -> None:
    """And nothing of the daemon; the reading is the next page's row."""
    one = people["compliance"]
    assert (await one.get("/system")).status == 200
    page = await one.get(
        "/system?since=2000-01-01",
        "is itself recorded",
        "0004 Person 0004 audit",
    )
    rows = (await one.get("/system?csv=items")).html
    assert '"","0004","Person 0004"' in rows
    assert "own.workers" not in page.text
    assert (await one.get("/system?since=yesterday")).status == 400
