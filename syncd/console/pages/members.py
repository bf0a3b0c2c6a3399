"""Members: who wants in, what admins are to sign, and who holds the keys.

It shows and does nothing: an admin signs where the key is, by a command.
"""

from typing import Any

from syncd.console import places
from syncd.console.page import Answer, At, Cell, Link, Visit, page
from syncd.flows.conformance import apart
from syncd.messages import catalogue, review
from syncd.messages.catalogue import later, phrase
from syncd.roster import certificate, drafts, membership, spoken
from syncd.roster.members import Member
from syncd.web.routes import SIGNED


@page("GET /members", SIGNED, later("Members and keys"), menu=62)
async def members(visit: Visit) -> Answer:
    """Show what waits for admins, then the roster and how its members do."""
    waiting = await visit.api("GET /v1/joining")  # which may bring a roster
    roster = drafts.read(await visit.api("GET /v1/roster"))[1]
    status: Any = None  # not for an admin's token
    if visit.may("GET /v1/status"):
        status = await visit.api("GET /v1/status")
    raw = [one.encode() for one in waiting.drafts]
    return visit.show(
        "members.html",
        roster=roster,
        comers=[
            membership.applicant(asked, answer, roster)
            for asked, answer in waiting.requests
        ],
        drafts=[(one, drafts.read(one)[1]) for one in raw],
        effects=waiting.effects,
        state=status,
        members=visit.table(
            "members",
            "member name sector* state* addresses lag certificate generation",
            [_member(one, status) for one in roster.members],
        ),
        review=review,
        spoken=spoken.of,
        apart=apart,
    )


def _member(one: Member, status: Any) -> tuple[Cell, ...]:
    """Return a member's row; what only the status tells may be missing."""
    id_, said, lag = one.id, [str(one.status)], None
    if status:
        lag = sum(log.lag for log in status.logs if log.member == id_)
        told = *status.todo, *(m.what for m in status.muted)
        there = (m.code for m in told if id_ in m.params.values())
        said += [code.partition(".")[0] for code in there]
    known = ("active", "suspended", "removed", "distrust")
    return (
        Link(places.log(one.origin), id_) if status else id_,
        getattr(one.names, catalogue.language()),
        places.words("sector", one.sector),
        ", ".join(phrase("membership", n) for n in known if n in said),
        " ".join(one.urls) or one.via,
        lag,
        At(certificate.expires(one.certificate)),
        one.number,
    )
