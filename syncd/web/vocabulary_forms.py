"""Forms of `/v1/vocabulary`: the codes that requests are written in."""

from typing import Annotated

from syncd.indicator import vocabulary
from syncd.web.forms import FullOutput, Input, meta


class Vocabulary(FullOutput):
    """Codes in the vocabulary's order; those near to a word, nearest first."""

    codes: tuple[vocabulary.Code, ...]


class VocabularyQuery(Input):
    """Which codes are meant: all if nothing is said."""

    field: Annotated[
        str,
        meta(
            "codes of that field only",
            extra_json_schema={"enum": ["", *vocabulary.FACETS]},
        ),
    ] = ""
    word: Annotated[str, meta("the codes nearest to it", max_length=80)] = ""
