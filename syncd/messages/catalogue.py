"""Translate messages into the chosen language."""

import contextlib
import functools
import gettext
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from syncd import tsv
from syncd.errors import Message, SyncdError
from syncd.messages import wire

ROOM = Path(__file__).parent
# Parameters with codes, of which a visitor reads the words in Chinese.
_WORDED = {
    *("field", "kind", "label", "role", "evidence", "purpose", "sector"),
    "dispute_reason",
}
LANGUAGES = ("en", "zh")
_lang = "en"  # of the process
_here: ContextVar[str] = ContextVar("_here", default="")  # of one visitor


def choose(lang: str) -> bool:
    """Say everything in `lang` from now on; tell if its catalogue is there.

    A checkout may not have compiled it: then English is spoken.
    """
    global _lang  # noqa: PLW0603  of the process
    there = lang == "en" or (ROOM / f"{lang}.mo").exists()
    _lang = lang if there else "en"
    return there


@contextlib.contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Say in `lang` what is said in this context until the end of it."""
    before = _here.set(lang)
    try:
        yield
    finally:
        _here.reset(before)


def language() -> str:
    """Return the language that is spoken."""
    return _here.get() or _lang


@functools.cache
def _catalogue(lang: str) -> gettext.NullTranslations:
    path = ROOM / f"{lang}.mo"
    if lang == "en" or not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        return gettext.GNUTranslations(file)


def t(english: str, **values: object) -> str:
    """Return a sentence in the chosen language, with values put in."""
    # "" is its own head
    text = english and _catalogue(language()).gettext(english)
    return text.format(**values) if values else text


def later(english: str) -> str:
    """Mark a sentence that is said later, by `t(name)`."""
    return english


def say(message: Message) -> str:
    """Return a message in the chosen language, and what is put into it too."""
    values = {k: _shown(k, value) for k, value in message.params.items()}
    return t(message.template, **values)


def _shown(name: str, value: object) -> object:
    if isinstance(value, tuple):
        return t(", ").join(map(say, value))
    if isinstance(value, Message):
        return say(value)
    facet = name.removesuffix("s")
    if _here.get() != "zh" or facet not in _WORDED:
        return value
    return t(", ").join(word(facet, c) for c in str(value).split(", "))


def text(form: Mapping[str, Any], detail: str = "detail") -> str:
    """Return what a form of an answer says, in the chosen language."""
    return say(wire.read(form, detail))


def of(error: SyncdError) -> str:
    """Return what an error says, in the chosen language."""
    if error.faults:
        return t("; ").join(map(of, error.faults))
    return say(error.text)


def hint_of(error: SyncdError) -> str:
    """Return the way out of an error, in the chosen language, or ""."""
    if error.faults:
        hints = dict.fromkeys(map(hint_of, error.faults))
        return t("; ").join(hint for hint in hints if hint)
    return say(error.way_out)


def whole(error: SyncdError) -> str:
    """Return what an error says, and the way out in brackets."""
    hint = hint_of(error)
    return f"{of(error)} ({hint})" if hint else of(error)


@functools.cache
def _phrases() -> Mapping[tuple[str, str], list[str]]:
    found = tsv.rows("indicator/phrases.tsv")
    return {(facet, code): text for facet, code, *text in found}


def word(facet: str, code: str) -> str:
    """Return what a code is called, or the code if it is called nothing."""
    from syncd.indicator import vocabulary  # a command may need none

    known = vocabulary.FACETS.get(facet, {}).get(code)
    return getattr(known, language(), "") or t(phrase(facet, code))


def phrase(facet: str, code: str) -> str:
    """Return what is said to people of a code, in the chosen language."""
    known, plain = _phrases(), [code, code]
    zh, en = known.get((facet, code)) or known.get((facet, "other"), plain)
    return zh if language() == "zh" else en
