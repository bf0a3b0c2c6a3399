"""System: the daemon itself, who may come in, and who looked up what."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from aiohttp import web
from msgspec.structs import asdict

from syncd.console.page import Visit, page
from syncd.console.tables import At, Column, Table
from syncd.messages.answers import name
from syncd.messages.catalogue import later, t
from syncd.web.access_forms import AccessFilter, AccessSums
from syncd.web.routes import COMPLIANCE, OPERATORS
from syncd.web.system_forms import SystemState

_JOBS: Final = (
    *(Column("name", later("Job")), Column("last", later("Ran last"))),
    *(Column("took_s", later("Seconds")), Column("next", later("Runs next"))),
)
_FILES: Final = Column("name", later("File")), Column("bytes", later("bytes"))
_SETTINGS: Final = (
    *(Column("name", later("Setting")), Column("value", later("Value"))),
    Column("default", later("As delivered"), choices=True),
)
_TOKENS: Final = (
    *(Column("name", later("Token")), Column("role", later("Role"), True)),
    *(Column("staff", later("Staff")), Column("person", later("Person"))),
    Column("added_at", later("Added")),
    Column("revoked_at", later("Revoked")),
    Column("certificate_ends", later("Certificate until")),
)
_SESSIONS: Final = (
    *(Column("name", later("Token")), Column("role", later("Role"), True)),
    *(Column("person", later("Person")), Column("began_at", later("Began"))),
    Column("used_at", later("Used last")),
    Column("ends_at", later("Ends")),
)
_ACCESS: Final = (
    *(Column("on", later("Day")), Column("by", later("Token"), True)),
    Column("purpose", later("Purpose"), choices=True),
    Column("lookups", later("Looked up")),
    Column("listed", later("Listed")),
)


_TIMES: Final = {"last", "next", "certificate_ends"}


@page("GET", "/system", OPERATORS | COMPLIANCE, later("System"), menu=80)
async def system(visit: Visit) -> web.StreamResponse:
    """Show an operator the daemon, and compliance who looked up what."""
    if not visit.may("GET", "/v1/system"):
        return await _access(visit)
    state: SystemState = await visit.api("GET", "/v1/system")
    live = [one.name for one in state.tokens if one.revoked_at is None]
    return visit.show(
        "system.html",
        sentence=t(
            "syncd {version} on Python {python}; {tokens} tokens open something,"
            " {sessions} sessions are open.",
            version=state.version,
            python=state.python,
            tokens=len(live),
            sessions=len(state.sessions),
        ),
        state=state,
        live=live,
        tables={
            later("Jobs"): _table(visit, "jobs", _JOBS, state.jobs),
            later("Tokens"): _table(visit, "tokens", _TOKENS, state.tokens),
            later("Sessions"): _table(
                visit, "sessions", _SESSIONS, state.sessions
            ),
            later("Files of the home"): _table(
                visit, "files", _FILES, state.files
            ),
            later("Settings in force"): _table(
                visit, "settings", _SETTINGS, state.settings
            ),
        },
    )


async def _access(visit: Visit) -> web.StreamResponse:
    days = {one: visit.query.get(one, "") for one in ("since", "until")}
    found: AccessSums = await visit.api(
        "GET", "/v1/access", AccessFilter(**days)
    )
    return visit.show(
        "system.html",
        sentence=t(
            "{n} values were looked up in these days, {listed} of them listed;"
            " that you read this is recorded.",
            n=sum(one.lookups for one in found.items),
            listed=sum(one.listed for one in found.items),
        ),
        days=days,
        tables={
            later("Who looked up what for"): _table(
                visit, "access", _ACCESS, found.items
            )
        },
    )


def _table(
    visit: Visit,
    called: str,
    columns: Sequence[Column],
    rows: Iterable[msgspec.Struct],
) -> Table:
    """Return structs as rows: times, codes and flags as people read them."""
    made = []
    for one in map(asdict, rows):
        for key, value in one.items():
            if value and (key.endswith("_at") or key in _TIMES):
                one[key] = At(value)
            elif key == "purpose":
                one[key] = name("purpose", value)
            elif key == "role":
                one[key] = t(value)
            elif isinstance(value, bool):
                one[key] = t("yes") if value else t("no")
        made.append(one)
    return visit.table(called, columns, made)


@page("POST", "/system", OPERATORS, later("Revoke"))
async def revoke(visit: Visit) -> web.StreamResponse:
    """Revoke a token, or end a session."""
    given = await visit.form()
    if session := given.get("session"):
        await visit.api("POST", "/v1/sessions/{id}/revoke", id=session)
    else:
        token = given.get("token", "")
        await visit.api("POST", "/v1/tokens/{name}/revoke", name=token)
    return visit.go("/system")
