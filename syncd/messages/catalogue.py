"""Translate messages into the chosen language."""

import gettext
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncd.errors import Message, SyncdError
from syncd.messages import wire

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


def say(message: Message) -> str:
    """Return a message in the chosen language, and what is put into it too."""
    values = {name: _shown(value) for name, value in message.params.items()}
    return t(message.template, **values)


def _shown(value: object) -> object:
    if isinstance(value, tuple):
        return t(", ").join(map(say, value))
    return say(value) if isinstance(value, Message) else value


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
