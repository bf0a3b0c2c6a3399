"""`syncd roster` with files and a home, no daemon running."""

import asyncio
import getpass
import os
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from syncd.cli import hardware, terminal
from syncd.flows import conformance
from syncd.indicator import never
from syncd.roster import drafts, keys, signing
from syncd.roster.drafts import between
from syncd.roster.roster import Roster
from syncd.store.keyring import Keyring
from syncd.tlog import checkpoint
from tests.alliance import ADMINS, CHEAP, NAME, Alliance
from tests.cases import cases, each, once, tried
from tests.cli.conftest import Ran, Run, Terminal, keep_token


@once
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Homes of three members that have heard of each other, stopped."""
    path = tmp_path_factory.mktemp("roster")

    async def live() -> None:
        members = ("police", "bank", "carrier", "platform")
        async with Alliance.found(path, members) as alliance:
            await alliance.bank.tell("url", "http://evil.example/")
            head = alliance.bank.own.log.released()
            (path / "bank.checkpoint").write_bytes(head)
            for name, note in zip(
                ("first", "roster"), alliance.notes, strict=True
            ):
                (path / f"{name}.note").write_bytes(note)

    asyncio.run(live())
    return path


@pytest.fixture
def police(run: Run, root: Path) -> Run:
    """Run a command on the police's home."""
    return partial(run, "--home", root / "police")


@tried("source", ["home", "checkpoint"])
def test_a_removal_pins_where_the_log_ends(
    run: Run, police: Run, root: Path, tmp_path: Path, source: str
) -> None:
    """What the home mirrors, or a checkpoint that the member signed."""
    out, signed = tmp_path / "draft", root / "bank.checkpoint"
    words = ("roster", "remove", "bank", out)
    given = ("--checkpoint", signed, "--current", root / "roster.note")
    (police(*words) if source == "home" else run(*words, *given)).ended(0)
    bank = drafts.read(out.read_bytes())[1].known("bank")
    head, _ = checkpoint.open_(signed.read_bytes(), bank.generation.log)
    end = bank.end(bank.generation)
    assert end is not None
    assert (end.size, end.root) == (head.size, head.root)
    assert head.size > 0


@each("cli", "a_removal_that_cannot_be", "member, code, expected")
def test_a_removal_that_cannot_be(
    police: Run,
    root: Path,
    tmp_path: Path,
    member: str,
    code: int,
    expected: str,
) -> None:
    out, signed = tmp_path / "draft", root / "bank.checkpoint"
    words = ("roster", "remove", member, out, "--checkpoint", signed)
    police(*words).ended(code, expected)
    assert not out.exists()


# ------------------------------------------------------------------- edits


@once
def shelf(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What admins have at hand: keys, a certificate, files of values."""
    path = tmp_path_factory.mktemp("shelf")
    carol = keys.admin(NAME, "carol", b"c" * 32)
    (path / "carol.pub").write_text(f"{carol.verifier}\n")
    newer = keys.generate("watch.example", NAME, bytes, now=1_760_000_000)
    (path / "watch.der").write_bytes(newer.certificate)
    (path / "never.txt").write_text("110\n")
    return path


class Admin:
    """Runs `syncd roster …` in a shelf of its own, on one roster file."""

    def __init__(self, run: Run, root: Path, shelf: Path, out: Path) -> None:
        self.run, self.root, self.shelf, self.out = run, root, shelf, out
        self.current = drafts.read((root / "roster.note").read_bytes())[1]

    def __call__(self, *words: str, stdin: Any = b"") -> Ran:
        named = [
            str(self.out) if w == "OUT" else w.replace("@", f"{self.shelf}/")
            for w in words
        ]
        given = ("--current", self.root / "roster.note")
        return self.run("roster", *named, *given, stdin=stdin)

    def onto(self) -> tuple[str, str]:
        """Go on from the draft, with another; return the option for it."""
        first, self.out = self.out, self.out.with_name(f"{self.out.name}+")
        return "--onto", str(first)

    @property
    def draft(self) -> Roster:
        return drafts.read(self.out.read_bytes())[1]


@pytest.fixture
def admin(run: Run, root: Path, shelf: Path, tmp_path: Path) -> Admin:
    return Admin(run, root, shelf, tmp_path / "draft")


@pytest.fixture
def capped(admin: Admin) -> Admin:
    """An admin with a draft."""
    admin("set", "OUT", "--cap", "phone=30").ended(0)
    return admin


@tried("words, said", cases("cli/roster", "edits"))
def test_an_edit_says_what_it_changes(
    admin: Admin, words: str, said: str
) -> None:
    """And what the file holds is what was shown."""
    ran = admin(*words.split()).printed(said)
    assert "2 of anne, bert must still sign" in ran.err
    assert "version 3 (" in ran.out
    assert admin.draft.previous == admin.current.hash
    shown = [line for line in ran.out.splitlines() if line[0] in "+-~"]
    assert len(shown) >= len(between(admin.current, admin.draft))


@each("cli", "a_draft_says_whose_verdicts_it_moves", "words, moves")
def test_a_draft_says_whose_verdicts_it_moves(
    admin: Admin, run: Run, root: Path, words: str, moves: list[str]
) -> None:
    """The same at each member that merged as much; a home has to tell."""
    at = ("--checkpoint", f"{root / 'bank.checkpoint'}")
    assert admin(*words.split(), *at[: 2 * ("remove" in words)]).code == 0
    both = [
        run("--home", root / id_, "roster", "show", admin.out).out
        for id_ in ("police", "carrier")
    ]
    assert f", it moves verdicts on {len(moves) // 2} values:" in both[0]
    assert both[0] == both[1]
    assert [x for x in both[0].splitlines() if "kind url" in x] == moves
    assert run("roster", "show", admin.out, "--json").json["moves"] == {}


def test_the_threshold_falls_before_an_admin_goes(admin: Admin) -> None:
    admin("set", "OUT", "--threshold", "1").ended(0)
    ran = admin("admin", "remove", "anne", "OUT", *admin.onto())
    assert "- anne is an admin no more" in ran.out
    assert sorted(admin.draft.admins) == ["bert"]


def test_edits_add_up(capped: Admin) -> None:
    """The second goes on from the first one's draft, and shows both."""
    ran = capped("retire", "url", "1", "OUT", *capped.onto(), "--json").ended(
        0
    )
    assert [one["at"] for one in ran.json["changes"]] == [
        ["caps", "phone", "days"],
        ["epochs", "url/1", "retired"],
        ["expires"],
    ]
    assert ran.json["changes"][0]["old"] == 180
    assert ran.json["signatures"][0]["wanted"] == 2
    assert not ran.json["complete"]
    assert "no url can be reported" in ran.err


def test_signatures_do_not_move_to_another_text(
    capped: Admin, tmp_path: Path
) -> None:
    """And a draft that does not follow the newest version is refused."""
    signed = signing.sign(capped.out.read_bytes(), ADMINS[0], capped.current)
    (tmp_path / "signed").write_bytes(signed)
    onto = ("--onto", str(tmp_path / "signed"))
    capped.out = tmp_path / "second"
    capped("set", "OUT", "--cap", "url=3", *onto).ended(
        0, "its signatures do not count for the new draft"
    )
    assert drafts.read(capped.out.read_bytes())[0].signatures == ()
    newer = drafts.write(
        drafts.begin(capped.draft, now=capped.draft.issued), capped.draft
    )
    (tmp_path / "signed").write_bytes(newer)
    capped("set", "OUT", "--cap", "url=4", *onto).ended(
        1, "does not follow version 2"
    )


@tried("words, code, expected", cases("cli/roster", "wrong"))
def test_an_edit_that_cannot_be(
    admin: Admin, words: str, code: int, expected: str
) -> None:
    """It says what, where and how to mend; nothing is written."""
    admin(*words.split()).ended(code, expected)
    assert not admin.out.exists()


def test_never_values_come_from_standard_input(admin: Admin) -> None:
    """Not from an argument, which is not repeated either."""
    ran = admin("never", "add", "OUT", "--kind", "phone", "95599").ended(
        2, "more arguments"
    )
    assert "95599" not in ran.err
    ran = admin(
        "never", "add", "OUT", "--kind", "phone", stdin=b"95599\n12x\n"
    ).ended(2, "line 2")
    assert "12x" not in ran.err
    admin("never", "add", "OUT", "--kind", "phone", stdin=b"95599\n").ended(0)
    (row,) = [n for n in admin.draft.never if n.value == "cn:95599"]
    assert row.note == "official"


def test_our_list_is_brought_in_and_changes_no_reason(admin: Admin) -> None:
    words = ("never", "add", "OUT", "--kind", "phone", "--why", "ours")
    admin(*words, stdin=b"110\n").ended(0)
    admin("never", "default", "OUT", *admin.onto()).ended(0)
    rows = {n.value: n.note for n in admin.draft.never}
    assert len(rows) >= len(never.default())
    assert (rows["cn:110"], rows["cn:96110"]) == ("ours", "anti_fraud")
    admin("never", "default", "OUT", *admin.onto()).ended(2, "nothing")


def test_a_never_value_may_come_again(admin: Admin, tmp_path: Path) -> None:
    words = ["OUT", "--kind", "url"]
    admin("never", "add", *words, stdin=b"com.cn/\n").ended(0)
    words = ["never", "remove", *words, *admin.onto()]
    admin(*words, stdin=b"com.cn/\n").ended(0)
    assert not admin.draft.never
    admin.out = tmp_path / "third"
    admin(*words, stdin=b"bit.ly/\n").ended(
        2, "line 1: is not on the never-list"
    )


def test_a_removed_member_s_reports_can_be_erased(
    admin: Admin, root: Path
) -> None:
    """Of its log as it ended; a range beyond that end is refused."""
    given = ["--checkpoint", str(root / "bank.checkpoint")]
    admin("remove", "bank", "OUT", *given).ended(0)
    origin = admin.current.known("bank").origin
    words = ["erase", origin, "OUT", "--reason", "court_order", *admin.onto()]
    admin(*words, "--range", "0:99").ended(2, "the log has")
    admin(*words, "--range", "1:2").printed(f"+ erased of {origin} at size")
    (row,) = admin.draft.erased
    assert row.ranges == ((1, 2),)


def test_which_branch_of_a_log_counts(admin: Admin, root: Path) -> None:
    """That of a checkpoint it signed; with the end, if it is to end there."""
    origin = admin.current.known("bank").origin
    given = ["--checkpoint", str(root / "bank.checkpoint"), "--ended"]
    admin("cut", origin, "OUT", *given).printed(
        f"+ {origin} goes through size", f"+ {origin} ends there"
    )
    assert admin.draft.known("bank").generation.ended


# ------------------------------------------------------------- sign, show


@pytest.fixture
def ring(
    admin: Admin, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A key directory of the admin anne's."""
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("correct horse battery\n")
    monkeypatch.setenv("SYNCD_SECRET_FILE", str(secret))
    path = tmp_path / "anne"
    path.mkdir(mode=0o700)
    kept = Keyring.create(path, b"correct horse battery", cost=2)
    kept.put(f"admin-{NAME}--anne", ADMINS[0].seed)
    return path


def test_an_admin_sees_what_he_signs(
    capped: Admin, ring: Path, tmp_path: Path
) -> None:
    """And then who must sign still; complete, what comes next."""
    before = capped.out.read_bytes()
    for more in ((), ("--json",)):  # nobody said yes
        capped("sign", "OUT", "--keys", str(ring), *more).ended(
            2, "nobody is at a terminal"
        )
        assert capped.out.read_bytes() == before
    ran = capped("sign", "OUT", "--keys", str(ring), "--yes").printed(
        "~ reports of phone count for 30 days, were 180"
    )
    assert "1 of bert must still sign\n" in ran.err
    assert "whose verdicts it moves, a home says: no home" in ran.out
    both = signing.sign(capped.out.read_bytes(), ADMINS[1], capped.current)
    capped.out.write_bytes(both)
    ran = capped("sign", "OUT", "--keys", str(ring), "--yes", "--json").ended(
        0
    )
    assert ran.json["complete"]


def test_what_is_for_good_is_asked_for_twice(
    capped: Admin, ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name, unless somebody says beforehand that it is meant."""
    assert capped("retire", "phone", "1", "OUT", *capped.onto()).code == 0
    words = ("sign", "OUT", "--keys", str(ring), "--yes")
    capped(*words).ended(2)
    capped(*words, "--final").ended(0)
    for name, code in (("phone/2", 1), ("phone/1", 0)):
        monkeypatch.setattr(terminal, "agreed", lambda _, w, n=name: n in w)
        assert capped(*words).code == code


@pytest.fixture
def token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str | Path, ...]:
    """SoftHSM, as Debian has it, with a token whose PIN lies in a file."""
    if not shutil.which("softhsm2-util") and not os.environ.get("CI"):
        pytest.skip("no token on this machine: Debian's softhsm2 has one")
    (tmp_path / "tokens").mkdir()
    conf = tmp_path / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(conf))
    words = "--init-token --free --label anne --so-pin 0000 --pin 7351"
    subprocess.run(["softhsm2-util", *words.split()], check=True)
    monkeypatch.setenv("SYNCD_PIN_FILE", str(keep_token(tmp_path, "7351")))
    named = ("--name", "anne", "--alliance", NAME, "--token", "anne")
    return *named, "--module", "/usr/lib/softhsm/libsofthsm2.so"


def test_an_admin_signs_in_a_token(
    admin: Admin,
    token: tuple[str | Path, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its directory names the token: commands differ by the PIN alone."""
    make = partial(admin.run, "keys", "admin")
    kept, pub, out = (tmp_path / n for n in ("anne", "anne.pub", "draft"))
    make(kept, *token, "--out", pub).printed(f"{NAME}/admin/anne+")
    assert [path.name for path in kept.iterdir()] == [hardware.FILE]
    make(kept, *token).ended(2, f"{hardware.FILE}: is there already")
    make(tmp_path / "b", *token[:-1], "/x.so").ended(2, "/x.so says PKCS11")
    make(tmp_path / "c", *token, "--token", "x").ended(2, "NoSuchToken")
    admin("admin", "add", str(pub), "OUT").printed("anne has another key")
    before = out.read_bytes()
    words = ("sign", "OUT", "--yes", "--keys", str(kept))
    file = kept / hardware.FILE
    place = file.read_bytes()
    monkeypatch.setenv("SYNCD_PIN_FILE", str(keep_token(tmp_path, "1537")))
    admin(*words).ended(2, "says PinIncorrect")
    monkeypatch.delenv("SYNCD_PIN_FILE")
    admin(*words).ended(2, "no PIN file or terminal to ask on")
    monkeypatch.setattr(getpass, "getpass", lambda _: "7351")
    at = {"stdin": Terminal()}
    file.write_bytes(place.replace(b'"id":"', b'"id":"AAAA'))
    admin(*words, **at).ended(2, "NoSuchKey")
    other = ADMINS[0].verifier  # of the version before
    old = pub.read_text().strip().encode()
    file.write_bytes(place.replace(old, str(other).encode()))
    admin(*words, **at).ended(4, "token anne: signs by another key")
    file.write_bytes(place[:-9])
    admin(*words, **at).ended(2, f"{hardware.FILE}: damaged")
    assert out.read_bytes() == before
    file.write_bytes(place)
    admin(*words, **at).ended(0, "1 of bert must still sign")
    assert signing.signers(out.read_bytes()).have == ("anne",)


def test_a_message_in_the_night_names_the_way_out(
    capped: Admin, run: Run, police: Run, root: Path, shelf: Path
) -> None:
    """The wrong file, no roster at hand, too few signatures."""
    run(
        "roster", "challenge", shelf / "never.txt", "x", "--secret", "y"
    ).ended(2, f"{shelf / 'never.txt'}: ", "is it the right file?")
    run("roster", "renew", "x").ended(2, "or --current FILE")
    first = (root / "first.note").read_bytes()
    half = signing.sign(capped.out.read_bytes(), ADMINS[0], capped.current)
    capped.out.write_bytes(half)
    police(
        *("join", "accept"),
        *(root / "first.note", root / "roster.note", capped.out),
        *("--fingerprint", drafts.read(first)[1].hash),
    ).ended(4, "hint: more of them must sign: syncd roster sign")


@tried("words", cases("cli/roster", "files"))
def test_a_wrong_file_among_several_is_named(
    admin: Admin, police: Run, tmp_path: Path, words: str
) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b'{"x": \xff')
    args = words.replace("JUNK", str(junk)).replace("NAME", NAME).split()
    ran = police(*args).ended(2)
    assert ran.err.startswith(f"syncd: error: {junk}: "), ran.err


def test_show_gives_the_note_as_it_is(run: Run, root: Path) -> None:
    """What was read back as it was signed, byte for byte; `-` is read once."""
    file = root / "roster.note"
    assert run("roster", "show", file, "--raw").out == file.read_text()
    raw = file.read_bytes()
    assert run("roster", "show", "-", "--raw", stdin=raw).out.encode() == raw


def test_newcomer_and_admin_see_the_same_words(
    run: Run,
    root: Path,
    tmp_path: Path,
    ring: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A founder's request has its own; a newcomer's come with its answer."""
    asked, sent, answer = (tmp_path / n for n in ("join", "sent", "answer"))
    note, kept = root / "roster.note", ("--secret", tmp_path / "kept")
    home = partial(run, "--home", tmp_path / "home")
    defaults: Any = Keyring.create.__kwdefaults__
    monkeypatch.setitem(defaults, "cost", CHEAP)
    named = ("--id", "payment", "--domain", "payment.example")
    home("init", *named, "--alliance", NAME).ended(0)
    more = ("--sector", "payment", "--url", "https://127.0.0.1:1")
    ours = home("join", "request", tmp_path / "founder", *more)
    ours.ended(0, "on a number that you know already")
    assert [len(x.split()) for x in ours.out.splitlines()] == [2, 7, 6, 5]
    joining = ("--alliance-id", note.read_text().split()[1])
    assert home("join", "request", asked, *more, *joining).out == ""
    run("roster", "challenge", asked, sent, *kept).ended(0)
    _, *words = home("join", "answer", sent, answer).out.splitlines()
    by = ("--file", answer, "--current", note, "--keys", ring)
    admit = partial(run, "roster", "admit", "payment", *by)
    admit().ended(2, "--secret KEPT")
    admit(*kept, tmp_path / "draft").ended(0, "\n".join(words))
    admit(*kept, stdin=words[1]).ended(0, "syncd roster publish")
    draft = answer.with_suffix(".draft")
    run("roster", "show", draft).printed("signed by anne")
    monkeypatch.setattr(conformance, "apart", lambda _: "phone_3")
    admit(*kept).ended(1, "to the vectors phone_3")


def test_show_says_who_signed(run: Run, root: Path) -> None:
    file = root / "roster.note"
    ran = run("roster", "show", file).ended(0)
    assert ran.err == ""
    assert ran.out.splitlines()[-1].startswith("signed by anne")
    body = run("roster", "show", file, "--json").json
    assert "anne" in body["signed"]
    assert body["wanted"] == 0


def test_show_of_a_draft_says_that_it_is_one(capped: Admin, run: Run) -> None:
    ran = run("roster", "show", capped.out).printed("signed by -: 0 of the ")
    assert "a draft: nobody is to trust it yet" in ran.err


@tried("more", [(), ("--json",), ("--raw",)])
def test_show_of_a_changed_file_says_so_and_shows_nothing(
    run: Run, root: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """One character anywhere: in the text, or in an admin's own key."""
    good = (root / "roster.note").read_bytes()
    changed = ((b"bank.example", b"bonk.example"), (b"/anne", b"/onne"))
    for old, new in (*changed, (b'"version":2', b'"version":}')):
        assert old in good
        bad = tmp_path / "bad.note"
        bad.write_bytes(good.replace(old, new, 1))
        ran = run("roster", "show", bad, *more).ended(4)
        assert ran.out == ""
        assert f"{bad}: does not verify" in ran.err


def test_show_says_what_changed_between_versions(
    capped: Admin, police: Run, root: Path
) -> None:
    """Of a draft since a file, or since a version of a home."""
    show = ("roster", "show")
    since = (*show, capped.out, "--since")
    for base in (root / "roster.note", 2):
        police(*since, base).printed(
            "~ reports of phone count for 30 days, were 180"
        )
    police("--lang", "zh", *since, 2).printed(
        "~ phone 的上报有效 30 天，原为 180 天"
    )
    ran = police(*since, 2, "--json")
    assert ["caps", "phone", "days"] in [one["at"] for one in ran.json]
    police(*show, "--version", 7).ended(2, "there is no version 7")
    police(*show, "--version", 1).printed("quota    *                lookup")
    police("--lang", "zh", *show).printed("配额")
    assert police(*show, "--json").json["version"] == 2
