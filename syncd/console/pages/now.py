"""Now: whether all is well, in one sentence."""

from aiohttp import web

from syncd.console.page import Visit, page
from syncd.messages.catalogue import later
from syncd.web.routes import EVERYBODY


@page("GET", "/", EVERYBODY, later("Now"), menu=10)
async def now(visit: Visit) -> web.StreamResponse:
    """Show how this member is doing."""
    return visit.show("now.html")
