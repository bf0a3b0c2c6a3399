"""Problems: error answers of both APIs (RFC 9457).

    {"type": "urn:syncd:problem:malformed", "title": "Bad Request",
     "status": 400, "detail": "report: label is not in the vocabulary"}

A problem of HTTP itself is `about:blank`; one of ours names its class. No
detail repeats what came in: it may be somebody's number.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp.web import Response

from syncd import shape as shapes
from syncd.errors import MalformedError, Message, QuotaError, SyncdError
from syncd.messages import wire

MEDIA = "application/problem+json"
NO_HEADERS: Mapping[str, str] = {}
_URN = "urn:syncd:problem:"


class _Body(wire.WireMessage):
    hint: str = ""
    hint_code: str = ""


class Flaw(_Body):
    """One place in a request, and what is wrong there."""

    at: str  # e.g. reports[3].confidence, or a field alone


class Problem(_Body):
    """One problem; all of them have this shape."""

    type: str
    title: str
    status: int
    errors: tuple[Flaw, ...] = ()


class ShapeError(MalformedError):
    """A request's body is not of the form that its route takes."""

    def __init__(self, message: Message, flaws: tuple[Flaw, ...]) -> None:
        super().__init__(message)
        self.flaws = flaws


def of(error: SyncdError) -> Problem:
    """Return what is said of an error of ours."""
    flaws = tuple(
        Flaw(at=str(e).partition(":")[0], **_parts(e)) for e in error.faults
    )
    if isinstance(error, ShapeError):
        flaws = error.flaws
    return _problem(error.status, _URN + error.kind, error, flaws)


def _parts(error: SyncdError) -> dict[str, Any]:
    hint = error.way_out
    words = msgspec.structs.asdict(wire.of(error.text))
    return {**words, "hint": str(hint), "hint_code": wire.code(hint)}


def _problem(
    status: int, type_: str, error: SyncdError, flaws: tuple[Flaw, ...] = ()
) -> Problem:
    words = {**_parts(error), "title": HTTPStatus(status).phrase}
    return Problem(type=type_, status=status, errors=flaws, **words)


def plain(
    status: int,
    message: str | Message,
    hint: str | Message = "",
    *,
    headers: Mapping[str, str] = NO_HEADERS,
    **params: object,
) -> Response:
    """Return a problem that HTTP has a name for, as an answer."""
    error = SyncdError(message, hint=hint, **params)
    return _response(_problem(status, "about:blank", error), headers)


def _response(problem: Problem, headers: Mapping[str, str]) -> Response:
    return Response(
        status=problem.status,
        body=msgspec.json.encode(problem),
        headers={
            "Content-Type": MEDIA,
            "Cache-Control": "no-store",
            **headers,
        },
    )


def respond(error: SyncdError) -> Response:
    """Return an error of ours as an answer."""
    headers = {}
    if isinstance(error, QuotaError):
        headers["Retry-After"] = str(error.retry_after_s)
    return _response(of(error), headers)


def shape(error: Exception, prefix: str = "") -> ShapeError:
    """Return a parser's complaint without what it quotes of the input."""
    at, what = shapes.fault(error, prefix)
    flaw = Flaw(at=at or "body", detail=what)
    return ShapeError(Message("{at}: {said}", flaw, said=flaw.detail), (flaw,))
