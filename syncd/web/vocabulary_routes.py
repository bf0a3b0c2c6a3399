"""`/v1/vocabulary`: the codes that requests and answers are written in."""

from typing import Annotated

from syncd.indicator import vocabulary
from syncd.web.forms import FullOutput, Output, Query, meta
from syncd.web.routes import EVERYBODY, Call, Routes

routes = Routes()


class Term(Output, frozen=True, kw_only=True):
    """One code and what it is called."""

    field: str  # where it stands: label, role, evidence, …
    code: str
    zh: str
    en: str
    parent: str = ""  # code of the same field that this is a case of
    kinds: tuple[str, ...] = ()  # of a role: of value that it fits


class Vocabulary(FullOutput, frozen=True, kw_only=True):
    """Codes in the vocabulary's order; those near to a word, nearest first."""

    codes: tuple[Term, ...]


class VocabularyQuery(Query, frozen=True, kw_only=True):
    """Which codes are meant: all if nothing is said."""

    field: Annotated[
        str,
        meta(
            "codes of that field only",
            extra_json_schema={"enum": ["", *vocabulary.FACETS]},
        ),
    ] = ""
    word: Annotated[str, meta("the codes nearest to it", max_length=80)] = ""


@routes("GET", "/v1/vocabulary", EVERYBODY, "list codes")
async def _vocabulary(call: Call, query: VocabularyQuery) -> Vocabulary:
    found = vocabulary.listed(query.field, query.word)
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
