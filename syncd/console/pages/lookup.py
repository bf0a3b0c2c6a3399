"""Look up: one box for whatever a caller names, and what to do about it."""

import asyncio
import contextlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from syncd.console import places
from syncd.console.page import Answer, Given, Visit, page
from syncd.console.pages import reports
from syncd.indicator import vocabulary
from syncd.indicator.extract import Named, extract
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import later, t
from syncd.web import forms
from syncd.web.record_forms import CallNote
from syncd.web.routes import READERS

SOON_MS = 900  # for the holders: somebody is on the line
PURPOSES = (
    *("dissuasion", "call_check", "transaction_check", "content_check"),
    *("account_opening", "sim_registration", "loan_check", "case_work"),
)
WORST = (  # first
    *("confirmed", "suspected", "disputed"),
    *("unknown", "refused", "none", "protected"),
)
KEPT = ("purpose", "reference", "sent")  # for the next


@page("GET /lookup", READERS, later("Look up"), menu=20)
async def box(visit: Visit) -> Answer:
    """Show the box, for the purpose that was chosen last."""
    noted = t("Noted. Ready for the next.") if "noted" in visit.query else ""
    return _show(visit, {"purpose": visit.query.get("for", "")}, noted)


@page("POST /lookup", READERS, later("Look up"))
async def ask(visit: Visit) -> Answer:
    """Look up all that a text names."""
    given = await visit.form()
    text = given.get("text", "").strip()
    named = await asyncio.to_thread(extract, text, visit.room.region)
    if given.get("kind") and text:
        named = (Named(given["kind"], text, given.get("scheme", "").strip()),)
    if not named:
        nothing = t("No number, link or account is in it.") if text else ""
        return _show(visit, given, nothing)
    found = await _asked(
        visit,
        named,
        purpose=given.get("purpose", ""),
        reference=given.get("reference", ""),
        deadline_ms=0 if "again" in given else SOON_MS,
    )
    rows = [*map(_row, named, found)]
    rows.sort(key=lambda row: WORST.index(row["verdict"]))
    worst = catalogue.phrase("verdict", rows[0]["verdict"])
    count = t("Looked up: {n}. {verdict}", n=len(rows), verdict=worst)
    return _show(visit, given, count, rows)


@page("POST /lookup/seen", READERS, later("Met by a customer"))
async def seen(visit: Visit) -> Answer:
    """Have it counted among what the alliance hears of by the week."""
    given = await visit.form()
    value = Named(*(given.get(name, "") for name in Named._fields))
    await _asked(visit, [value], purpose="call_check", outcome="warned")
    if visit.htmx:  # the call goes on, its answer stays
        return visit.show("lookup.html", "seen")
    return _noted(visit, given)


@page("POST /lookup/call", READERS, later("What came of the call"))
async def note(visit: Visit) -> Answer:
    """Keep what came of a call."""
    given = await visit.form()
    await visit.api("POST /v1/calls", reports.form_of(CallNote, given))
    return _noted(visit, given)


async def _asked(
    visit: Visit, named: Sequence[Named], **how: Any
) -> Sequence[forms.LookupItem]:
    items = tuple(forms.Item(**one._asdict()) for one in named)
    call = forms.Lookups(items=items, **how)
    found: forms.LookupAnswers = await visit.api("POST /v1/lookups", call)
    return found.items


def _noted(visit: Visit, given: Given) -> Answer:
    purpose = given.get("purpose", "")
    known = purpose if purpose in PURPOSES else ""
    return visit.go(f"/lookup?noted&for={known}")


def _show(
    visit: Visit,
    given: Given,
    said: str,
    rows: Sequence[Mapping[str, Any]] = (),
) -> Answer:
    return visit.show(
        "lookup.html",
        "lookup",
        given={"purpose": PURPOSES[0], "reference": "", "sent": ""}
        | {name: given[name] for name in KEPT if given.get(name)},
        said=said,
        rows=rows,
        since=_since(visit, given.get("sent", "")),
        purposes=places.named("purpose", PURPOSES),
        key=secrets.token_hex(16),
        reasons=vocabulary.FACETS["verdict_reason"],
    )


def _since(visit: Visit, sent: str) -> int | None:
    """Return seconds since a time of day was last, None if it is none."""
    now = datetime.fromtimestamp(visit.now, ZoneInfo(visit.zone))
    with contextlib.suppress(ValueError):
        at = datetime.strptime(sent + "Z", "%H:%M%z")
        return (now.replace(tzinfo=UTC) - at).seconds
    return None


def _row(named: Named, item: forms.LookupItem) -> dict[str, Any]:
    raw = msgspec.to_builtins(item)
    if wrong := raw.get("problem"):
        why, hint = catalogue.text(wrong), catalogue.text(wrong, "hint")
        parts = {"why": why, "hint": hint}
    else:
        parts = answers.words(raw)
    return {
        "named": named,
        "item": item,
        "parts": parts,
        "verdict": item.verdict or "refused",
        "action": (item.ours or item).action,
    }
