"""Words: what terms and codes mean, and what to do about what is red.

No text stands here: `words/` has links to the documents, whose tables are
shown; their Chinese is in the catalogue, as all other.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources

from markupsafe import Markup, escape

from syncd.console import places
from syncd.console.page import Answer, Visit, page
from syncd.indicator import vocabulary
from syncd.messages import wire
from syncd.messages.catalogue import language, later, t
from syncd.web.routes import EVERYBODY

Words = Sequence[Sequence[str]]  # what is explained, what it means, what to do
Explained = dict[str, list[tuple[str, Markup]]]  # word, text

DOCUMENTS = {  # a file, the table's section in it, its columns
    later("Findings"): ("operations.txt", "Findings", (0, 1, 2)),
    later("Errors"): ("operations.txt", "Errors", (1, 4)),
    later("Metrics"): ("operations.txt", "Monitoring", (0, 2, 3)),
    later("Glossary"): ("glossary.txt", "Glossary", (0, 1)),
}
FACETS = {  # of the vocabulary
    later("Verdicts"): "verdict",
    later("Reasons of a verdict"): "verdict_reason",
    later("Actions"): "action",
}


@cache
def rows(name: str, title: str, columns: Sequence[int]) -> Words:
    """Return columns of the table in a section of a document."""
    document = resources.files("syncd.console").joinpath("words", name)
    _, _, text = document.read_text("utf-8").partition(f"# {title}\n")
    text = text.partition("\n## ")[0]
    lines = re.findall(r"(?m)^\| (.*?) *\|$", text)
    cells = [re.split(r" *(?<!\\)\| *", line) for line in lines[1:]]
    return [[row[n].replace(r"\|", "|") for n in columns] for row in cells]


def sentences() -> Iterator[str]:
    """Yield what the documents' tables say of each word."""
    for document in DOCUMENTS.values():
        for _, *cells in rows(*document):
            yield from cells


def marked(cell: str) -> Markup:
    """Return a cell in the visitor's language; what it links is words."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell and t(cell))
    text = re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text)))
    text = re.sub(r"\*+([^*]*)\*+", r"<strong>\1</strong>", text)
    return Markup(text)  # noqa: S704  escaped above


@cache
def explained(lang: str) -> Explained:
    """Return each section."""
    facets = {facet: places.named(facet) for facet in vocabulary.FACETS}
    said = wire.rows(wire.CODES.read_text())
    ways = wire.rows(wire.HINTS.read_text())
    sections: dict[str, Words] = {
        **{title: rows(*its) for title, its in DOCUMENTS.items()},
        **{title: facets.pop(facet) for title, facet in FACETS.items()},
        later("Codes of fields"): [
            (f"{facet}.{code}", name)
            for facet, its in facets.items()
            for code, name in its
        ],
        later("Codes of messages"): [
            (code, text, *(said[way] for way in ways.get(code, "").split()))
            for code, text in said.items()
        ],
    }
    return {
        title: [
            (
                first.strip("`"),
                Markup(" → ").join(filter(None, map(marked, cells))),
            )
            for first, *cells in words
        ]
        for title, words in sections.items()
    }


@page("GET /help", EVERYBODY, later("Words"), menu=90)
async def help_(visit: Visit) -> Answer:
    """Show all words, each code with an anchor of its own."""
    return visit.show("help.html", sections=explained(language()))
