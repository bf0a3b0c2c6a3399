"""Entry: what one entry of a log says, what became of it, and its proof."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from aiohttp import web

from syncd.console import places
from syncd.console.page import Answer, At, Cell, Link, Visit, cells, page
from syncd.indicator import vocabulary
from syncd.messages.catalogue import later, phrase, t
from syncd.web.forms import ClaimItem
from syncd.web.record_forms import Entry
from syncd.web.routes import AUDITORS, REVIEWERS


@page(
    "GET /entry/{origin:[^?]+}/{index}", AUDITORS | REVIEWERS, later("Entry")
)
async def entry(visit: Visit) -> Answer:
    """Show an entry; `proof` in the query gives the proof as a file."""
    at = visit.request.match_info
    found: Entry = await visit.api(
        "GET /v1/logs/{origin}/{index}",
        origin=at["origin"],
        index=int(at["index"]) if at["index"].isdecimal() else 2**53,
    )
    index, who = found.entry.index, found.member
    position = found.origin, index
    if "proof" in visit.query:
        named = f'attachment; filename="{who}-{index}.tlog-proof"'
        headers = {"Content-Disposition": named}
        return web.Response(text=found.proof, headers=headers)
    claims = [
        cells(c, at=places.place(c.position, c.member), state=_state(c))
        for c in found.claims
    ]
    raw, fields = base64.b64decode(found.payload), dict[str, Any]()
    if raw and not found.entry.void:
        fields = msgspec.json.decode(raw)
    said = [(k, _said(found.entry.type, k, v)) for k, v in fields.items()]
    own = (_state(c) for c in found.claims if c.position == position)
    return visit.show(
        "entry.html",
        state=places.state(found.entry) or str(next(own, t("it stands"))),
        found=found,
        payload=raw.decode("utf-8", "replace"),
        log=places.log(found.origin, before=index + 1),
        life=visit.table("life", "at what who more", _life(found)),
        fields=visit.table("fields", "name says", said),
        claims=visit.table(
            "claims", "at on type* label evidence expires state", claims
        ),
    )


def _said(type_: str, name: str, value: Any) -> str:
    """Return what a field says: codes by their names."""
    if not isinstance(value, str):
        return json.dumps(value)
    for facet in (name, f"{type_}_{name}"):
        if value in vocabulary.FACETS.get(facet, ()):
            return places.words(facet, value)
    return value


def _state(of: ClaimItem) -> Link | str:
    """Return whether a claim stands, or by what it does not."""
    if of.ended_by is None:
        return t("it stands")
    text = t("taken back on {day}", day=of.ended_on)
    return Link(places.entry(of.position[0], of.ended_by), text)


def _life(found: Entry) -> Iterator[Sequence[Cell]]:
    """Yield what happened to an entry, as far as it is known here."""
    who, index = found.member, found.entry.index
    if found.accepted_at:
        yield At(found.accepted_at), t("handed in"), who
    if found.entry.on:
        yield found.entry.on, t("written"), who
    if found.effect_at:
        yield At(found.effect_at), t("took effect"), who
    for one in found.cosigned:
        merged = t("merged, says its receipt")
        seen = t("seen in the log, says a witness")
        what = merged if one.key.endswith("/merged") else seen
        size = t("{n} entries", n=one.size)
        yield At(one.at), what, one.member or one.key, size
    for claim in found.claims:
        types = found.entry.type, claim.type
        of_all = types == ("report", "dispute") and not claim.about
        position = found.origin, index
        if of_all or position in claim.about:
            place = places.place(claim.position, claim.member)
            what = phrase("type", claim.type)
            yield claim.on, what, claim.member, place
        if claim.position == position and claim.ended_on:
            yield claim.ended_on, _state(claim), who
