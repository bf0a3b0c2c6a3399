"""Read the words of a cell, in both languages, as codes.

    诈骗类型 虚假网络贷款      label    fake_loan
    国家     中国 CHN 0086     region   CN
    开户行   建行深圳分行      bank     as it stands, for `indicator.scheme`

Codes and labels are the vocabulary's; countries, kinds, yes and no are in
tables beside this module. A member's own words come from its mapping file
and go before; one that is not decided there yet is refused.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from typing import Any, NoReturn

from syncd import tsv
from syncd.errors import MalformedError
from syncd.indicator import notation, scheme, vocabulary
from syncd.indicator.notation import FLAG
from syncd.indicator.record import ReportFields

_FORMS = notation.forms(ReportFields)
FACETS = tuple(name for name, form in _FORMS.items() if form.facet)
FLAGS = tuple(name for name, form in _FORMS.items() if form is FLAG)
OWN = (*FACETS, *FLAGS, "kind", "region", "scheme", "bank")
FIELDS = (*OWN, "place")
_SEVERAL = re.compile(r"[;；、|,，\n]")  # between codes of a set
_RUNS = re.compile(
    r"[^\W\d_\u2e80-\u9fff][^\d\u2e80-\u9fff/|,;()+-]*|\d+|[\u2e80-\u9fff]+"
)
_MOST = 4096  # cells of a column that are remembered

Convert = Callable[[str], Any]
Own = Mapping[tuple[str, str], str]  # codes by (field, word); "": undecided


class UnknownError(MalformedError):
    """A cell says a word that its field does not know."""

    field = ""
    cell = ""  # the word as it stands: for a mapping file alone

    @classmethod
    def of(cls, why: MalformedError, field: str, cell: str) -> "UnknownError":
        """Return a refusal that bears its field and word."""
        word = why.params.get("word") or vocabulary.shown(cell)
        params = {**why.params, "field": field, "word": word}
        made = cls(why.text.template, hint=why.way_out.template, **params)
        made.field, made.cell = field, cell
        return made


def fold(text: str) -> str:
    """Return a word as words are compared."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text).casefold())


def meaning(field: str, own: Own | None = None) -> Convert:
    """Return what reads cells of a field or facet, or raises UnknownError.

    Raises:
        UnknownError: a code that an own word stands for is none.
    """
    known = _known(field)
    read = _READ.get(field) or partial(_refuse, field)
    given = dict[str, Any]()

    def one(cell: str) -> Any:
        text = fold(cell)
        found = given.get(text, known.get(text))
        try:
            if found is None:
                found = read(cell)
            if found == "":
                raise MalformedError(
                    "{field}: {word} has no code yet in the mapping file"
                )
        except MalformedError as e:
            raise UnknownError.of(e, field, cell) from None
        return found

    for (into, word), code in (own or {}).items():
        if into == field:
            given[fold(word)] = code and one(code)
    several = field in _FORMS and _FORMS[field].name == "codes"
    if not several:
        return _remembered(one)
    return _remembered(
        lambda cell: [one(w) for w in _SEVERAL.split(cell) if w.strip()]
    )


def _remembered(read: Convert) -> Convert:
    """Most rows of a list say the same, and so are most refused for."""

    @lru_cache(_MOST)
    def found(cell: str) -> Any:
        try:
            return read(cell)
        except UnknownError as e:
            return e

    def remembered(cell: str) -> Any:
        meant = found(cell)
        if type(meant) is UnknownError:
            raise meant.with_traceback(None)
        return meant

    return remembered


@cache
def _known(field: str) -> dict[str, Any]:
    if field in vocabulary.FACETS:
        codes = vocabulary.FACETS[field].values()
        names = "en", "zh", "code"  # the last goes before
        return {fold(getattr(c, n)): c.code for n in names for c in codes}
    spoken = {
        fold(word): code
        for table, code, words in tsv.rows("lists/words.tsv")
        for word in words.split("|")
        if table == ("flag" if field in FLAGS else field)
    }
    if field in FLAGS:
        return {word: code == "true" for word, code in spoken.items()}
    return spoken


@cache
def _countries() -> dict[str, str]:
    return {
        _letters(word): code
        for code, *names, words in tsv.rows("indicator/countries.tsv")
        for word in (code, *names, *words.split("|"))
        if word
    }


def is_empty(cell: str) -> bool:
    """Tell whether a cell says in its own way that it is empty: - / 无 N/A."""
    return fold(cell) in _known("empty")


def _letters(text: str) -> str:
    """Return a name without accents and joints; & is and, Saint is St."""
    bare = unicodedata.normalize("NFKD", text.replace("&", "and")).casefold()
    return re.sub(r"[\W_]+", "", bare).replace("saint", "st")


def _country(cell: str) -> str:
    """Return the code of a country: 中国, China, CHN, +86, 中国（CN）.

    A province or city of the mainland is in China.
    """
    known, letters = _countries(), _letters(cell)
    if letters in known and "/" not in cell:  # N/A is no Namibia
        return known[letters]
    runs = _RUNS.findall(unicodedata.normalize("NFKC", cell).casefold())
    codes = {
        known.get(_letters(run.removeprefix("00")))
        or ("CN" if run.startswith(_cities()) else None)
        for run in runs
    }
    code = codes.pop() if len(codes) == 1 else None
    if code is None:
        near = difflib.get_close_matches(letters, known, 3) or ["中国"]
        raise MalformedError(
            "{field}: {word} names no country",
            field="",
            word="",
            near=", ".join(f"{known[name]} {name}" for name in near),
        )
    return code


@cache
def _cities() -> tuple[str, ...]:
    return tuple(
        c for line in tsv.rows("lists/places.tsv") for c in line[0].split()
    )


def _place(cell: str) -> str:
    """Pass a province or city, alone or with what is in it, or a country."""
    text = fold(cell).removeprefix("中国")
    return cell if text.startswith(_cities()) else _country(cell)


def _scheme(cell: str) -> str:
    """Pass what `indicator.scheme` reads, or refuses with the whole row."""
    try:
        scheme.read(cell)
    except MalformedError as e:
        if "word" in e.params:
            raise
    return cell


def _refuse(field: str, cell: str) -> NoReturn:
    if field in vocabulary.FACETS:
        raise vocabulary.refused(field, field, cell.strip())
    if field in FLAGS:
        raise MalformedError("{field}: neither yes nor no")
    raise MalformedError("{field}: {word} is no kind")


_READ: Mapping[str, Convert] = {
    "region": _country,
    "place": _place,
    "scheme": _scheme,
    "bank": _scheme,
}
