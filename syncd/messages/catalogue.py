"""The language that is spoken, and the sentences of it."""

import gettext
from pathlib import Path

from syncd.errors import FIELD, SyncdError

ROOM = Path(__file__).parent
LANGUAGES = ("en", "zh")
_lang = "en"
_catalogue = gettext.NullTranslations()  # English


def choose(lang: str) -> bool:
    """Say everything in `lang` from now on; tell if its catalogue is there.

    A checkout may not have compiled it: then English is spoken.
    """
    global _lang, _catalogue
    _lang, _catalogue = "en", gettext.NullTranslations()
    if lang == "en":
        return True
    path = ROOM / f"{lang}.mo"
    if not path.exists():
        return False
    with path.open("rb") as file:
        _lang, _catalogue = lang, gettext.GNUTranslations(file)
    return True


def language() -> str:
    """Return the language that is spoken."""
    return _lang


def t(english: str, **values: object) -> str:
    """Return a sentence in the chosen language, with values put in."""
    text = english and _catalogue.gettext(english)  # "" is its own head
    return text.format(**values) if values else text


def later(english: str) -> str:
    """Mark a sentence that is said later, by `t(name)`."""
    return english


def of(error: SyncdError) -> str:
    """Return what an error says, in the chosen language."""
    if error.faults:
        return t("; ").join(map(of, error.faults))
    said = t(error.message)
    if said == error.message and said.startswith(FIELD):
        why = t(said.removeprefix(FIELD))
        said = t(FIELD + "{why}").replace("{why}", why)
    if not error.params:
        return said
    inner = {
        name: of(value)
        for name, value in error.params.items()
        if isinstance(value, SyncdError)
    }
    return said.format(**{**error.params, **inner})


def hint_of(error: SyncdError) -> str:
    """Return the way out of an error, in the chosen language, or ""."""
    if error.faults:
        hints = dict.fromkeys(map(hint_of, error.faults))
        return t("; ").join(hint for hint in hints if hint)
    if error.advice and error.params:
        return t(error.advice, **error.params)
    return t(error.hint)


def whole(error: SyncdError) -> str:
    """Return what an error says, and the way out in brackets."""
    hint = hint_of(error)
    return f"{of(error)} ({hint})" if hint else of(error)
