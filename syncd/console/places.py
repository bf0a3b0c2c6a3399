"""Places in logs, their addresses; and what codes are called."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from syncd.console.page import Link
from syncd.flows.lookup import PURPOSES
from syncd.indicator import vocabulary
from syncd.indicator.notation import Position
from syncd.messages import catalogue

Codes = list[tuple[str, str]]  # each with what it is called


def log(origin: str, **query: object) -> str:
    """Return the address of a log's page; an origin is its path."""
    return f"/log/{origin}" + (f"?{urlencode(query)}" if query else "")


def entry(origin: str, index: int) -> str:
    """Return the address of an entry's page."""
    return f"/entry/{origin}/{index}"


def place(position: Position, member: str = "") -> Link:
    """Return a position as people read it, leading to its page."""
    origin, index = position
    who = member or origin.split("/")[0]
    return Link(entry(origin, index), f"{who}:{index}")


def words(facet: str, *codes: str | None) -> str:
    """Return what codes of the vocabulary are called; None and "" are none."""
    return ", ".join(catalogue.word(facet, code) for code in codes if code)


def named(facet: str, only: Iterable[str] | None = None) -> Codes:
    """Return codes of a facet, or all of it, each with what it is called."""
    if only is None:
        only = vocabulary.FACETS.get(facet, ())
    return [(code, catalogue.word(facet, code)) for code in only]


def purposes() -> Codes:
    """Return what a value may be seen for, each with its name."""
    return named("purpose", sorted(PURPOSES - {"test"}))


def state(entry: Any) -> str:
    """Return why an entry cannot be read, or says nothing; or ""."""
    void = catalogue.t("says nothing") if entry.void else ""
    return catalogue.phrase("closed", entry.closed) if entry.closed else void
