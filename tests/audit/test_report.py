"""What an auditor takes home, and that it is the same for the same bundle."""

from pathlib import Path

from syncd.audit import report
from syncd.audit.bundle import Bundle, log_directory
from syncd.audit.trace import trace
from syncd.indicator.statement import Usage
from syncd.messages import catalogue
from syncd.tlog import checkpoint, merkle, note, strict
from tests.audit.conftest import (
    CARRIER,
    NOW,
    POLICE,
    Made,
    anchor,
    check_form,
    grow,
    head_of,
    put_note,
)
from tests.cases import tried
from tests.cli.conftest import Run
from tests.refusals import misused


def test_facts_are_of_their_schema(made: Made, mine: Bundle) -> None:
    """Whatever is in it; and each retraction says who followed after what."""
    rows = (("bank", "publish", 7, 1),)
    grow(mine, made, Usage(on="2026-01-01", key=("phone", 1), rows=rows))
    found = report.facts(made.audit(mine))
    check_form("audit-report", found)
    (retraction,) = found["retractions"]
    assert retraction["origin"] == POLICE
    assert {one["member"] for one in retraction["followed"]} == {
        "bank",
        "carrier",
    }
    assert retraction["not_shown"] == []
    (evaluated,) = found["evaluations"]
    assert [*evaluated.values()] == ["carrier", "bank", "publish", 7, 1]
    (erasure,) = found["erasures"]  # of the bank's log the police know alone
    assert erasure["not_shown"] == ["carrier"]


def test_what_is_open_is_counted(
    made: Made, police: Bundle, tmp_path: Path
) -> None:
    """Labels, and our shares beside others' median; of leaves the months."""
    given = made.bundle("police", tmp_path / "open", "court order 7")
    found, closed = (report.facts(made.audit(b)) for b in (given, police))
    ours = [row["own"] for row in found["contribution"]]
    assert ours == [1, 0.5, 0.5, 0]  # first, alone, overturned, hours
    assert closed["contribution"] == []
    for facts, label, n in (found, "fake_loan", 297), (closed, "", 302):
        rows = facts["statements"]
        check_form("audit-report", facts)
        assert sum(r["n"] for r in rows) == 311
        [it] = [r for r in rows if r["label"] == label and r["n"] > 99]
        assert (it["n"], it["sector"], it["month"] > "2026") == (n, "bank", 1)


@tried("lang", ["en", "zh"])
def test_the_same_bundle_gives_the_same_page(
    made: Made, police: Bundle, lang: str
) -> None:
    """Whole in itself: nothing is fetched, and no clock is in it."""
    with catalogue.speaking(lang):
        one, two = (report.page(made.audit(police)) for _ in range(2))
        text = [*report.lines(made.audit(police))]
    assert one == two
    assert "http" not in one.replace("http-equiv", "")
    assert all(origin in one for origin in (POLICE, CARRIER))
    assert f'lang="{lang}"' in one
    assert any(POLICE in line for line in text)


def test_a_page_shows_what_was_found(made: Made, mine: Bundle) -> None:
    """What it proves, and what it leaves open; names of others are escaped."""
    (mine.root / "<b>").write_text("x")
    page = report.page(made.audit(mine))
    assert "file_stray" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_an_entry_s_life_is_proven_step_by_step(
    made: Made, mine: Bundle
) -> None:
    """Each proof alone leads from the leaf to a checkpoint that is signed."""
    signed = mine.read(f"{log_directory(POLICE)}/checkpoint")
    anchor(mine, made, head_of(mine, POLICE), note.parse(signed).signatures[0])
    put_note(mine, head_of(mine, CARRIER), (made.keys["bank"].seen, NOW))
    mine = Bundle(mine.root)
    found = trace(made.audit(mine), POLICE, 3)
    assert {(one["signer"], one["role"]) for one in found["steps"]} == {
        *(("bank", "merged"), ("carrier", "merged"), ("carrier", "anchor"))
    }
    for step in found["steps"]:
        way, _, head = step["proof"].partition("\n\n")
        title, index, *hashes = way.split("\n")
        assert (title, index) == ("c2sp.org/tlog-proof@v1", "index 3")
        (root,) = merkle.leaf_hashes([bytes.fromhex(found["leaf"])])
        for one in hashes:  # the last of four is on the right all the way
            root = merkle.node_hash(strict.decode(one, "hash", 32), root)
        key = made.keys["police"].log.verifier
        assert checkpoint.open_(head.encode(), key)[0].root == root
    with misused(r":4: no such entry") as error:
        trace(made.audit(mine), POLICE, 4)
    assert f"{POLICE}:0–3" in error.value.hint


def test_the_commands(made: Made, run: Run, tmp_path: Path) -> None:
    """From a home to a page, by what a person types."""
    home, out, tar = made.root / "bank", tmp_path / "out", tmp_path / "b.tar"
    run("--home", home, "log", "export", "--complete", out).ended(0)
    run("--home", home, "log", "export", "--complete", tar).ended(0)
    why = ("--complete", "--with-payloads", "court order 7")
    ran = run("--home", home, "log", "export", tmp_path / "open", *why)
    name = ran.out.split()[-1]
    assert f" {name} 'court order 7'\n" in (home / "exports").read_text()
    trusted = ("--fingerprint", made.fingerprint)
    ran = run("audit", "verify", out, *trusted, "--since", tar)
    assert "Members" not in ran.printed("No fault was found").out
    page = tmp_path / "page.html"
    run("audit", "report", tar, *trusted, "--page", page).ended(0)
    assert page.read_text().startswith("<!doctype html>")
    said = run("audit", "trace", f"{POLICE}:3", out, *trusted).ended(0).out
    assert "carrier" in said or "bank" in said
    (out / "vkeys").write_text("x")
    run("audit", "verify", out, *trusted).ended(5)
    ran = run("audit", "verify", out, "--fingerprint", "ab" * 32)
    assert made.fingerprint not in ran.ended(4).err
