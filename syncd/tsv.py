"""The tables that lie beside the modules, each with its sources."""

from collections.abc import Iterator
from importlib import resources


def rows(name: str) -> Iterator[list[str]]:
    """Yield the rows of a table, by its place in syncd, without remarks."""
    text = resources.files("syncd").joinpath(name).read_text("utf-8")
    lines = (x for x in text.splitlines() if x and not x.startswith("#"))
    return (line.split("\t") for line in lines)
