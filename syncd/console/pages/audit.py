"""Audit: a bundle of all that others can check, and what checking it found."""

from aiohttp import web

from syncd.audit.result import kinds
from syncd.console.page import Visit, page
from syncd.messages.catalogue import later
from syncd.web.audit_forms import AuditBundle
from syncd.web.routes import AUDITORS


@page("GET", "/audit", AUDITORS, later("Audit"), menu=65)
async def audit(visit: Visit) -> web.StreamResponse:
    """Show what is kept, and how the newest is; or send a file of it."""
    number = visit.query.get("id", "")[:15]
    if "file" in visit.query:
        return await visit.api(  # type: ignore[no-any-return]
            *("GET", "/v1/audit/bundles/{id}/{file}"),
            id=int(number) if number.isdecimal() else 0,
            file=visit.query["file"],
        )
    items = (await visit.api("GET", "/v1/audit/bundles")).items
    last = items[0] if items else AuditBundle(id=0)
    return visit.show("audit.html", last=last, items=items, kinds=kinds())


@page("POST", "/audit", AUDITORS, later("Make a bundle"))
async def make(visit: Visit) -> web.StreamResponse:
    """Begin to make a bundle."""
    await visit.api("POST", "/v1/audit/bundles")
    return visit.go("/audit")
