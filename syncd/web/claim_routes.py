"""Routes of disputes, answers, vouches and reassigned numbers."""

from syncd.errors import MalformedError, SyncdError
from syncd.flows.draft import (
    AnswerDraft,
    DisputeDraft,
    ReassignedDraft,
    VouchDraft,
)
from syncd.web import claim_forms as forms
from syncd.web.report_forms import ReportsTaken
from syncd.web.routes import OPERATORS, READERS, Call, Routes, counted

routes = Routes()


@routes(
    "POST", "/v1/disputes", OPERATORS, "dispute others' reports", status=202
)
async def _dispute(call: Call, body: DisputeDraft) -> forms.Disputed:
    if bool(body.value) == bool(body.token):
        raise MalformedError("dispute: want a value, or a token and epoch")
    return await call.service.claim_intake.dispute(call.caller, body)


@routes("GET", "/v1/disputes", READERS, "list disputes against us, and ours")
async def _disputes(
    call: Call, query: forms.DisputeQuery
) -> forms.DisputePage:
    return await call.service.claim_intake.disputes(query)


@routes(
    "POST", "/v1/answers", OPERATORS, "answer a dispute against us", status=202
)
async def _answer(call: Call, body: AnswerDraft) -> forms.Answered:
    return await call.service.claim_intake.answer(call.caller, body)


@routes("POST", "/v1/vouches", OPERATORS, "vouch for our own", status=202)
async def _vouch(
    call: Call, body: forms.Vouches[VouchDraft | SyncdError]
) -> ReportsTaken:
    counted("vouches", body.vouches)
    return await call.service.claim_intake.owners(call.caller, body.vouches)


@routes(
    *("POST", "/v1/reassignments", OPERATORS),
    "say that numbers have a new owner",
    status=202,
)
async def _reassign(
    call: Call, body: forms.Reassignments[ReassignedDraft | SyncdError]
) -> ReportsTaken:
    counted("numbers", body.numbers)
    return await call.service.claim_intake.owners(call.caller, body.numbers)
