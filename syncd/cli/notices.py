"""Notices: what a person should be told of how a value was read."""

from collections.abc import Mapping
from typing import Any

from syncd.cli.text import t


def of(item: Mapping[str, Any]) -> str:
    """Return an answer's notices as one line, "" for none.

    A code that a newer daemon gives is shown as it came.
    """
    sentences = {
        "tried_cut": t(
            "text may stand behind the URL: it was tried with and without"
        ),
    }
    return "; ".join(sentences.get(c, c) for c in item.get("notices", ()))
