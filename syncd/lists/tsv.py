"""The tables that lie beside these modules, each with its sources."""

from collections.abc import Iterator
from importlib import resources


def rows(name: str) -> Iterator[list[str]]:
    """Yield the rows of a table, without its remarks and its header."""
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    lines = [x for x in text.splitlines() if not x.startswith("#")]
    return (line.split("\t") for line in lines[1:])
