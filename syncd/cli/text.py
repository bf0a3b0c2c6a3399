"""Words: what the command line says, in English and in Chinese.

English is written where it is used; `zh.py` has the Chinese for it, sentence
by sentence. A sentence that is missing there is said in English, and a test
says which.
"""

from syncd.cli import zh
from syncd.errors import FIELD, SyncdError

LANGUAGES = ("en", "zh")
_lang = "en"


def choose(lang: str) -> None:
    """Say everything in `lang` from now on."""
    global _lang  # noqa: PLW0603  one process, one reader
    _lang = lang


def language() -> str:
    """Return the language that is spoken."""
    return _lang


def t(english: str, **values: object) -> str:
    """Return a sentence in the chosen language, with values put in."""
    text = zh.TEXT.get(english, english) if _lang == "zh" else english
    return text.format(**values) if values else text


def of(error: SyncdError) -> str:
    """Return what an error says, in the chosen language."""
    if error.faults:
        return t("; ").join(map(of, error.faults))
    said = zh.TEXT.get(error.message) if _lang == "zh" else None
    if not said and _lang == "zh" and error.message.startswith(FIELD):
        what = zh.TEXT.get(error.message.removeprefix(FIELD))
        said = what and zh.TEXT[FIELD + "{why}"].replace("{why}", what)
    if not said:
        return str(error)
    inner = {k: v for k, v in error.params.items() if isinstance(v, Exception)}
    told = {k: of(v) for k, v in inner.items() if isinstance(v, SyncdError)}
    return said.format(**{**error.params, **told})


def hint_of(error: SyncdError) -> str:
    """Return the way out of an error, in the chosen language, or ""."""
    if error.faults:
        hints = dict.fromkeys(map(hint_of, error.faults))
        return t("; ").join(hint for hint in hints if hint)
    said = zh.TEXT.get(error.advice) if _lang == "zh" else None
    if said and error.params:
        return said.format(**error.params)
    return t(error.hint)


def whole(error: SyncdError) -> str:
    """Return what an error says, and the way out in brackets."""
    hint = hint_of(error)
    return f"{of(error)} ({hint})" if hint else of(error)
