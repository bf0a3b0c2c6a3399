"""docs/audit.md: its tables are the code's, and whoever has nothing else can check."""

import contextlib
import hashlib
import json
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import c2sp_verifier
from syncd import canonical
from syncd.audit import bundle as bundles
from syncd.audit.bundle import Bundle
from syncd.audit.result import EXIT, kinds
from syncd.tlog import checkpoint, merkle, note
from syncd.tlog.checkpoint import Checkpoint
from tests.alliance import ADMINS
from tests.audit.conftest import BANK, CARRIER, POLICE, Made, put
from tests.audit.test_verify import PLANTED, flip

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text("utf-8")
ROWS = {
    row[0].strip("`"): row[1:]
    for line in re.findall(r"^\| (`\w+` \| .*) \|$", PAGE, re.MULTILINE)
    if len(row := line.split(" | ")) == 5
}
Plant = Callable[[Bundle, Made], None]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lines of the page, as a file."""
    found = re.search(
        r"<!-- file: check.py -->\n```python\n(.*?)```", PAGE, re.DOTALL
    )
    assert found
    assert found[1].count("\n") < 70
    file = tmp_path_factory.mktemp("lines") / "check.py"
    file.write_text(found[1])
    return file


def test_each_finding_has_its_row() -> None:
    """With the severity and the words of findings.tsv, in its order."""
    table = {
        code: [kind.severity, kind.proves["en"], kind.leaves_open["en"]]
        for code, kind in kinds().items()
    }
    assert {code: row[:3] for code, row in ROWS.items()} == table
    assert [*ROWS] == [*table]


def test_each_severity_has_its_exit_code() -> None:
    rows = re.findall(r"^\| (\d) \| (.*) \|$", PAGE, re.MULTILINE)
    assert {
        severity: int(code)
        for code, text in rows
        for severity in re.findall(r"`(\w+)`", text)
        if severity in EXIT
    } == EXIT


def test_each_file_of_a_bundle_has_its_row(police: Bundle) -> None:
    """By the first part of its path."""
    rows = re.findall(r"^\| (`[^|]+`.*?) \|", PAGE, re.MULTILINE)
    named = {path for row in rows for path in re.findall(r"`([\w.]+)", row)}
    assert {path.split("/")[0] for path in police.files} <= named


@pytest.mark.parametrize("words", ["verify", "report", f"trace {POLICE}:3"])
def test_an_auditor_needs_no_network_and_no_database(
    words: str, made: Made, police: Bundle
) -> None:
    """Not even as code: neither library is loaded."""
    code = (
        "import sys\nfrom syncd.cli.main import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit as e: print(e.code)\n"
        "print({'aiohttp', 'sqlalchemy', 'sqlite3'} & {*sys.modules})"
    )
    typed = [
        "audit",
        *words.split(),
        police.root,
        "--fingerprint",
        made.fingerprint,
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, typed)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("\n0\nset()\n"), done.stdout


# ------------------------------------------------------------ without syncd


def checked(script: Path, given: Bundle, fingerprint: str) -> bool:
    """Run the lines of the page; tell whether they came to their end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["", fingerprint, str(given.root)])
        with contextlib.suppress(Exception):  # whatever does not hold
            runpy.run_path(str(script))
            return True
    return False


def c2sp(given: Bundle) -> bool:
    """Do what a C2SP tool does with each log whose key vkeys names."""
    vkeys = (given.root / "vkeys").read_text().splitlines()
    keys = {vkey.partition("+")[0]: vkey for vkey in vkeys}
    for origin in Bundle(given.root).origins():
        where = given.root / bundles.log_directory(origin)
        try:
            if origin in keys and not extends(where, keys[origin]):
                return False
        except c2sp_verifier.Refused:
            return False
    return True


def extends(where: Path, vkey: str) -> bool:
    """Tell whether a log goes on from all that its key signed before."""
    fetch = c2sp_verifier.directory(where)
    _, size, _ = c2sp_verifier.verify(fetch, vkey)
    leaves: list[bytes] = []
    for n, width in c2sp_verifier.cut(size):
        raw = fetch(path := c2sp_verifier.path("tile/entries", n, width))
        found = c2sp_verifier.split_bundle(raw, width, path)
        leaves += map(c2sp_verifier.leaf_hash, found)
    for file in where.glob("notes/*"):
        try:
            text = c2sp_verifier.open_note(file.read_bytes(), vkey)
        except c2sp_verifier.Refused:  # of a cosigner alone
            continue
        _, old, root = c2sp_verifier.parse_checkpoint(text)
        if old > size or c2sp_verifier.tree_hash(leaves[:old]) != root:
            return False
    return True


def summed(given: Bundle) -> bool:
    """Do what `sha256sum -c manifest` does."""
    lines = (given.root / "manifest").read_text().splitlines()
    named = (line.split("  ") for line in lines)
    return all(
        (given.root / path).is_file()
        and hashlib.sha256((given.root / path).read_bytes()).hexdigest()
        == sum_
        for sum_, path in named
    )


def missing(mine: Bundle, made: Made) -> None:
    (mine.root / "README.txt").unlink()


def stray(mine: Bundle, made: Made) -> None:
    (mine.root / "stray").touch()


def changed(mine: Bundle, made: Made) -> None:
    (mine.root / "README.txt").write_text("x")


def broken(mine: Bundle, made: Made) -> None:
    where = bundles.log_directory(BANK)
    file = mine.root / mine.below(f"{where}/tile/entries/")[0]
    file.write_bytes(flip(file.read_bytes(), 100))


CLUMSY: dict[Plant, set[str]] = {
    missing: {"file_missing"},
    stray: {"file_stray"},
    changed: {"file_changed"},
    broken: {"log_broken"},
}


def test_a_whole_bundle_is_taken_by_all(
    script: Path,
    made: Made,
    police: Bundle,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The lines name each log, and who had the retraction."""
    assert (summed(police), c2sp(police)) == (True, True)
    assert checked(script, police, made.fingerprint)
    said = capsys.readouterr().out
    assert all(f"{o}: " in said for o in (POLICE, BANK, CARRIER))
    assert (
        "3 is a retraction: carrier.example/syncd/txwz/merged had it" in said
    )
    assert not checked(script, police, "ab" * 32)


@pytest.mark.parametrize("plant", PLANTED | CLUMSY, ids=lambda p: p.__name__)
def test_what_else_sees_a_fault(
    plant: Plant, script: Path, made: Made, mine: Bundle
) -> None:
    """As the last column says: a dash where `syncd audit` alone does."""
    plant(mine, made)
    codes = made.codes(mine)
    assert codes == (PLANTED | CLUMSY)[plant]
    by = {
        "sha256sum": not summed(mine),
        "C2SP": not c2sp(mine),
        "lines": not checked(script, mine, made.fingerprint),
    }
    told = {name for code in codes for name in ROWS[code][3].split(", ")}
    assert {name for name, saw in by.items() if saw} == told - {"–"}


def test_no_other_roster_is_followed(
    script: Path, made: Made, mine: Bundle
) -> None:
    """Not one that only claims to come after the founding one."""
    first, newest = (mine.read(f"roster/00000{n}.note") for n in (1, 2))
    signed = note.parse(newest).text
    title, id_, raw = signed.splitlines()
    previous = hashlib.sha256(signed.encode()).hexdigest()
    roster = json.loads(raw) | {"version": 3, "previous": previous}
    text = f"{title}\n{id_}\n{canonical.dumps(roster).decode()}\n"
    put(mine, "roster/000001.note", bytes(note.sign(text, *ADMINS)))
    assert not checked(script, mine, made.fingerprint)
    put(mine, "roster/000001.note", first)
    put(mine, "roster/000003.note", bytes(note.sign(text, ADMINS[0])))
    assert not checked(script, mine, made.fingerprint)
    put(mine, "roster/000003.note", bytes(note.sign(text, *ADMINS)))
    assert checked(script, mine, made.fingerprint)


def renamed(mine: Bundle, made: Made) -> None:
    """Of somebody who has no log."""
    where = bundles.log_directory(CARRIER)
    for path in mine.below(f"{where}/"):
        put(mine, path.replace("carrier", "x"), mine.read(path))


def shortened(mine: Bundle, made: Made) -> None:
    """More entries than its key signed."""
    where = bundles.log_directory(POLICE)
    (path,) = mine.below(f"{where}/tile/0/")
    root = merkle.root([mine.read(path)[:32]])
    head = Checkpoint(POLICE, 1, root)
    raw = bytes(checkpoint.sign(head, made.keys["police"].log))
    put(mine, f"{where}/checkpoint", raw)


def signed_by_another(mine: Bundle, made: Made) -> None:
    """By a log's key, which is not this one's."""
    path = f"{bundles.log_directory(POLICE)}/checkpoint"
    text = note.parse(mine.read(path)).text
    put(mine, path, bytes(note.sign(text, made.keys["bank"].log)))


@pytest.mark.parametrize("plant", [renamed, shortened, signed_by_another])
def test_no_log_passes_for_another(
    plant: Plant, script: Path, made: Made, mine: Bundle
) -> None:
    """The lines hold name, size and key of each."""
    plant(mine, made)
    assert not checked(script, mine, made.fingerprint)
