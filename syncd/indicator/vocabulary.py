"""The codes that statements use, with their labels in Chinese and English.

Codes and parents come from vocabulary.csv, beside this module. A code that a
newer build wrote is no error: it is kept as it is and *read* as the facet's
fallback, so the vocabulary may grow without a new format.
"""

import csv
from dataclasses import dataclass
from importlib import resources
from typing import Final

LANGUAGES: Final = ("zh", "en")
FALLBACK: Final = {"evidence": "user_tag", "handling": "no_tip_off"}


@dataclass(frozen=True, slots=True)
class Code:
    """One line of the vocabulary."""

    facet: str
    code: str
    parent: str  # code of the same facet that this is a case of, or ""
    zh: str
    en: str


def _load() -> dict[str, dict[str, Code]]:
    text = (
        resources.files("syncd.indicator")
        .joinpath("vocabulary.csv")
        .read_text("utf-8")
    )
    facets: dict[str, dict[str, Code]] = {}
    for row in csv.DictReader(text.splitlines()):
        facets.setdefault(row["facet"], {})[row["code"]] = Code(**row)
    return facets


FACETS: Final = _load()  # facet → code → Code, in the file's order


def codes(facet: str) -> frozenset[str]:
    """Return the codes of a facet that this build knows."""
    return frozenset(FACETS[facet])


def known(facet: str, code: str) -> bool:
    """Tell whether this build knows `code` in `facet`."""
    return code in FACETS[facet]


def read(facet: str, code: str) -> str:
    """Return what `code` is read as: itself, or the facet's fallback."""
    if code in FACETS[facet]:
        return code
    return FALLBACK.get(facet, "other")


def label(facet: str, code: str, lang: str = "en") -> str:
    """Return the label of `code` in a language; of the fallback if unknown.

    Raises:
        KeyError: no such facet or language: a slip of ours, not of input.
    """
    entry = FACETS[facet].get(read(facet, code)) or _OTHER
    return {"zh": entry.zh, "en": entry.en}[lang]


_OTHER: Final = Code("", "other", "", "其他", "other")
