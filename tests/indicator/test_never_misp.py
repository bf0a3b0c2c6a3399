"""Our never-list beside the MISP warning lists, which others keep.

Their lists say what is a likely false positive; two of them are regular
expressions that the package compares as text, so they are not used here.
"""

from collections.abc import Collection
from functools import cache

from pymispwarninglists.api import WarningLists

from syncd import tsv
from syncd.indicator import never, statement, suffixes
from tests.cases import cases, slow, tried
from tests.indicator.test_never import DEFAULT as OURS

pytestmark = slow

LISTS = cache(lambda: WarningLists().warninglists)

TRANCO = "Top 10K most-used sites from Tranco"
ALEXA = "Top 1000 website from Alexa"
MOZ = "Top 500 domains and pages from https://moz.com/top500"
BANKS = "List of known bank domains"


def hosts(name: str) -> set[str]:
    return {str(host).lower().lstrip(".") for host in LISTS()[name].list}


def unguarded(found: Collection[str]) -> list[str]:
    return sorted(h for h in found if OURS.of("url", f"{h}/") is None)


def test_the_most_used_hosts_are_guarded() -> None:
    """Whatever three lists agree on, but for a few that are written down."""
    found = hosts(ALEXA) & hosts(TRANCO) & hosts(MOZ)
    assert len(found) > 150
    assert unguarded(found) == cases("identifiers/never", "left_out")


def test_banks_of_greater_china_are_guarded() -> None:
    found = {h for h in hosts(BANKS) if h[-3:] in (".cn", ".hk", ".mo", ".tw")}
    assert len(found) > 10
    assert unguarded(found) == []
    # It lacks the two largest; ours has them.
    for host in ("icbc.com.cn", "ccb.com"):
        assert host not in hosts(BANKS)
        assert unguarded({host}) == []


@tried("suffix", ["edu.cn", "edu.hk", "edu.tw", "edu"])
def test_universities_are_a_class(suffix: str) -> None:
    known = {str(h).lower() for h in LISTS()["University domains"].list}
    found = {h for h in known if h.endswith(f".{suffix}")}
    assert found
    assert unguarded(found) == []


def test_every_short_link_service_of_ours_is_open_below_its_root() -> None:
    """The service's root is nobody's to report, a link of it is."""
    found = [x for x in never.default() if x.owner.category == "shortener"]
    assert len(found) > 40
    for one in found:
        assert OURS.of("url", f"{one.value}x") is None, one.value


def test_what_we_say_to_have_from_there_is_there() -> None:
    sources = {
        row[1].rstrip("/")
        for row in tsv.rows("indicator/never.tsv")
        if row[0] == "url" and row[6] == "MISP"
    }
    names = [
        n
        for n, one in LISTS().items()
        if one.type in ("hostname", "string") and len(one.list) < 50_000
    ]
    there = {suffixes.registrable(h) for n in names for h in hosts(n)}
    assert len(sources) > 300
    assert sources - there == set()


def test_each_line_has_its_source_and_the_day_of_it() -> None:
    rows = tsv.rows("indicator/never.tsv")
    assert {len(row) for row in rows} == {8}
    for *_, source, day in rows:
        assert source not in ("", "known")
        assert "2000-01-01" < day <= "2026-11-29"
        statement.day(day)
