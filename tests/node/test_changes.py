"""What came in since a cursor, and what that made of it."""

import pytest

from syncd.errors import MissingError
from syncd.node.upkeep import arrivals
from syncd.store.merge_marks import MergeMarks
from syncd.web.forms import ChangePage, ChangeQuery
from syncd.web.routes import Caller
from tests.alliance import Alliance, Member, until
from tests.refusals import malformed

CALLER = Caller("core", "reader")
BEGIN = "0.0"


async def changes(member: Member, since: str = BEGIN) -> ChangePage:
    return await member.node.local_service.changes(
        CALLER, ChangeQuery(since=since)
    )


def verdicts(page: ChangePage) -> list[tuple[str, str]]:
    return [(one.before, one.after) for one in page.items]


async def test_a_report_and_its_retract(bank: Member, police: Member) -> None:
    """Each page judges what had come before it; reading is recorded."""
    await police.tell("url", "http://evil.example/a")
    first = await changes(bank)
    [one] = first.items
    assert (one.kind, len(one.positions)) == ("url", 1)
    assert one.positions[0][0] == police.origin
    assert verdicts(first) == [("none", "suspected")]
    await police.take_back("url", "http://evil.example/a")
    second = await changes(bank, first.next)
    assert second.items[0].positions[0] > one.positions[0]
    assert verdicts(second) == [("suspected", "none")]
    assert not second.more
    # The first page says the same when it is read again, the retract merged,
    # and though a consumer that fails has it come again and again.
    node = bank.node
    origin, index = second.items[0].positions[0]
    for _ in range(2):
        page = await arrivals.read(node.ctx, origin, index, index + 1)
        await node.local_service.came(page)
    assert (await changes(bank)).items == first.items
    assert (await changes(bank, second.next)).items == ()
    rows = await bank.own.access.page()
    read = [(r.caller, r.purpose, len(r.positions or ())) for r in rows]
    assert read == [("core", "audit", 1)] * len(read) != []


async def test_a_page_is_what_one_merge_brought(alliance: Alliance) -> None:
    """With a report and its retract in one, nothing has changed."""
    for name in ("a", "b"):
        await alliance.police.tell("url", f"http://evil.example/{name}")
    alliance.cut()
    carrier = alliance.carrier
    size = await carrier.size()

    async def has_grown() -> bool:
        return await carrier.size() > size

    await carrier.report("url", "http://evil.example/c")
    await until(has_grown)
    size += 1
    await carrier.retract("url", "http://evil.example/c")
    await until(has_grown)
    alliance.heal()
    await alliance.settle()
    pages, cursor, more = [], BEGIN, True
    while more:
        page = await changes(alliance.bank, cursor)
        pages.append(
            [
                (len(one.positions), *pair)
                for one, pair in zip(page.items, verdicts(page), strict=True)
            ]
        )
        cursor, more = page.next, page.more
    listed = [(1, "none", "suspected")]
    assert pages == [listed, listed, [(2, "none", "none")]]
    assert (await changes(alliance.bank, cursor)).items == ()


async def test_without_a_cursor_from_now_on(
    bank: Member, carrier: Member, police: Member
) -> None:
    """Other logs count as far as they had come; an event has the cursor."""
    await police.tell("url", "http://evil.example/a")
    now = await changes(bank, "")
    assert now.items == ()
    await carrier.tell("url", "http://evil.example/a")
    page = await changes(bank, now.next)
    [one] = page.items
    assert one.positions[0][0] == carrier.origin
    assert one.before == "suspected"
    *_, last = await bank.events("changes")
    assert (last["origin"], last["n"]) == (carrier.origin, 1)
    assert (await changes(bank, last["cursor"])).items == page.items


async def test_a_cursor_that_is_too_old_is_refused(
    bank: Member, police: Member
) -> None:
    """So is one of a database that was restored; anything else is no cursor."""
    for n in range(3):
        await police.tell("url", f"http://evil.example/{n}")
    page = await changes(bank, "")
    own, now = bank.own, bank.node.ctx.now()
    await MergeMarks(own.database, lambda: now + 31 * 86_400).prune()
    assert (await changes(bank, page.next)).items == ()
    number, at = page.next.split(".")
    for other in (BEGIN, f"{number}.{int(at) - 1}"):
        with pytest.raises(MissingError):
            await changes(bank, other)
    with malformed():
        await changes(bank, "x")
