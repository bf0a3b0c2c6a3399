"""A field of a report is declared once, and everything else goes by that."""

import ast
import csv
import functools
import json

from syncd import shape
from syncd.indicator import notation, record, statement, vocabulary
from syncd.indicator.record import DisputeFields, ReportFields
from tests.cases import ROOT, tried
from tests.sample_statements import ABOUT, REPORT, report

RECORD = "syncd/indicator/record.py"
SCHEMA = "schemas/report.json"
VOCABULARY = "syncd/indicator/vocabulary.csv"
OPTIONS = "syncd/cli/options.py"
PAGE = "docs/protocol.md"


def names(source: str) -> set[str]:
    """Return what a module's code names, or spells as a text of its own."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                found.add(name)
            case ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                found.add(name)
            case ast.Constant(value=str(text)):
                found.add(text)
            case _:
                pass
    return found


@functools.cache
def named() -> dict[str, set[str]]:
    """Return what each module's code names, by its path."""
    return {
        str(path.relative_to(ROOT)): names(path.read_text("utf-8"))
        for path in (ROOT / "syncd").rglob("*.py")
    }


def places(field: str) -> set[str]:
    """Return the files that a field must be written into."""
    found = {path for path, there in named().items() if field in there}
    schema = json.loads((ROOT / SCHEMA).read_text("utf-8"))
    with (ROOT / VOCABULARY).open(encoding="utf-8", newline="") as table:
        facets = {row["facet"] for row in csv.DictReader(table)}
    page = (ROOT / PAGE).read_text("utf-8")
    found |= {SCHEMA} if field in schema["properties"] else set()
    found |= {VOCABULARY} if field in facets else set()
    return found | ({PAGE} if f"`{field}`" in page else set())


def test_a_field_is_written_into_five_places() -> None:
    """Of a field that no rule acts on: the others are in their rules too."""
    assert places("channel") == {RECORD, SCHEMA, VOCABULARY, OPTIONS, PAGE}


@tried("field", ReportFields.__struct_fields__)
def test_every_field_is_in_its_places(field: str) -> None:
    """What has codes has a facet of the vocabulary."""
    form = notation.forms(ReportFields)[field]
    needed = {RECORD, SCHEMA, PAGE} | ({VOCABULARY} if form.facet else set())
    assert needed <= places(field)
    assert not form.facet or vocabulary.FACETS[form.facet]


def test_fields_are_kept_as_they_are() -> None:
    """In canonical JSON, what is empty left out."""
    fields = ReportFields(label="other", technique=("a", "b"), confidence=0)
    raw = b'{"confidence":0,"label":"other","technique":["a","b"]}'
    assert record.encode(fields) == raw
    assert record.decode(1, raw) == fields


def test_a_statement_says_what_its_fields_do() -> None:
    """Beside the token that it is about; only a report shows knowledge."""
    made = statement.of(shape.part(ReportFields, REPORT), **ABOUT)
    assert made == report(know="00" * 8)
    fields = DisputeFields(reason="stale", due="2026-12-01")
    assert shape.part(DisputeFields, statement.of(fields, **ABOUT)) == fields
