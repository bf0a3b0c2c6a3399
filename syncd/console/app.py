"""The console as an application: who gets in, and what surrounds a page.

A session is a cookie, which opens pages and no JSON; a bearer token opens
JSON and no page. What changes something is taken from a page of ours alone:
`Origin` is this very address, and the browser says so itself.
"""

import functools
import hashlib
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from aiohttp.web import Request, Response
from msgspec import Struct

from syncd.console import pages, static
from syncd.console.page import ALL, Answer, Visit, Way, page
from syncd.console.render import HERE, environment
from syncd.errors import QuotaError, SyncdError, UntrustedError
from syncd.messages import catalogue
from syncd.messages.catalogue import later, t
from syncd.store.bearer import PROXY, Bearers
from syncd.store.sessions import Sessions
from syncd.web import local_api, routes
from syncd.web.routes import BEARER, HOPS, OPEN, PEOPLE, Caller, Route

LOG_IN = "/login"
HOME = {
    "reader": "/lookup",
    "admin": "/members",
}  # where a role begins, if not at Now
TRIES = 20  # that failed, in a minute, from one address
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with none, a form's Origin is null
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_POLICY = (
    "default-src 'none'; script-src 'nonce-{}'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types htmx"
)


class Console(Struct, kw_only=True, eq=False):
    """Lets people in, and surrounds what pages show."""

    member: str
    region: str  # whose numbers need no country code
    own: Any  # what `[console]` says: a `config.settings.Console`
    bearers: Bearers
    sessions: Sessions
    services: Sequence[object]
    zone: Callable[[], str]
    clock: Callable[[], int]
    ways: dict[str, tuple[object, Route]] = {}
    failed: list[tuple[int, str]] = []  # when log-ins did, whence

    def __post_init__(self) -> None:
        pages.load()
        self.ways = {
            f"{one.method} {one.path}": (service, one)
            for service in self.services
            for one in routes.of(type(service))
        }

    def mount(self, app: web.Application) -> None:
        """Have an application show pages too."""
        for way in ALL:
            handler = functools.partial(self.answer, way)
            app.router.add_route(way.method, way.path, handler)
        app.router.add_route("GET", "/static/{name}", static.answer)
        app.middlewares.append(self._lost)

    def alone(self, limits: local_api.Limits) -> web.Application:
        """Return an application that shows pages and nothing else."""
        app = local_api.app(_nobody, (), limits)
        self.mount(app)
        return app

    def render(self, visit: Visit, name: str, block: str, **more: Any) -> str:
        """Return a template, or a block of it, as text."""
        HERE.set((visit.zone, visit.now))
        template = environment().get_template(name)
        values = {
            "visit": visit,
            "nonce": visit.nonce,
            "title": t(visit.way.title),
            "menu": [
                way
                for way in sorted(ALL, key=lambda way: way.menu)
                if way.menu and visit.caller.role in way.roles
            ],
            **more,
        }
        if not block:
            return template.render(values)
        context = template.new_context(values)
        # Up to the first output: what it imports, and its own macros.
        next(template.root_render_func(context))
        return "".join(template.blocks[block](context))

    async def answer(self, way: Way, request: Request) -> Answer:
        """Answer who is logged in; send anybody else to where that is done."""
        visit = Visit(
            room=self,
            request=request,
            way=way,
            nonce=secrets.token_urlsafe(16),
            zone=self.zone(),
            now=self.clock(),
        )
        with ExitStack() as until:
            asked = request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
            lang = _spoken(request.query.get("lang", asked))
            until.enter_context(catalogue.speaking(lang))
            try:
                answer = await self._answer(visit, until)
            except SyncdError as e:
                answer = self._error(visit, e)
        if not answer.prepared:
            answer.headers.update(_HEADERS)
            policy = _POLICY.format(visit.nonce)
            answer.headers["Content-Security-Policy"] = policy
        return answer

    async def _answer(self, visit: Visit, until: ExitStack) -> Answer:
        request, way = visit.request, visit.way
        self._safe(request)
        secret = request.cookies.get(self._cookie(request), "")
        streams = "event-stream" in request.headers.get(hdrs.ACCEPT, "")
        used = request.method != "GET" or not (visit.htmx or streams)
        found = await self.sessions.find(secret, used=used) if secret else None
        if found:
            visit.caller, visit.session = Caller.of(found.bearer), found.id
            if found.lang:
                until.enter_context(catalogue.speaking(found.lang))
        if found is None and way.roles:
            if streams:
                return Response(status=401)  # which asks again later
            return visit.go(f"{LOG_IN}?next={request.rel_url.raw_path}")
        if way.roles and visit.caller.role not in way.roles:
            sentence = t(
                "Your role, {role}, may not: {what}.",
                role=t(visit.caller.role),
                what=t(way.title),
            )
            return visit.show("base.html", status=403, sentence=sentence)
        return await way.handler(visit)

    def _error(self, visit: Visit, e: SyncdError) -> Response:
        answer = visit.show("error.html", "problem", status=e.status, error=e)
        if visit.htmx:  # which shows what answers 200 alone
            answer.set_status(200)
            answer.headers["HX-Retarget"] = "#problem"
        return answer

    @web.middleware
    async def _lost(self, request: Request, handler: Handler) -> Answer:
        """Show a page, to whoever reads pages, where there is none."""
        try:
            return await handler(request)
        except web.HTTPNotFound:
            if "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
                raise
        return await self.answer(_LOST, request)

    # ---------------------------------------------------------- the browser

    def _address(self, request: Request) -> str:
        """Return scheme, name and port by which a browser came."""
        host = request.headers.get(hdrs.HOST, "")
        if (url := self.own.url) and host == urlsplit(url).netloc:
            return str(url)
        scheme = "https" if request.secure or _proof(request) else "http"
        return f"{scheme}://{host}"

    def _safe(self, request: Request) -> None:
        """Refuse what another site's page, or an open network, may be behind.

        Raises:
            UntrustedError: it is not from a page of ours.
        """
        address = self._address(request)
        host = request.headers.get(hdrs.HOST, "")
        if address.startswith("http:") and not local_api.is_ours(host):
            raise UntrustedError(
                "console: this name is not this machine's, and there is no TLS"
            )
        if request.method in ("GET", "HEAD"):
            return
        if (
            request.headers.get(hdrs.ORIGIN) != address
            or request.headers.get("Sec-Fetch-Site") != "same-origin"
        ):
            raise UntrustedError("console: not from a page of this console")

    def _cookie(self, request: Request) -> str:
        """Return our cookie's name: cookies know no ports."""
        parts = urlsplit(self._address(request))
        port = parts.port or (443 if parts.scheme == "https" else 80)
        named = hashlib.sha256(f"{self.member}:{port}".encode()).hexdigest()
        secure = "__Host-" if parts.scheme == "https" else ""
        return f"{secure}syncd-{named[:12]}"

    def with_cookie(self, visit: Visit, to: Response, secret: str) -> Response:
        """Set our cookie; of "" it expires, and no other one does."""
        name = self._cookie(visit.request)
        to.set_cookie(
            *(name, secret),
            path="/",
            httponly=True,
            samesite="Strict",
            secure=name.startswith("__Host-"),
            max_age=None if secret else 0,
        )
        return to


async def _nobody(bearer: str) -> str:
    """Return that a token opens nothing: pages alone are served."""
    return ""


def _proof(request: Request) -> str:
    """Return what stands for the certificate that came, "" for none."""
    bearer = request.get(BEARER, "")
    return bearer if bearer.startswith("certificate:") else ""


def _next(given: Any) -> str:
    """Return where to go on: a path of ours."""
    path = given.get("next", "/")
    ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if ours and path.isprintable() else "/"


def _spoken(wanted: str) -> str:
    """Return the first language of a browser's list that we speak."""
    tongues = (one.strip()[:2].lower() for one in wanted.split(","))
    return next((one for one in tongues if one in catalogue.LANGUAGES), "en")


async def _lost_page(visit: Visit) -> Answer:
    sentence = t("There is no page at this address.")
    return visit.show("base.html", status=404, sentence=sentence)


_LOST = Way("GET", "/lost", _lost_page, PEOPLE, later("No such page"), 0)


@page("GET /login", OPEN, later("Log in"))
async def _ask(visit: Visit) -> Answer:
    return visit.show("login.html", next=_next(visit.query))


@page("POST /login", OPEN, later("Log in"))
async def _log_in(visit: Visit) -> Response:
    room, request, now = visit.room, visit.request, visit.now
    given = await visit.form()
    shown = await room.bearers.check(_proof(request))
    secret = given.get("token", "").strip()
    *_, before, where = "", *request[HOPS]
    if shown and shown.role == PROXY:  # which says whom it speaks for
        where = before
    path = _next(given)
    room.failed = [one for one in room.failed if now - one[0] < 60]
    failed = sum(address == where for _, address in room.failed)
    if secret and failed >= TRIES:  # a certificate is not guessed
        raise QuotaError(
            "log-in: too many attempts failed; wait a minute", retry_after_s=60
        )
    if secret:
        shown = await room.sessions.take(secret)
        if shown is None and not secret.startswith("certificate:"):
            shown = await room.bearers.check(secret)
    elif shown and shown.role == PROXY:
        staff = request.headers.get(room.own.staff_header, "")
        shown = await room.bearers.of_staff(staff)
    if shown is None or shown.role == PROXY:
        room.failed += [(now, where)] * bool(secret)
        return visit.show("login.html", status=401, failed=True, next=path)
    begun = await room.sessions.begin(shown.id, catalogue.language())
    home = visit.go(HOME.get(shown.role, path) if path == "/" else path)
    return room.with_cookie(visit, home, begun)


@page("POST /logout", PEOPLE, later("Log out"))
async def _log_out(visit: Visit) -> Response:
    await visit.room.sessions.end(visit.session)
    return visit.room.with_cookie(visit, visit.go(LOG_IN), "")


@page("POST /lang", PEOPLE, later("Language"))
async def _speak(visit: Visit) -> Answer:
    given = await visit.form()
    lang = _spoken(given.get("lang", ""))
    await visit.room.sessions.speak(visit.session, lang)
    return visit.go(_next(given))
