"""A build that reads a value otherwise does not come in."""

from msgspec.structs import replace

from syncd import tsv
from syncd.flows import conformance
from syncd.roster import join
from tests.cases import vectors
from tests.roster.conftest import Club, Dice

KINDS = ("phone", "url", "account")


def test_its_vectors_are_published_ones() -> None:
    formats = vectors("syncd/formats")
    leaf = "{type} {salt} {payload}".format_map
    published = {(leaf(r), r["origin"]) for r in formats["leaves"]}
    published |= {(r["output"], r["origin"]) for r in formats["tokens"]}
    for kind in KINDS:
        found = vectors(f"identifiers/{kind}")
        for name in {"accepted", "refused", "report"} & found.keys():
            published |= {
                (r.get("raw", r.get("in")), kind) for r in found[name]
            }
    for _, what, given, by in tsv.rows("flows/conformance.tsv"):
        assert (given, what if what in KINDS else by) in published


def test_a_build_that_answers_otherwise_is_stopped_by_name() -> None:
    asked = join.parse(Club(Dice("conformance")).request("bank", "ab" * 32))
    good = conformance.answers()
    assert conformance.apart(replace(asked, conformance=good)) == ""
    other = replace(asked, conformance=good | {"phone_3": "00" * 32})
    assert conformance.apart(other) == "phone_3"
    assert conformance.apart(asked).startswith("phone_1, phone_2, ")
