"""Vectors: what is given, and what must come of it, as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]  # of the repository
VECTORS = ROOT / "tests" / "vectors"


tried = pytest.mark.parametrize  # "each, name", [(one, case), …]
slow = pytest.mark.slow
once = pytest.fixture(scope="module")  # for all tests of it


def vectors(file: str) -> Any:
    """Return what a file of vectors holds."""
    return json.loads((VECTORS / f"{file}.json").read_text("utf-8"))


def schema(name: str) -> Any:
    """Return a schema of ours."""
    return json.loads((ROOT / f"schemas/{name}.json").read_text("utf-8"))


def cases(file: str, section: str = "cases") -> Any:
    """Return the cases of a file of vectors."""
    return vectors(file)[section]


def each(
    file: str, section: str = "cases", names: str = "one", ids: str = ""
) -> pytest.MarkDecorator:
    """Return what tries each case of a section, called by one of its keys."""
    found = cases(file, section)
    called = [str(one[ids]) for one in found] if ids else None
    return tried(names, found, ids=called)
