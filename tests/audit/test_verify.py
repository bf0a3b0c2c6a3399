"""A bundle of a real home is whole, and nothing in it can be changed unseen."""

import gzip
import hashlib
import io
import json
import random
import shutil
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from syncd import canonical, errors
from syncd.audit import bundle as bundles
from syncd.audit import report, result
from syncd.audit.bundle import ABOUT, MANIFEST, Bundle
from syncd.flows import evaluation, evidence
from syncd.flows.evidence import Evidence
from syncd.indicator import leaf, statement
from syncd.indicator.statement import Erase, RosterAccepted, Statement, Usage
from syncd.roster.quotas import DAY_S
from syncd.tlog import checkpoint, cosignature, merkle, note, tiles
from syncd.tlog.checkpoint import Checkpoint
from tests.alliance import ADMINS
from tests.audit.conftest import (
    BANK,
    CARRIER,
    NOW,
    POLICE,
    Made,
    anchor,
    drop,
    fork,
    grow,
    head_of,
    put,
    put_note,
)
from tests.cases import each, slow, tried
from tests.refusals import damaged, untrusted

UNSIGNED = (ABOUT, "README.txt", "vkeys")
Plant = Callable[[Bundle, Made], None]


def test_a_bundle_of_a_home_is_clean(made: Made, police: Bundle) -> None:
    """Three logs are proven; who merged the retraction when is known."""
    audit = made.audit(police)
    assert (audit.found, audit.exit_code) == ([], 0)
    assert {*audit.logs} == {POLICE, BANK, CARRIER}
    (retract,) = audit.logs[POLICE].positions[2]
    followed = audit.logs[POLICE].followed(retract)
    assert {*followed} == {"bank", "carrier"}
    assert all(line.size > retract for line in followed.values())


def test_no_token_leaves_the_house(police: Bundle) -> None:
    """Leaves alone: whatever is in a bundle cannot be erased any more."""
    raw = b"".join(police.read(path) for path in police.files)
    assert b'"token"' not in raw
    assert b'"type":18' in raw  # book-keeping is for auditors


def test_with_payloads_it_says_why(made: Made, tmp_path: Path) -> None:
    """What was erased is in nobody's bundle; the rest is proven by content."""
    audit = made.audit(made.bundle("carrier", tmp_path, "court order 7"))
    assert (audit.found, audit.about.reason) == ([], "court order 7")
    assert not any(log.audit for log in audit.logs.values())


def test_two_members_copies_agree(
    made: Made, police: Bundle, tmp_path: Path
) -> None:
    """Whoever holds it: the trees are the same, and so is the verdict on them."""
    other = made.bundle("bank", tmp_path)
    assert made.codes(police, other) == set() == made.codes(other, police)


# ------------------------------------------------------------ changed bytes


def flips(given: Bundle) -> list[tuple[str, int]]:
    """Return places of bits: as many of each kind of file, whatever its size."""
    n = 1000 if settings().max_examples > 1000 else 200
    by_kind: dict[str, list[str]] = {}
    for path in [*given.files, MANIFEST]:
        kind = "/".join(p for p in path.split("/")[2:3]) or path.split("/")[0]
        by_kind.setdefault(kind, []).append(path)
    rng = random.Random(11)
    found = []
    for _ in range(n // len(by_kind)):
        for paths in by_kind.values():
            path = rng.choice(paths)
            bits = 8 * (given.root / path).stat().st_size
            found.append((path, rng.randrange(bits)))
    return found


def flip(raw: bytes, bit: int) -> bytes:
    """Return the bytes with one bit turned over."""
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def seen(made: Made, given: Bundle) -> bool:
    """Tell whether anything is wrong with a bundle, or named as not seen."""
    try:
        audit = made.audit(given)
    except errors.SyncdError:
        return True
    strangers = [text for text in audit.unseen if "no known key" in str(text)]
    return bool(audit.exit_code or strangers)


@slow
def test_no_bit_is_turned_over_unseen(
    made: Made, police: Bundle, mine: Bundle
) -> None:
    """In no kind of file, the manifest itself among them."""
    for path, bit in flips(police):
        raw = (police.root / path).read_bytes()
        (mine.root / path).write_bytes(flip(raw, bit))
        assert seen(made, mine), (path, bit)
        (mine.root / path).write_bytes(raw)


@slow
def test_nor_by_who_makes_manifests(
    made: Made, police: Bundle, mine: Bundle
) -> None:
    """What nobody signed is named as such: it can be changed unseen."""
    for path, bit in flips(police):
        if path in (MANIFEST, *UNSIGNED):
            continue
        raw = police.read(path)
        put(mine, path, flip(raw, bit))
        assert seen(made, mine), (path, bit)
        put(mine, path, raw)
    unseen = str(made.audit(police).unseen[0])
    assert all(path in unseen for path in UNSIGNED)


def test_files_that_are_not_as_named(made: Made, mine: Bundle) -> None:
    """Missing, doubled, renamed, cut off, a link: each is found."""
    file = mine.root / mine.below(f"{bundles.log_directory(BANK)}/tile/0/")[0]
    raw = file.read_bytes()
    file.rename(file.with_name("renamed"))
    assert made.codes(mine) == {"file_missing", "file_stray", "log_broken"}
    (mine.root / "renamed").symlink_to(file.with_name("renamed"))
    file.symlink_to(file.with_name("renamed"))
    assert {"file_stray", "log_broken"} <= made.codes(mine)
    file.unlink()
    file.write_bytes(raw[:-1])
    assert "log_broken" in made.codes(mine)
    (mine.root / MANIFEST).unlink()
    with damaged("manifest: no such file"):
        made.audit(mine)


def test_of_another_alliance(made: Made, mine: Bundle) -> None:
    """The right fingerprint is never printed."""
    mistyped = Made(made.root, "ab" * 32)
    with untrusted() as error:
        mistyped.audit(mine)
    assert made.fingerprint not in f"{error.value}{error.value.hint}"
    raw = mine.read(ABOUT).replace(
        made.audit(mine).rosters[0].id.encode(), b"0" * 64
    )
    put(mine, ABOUT, raw)
    with untrusted("another alliance"):
        made.audit(mine)


# ----------------------------------------------------------- planted faults


def forked_and_cosigned(mine: Bundle, made: Made) -> None:
    """Who had signed a larger one of this history signed the other as well."""
    fork(mine, made, (made.keys["police"].merged, NOW))


def cosigned_nothing(mine: Bundle, made: Made) -> None:
    """A root that the log never signed."""
    put_note(
        mine, Checkpoint(BANK, 2, bytes(32)), (made.keys["carrier"].seen, NOW)
    )


def went_back(mine: Bundle, made: Made) -> None:
    """A smaller size of the same history, but later."""
    small = head_of(mine, CARRIER)
    grow(mine, made, RosterAccepted(version=1, hash_=made.fingerprint))
    seen_by = made.keys["bank"].seen
    put_note(mine, head_of(mine, CARRIER), (seen_by, NOW - 100))
    put_note(mine, small, (seen_by, NOW))


def early(mine: Bundle, made: Made) -> None:
    """After the bundle was made."""
    put_note(mine, head_of(mine, BANK), (made.keys["police"].seen, NOW + 301))


def backdated(mine: Bundle, made: Made) -> None:
    """From before anybody could know of its key."""
    put_note(mine, head_of(mine, BANK), (made.keys["police"].merged, 1))


def forked_behind_a_screen(mine: Bundle, made: Made) -> None:
    """What a stranger signed of the same tree stands before it."""
    head = Checkpoint(BANK, 2, bytes(32))
    stranger = note.SigningKey("a.example", note.COSIGNATURE, bytes(32))
    for n in range(9):
        put_note(mine, head, (stranger, NOW + n))
    fork(mine, made)


def forked_ahead(mine: Bundle, made: Made) -> None:
    """Two roots of one size that is not here; who signed one is not to blame."""
    by = (made.keys["police"].merged, NOW)
    fork(mine, made)
    for root in (bytes(32), b"x" * 32):
        fork(mine, made, size=9999, root=root)
    put_note(mine, Checkpoint(BANK, 9999, b"x" * 32), by)


def elsewhere(mine: Bundle, made: Made) -> None:
    """One log's note among another's: nobody signed anything amiss."""
    path = put_note(mine, head_of(mine, BANK), (made.keys["police"].seen, NOW))
    raw = (mine.root / path).read_bytes()
    put(mine, path, None)
    put(mine, path.replace("bank", "carrier"), raw)


def ahead(mine: Bundle, made: Made) -> None:
    """Of entries that are not here."""
    fork(mine, made, size=9999)


def forged_line(mine: Bundle, made: Made) -> None:
    """A line over another text."""
    head = head_of(mine, BANK)
    line = cosignature.cosign(f"{head}x\n", made.keys["police"].seen, 9)
    raw = bytes(note.Note(f"{head}", (line,)))
    put(mine, bundles.note_path(BANK, head.size, raw), raw)


def anchored_unsigned(mine: Bundle, made: Made) -> None:
    """A checkpoint that its log never signed."""
    signed = note.sign("x\n", made.keys["carrier"].log)
    line = f"{signed.signatures[0]}".replace("carrier", "police")
    anchor(mine, made, Checkpoint(POLICE, 1, bytes(32)), line)


def anchored_other(mine: Bundle, made: Made) -> None:
    """A checkpoint that its log signed, of another history."""
    head = Checkpoint(POLICE, 1, bytes(32))
    line = checkpoint.sign(head, made.keys["police"].log).signatures[0]
    anchor(mine, made, head, line)


def saying(name: str, *said: Statement) -> Plant:
    """Return what lets the carrier's log say something."""

    def plant(mine: Bundle, made: Made) -> None:
        grow(mine, made, *said)

    plant.__name__ = name
    return plant


def evaluated(day: int, n: int) -> Usage:
    """Return how much the police had evaluated on a day, to publish it."""
    rows = (("police", "publish", n, 0),)
    return Usage(on=f"2026-01-0{day}", key=("phone", 1), rows=rows)


def strange_log(mine: Bundle, made: Made) -> None:
    put(mine, "log/x.example~syncd~txwz~1/checkpoint", b"x")


def no_evidence(mine: Bundle, made: Made) -> None:
    put(mine, "evidence/bank/0.json", b"{}")


PLANTED: dict[Plant, set[str]] = {
    fork: {"fork"},
    forked_and_cosigned: {"fork", "cosigned_otherwise"},
    cosigned_nothing: {"cosigned_otherwise"},
    went_back: {"went_back"},
    early: {"early"},
    backdated: {"early"},
    forked_behind_a_screen: {"fork"},
    forked_ahead: {"fork", "ahead"},
    elsewhere: {"line_bad"},
    ahead: {"ahead"},
    forged_line: {"line_bad"},
    anchored_unsigned: {"anchor_unsigned"},
    anchored_other: {"anchor_otherwise"},
    saying("another_roster", RosterAccepted(version=1, hash_="ab" * 32)): {
        "roster_differs"
    },
    saying("erased_ahead", Erase(ranges=((0, 1000),), reason="privacy")): {
        "erase_breach"
    },
    # of which no log has anything
    saying("too_much", evaluated(1, 9000)): {"usage_excess"},
    # every day less than what a member may try for nothing
    saying("tried_often", *(evaluated(n, 900) for n in range(1, 6))): set(),
    saying("void", Erase(ranges=((9, 1), (3, 4)), reason="privacy")): {
        "void_book"
    },
    strange_log: {"log_unknown"},
    no_evidence: {"convicts_nobody"},
    saying(
        "accused", statement.Evidence(what="fork", origin=BANK, notes=("a",))
    ): {"false_evidence"},
}


@tried("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(
    plant: Plant, made: Made, mine: Bundle
) -> None:
    """That one, and nothing else."""
    plant(mine, made)
    assert made.codes(mine) == PLANTED[plant]


def test_a_log_of_more_than_there_is(made: Made, mine: Bundle) -> None:
    """A checkpoint of 2^60 entries names more files than memory holds."""
    raw = bytes(
        checkpoint.sign(
            Checkpoint(BANK, 2**60, bytes(32)), made.keys["bank"].log
        )
    )
    put(mine, f"{bundles.log_directory(BANK)}/checkpoint", raw)
    assert made.codes(mine) == {"log_broken"}


def test_a_line_by_a_logs_name_is_no_fork(made: Made, mine: Bundle) -> None:
    """Anybody can write one, by another key."""
    other = note.SigningKey(BANK, note.ED25519, bytes(32))
    put_note(mine, Checkpoint(BANK, 2, bytes(32)), log=other)
    audit = made.audit(mine)
    assert audit.found == []
    assert f"a line of {BANK}, of no known key" in str(audit.unseen)


def test_a_day_that_was_over(made: Made, tmp_path: Path) -> None:
    """Three days later somebody signed the log without what bears that day."""
    mine, late = (
        made.bundle("bank", tmp_path, "court"),
        time.time() + 3 * DAY_S,
    )
    empty = Checkpoint(BANK, 0, merkle.EMPTY_ROOT)
    put_note(mine, empty, (made.keys["police"].seen, int(late)))
    assert made.codes(mine) == {"misdated"}


def test_what_was_rewritten_since(
    made: Made, police: Bundle, mine: Bundle
) -> None:
    """An earlier bundle convicts a log that has another past."""
    grow(mine, made, RosterAccepted(version=1, hash_=made.fingerprint))
    assert made.codes(mine, police) == set()
    assert made.codes(police, mine) == {"shrank"}
    other = mine.root.with_name("other")
    shutil.copytree(police.root, other)
    grow(Bundle(other), made, Erase(ranges=((0, 1),), reason="privacy"))
    assert made.codes(Bundle(other), mine) == {"rewritten"}
    drop(mine, bundles.log_directory(CARRIER))
    assert made.codes(Bundle(mine.root), police) == {"log_gone"}


def test_a_holder_that_lied(
    made: Made, mine: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it did is `evidence.judge`'s to say; here is what comes of it."""
    held = Evidence("bank", (evaluation.Exchange(b"x", b"y"),))
    put(mine, "evidence/bank/1.json", bytes(held))
    assert made.codes(mine) == {"convicts_nobody"}
    monkeypatch.setattr(
        evidence, "judge", lambda *_: "it signed a wrong answer"
    )
    (found,) = made.audit(mine).found
    assert (found.code, found.place) == ("convicts", "evidence/bank/1.json")
    assert str(found.text) == "bank: it signed a wrong answer"


def test_a_payload_that_is_withheld(made: Made, tmp_path: Path) -> None:
    """In a bundle with payloads each entry is open, or rightly erased."""
    given = made.bundle("carrier", tmp_path, "court order 7")
    (path,) = given.below(f"{bundles.log_directory(CARRIER)}/payload/")
    records = leaf.split_records(given.read(path), 3)
    entries = given.read(path.replace("payload", "tile/entries"))
    closed = tiles.split_bundle(entries, 3)[1], b"", b""
    put(given, path, leaf.encode_records([records[0], closed, records[2]]))
    (found,) = made.audit(given).found
    assert (found.code, found.place) == ("withheld", f"{CARRIER}:1")


def test_a_changed_file_that_nothing_else_depends_on(
    made: Made, mine: Bundle
) -> None:
    """It is named, and the rest is checked."""
    (mine.root / "vkeys").write_text("x")
    assert made.codes(mine) == {"file_changed"}
    put(mine, "vkeys", b"x")  # by who makes manifests: not the roster's
    assert made.codes(mine) == {"file_changed"}


def next_text(mine: Bundle, **more: object) -> str:
    """Return the text of a next version with more in it."""
    text = note.parse(mine.read("roster/000002.note")).text
    title, id_, raw = text.splitlines()
    previous = hashlib.sha256(text.encode()).hexdigest()
    roster = json.loads(raw) | {"version": 3, "previous": previous}
    return f"{title}\n{id_}\n{canonical.dumps(roster | more).decode()}\n"


def next_roster(mine: Bundle, **more: object) -> None:
    """Let the admins sign it."""
    signed = note.sign(next_text(mine, **more), *ADMINS)
    put(mine, "roster/000003.note", bytes(signed))


def decided(mine: Bundle, **more: object) -> None:
    """Have the next roster of a bundle say more of the bank's log."""
    first = note.parse(mine.read("roster/000002.note"))
    members = json.loads(first.text.splitlines()[2])["members"]
    for member in members:
        for log in member["generations"]:
            log.update(more if log["log"].startswith(f"{BANK}+") else {})
    next_roster(mine, members=members)


def test_what_the_roster_decided(made: Made, mine: Bundle) -> None:
    """A copy of the other side of a fork is named, whoever signed it."""
    decided(mine, cuts=[{"size": 2, "root": "00" * 32}])
    assert made.codes(mine) == {"decided_otherwise"}


def test_beyond_its_end_a_log_hides_nothing(made: Made, mine: Bundle) -> None:
    """What was signed after the end counts nowhere, and nobody keeps it."""
    head = head_of(mine, BANK)
    cut = {"size": head.size, "root": head.root.hex()}
    decided(mine, cuts=[cut], ended=True)
    ahead(mine, made)
    assert made.codes(mine) == set()


def test_who_followed_the_decision_is_not_blamed(
    made: Made, mine: Bundle
) -> None:
    """It signed the branch that was left, then the chosen one."""
    head, by = head_of(mine, BANK), made.keys["carrier"].seen
    decided(mine, cuts=[{"size": head.size, "root": head.root.hex()}])
    fork(mine, made, (by, NOW - 9))
    put_note(mine, head, (by, NOW))
    assert made.codes(mine) == {"fork"}


def test_a_roster_that_is_held_back(
    made: Made, police: Bundle, mine: Bundle
) -> None:
    """An earlier bundle has one more; and it must be of the same chain."""
    next_roster(mine)
    assert made.codes(police, mine) == {"roster_differs"}
    put(mine, "roster/000001.note", None)
    with untrusted():
        made.audit(police, mine)


def test_a_log_that_is_held_back(made: Made, mine: Bundle) -> None:
    """An anchor names it, or nothing does: then it is said not to be seen."""
    own, where = made.keys["police"].log, bundles.log_directory(POLICE)
    line = checkpoint.sign(head_of(mine, POLICE), own).signatures[0]
    head = head_of(mine, POLICE)
    drop(mine, where)
    audit = made.audit(mine)
    assert audit.found == []
    assert POLICE in str(audit.unseen)
    anchor(mine, made, head, line)
    assert made.codes(mine) == {"log_gone"}


def test_a_newer_roster_decides_nothing(made: Made, mine: Bundle) -> None:
    """The alliance's admins signed what this build cannot read: exit code 3."""
    next_roster(mine, unheard_of=1)
    audit = made.audit(mine)
    assert ([found.code for found in audit.found], audit.exit_code) == (
        ["newer"],
        3,
    )


def test_every_code_has_its_test() -> None:
    """Of the table, each is planted above, or in a test that names it."""
    tests = Path(__file__).parent.glob("test_*.py")
    text = "".join(file.read_text() for file in tests)
    assert [code for code in result.kinds() if f'"{code}"' not in text] == []


# --------------------------------------------------------------------- tar


def test_a_tar_is_the_same(made: Made, police: Bundle, tmp_path: Path) -> None:
    """Packed twice it has the same bytes; unpacked it is what it was."""
    one, two = tmp_path / "1.tar", tmp_path / "2.tar"
    bundles.pack(police.root, one)
    bundles.pack(police.root, two)
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_mode & 0o077 == 0  # payloads may be in it
    bundles.unpack(one, tmp_path / "out")
    again = Bundle(tmp_path / "out")
    assert (again.name, made.codes(again)) == (police.name, set())
    one.write_bytes(one.read_bytes()[:-11_000])
    with damaged():
        bundles.unpack(one, tmp_path / "cut")


def entry(name: str, kind: bytes = tarfile.REGTYPE, *, size: int = 0) -> bytes:
    """Return an entry of which nothing but its header is there."""
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = size, kind, "b"
    return made.tobuf(tarfile.GNU_FORMAT)


def hole(size: int) -> bytes:
    """Return an entry that is packed as nothing and unpacks to `size` bytes."""
    raw = bytearray(entry("a", tarfile.GNUTYPE_SPARSE))
    raw[483:495] = b"%011o\0" % size
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


HOSTILE = {
    "leads out": entry("../out"),
    "a link": entry("a", tarfile.SYMTYPE),
    "a hard link": entry("b") + entry("a", tarfile.LNKTYPE),
    "a pipe": entry("a", tarfile.FIFOTYPE),
    "twice": entry("a") + entry("a"),
    "never ends": entry("a", size=1 << 40),
    "a hole": hole(1 << 20),
    "packed": gzip.compress(entry("a")),
    "no tar": b"x" * 512,
}


@tried("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_tar_that_leads_elsewhere(raw: bytes, tmp_path: Path) -> None:
    """Or names what is no file, or is more than it seems, is refused."""
    tar, into = tmp_path / "b.tar", tmp_path / "into"
    into.mkdir()
    tar.write_bytes(raw + bytes(1024))
    with damaged():
        bundles.unpack(tar, into)
    assert {path.name for path in tmp_path.iterdir()} == {"b.tar", "into"}


def packed(out: Path, *entries: tuple[str, Mapping[str, str]]) -> Path:
    """Make a tar of one-byte files, each with headers of its own."""
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, headers in entries:
            entry = tarfile.TarInfo(name)
            entry.size, entry.pax_headers = 1, dict(headers)
            tar.addfile(entry, io.BytesIO(b"x"))
    return out


@each("syncd/audit-tars", names="entries")
def test_a_tar_that_is_none_of_ours(
    entries: list[tuple[str, Mapping[str, str]]], tmp_path: Path
) -> None:
    """It is refused in a sentence that a terminal may show."""
    tar = packed(tmp_path / "x.tar", *entries)
    with damaged() as error:
        bundles.unpack(tar, tmp_path / "out")
    assert str(error.value).isprintable()


def test_a_tar_of_no_time(tmp_path: Path) -> None:
    """What else its headers say decides nothing."""
    tar = packed(tmp_path / "x.tar", ("a", {"mtime": "nan"}))
    bundles.unpack(tar, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_bytes() == b"x"


def test_names_that_no_terminal_should_get(made: Made, mine: Bundle) -> None:
    """Of files, of strangers' keys, and of whoever says that he collected."""
    (mine.root / "a\x1b[31m\udc9b").write_text("x")
    stranger = note.SigningKey("a\x9b\u202e", note.COSIGNATURE, bytes(32))
    put_note(mine, head_of(mine, BANK), (stranger, NOW))
    audit = made.audit(mine)
    (stray,) = audit.found
    assert stray.code == "file_stray"
    assert all(str(text).isprintable() for text in (stray, *audit.unseen))
    put(mine, ABOUT, mine.read(ABOUT).replace(b"police", b"po\\u001bce"))
    with damaged("another shape"):
        made.audit(mine)


def test_a_time_that_no_calendar_has(made: Made, mine: Bundle) -> None:
    """A member's clock cannot keep the report from anybody."""
    by = made.keys["carrier"].merged, cosignature.MAX_TIME
    put_note(mine, head_of(mine, BANK), by)
    assert made.codes(mine) == {"early"}
    assert str(cosignature.MAX_TIME) in report.page(made.audit(mine))
