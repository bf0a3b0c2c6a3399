"""The codes that statements use, with their labels in Chinese and English.

Codes and parents come from vocabulary.csv, beside this module. A code that a
newer build wrote is no error: it is kept as it is and *read* as the facet's
fallback, so the vocabulary may grow without a new format.

Whoever writes a word that is no code is told the nearest ones. They are
found by the labels and by everyday.tsv, what people also call a code: nothing
is ever *taken* for a code because of that.
"""

import csv
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from syncd.errors import MalformedError
from syncd.indicator import tsv

FALLBACK: Final = {"evidence": "user_tag", "handling": "no_tip_off"}
# Reasons to retract that are about the value: nobody says it again by accident.
ABOUT_THE_VALUE: Final = frozenset(
    {
        *("appeal_upheld", "case_closed", "court_order", "entry_error"),
        *("false_positive", "reassigned", "victim_account"),
    }
)
LIKE: Final = 0.45  # of 1: what is less alike is not offered
NEAR: Final = 3  # codes that are named as the nearest
FEW: Final = 16  # codes that are all named where none is like the word
SHOWN: Final = 24  # characters of a word that are quoted


@dataclass(frozen=True, slots=True)
class Code:
    """One line of the vocabulary."""

    facet: str
    code: str
    parent: str  # code of the same facet that this is a case of, or ""
    zh: str
    en: str
    kinds: tuple[str, ...] = ()  # of value that a role fits


def _load() -> dict[str, dict[str, Code]]:
    table = resources.files("syncd.indicator").joinpath("vocabulary.csv")
    _, *rows = csv.reader(table.read_text("utf-8").splitlines())
    facets: dict[str, dict[str, Code]] = {}
    for facet, code, parent, zh, en, *kinds in rows:
        one = Code(facet, code, parent, zh, en, tuple(" ".join(kinds).split()))
        facets.setdefault(facet, {})[code] = one
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


def listed(field: str = "", word: str = "") -> tuple[Code, ...]:
    """Return all codes, those of one field, or those near to a word.

    Raises:
        MalformedError: there is no such field.
    """
    if field and field not in FACETS:
        raise MalformedError(
            "field: {field} is none of the vocabulary",
            hint="fields: {names}",
            field=shown(field),
            names=", ".join(FACETS),
        )
    fields = [field] if field else [*FACETS]
    if not word:
        return tuple(code for f in fields for code in FACETS[f].values())
    plain = _plain(word[:80])
    found = [(like, f, c) for f in fields for c, like in _ranked(f, plain)]
    found.sort(key=lambda one: -one[0])
    return tuple(
        FACETS[f][c] for _, f, c in found[: NEAR if field else 2 * NEAR]
    )


# ------------------------------------------------- a word that is no code


def refused(
    field: str, facet: str, word: str, among: Collection[str] | None = None
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
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


# No "@", ":" or dot: none of what addresses of any kind are made with.
_WORD: Final = re.compile(r"[\w \-()（）、／/,+&]+")


def nearest(
    facet: str, word: str, n: int = NEAR, among: Collection[str] | None = None
) -> tuple[Code, ...]:
    """Return the codes of a facet that a word may mean, the likeliest first.

    Codes, labels of both languages and everyday words are compared; none
    is returned that is not alike at all. Deterministic.
    """
    ranked = _ranked(facet, _plain(word[:80]))
    some = [code for code, _ in ranked if among is None or code in among]
    return tuple(FACETS[facet][code] for code in some[:n])


def _plain(text: str) -> str:
    """Return a text without case, width, joints and brackets."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[\W_]+", " ", folded).split())


def _units(text: str) -> Counter[str]:
    """Return what a text is compared by: Chinese characters, other words."""
    return Counter(re.findall(r"[\u2e80-\u9fff]|[^\u2e80-\u9fff\s]+", text))


@cache
def _texts(
    facet: str,
) -> tuple[dict[str, dict[str, Counter[str]]], Counter[str]]:
    """Return each code's texts in units; and how many codes use a unit."""
    also = {
        code: words.split("|")
        for of, code, words in tsv.rows("indicator/everyday.tsv")
        if of == facet
    }
    texts: dict[str, dict[str, Counter[str]]] = {}
    used: Counter[str] = Counter()
    for c in FACETS[facet].values():
        parts = re.split(r"[／、（）,/]|含|\bor\b|\bincl\b", f"{c.zh},{c.en}")
        words = (c.code, c.zh, c.en, *parts, *also.get(c.code, ()))
        texts[c.code] = {t: _units(t) for t in map(_plain, words) if t}
        used.update(set(itertools.chain(*texts[c.code].values())))
    return texts, used


@lru_cache(4096)  # a list of a million rows has few words in a column
def _ranked(facet: str, word: str) -> tuple[tuple[str, float], ...]:
    """Return the codes that are like a word at all, the likeliest first."""
    texts, used = _texts(facet)
    matcher = SequenceMatcher(None, "", word, autojunk=False)
    units = _units(word)
    like = {
        code: max(_like(matcher, units, text, used) for text in known.items())
        for code, known in texts.items()
    }
    ranked = sorted(like.items(), key=lambda one: -one[1])
    return tuple(one for one in ranked if one[1] >= LIKE)


def _like(
    matcher: SequenceMatcher[str],
    asked: Counter[str],
    text: tuple[str, Counter[str]],
    used: Counter[str],
) -> float:
    """Return how like a word and a text are, 0 to 1.

    Letter by letter; or by how much of the word's units the text has: a
    unit that few codes use says more.
    """
    given, there = text
    shared = asked & there
    matcher.set_seq1(given)
    if not shared and matcher.quick_ratio() < LIKE:
        return 0.0
    letters = matcher.ratio()
    whole = sum(n / max(used[unit], 1) for unit, n in asked.items())
    both = sum(n / used[unit] for unit, n in shared.items())
    return max(letters, 0.6 * both / whole + 0.4 * letters)
