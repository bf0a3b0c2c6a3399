"""Entry: what one entry of a log says, what became of it, and its proof."""

import base64
from collections.abc import Iterator
from typing import Final

from aiohttp import web

from syncd.console import places
from syncd.console.page import Visit, page
from syncd.console.tables import At, Column, Row
from syncd.messages.catalogue import later, t
from syncd.web.log_forms import Entry
from syncd.web.routes import AUDITORS

_LIFE: Final = (
    Column("at", later("when")),
    Column("what", later("what happened")),
    Column("who", later("who")),
    Column("more", later("where")),
)
_CLAIMS: Final = (
    Column("at", later("entry")),
    Column("on", later("day")),
    Column("type", later("type"), choices=True),
    Column("label", later("label")),
    Column("evidence", later("evidence")),
    Column("expires", later("expires")),
)


@page("GET", "/entry/{origin:[^?]+}/{index}", AUDITORS, later("Entry"))
async def entry(visit: Visit) -> web.StreamResponse:
    """Show an entry; `proof` in the query gives the proof as a file."""
    at = visit.request.match_info
    index = int(at["index"]) if at["index"].isdecimal() else 2**53
    path = "/v1/logs/{origin}/{index}"
    found: Entry = await visit.api(
        "GET", path, origin=at["origin"], index=index
    )
    if "proof" in visit.query:
        name = f"{found.member}-{index}.tlog-proof"
        return web.Response(
            text=found.proof,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    lang, row = visit.lang, found.entry
    claims: list[Row] = [
        {
            "at": places.place(one.position, one.member),
            "on": one.on,
            "type": places.type_name(one.type),
            "label": places.words("label", [one.label or ""], lang),
            "evidence": places.words("evidence", [one.evidence or ""], lang),
            "expires": one.expires,
        }
        for one in found.claims
    ]
    state = t(places.CLOSED[row.closed]) if row.closed else row.void
    if not state:
        state = t("it stands") if found.ended_by is None else t("taken back")
    return visit.show(
        "entry.html",
        sentence=t(
            "Entry {n} in the log of {member}: {what}, {state}.",
            n=index,
            member=found.member,
            what=places.type_name(row.type),
            state=state,
        ),
        found=found,
        payload=base64.b64decode(found.payload).decode("utf-8", "replace"),
        words=places.words,
        log=places.log(found.origin, before=index + 1),
        life=visit.table("life", _LIFE, [*_life(found)]),
        claims=visit.table(
            "claims",
            _CLAIMS,
            claims,
            empty=t("Nothing is in force on what this entry is about."),
        ),
    )


def _life(found: Entry) -> Iterator[Row]:
    """Yield what happened to an entry, as far as it is known here."""
    index, who = found.entry.index, found.member
    place = found.origin, index
    if found.accepted_at:
        at = At(found.accepted_at)
        yield {"at": at, "what": t("handed in"), "who": who}
    if found.entry.on:
        yield {"at": found.entry.on, "what": t("written"), "who": who}
    if found.effect_at:
        at = At(found.effect_at)
        yield {"at": at, "what": t("took effect"), "who": who}
    for one in found.cosigned:
        merged = one.key.endswith("/merged")
        yield {
            "at": At(one.at),
            "what": t("merged, says its receipt")
            if merged
            else t("seen in the log, says a witness"),
            "who": one.member or one.key,
            "more": t("{n} entries", n=one.size),
        }
    for claim in found.claims:
        if place in claim.about:
            yield {
                "at": claim.on,
                "what": places.type_name(claim.type),
                "who": claim.member,
                "more": places.place(claim.position, claim.member),
            }
    if found.ended_by is not None:
        by = found.origin, found.ended_by
        more = places.place(by, who)
        yield {"what": t("taken back"), "who": who, "more": more}
