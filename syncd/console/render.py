"""Templates: what is put into them is escaped, and moves no text about."""

import unicodedata
from contextvars import ContextVar
from functools import cache
from typing import Any

import jinja2
import msgspec
from markupsafe import Markup, escape

from syncd.audit import report
from syncd.audit.report import moment
from syncd.console import places, static
from syncd.console.page import At, Link
from syncd.errors import Message, SyncdError
from syncd.indicator.identifier import KINDS
from syncd.messages import catalogue
from syncd.messages.answers import ago

# Of who looks. Not of the template's context, which no imported macro has.
HERE: ContextVar[tuple[str, int]] = ContextVar("HERE")
"""time zone, and now in unix seconds"""


@cache
def environment() -> jinja2.Environment:
    """Return what makes pages of templates."""
    made = report.environment("syncd.console", finalize=clean)
    made.globals.update(
        t=catalogue.t,
        say=say,
        words=places.words,
        place=places.place,
        named=places.named,
        kinds=KINDS,
        purposes=places.purposes,
        phrase=catalogue.phrase,
        hint=catalogue.hint_of,
        lang=catalogue.language,
        static=static.href,
        moment=moment,
    )
    made.filters.update(at=at, cell=cell)
    return made


def clean(value: Any) -> Any:
    """Return a text without what would turn, hide or move others."""
    if value is None:
        return ""
    if not isinstance(value, str) or value.isprintable():
        return value
    kept = "".join(
        "�"
        if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
        and c not in "\n\t"
        else c
        for c in value
    )
    return Markup(kept) if isinstance(value, Markup) else kept  # noqa: S704


def say(said: Message | SyncdError | msgspec.Struct) -> str:
    """Return a message, or what a form says, in the visitor's language."""
    if isinstance(said, SyncdError):
        return catalogue.of(said)
    if isinstance(said, Message):
        return catalogue.say(said)
    return catalogue.text(msgspec.to_builtins(said))


def at(when: int | None) -> Markup:
    """Return a moment: the time, and how long ago that was."""
    if when is None:
        return Markup("–")
    zone, now = HERE.get()
    text = moment(when, zone)
    return Markup('<time datetime="{}">{}</time> <small>({})</small>').format(
        text.replace(" ", "T"), text, ago(now - when)
    )


def cell(value: Any) -> Markup:
    """Return a table's cell."""
    if isinstance(value, At):
        return at(int(value))
    if isinstance(value, Link):
        shown = clean(value.text)
        return Markup('<a href="{}">{}</a>').format(value.href, shown)
    if isinstance(value, float):
        return escape(f"{value:,.1f}")
    if isinstance(value, int):
        return escape(f"{value:,}")
    return escape(clean(value))
