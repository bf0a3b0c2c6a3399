"""`/v1/vocabulary`: the codes that requests and answers are written in."""

from collections.abc import Iterable

from aiohttp import web

from syncd.errors import MalformedError
from syncd.indicator import vocabulary
from syncd.web import bodies, forms
from syncd.web.routes import EVERYBODY, Parameter, Route

MAX_WORD = 80  # characters


class Term(forms._Out, frozen=True, kw_only=True):
    """One code and what it is called."""

    field: str  # where it stands: label, role, evidence, …
    code: str
    zh: str
    en: str
    parent: str = ""  # code of the same field that this is a case of
    kinds: tuple[str, ...] = ()  # of a role: of value that it fits


class Vocabulary(forms._Whole, frozen=True, kw_only=True):
    """Codes in the vocabulary's order; those near to a word, nearest first."""

    codes: tuple[Term, ...]


def of(found: Iterable[vocabulary.Code]) -> Vocabulary:
    """Return codes as a program gets them."""
    return Vocabulary(
        codes=tuple(
            Term(
                field=c.facet,
                code=c.code,
                zh=c.zh,
                en=c.en,
                parent=c.parent,
                kinds=c.kinds,
            )
            for c in found
        )
    )


async def _vocabulary(request: web.Request) -> web.Response:
    bodies.known_query(request, "field", "word")
    word = request.query.get("word", "")
    if len(word) > MAX_WORD:
        raise MalformedError(
            "word: want up to {most} characters", most=MAX_WORD
        )
    found = vocabulary.listed(request.query.get("field", ""), word)
    return bodies.answer(of(found))


ROUTES = (
    Route(
        "GET",
        "/v1/vocabulary",
        _vocabulary,
        EVERYBODY,
        "list codes",
        Vocabulary,
        parameters=(
            Parameter(
                "field",
                {"type": "string", "enum": [*vocabulary.FACETS]},
                "codes of that field only",
            ),
            Parameter(
                "word",
                {"type": "string", "maxLength": MAX_WORD},
                "the codes that are nearest to it, of `field` if one is named",
            ),
        ),
    ),
)
