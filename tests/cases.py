"""Vectors: what is given, and what must come of it, as JSON."""

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent / "vectors"


def cases(file: str, section: str = "cases") -> list[Any]:
    """Return the cases of a file of vectors."""
    found: dict[str, list[Any]] = json.loads(
        (VECTORS / f"{file}.json").read_text()
    )
    return found[section]
