"""Problems: what is said when an answer cannot be given (RFC 9457).

    {"type": "urn:syncd:problem:malformed", "title": "Bad Request",
     "status": 400, "detail": "report: label is not in the vocabulary"}

A problem of HTTP itself is `about:blank`; one of ours names its class. No
detail repeats what came in: it may be somebody's number.
"""

from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from syncd import shape as shapes
from syncd.errors import (
    DamagedError,
    HoldersError,
    MalformedError,
    NewerError,
    QuotaError,
    RefusedError,
    StaleError,
    SyncdError,
    UnavailableError,
    UntrustedError,
    UsageError,
)

MEDIA = "application/problem+json"
_URN = "urn:syncd:problem:"
_CODES: dict[type[SyncdError], str] = {
    UsageError: "usage",
    MalformedError: "malformed",
    RefusedError: "refused",
    HoldersError: "holders",
    UnavailableError: "unavailable",
    QuotaError: "quota",
    StaleError: "stale",
    UntrustedError: "untrusted",
    NewerError: "newer",
    DamagedError: "damaged",
    SyncdError: "error",
}


class Flaw(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """One place in a request, and what is wrong there."""

    at: str  # e.g. reports[3].confidence, or a field alone
    detail: str
    hint: str = ""
    template: str = ""  # `detail` with names in braces for `params`
    advice: str = ""  # `hint` likewise
    params: dict[str, str] = {}


class Problem(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """One problem; all of them have this shape."""

    type: str
    title: str
    status: int
    detail: str
    hint: str = ""
    template: str = ""  # `detail` with names in braces for `params`
    advice: str = ""  # `hint` likewise
    params: dict[str, str] = {}
    errors: tuple[Flaw, ...] = ()


class ShapeError(MalformedError):
    """A request's body is not of the form that its route takes."""

    def __init__(self, message: str, flaws: tuple[Flaw, ...]) -> None:
        super().__init__(message)
        self.flaws = flaws


def of(error: SyncdError) -> Problem:
    """Return what is said of an error of ours."""
    kind = type(error)
    code = next(_CODES[c] for c in kind.__mro__ if c in _CODES)
    status = error.status
    return Problem(
        type=_URN + code,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=str(error),
        hint=error.hint,
        **_parts(error),
        errors=error.flaws
        if isinstance(error, ShapeError)
        else tuple(map(_flaw, error.faults)),
    )


def _flaw(error: SyncdError) -> Flaw:
    """Return one of the faults that an error bears."""
    said = str(error)
    at, _, _ = said.partition(":")
    return Flaw(at, said, error.hint, **_parts(error))


def _parts(error: SyncdError) -> dict[str, Any]:
    """Return message and hint apart from what is put into them."""
    if not error.params:
        return {}
    return {
        "template": error.message,
        "advice": error.advice,
        "params": {name: str(said) for name, said in error.params.items()},
    }


def plain(status: int, detail: str, hint: str = "", **params: str) -> Problem:
    """Return a problem that HTTP has a name for; `params` go into `detail`."""
    return Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail.format(**params) if params else detail,
        hint=hint,
        template=detail if params else "",
        params=params,
    )


def absent(detail: str, hint: str = "") -> Problem:
    """Return the problem that there is no such thing here."""
    return Problem(
        type=_URN + "absent",
        title=HTTPStatus.NOT_FOUND.phrase,
        status=404,
        detail=detail,
        hint=hint,
    )


def response(
    problem: Problem, headers: dict[str, str] | None = None
) -> web.Response:
    """Return the problem as an answer."""
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(problem),
        headers={
            "Content-Type": MEDIA,
            "Cache-Control": "no-store",
            **(headers or {}),
        },
    )


def respond(error: SyncdError) -> web.Response:
    """Return an error of ours as an answer."""
    headers = {}
    if isinstance(error, QuotaError):
        headers["Retry-After"] = str(error.retry_after_s)
    return response(of(error), headers)


def shape(error: Exception, prefix: str = "") -> ShapeError:
    """Return a parser's complaint without what it quotes of the input."""
    at, what = shapes.fault(error, prefix)
    flaw = Flaw(at or "body", what)
    return ShapeError(f"{flaw.at}: {flaw.detail}", (flaw,))
