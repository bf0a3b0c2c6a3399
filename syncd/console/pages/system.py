"""System: the daemon itself, who may come in, and who looked up what."""

from syncd import tsv
from syncd.console.page import Answer, Visit, page
from syncd.console.pages.reports import form_of
from syncd.messages.catalogue import later, phrase
from syncd.web.access_forms import AccessFilter
from syncd.web.routes import COMPLIANCE, OPERATORS


@page("GET /system", OPERATORS | COMPLIANCE, later("System"), menu=80)
async def system(visit: Visit) -> Answer:
    """Show an operator the daemon, and compliance who looked up what."""
    wanted = form_of(AccessFilter, visit.query)
    if visit.may("GET /v1/system"):
        state = await visit.api("GET /v1/system")
    else:
        state = await visit.api("GET /v1/access", wanted)
    tokens = getattr(state, "tokens", ())
    return visit.show(
        "system.html",
        state=state,
        live=[one.name for one in tokens if one.revoked_at is None],
        wanted=wanted,
        tables={
            phrase("table", name): visit.table(
                name, keys, its.items() if isinstance(its, dict) else its
            )
            for name, keys in tsv.rows("console/system.tsv")
            if (its := getattr(state, name, None)) is not None
        },
    )


@page("POST /system", OPERATORS, later("Revoke"))
async def revoke(visit: Visit) -> Answer:
    """Revoke a token, or end a session."""
    for what, value in (await visit.form()).items():
        if what in ("tokens", "sessions"):
            await visit.api(f"POST /v1/{what}/{{name}}/revoke", name=value)
    return visit.go("/system")
