"""Disputes: what is said to be wrong of ours, and what we say of others'."""

from syncd.console import places
from syncd.console.page import Answer, Row, Visit, cells, page
from syncd.console.pages.reports import form_of, split
from syncd.flows.dispute_state import DisputeState
from syncd.flows.draft import AnswerDraft
from syncd.messages.catalogue import later, word
from syncd.web.claim_forms import DisputeQuery
from syncd.web.forms import Items
from syncd.web.routes import OPERATORS


@page("GET /disputes", OPERATORS, later("Disputes and answers"), menu=40)
async def disputes(visit: Visit) -> Answer:
    """Show who waits for an answer of ours, then all there is."""
    found: Items[DisputeState] = await visit.api(
        "GET /v1/disputes", DisputeQuery(limit=1000)
    )
    return visit.show(
        "disputes.html",
        waiting=[one for one in found.items if one.pending and not one.by_us],
        ours=[one for one in found.items if one.pending and one.by_us],
        table=visit.table(
            "disputes",
            "due state* side* member kind reason answer position",
            map(_row, found.items),
        ),
    )


@page("POST /disputes/answer", OPERATORS, later("Answer a dispute"))
async def answer(visit: Visit) -> Answer:
    """Answer for all reports of ours that a dispute is about."""
    given = await visit.form()
    reason = given.get(given.get("outcome", ""), "")
    dispute = split(given.get("positions", ""))
    draft = form_of(AnswerDraft, given, dispute=dispute, reason=reason)
    await visit.api("POST /v1/answers", draft)
    return visit.go("/disputes?answered")


def _row(one: DisputeState) -> Row:
    outcomes = dict.fromkeys(r.outcome for r in one.reports)
    return cells(
        one,
        state=word("contest", one.state),
        side=word("side", one.side),
        reason=word("dispute_reason", one.reason),
        answer=places.words("answer_outcome", *outcomes),
        position=places.place(one.position),
    )
