"""docs/audit.md: its tables are the code's, and whoever has nothing else can check."""

import contextlib
import hashlib
import re
import subprocess
import sys

import pytest

from syncd.audit import bundle as bundles
from syncd.audit.bundle import Bundle
from syncd.audit.result import EXIT, kinds
from syncd.tlog import checkpoint, merkle, note
from syncd.tlog.checkpoint import Checkpoint
from tests.alliance import ADMINS
from tests.audit.conftest import BANK, CARRIER, POLICE, Made, put
from tests.audit.test_verify import PLANTED, Plant, flip, next_text
from tests.cases import ROOT, each, slow, tried

PAGE = (ROOT / "docs" / "audit.md").read_text("utf-8")
ROWS = {
    row[0].strip("`"): row[1:]
    for line in re.findall(r"^\| (`\w+` \| .*) \|$", PAGE, re.MULTILINE)
    if len(row := line.split(" | ")) == 5
}
PROGRAMS = dict(
    re.findall(
        r"<!-- file: (\w+)\.py -->\n```python\n(.*?)```", PAGE, re.DOTALL
    )
)


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


@slow
@each("audit", "an_auditor_needs_no_network_and_no_database", "words, code")
def test_an_auditor_needs_no_network_and_no_database(
    words: str, code: int, made: Made, police: Bundle
) -> None:
    """Not even as code: neither library is loaded."""
    program = (
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
        [sys.executable, "-c", program, *map(str, typed)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith(f"{code}\nset()\n"), done.stdout


# ------------------------------------------------------------ without syncd


def checked(program: str, *words: object) -> bool:
    """Run a program of the page; tell whether it came to its end."""
    code = compile(PROGRAMS[program], program, "exec")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["", *map(str, words)])
        with contextlib.suppress(Exception):  # whatever does not hold
            exec(code, {})
            return True
    return False


def c2sp(given: Bundle) -> bool:
    """Have a published tool verify each log whose key vkeys names."""
    return checked("c2sp", given.root)


def seen(given: Bundle, fingerprint: str) -> set[str]:
    """Return what else finds a fault."""
    by = {
        "sha256sum": summed(given),
        "C2SP": c2sp(given),
        "lines": checked("check", fingerprint, given.root),
    }
    return {name for name, whole in by.items() if not whole}


def summed(given: Bundle) -> bool:
    """Do what `sha256sum -c manifest` does."""
    lines = (given.root / "manifest").read_text().splitlines()
    return all(
        (given.root / path).is_file()
        and hashlib.sha256((given.root / path).read_bytes()).hexdigest()
        == sum_
        for sum_, path in (line.split("  ") for line in lines)
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
    made: Made, police: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines name each log, and who had the retraction."""
    assert PROGRAMS["check"].count("\n") < 70
    assert seen(police, made.fingerprint) == set()
    said = capsys.readouterr().out
    assert [said.count(f"{o}: ") for o in (POLICE, BANK, CARRIER)] == [2] * 3
    assert (
        "3 is a retraction: carrier.example/syncd/txwz/merged had it" in said
    )
    assert seen(police, "ab" * 32) == {"lines"}


@slow
@tried("plant", PLANTED | CLUMSY, ids=lambda p: p.__name__)
def test_what_else_sees_a_fault(
    plant: Plant, made: Made, mine: Bundle
) -> None:
    """As the last column says: a dash where `syncd audit` alone does."""
    plant(mine, made)
    codes = made.codes(mine)
    assert codes == (PLANTED | CLUMSY)[plant]
    told = {name for code in codes for name in ROWS[code][3].split(", ")}
    assert seen(mine, made.fingerprint) == told - {"–"}


def test_no_other_roster_is_followed(made: Made, mine: Bundle) -> None:
    """Not one that only claims to come after the founding one."""
    first, text = mine.read("roster/000001.note"), next_text(mine)
    put(mine, "roster/000001.note", bytes(note.sign(text, *ADMINS)))
    assert not checked("check", made.fingerprint, mine.root)
    put(mine, "roster/000001.note", first)
    put(mine, "roster/000003.note", bytes(note.sign(text, ADMINS[0])))
    assert not checked("check", made.fingerprint, mine.root)
    put(mine, "roster/000003.note", bytes(note.sign(text, *ADMINS)))
    assert checked("check", made.fingerprint, mine.root)


def renamed(mine: Bundle, made: Made) -> None:
    """Of somebody who has no log."""
    where = bundles.log_directory(CARRIER)
    for path in mine.below(f"{where}/"):
        put(mine, path.replace("carrier", "x"), mine.read(path))


def shortened(mine: Bundle, made: Made) -> None:
    """More entries than its key signed."""
    where = bundles.log_directory(POLICE)
    (path,) = mine.below(f"{where}/tile/0/")
    head = Checkpoint(POLICE, 1, merkle.root([mine.read(path)[:32]]))
    raw = bytes(checkpoint.sign(head, made.keys["police"].log))
    put(mine, f"{where}/checkpoint", raw)


def signed_by_another(mine: Bundle, made: Made) -> None:
    """By a log's key, which is not this one's."""
    path = f"{bundles.log_directory(POLICE)}/checkpoint"
    text = note.parse(mine.read(path)).text
    put(mine, path, bytes(note.sign(text, made.keys["bank"].log)))


@tried("plant", [renamed, shortened, signed_by_another])
def test_no_log_passes_for_another(
    plant: Plant, made: Made, mine: Bundle
) -> None:
    """The lines hold name, size and key of each."""
    plant(mine, made)
    assert not checked("check", made.fingerprint, mine.root)
