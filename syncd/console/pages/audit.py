"""Audit: a bundle of all that others can check, and how drills went."""

from syncd.audit.result import kinds
from syncd.console.page import Answer, Visit, number, page
from syncd.messages.catalogue import later
from syncd.web.record_forms import AuditBundle
from syncd.web.routes import AUDITORS


@page("GET /audit", AUDITORS, later("Audit"), menu=65)
async def audit(visit: Visit) -> Answer:
    """Show what is kept, and how the newest is; or send a file of it."""
    if "file" in visit.query:
        return await visit.api(  # type: ignore[no-any-return]
            "GET /v1/audit/bundles/{id}/{file}",
            id=number(visit.query.get("id", "")),
            file=visit.query["file"],
        )
    items = (await visit.api("GET /v1/audit/bundles")).items
    last = items[0] if items else AuditBundle(id=0)
    drills = (await visit.api("GET /v1/audit/drills")).items
    shown = {"last": last, "items": items, "drills": drills}
    return visit.show("audit.html", **shown, kinds=kinds())


@page("POST /audit", AUDITORS, later("Make a bundle, or take a drill on"))
async def make(visit: Visit) -> Answer:
    """Begin to make a bundle, or take the next step of a drill."""
    what = "drills" if "drill" in await visit.form() else "bundles"
    await visit.api(f"POST /v1/audit/{what}")
    return visit.go("/audit")
