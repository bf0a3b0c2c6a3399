"""The codes that statements use, with their labels in Chinese and English.

Codes and parents come from vocabulary.csv, beside this module. A code that a
newer build wrote is no error: it is kept as it is and *read* as the facet's
fallback, so the vocabulary may grow without a new format.

Whoever writes a word that is no code is told the nearest ones. They are
found by the labels and by everyday.tsv, what people also call a code: nothing
is ever *taken* for a code because of that.
"""

import csv
import re
import unicodedata
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import resources

from syncd import tsv
from syncd.errors import MalformedError
from syncd.shape import Form

FALLBACK = {"evidence": "user_tag", "handling": "no_tip_off"}
# Reasons to retract that are about the value: nobody says it again by accident.
ABOUT_THE_VALUE = frozenset(
    {
        *("appeal_upheld", "case_closed", "court_order", "entry_error"),
        *("false_positive", "reassigned", "victim_account"),
    }
)
LIKE = 0.45  # of 1: what is less alike is not offered
NEAR = 3  # codes that are named as the nearest
FEW = 16  # codes that are all named where none is like the word
SHOWN = 24  # characters of a word that are quoted


class Code(Form, omit_defaults=True, kw_only=False, rename={"facet": "field"}):
    """One code and what it is called."""

    facet: str  # where it stands: label, role, evidence, …
    code: str
    zh: str
    en: str
    parent: str = ""  # code of the same facet that this is a case of
    kinds: tuple[str, ...] = ()  # of value that a role fits


def _load() -> dict[str, dict[str, Code]]:
    table = resources.files("syncd.indicator").joinpath("vocabulary.csv")
    _, *rows = csv.reader(table.read_text("utf-8").splitlines())
    facets = dict[str, dict[str, Code]]()
    for facet, code, parent, zh, en, *kinds in rows:
        one = Code(facet, code, zh, en, parent, tuple(" ".join(kinds).split()))
        facets.setdefault(facet, {})[code] = one
    return facets


FACETS = _load()  # facet → code → Code, in the file's order


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


_OTHER = Code("", "other", "其他", "other")


def listed(field: str = "", word: str = "") -> tuple[Code, ...]:
    """Return all codes, those of one field, or those near to a word.

    Raises:
        MalformedError: there is no such field.
    """
    if field and field not in FACETS:
        raise MalformedError(
            "field: {field} is none of the vocabulary",
            field=shown(field),
            names=", ".join(FACETS),
        )
    fields = [field] if field else [*FACETS]
    if not word:
        return tuple(code for f in fields for code in FACETS[f].values())
    return nearest(field, word, NEAR if field else 2 * NEAR)


def check(
    field: str, facet: str, word: str, among: Collection[str] = ()
) -> None:
    """Refuse a word that is no code of a facet, or not `among` some.

    Raises:
        MalformedError: as `refused` says.
    """
    if word not in (among or FACETS[facet]):
        raise refused(field, facet, word, among)


def refused(
    field: str, facet: str, word: str, among: Collection[str] = ()
) -> MalformedError:
    """Return the refusal of a word that stands where a code must.

    It names the field, the word if it can be nobody's number, and the codes
    that are nearest to it (of `among`, if only some may stand there).
    """
    near = nearest(facet, word, among=among)
    some = [c for c in FACETS[facet].values() if not among or c.code in among]
    if not near and len(some) <= FEW:
        near = tuple(some)
    return MalformedError(
        "{field}: {word} is not in the vocabulary",
        hint="nearest: {near}; all codes: syncd vocabulary {facet}"
        if near
        else "all codes: syncd vocabulary {facet}",
        field=field,
        word=shown(word),
        near=", ".join(f"{c.code} {c.zh}" for c in near),
        facet=facet,
    )


def shown(word: str) -> str:
    """Return a word as it may be quoted: it is no number or address."""
    text = " ".join(unicodedata.normalize("NFKC", word).split())
    digits = sum(c.isdigit() for c in text)
    if not text or digits > 4 or not _WORD.fullmatch(text):
        return "…"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


# No "@", ":" or dot: none of what addresses of any kind are made with.
_WORD = re.compile(r"[\w \-()（）、／/,+&]+")


def nearest(
    facet: str, word: str, n: int = NEAR, among: Collection[str] = ()
) -> tuple[Code, ...]:
    """Return the codes of a facet that a word may mean, the likeliest first.

    Codes, labels of both languages and everyday words are compared; none
    is returned that is not alike at all. Of all facets if it is "".
    """
    ranked = _ranked(facet, _plain(word[:80]))
    return tuple([c for c in ranked if not among or c.code in among][:n])


def _plain(text: str) -> str:
    """Return a text without case, width, joints and brackets."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[\W_]+", " ", folded).split())


@cache
def _texts(facet: str) -> Mapping[str, list[Code]]:
    """Return the codes of which each text is a code, a label or a word."""
    also = {
        (of, code): words.split("|")
        for of, code, words in tsv.rows("indicator/everyday.tsv")
    }
    texts = dict[str, list[Code]]()
    for c in listed(facet):
        parts = re.split(r"[／、（）,/]|含|\bor\b|\bincl\b", f"{c.zh},{c.en}")
        words = also.get((c.facet, c.code), ())
        for text in map(_plain, (c.code, c.zh, c.en, *parts, *words)):
            texts.setdefault(text, []).append(c)
    texts.pop("", None)
    return texts


@lru_cache(4096)  # a list of a million rows has few words in a column
def _ranked(facet: str, word: str) -> tuple[Code, ...]:
    """Return the codes that are like a word at all, the likeliest first."""
    texts = _texts(facet)
    near = get_close_matches(word, texts, len(texts), LIKE)
    return tuple(dict.fromkeys(c for text in near for c in texts[text]))
