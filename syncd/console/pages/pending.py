"""For review: what waits for a second person, and what it would change."""

from syncd.console import places
from syncd.console.page import Answer, Link, Row, Visit, cells, number, page
from syncd.console.pages.reports import form_of
from syncd.console.places import words
from syncd.flows.review import Change, Held, Person
from syncd.indicator.statement import NAMES
from syncd.messages import catalogue
from syncd.messages.catalogue import later, phrase, t
from syncd.web.report_forms import Decision, HeldRow, PendingQuery, ValueCall
from syncd.web.routes import OPERATORS, REVIEWERS, WATCHERS


@page("GET /pending", WATCHERS, later("For review"), menu=50)
async def pending(visit: Visit) -> Answer:
    """Show what waits, what went at once, and what was decided."""
    waiting, after, decided = [
        (await visit.api("GET /v1/pending", PendingQuery(state=state))).items
        for state in ("waiting", "after", "decided")
    ]
    rows: list[Row] = [
        cells(
            one,
            id=Link(f"/pending/{one.id}", str(one.id)),
            state=phrase("review", one.state),
            what="; ".join(map(_line, one.changes[:3])),
            by=_who(one.by),
            who=_who(one.decided) if one.decided else "",
        )
        for one in (*waiting, *after, *decided)
    ]
    return visit.show(
        "pending.html",
        waiting=waiting,
        after=after,
        table=visit.table("held", "id state* what n by* at who* why", rows),
    )


@page("GET /pending/{id:[0-9]+}", WATCHERS, later("For review"))
@page("POST /pending/{id:[0-9]+}", REVIEWERS, later("For review"))
async def held(visit: Visit) -> Answer:
    """Show what one would change, or a value of it; or decide, as a second."""
    id_, value = visit.id, ""
    given = await visit.form()
    if what := given.get("what"):
        call = "POST /v1/pending/{id}/{decision}"
        why = Decision(why=given.get("why", ""))
        await visit.api(call, why, id=id_, decision=what)
        return visit.go(f"/pending/{id_}")
    if asked := given.get("n", ""):
        call, n = "POST /v1/pending/{id}/rows/{n}", number(asked)
        wanted = form_of(ValueCall, given)
        value = (await visit.api(call, wanted, id=id_, n=n)).value
    found = await visit.api("GET /v1/pending/{id}", id=id_)
    one: Held = found.item
    return visit.show(
        "held.html",
        "value",
        one=one,
        id=id_,
        who=_who,
        lines=[*map(_line, one.changes)],
        problem=one.problem and catalogue.text(one.problem),
        table=visit.table(
            "rows",
            "n kind* value seen label* evidence why stays position",
            [_row(visit, r) for r in found.rows],
        ),
        value=value,
    )


def _row(visit: Visit, row: HeldRow) -> Row:
    leads = visit.caller.role in OPERATORS and row.type in NAMES.values()
    where = Link(f"/reports/{row.id}", str(row.n))
    return cells(
        row,
        n=where if leads and row.id else row.n,
        stays=", ".join(row.stays),
        position=row.position and places.place(row.position),
    )


def _line(one: Change) -> str:
    """Return in words how much of one sort would begin, or end."""
    what = phrase("type", one.what)
    kind = one.kind and phrase("kind", one.kind)
    sort = " · ".join(filter(None, (what, kind, words("label", one.label))))
    if one.n < 0:
        return t("{n} end: {sort}", n=f"{-one.n:,}", sort=sort)
    return t("{n} new: {sort}", n=f"{one.n:,}", sort=sort)


def _who(by: Person) -> str:
    return " ".join(filter(None, (by.name, by.staff, by.person)))
