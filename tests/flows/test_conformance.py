"""A build that reads a value otherwise does not come in."""

from typing import Any

import pytest
from msgspec.structs import replace

from syncd import tsv
from syncd.errors import RefusedError
from syncd.flows import conformance
from syncd.roster import join
from tests.cases import vectors
from tests.roster.conftest import Club, Dice

ROWS = [*tsv.rows("flows/conformance.tsv")]


def published(what: str, given: str, by: str) -> bool:
    """Tell whether a vector is one that the documents publish."""
    formats = vectors("syncd/formats")
    if what == "token":
        return (given, by) in {
            (r["output"], r["origin"]) for r in formats["tokens"]
        }
    if what == "leaf":
        says = "{type} {salt} {payload}".format_map
        return (given, by) in {
            (says(r), r["origin"]) for r in formats["leaves"]
        }
    found = vectors(f"identifiers/{what}")
    lists = ("accepted", "refused", "report")
    rows: list[Any] = [row for name in lists for row in found.get(name, ())]
    return any(given == row.get("raw", row.get("in")) for row in rows)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_its_vectors_are_published_ones(row: list[str]) -> None:
    assert published(*row[1:])


def test_a_build_that_answers_otherwise_is_stopped_by_name() -> None:
    club = Club(Dice("conformance"))
    asked = join.parse(club.request("bank", "ab" * 32))
    good = conformance.answers()
    like = replace(asked, conformance=good)
    conformance.check(like)
    other = good | {"phone_3": "00" * 32}
    with pytest.raises(RefusedError, match="to the vectors phone_3"):
        conformance.check(replace(asked, conformance=other))
    with pytest.raises(RefusedError, match="phone_1, phone_2"):
        conformance.check(asked)
