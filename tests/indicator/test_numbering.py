"""The frozen plans are what docs/normal-forms.md says, to the character."""

import re

from syncd import tsv
from syncd.indicator import account, chain, numbering
from tests.cases import ROOT

DOC = (ROOT / "docs" / "normal-forms.md").read_text()


def _block(name: str) -> list[str]:
    match = re.search(f"```text {name}\n(.*?)```", DOC, re.DOTALL)
    assert match is not None
    return match[1].strip().split("\n")


def test_the_document_has_the_lengths_of_the_code() -> None:
    documented = " ".join(_block("plans")).split()
    assert documented == [
        ":".join(row) for row in tsv.rows("indicator/plans.tsv")
    ]
    assert len(numbering.PLANS) == len(documented)


def test_the_document_has_the_grammars_of_the_code() -> None:
    documented = dict(row.split() for row in _block("grammars"))
    coded = {k: v.pattern for k, v in numbering.GRAMMARS.items()}
    assert documented == {"1": numbering.NANP.pattern, **coded}


def test_the_document_has_the_mainland_s_plan() -> None:
    mobile, machine, *areas, nationwide, local = (
        row.split("  ")[-1].strip() for row in _block("mainland")
    )
    assert mobile == numbering.MOBILE.pattern
    assert machine == numbering.MACHINE.pattern
    assert f"(?:{'|'.join(areas)})" == numbering.AREA
    behind = ("[2-8][0-9]{7}", "[2-8][0-9]{6,7}", "[2-8][0-9]{6}")
    assert numbering.LINE.pattern == "|".join(
        f"(?:{area}){line}" for area, line in zip(areas, behind, strict=True)
    )
    assert numbering.SERVICE.pattern == f"{nationwide}|{local}"


def test_the_document_has_the_lengths_of_ibans() -> None:
    documented = " ".join(_block("ibans")).split()
    assert documented == [f"{k}{v}" for k, v in account.IBANS.items()]


def test_the_document_has_every_chain() -> None:
    for one in chain.CHAINS:
        assert f"| `{one.name}:` |" in DOC


def test_no_country_code_begins_another() -> None:
    codes = [*numbering.PLANS, *numbering.GRAMMARS, "1", "86"]
    assert len(codes) == len(set(codes))
    for one in codes:
        for other in codes:
            assert one == other or not other.startswith(one)


def test_area_codes_have_one_length_of_numbers_each() -> None:
    for number in range(10, 1000):
        area = str(number)
        if not re.fullmatch(numbering.AREA, area):
            continue
        assert [
            n for n in range(5, 11) if numbering.LINE.fullmatch(area + "2" * n)
        ] in ([7], [8], [7, 8]), area
