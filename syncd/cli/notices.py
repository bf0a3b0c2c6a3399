"""Notices about how a value was read, as text for a person."""

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.errors import SyncdError
from syncd.messages.catalogue import t, whole


def of(item: Mapping[str, Any]) -> str:
    """Return an answer's notices as one line, "" for none.

    A code that a newer daemon gives is shown as it came.
    """
    sentences = {
        "tried_cut": t(
            "text may stand behind the URL: it was tried with and without"
        ),
        "query_dropped": t(
            "its query was dropped: every page of this path is meant"
        ),
        "query_reduced": t("of its query what names the page was kept"),
        "this_host_only": t(
            "only this very host will be found, and none below it"
        ),
        "not_proof": t(
            "this says whose it is, not that a call, message or link is"
            " genuine"
        ),
        "faked_caller_id": t(
            "a + or 00 before such a number is a sign of a faked caller id"
        ),
    }
    return "; ".join(sentences.get(c, c) for c in item.get("notices", ()))


def refused(number: int, error: SyncdError) -> Iterator[str]:
    """Yield each fault of a value that was refused, with its hint."""
    for fault in error.faults or (error,):
        yield t("{n}: refused: {why}", n=number, why=whole(fault))
