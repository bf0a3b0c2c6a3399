"""Forms of `/v1/vocabulary`: the codes that requests are written in."""

from typing import Annotated

from syncd.indicator import vocabulary
from syncd.web.forms import FullOutput, Output, Query, meta


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
