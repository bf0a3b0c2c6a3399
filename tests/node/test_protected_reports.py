"""When the never-list grows, authors hear which reports it has overtaken."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from syncd.errors import DamagedError
from syncd.flows.ports import State, VaultRow
from syncd.indicator.record import ReportFields
from syncd.node.context import logged
from syncd.node.upkeep.never_list import NeverList
from syncd.roster.terms import Never
from syncd.store.vault import Query
from syncd.web import report_forms, routes
from syncd.web.forms import Draft
from syncd.web.report_forms import ReportsCall, ReportSearch
from tests.alliance import Alliance, Member
from tests.node.stand_in import Home

DAY_S = 86_400
NOON = 1_795_953_600  # 29 November 2026, UTC


def draft(kind: str, value: str, role: str, **more: Any) -> Draft:
    return Draft(
        kind=kind,
        value=value,
        role=role,
        label="other",
        evidence="user_tag",
        **more,
    )


def url(value: str, **more: Any) -> Draft:
    return draft("url", value, "phishing_host", **more)


async def test_authors_are_notified_of_what_a_grown_list_protects(
    alliance: Alliance, bank: Member
) -> None:
    """And one command takes back those, whether published or waiting."""
    reports = (
        draft("phone", "+12025550112", "caller"),
        url("http://hunt.example/"),
        url("http://shop.example/planted/x", technique=("compromised",)),
        url("http://shop.example/other"),
        url("http://www.shop.example/"),
    )
    await bank.node.intake.take_reports(
        routes.Caller("", "operator"), ReportsCall(reports=reports)
    )
    await alliance.settle()
    assert (await bank.node.never.protected()) == ()
    await alliance.protect(
        Never("phone", "+12025550112", "official"),
        Never("url", "shop.example/", "official"),
    )
    await alliance.settle()
    assert len(await bank.node.never.protected()) == 3
    status = await bank.node.status_reader.status()
    [line] = [x for x in status.todo if str(x).startswith("never-list: ")]
    assert "3 reports of ours" in str(line)
    assert "syncd report retract --never" in str(line)
    done = await bank.node.local_service.retract(
        routes.Caller("", "operator"),
        report_forms.Retraction(reason="false_positive", never=True),
    )
    assert (done.retracting, done.disputes) == (3, 0)
    status = await bank.node.status_reader.status()
    assert not [x for x in status.todo if str(x).startswith("never-list: ")]
    await alliance.settle()
    page = await bank.node.intake.reports(ReportSearch(state="published"))
    assert len(page.items) == 2


async def test_a_service_number_is_an_alarm_however_it_is_shown(
    alliance: Alliance,
    bank: Member,
    police: Member,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By token, which holders gave under a purpose of its own.

    And though a vault does not open: others' reports are looked for still.
    """
    await bank.tell("phone", "+86 755 96110", "+86 755 8234 5678")
    await alliance.protect(Never("phone", "cn:96110", "anti_fraud"))
    await alliance.settle()

    async def damaged(_: Query) -> list[VaultRow]:
        raise DamagedError("vault: row 1 does not open")

    monkeypatch.setattr(police.own.vault, "page", damaged)
    await police.node.orders.know_never()
    [found] = await police.findings("never_listed")
    assert found.finding.origin == bank.origin
    assert police.node.never.todo == ()
    used = await police.own.quotas.usage(police.node.ctx.today(), "phone/1")
    asked = {n for _, purpose, n, _ in used if purpose == "never"}
    assert asked == {len(police.node.never.listed)}
    with pytest.raises(KeyError), logged(""):  # ours: who counts it hears
        raise KeyError


class Rows:
    """A vault that counts how often it is walked."""

    def __init__(self, *rows: VaultRow) -> None:
        self.rows = rows
        self.walks = 0

    async def in_force(self, ids: Sequence[int]) -> set[int]:
        return {row.id for row in self.rows} & {*ids}

    async def page(self, wanted: Query) -> list[VaultRow]:
        """Return one row at a time."""
        self.walks += not wanted.before
        return [r for r in self.rows if r.id < (wanted.before or 1000)][-1:]


def row(id_: int, expires: str) -> VaultRow:
    return VaultRow(
        id=id_,
        kind="phone",
        value="cn:96110",
        fields=ReportFields(expires=expires),
        state=State.PUBLISHED,
    )


def reports_of(rows: Rows) -> tuple[NeverList, Home]:
    """Return the reports that are under a list of one row, on 29 November."""
    never = (Never("phone", "cn:96110", "x"),)
    roster = SimpleNamespace(never=never, zone="UTC")
    home = Home(own=SimpleNamespace(vault=rows), now=NOON, roster=roster)
    nobody: Any = None
    return NeverList(ctx=home.context, tokeniser=nobody), home


async def test_what_is_retracted_leaves_without_a_walk() -> None:
    """A vault may have a million rows, and who retracts one waits for it."""
    rows = Rows(row(1, "2026-11-30"), row(2, "2026-11-30"))
    reports, _ = reports_of(rows)
    assert await reports.protected() == (2, 1)
    rows.rows = rows.rows[:1]
    await reports.retracted()
    assert (reports.ids, rows.walks) == ((1,), 1)


async def test_what_has_expired_asks_nothing_of_anybody() -> None:
    """And a vault is walked anew for a new list, and at most once a day."""
    rows = Rows(row(1, "2026-11-30"), row(2, "2026-11-28"))
    reports, home = reports_of(rows)
    assert reports.todo == ()
    for _ in range(3):
        assert await reports.protected() == (1,)
    assert rows.walks == 1
    home.now += 2 * DAY_S
    for _ in range(3):
        assert await reports.protected() == ()
    assert rows.walks == 2
    home.now += DAY_S  # nothing is under it: nothing can expire
    await reports.protected()
    assert rows.walks == 2
    roster = home.trusted.current
    roster.never = (*roster.never, Never("phone", "cn:96111", "x"))
    await reports.protected()
    assert rows.walks == 3
