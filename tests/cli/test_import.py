"""An import takes every row or says why not, and survives every stop."""

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.cli import table_input
from syncd.cli.api_client import problem
from syncd.cli.importing import upload
from syncd.cli.importing.targets import Reports, reasons
from syncd.lists.refused_rows import FRONT, Refused
from syncd.messages.catalogue import whole
from syncd.node import pinned
from tests.cases import tried
from tests.cli.conftest import CONST, FalseApi, Node, Ran, read, refused
from tests.lists.test_sheet import saved

HEAD = "kind,value,label,role,evidence\n"
FULL = refused("import: quota used up", 429, "quota")


def row(value: str) -> str:
    return f"url,{value},fake_shop,phishing_host,user_tag\n"


def refused_rows(false: FalseApi) -> Any:
    """Return number, reason and cells of what the newest import refused."""
    rows = false.imports[max(false.imports)]["rows"].values()
    return [
        [one["row"], whole(problem(one["problem"])), one.get("cells", {})]
        for one in sorted(rows, key=lambda one: one["row"])
    ]


Take = Callable[..., Ran]


@pytest.fixture
def load(member: Node) -> Take:
    """Run `syncd report import WORDS…`."""
    return partial(member, "report", "import")


@pytest.fixture
def take(load: Take, tmp_path: Path) -> Take:
    """Import a list with that text."""

    def one(
        text: str, *words: object, name: str = "list.csv", lang: str = "en"
    ) -> Ran:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="")
        return load(path, *words, lang=lang)

    return one


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(HEAD + row("a.example") + row("bad.example"))
    return path


# ------------------------------------------------------------ what it does


def test_what_is_refused_stays_at_the_daemon(
    load: Take, false: FalseApi, listed: Path
) -> None:
    """Good rows go in; of the others nothing lies beside the list."""
    ran = load(listed, "--json")
    assert ran.ended(1).json["import"] == 1
    assert [ran.json[n] for n in ("accepted", "known", "refused")] == [1, 0, 1]
    lines = (text.strip().split(",") for text in (HEAD, row("bad.example")))
    assert refused_rows(false) == [
        [3, "the value is bad", dict(zip(*lines, strict=True))]
    ]
    assert false.values == ["a.example"]
    state, raw = false.imports[1], listed.read_bytes()
    assert (state["offset"], state["row"]) == (len(raw), 3)
    assert state["prefix"] == hashlib.sha256(raw).hexdigest()
    there = {p.name for p in listed.parent.iterdir() if p.is_file()}
    assert there == {"home.token", "list.csv"}
    assert "report imports --refused 1 --out FILE.csv" in ran.err


def test_refused_rows_that_are_not_kept(
    member: Node, take: Take, tmp_path: Path
) -> None:
    """No empty file is written for them."""
    take(HEAD + row("a.example")).ended(0)
    out = tmp_path / "refused.csv"
    member("report", "imports", "--refused", 1, "--out", out).ended(
        2, "import 1: no refused rows are kept"
    )
    assert not out.exists()


@tried("lang", ["en", "zh"])
def test_refused_rows_are_mended_and_imported_as_they_are(
    member: Node, load: Take, false: FalseApi, tmp_path: Path, lang: str
) -> None:
    """With line and reason in front, at once or later; nothing is replaced."""
    path, out = tmp_path / "list.csv", tmp_path / "refused.csv"
    path.write_text(
        "号码,备注,渠道\n+8613800138000,=1+1,短信\n+86bad,-x,乱写\n"
    )
    words = ["--kind", "phone", *CONST[2:]]
    load(path, *words, "--refused", out, lang=lang).ended(1)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    load(path, *words, "--refused", out).ended(2, "is there already")
    later = tmp_path / "later.csv"
    words_ = ("--refused", 1, "--out", later)
    member("report", "imports", *words_, lang=lang).ended(0)
    assert later.read_bytes() == out.read_bytes()
    [bad] = read(out)
    assert [*bad] == [*FRONT[lang], "号码", "备注", "渠道"]
    line, why, *cells = bad.values()
    assert (line, cells) == ("3", ["'+86bad", "'-x", "乱写"])
    assert "channel" in why
    assert "乱写" in why
    text = out.read_text(encoding="utf-8").replace('"乱写"', '"电话"')
    out.write_text(text.replace("+86bad", "+8613800138001"), encoding="utf-8")
    load(out, *words, "--list", "list.csv").ended(0, "not stored: 备注")
    assert false.values[-1] == "+8613800138001"
    # A part of a list: what it lacks is not gone.
    assert false.imports[2]["ended"] == {"complete": False}
    load(out, *words, "--gone", "retract").ended(2, "leave out --gone")


def test_mended_rows_may_be_refused_again(
    take: Take, load: Take, false: FalseApi, tmp_path: Path
) -> None:
    """Line and reason of the first time are no columns of the list."""
    out = tmp_path / "out.csv"
    take("bad1.example\n", *CONST, "--refused", out, name="list.txt")
    load(out, *CONST).ended(1)
    cells = {"value": "bad1.example"}
    assert refused_rows(false) == [[2, "the value is bad", cells]]


def test_a_list_without_header_gets_one_that_is_read_again(
    take: Take, false: FalseApi
) -> None:
    words = (*CONST, "--no-header", "--map", "value=2")
    take("1,bad.example\n", *words).ended(1)
    [[_, _, cells]] = refused_rows(false)
    assert cells == {"1": "1", "value": "bad.example"}


def test_a_row_of_several_values_is_mended_whole(
    take: Take, false: FalseApi
) -> None:
    """Though one of them was refused; the good ones are known then."""
    ran = take(
        "value,x\na.example;bad1;bad2,1\nb.example,2\n",
        *CONST,
        "--split",
        "value",
        "--json",
    )
    assert (ran.json["accepted"], ran.json["refused"]) == (2, 2)
    [bad] = refused_rows(false)
    assert (bad[0], bad[2]) == (2, {"value": "a.example;bad1;bad2", "x": "1"})


def test_objects_that_are_refused_become_rows(
    take: Take, tmp_path: Path
) -> None:
    """Under the names of all of them."""
    out = tmp_path / "out.csv"
    text = '{"value":"bad1","x":"1"}\n{"y":"2","value":"bad2"}\n['
    take(text, *CONST, "--refused", out, name="list.ndjson")
    rows = read(out)
    assert [*rows[0]][2:] == ["value", "x", "y"]
    assert [[*row.values()][2:] for row in rows] == [
        *(["bad1", "1", ""], ["bad2", "", "2"], ["[", "", ""])
    ]


def test_what_an_import_says_of_its_reports(
    load: Take, false: FalseApi, listed: Path
) -> None:
    """Name, refresh, again, gone: each where the daemon looks for it."""
    load(
        *(listed, "--list", "police", "--refresh", "--again", "seen anew"),
        *("--gone", "retract", "--gone-at-most", 7),
    )
    asked = {path: body for _, path, body in false.asked if body}
    assert asked["/v1/imports"]["list"] == "police"
    assert asked["/v1/reports"]["refresh"] is True
    assert asked["/v1/reports"]["again"] == "seen anew"
    assert asked["/v1/imports/1/finish"] == {
        "complete": True,
        "gone": "retract",
        "gone_at_most": 7,
    }
    load(listed, "--gone", "x").ended(2)


def test_a_local_list_is_not_reported(
    load: Take, false: FalseApi, tmp_path: Path
) -> None:
    """It is loaded whole, and no report is made of it."""
    path, out = tmp_path / "list.csv", tmp_path / "out.csv"
    path.write_text(HEAD + row("a.example") + row("bad1.example") + "x\n")
    words = (path, "--local", "--list", "公安")
    ran = load(*words, "--gone-at-most", 5, "--refused", out).ended(1)
    assert ran.out == (
        "local list: added 1, already known 0, replaced 0, refused 2;"
        " dropped 0\n"
    )
    assert [(path, body) for _, path, body in false.asked][0::2] == [
        ("/v1/own/loads", {"list": "公安"}),
        ("/v1/own/removals", {"list": "公安", "load": 7, "gone_at_most": 5}),
    ]
    assert not false.imports
    assert [row["refused line"] for row in read(out)] == ["3", "4"]
    ran = load(*words, "--json")
    assert (ran.json["known"], ran.json["refused"]) == (1, 2)
    load(*words, "--refresh").ended(2)


def test_what_can_be_read_of_a_refused_row_is_sent(
    take: Take, false: FalseApi
) -> None:
    """A local list has it still, though tonight its day is none."""
    text = (
        "value,account type,bank,seen\n"
        "20000012345678,bank,102,2026-13-01\n,bank,102,2026-13-01\n"
    )
    words = "--local --list a --kind account --label other"
    more = "--role collecting_account --evidence user_tag"
    assert take(text, *words.split(), *more.split()).code == 1
    [found] = [b["refused"] for _, p, b in false.asked if p == "/v1/own/local"]
    assert found == [
        {"kind": "account", "value": "20000012345678", "scheme": "102"}
    ]


def test_what_came_of_imports_is_listed(
    member: Node, load: Take, false: FalseApi, listed: Path
) -> None:
    """Newest first, with names and counts; refused rows by their number."""
    load(listed, "--list", "police")
    false.imports[1]["elsewhere"] = 7
    head, row = member("report", "imports").out.splitlines()[:2]
    assert row.split()[:4] == ["1", "police", "list.csv", "cli"]
    assert row[head.index("taken back by others") :].split()[0] == "7"
    assert (
        member("report", "imports", "--json").json["items"][0]["refused"] == 1
    )
    member("report", "imports", "--refused", 1).ended(2)


def test_unknown_columns_are_never_stored(take: Take, false: FalseApi) -> None:
    """They are named once, and what they hold goes nowhere."""
    ran = take("value,受害人姓名,note\na.example,张三,secret\n", *CONST)
    assert ran.err.count("受害人姓名") == 1
    for cell in "张三", "secret":
        assert cell not in str(false.asked)


def test_a_day_is_that_of_the_rosters_zone(
    take: Take, false: FalseApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster = SimpleNamespace(current=SimpleNamespace(zone="America/New_York"))
    monkeypatch.setattr(pinned, "trusted_roster", lambda _: roster)
    take("value,seen\na.example,2026-11-27T20:00:00Z\n", *CONST).ended(0)
    assert false.reports[0]["seen"] == "2026-11-27"


# --------------------------------------------------------- refused as rows


def test_a_refusal_says_how_to_mend_it(take: Take, false: FalseApi) -> None:
    """The daemon's hint stands behind its reason, and both are counted."""
    false.hint = "say yes"
    ran = take("bad1.example\nbad2.example\n", *CONST, name="list.txt")
    assert "2 × the value is bad (say yes)" in ran.err


def test_reasons_are_counted(take: Take) -> None:
    """The most frequent ones first; what differs row by row is left out."""
    more = "".join(f"{'a' * n},\n" for n in (70_000, 80_000))
    ran = take(f"value,x\n{3 * 'ragged' * 3}\nbad.example,1\n{more}", *CONST)
    assert [line.strip() for line in ran.err.split("\n") if " × " in line] == [
        "2 × the line is … bytes long, above …",
        "1 × 1 cells, want 2",
        "1 × the value is bad",
    ]


def test_a_day_in_a_reason_is_left_out_whole() -> None:
    whys = ("seen: 2027-01-02 is in the future", "seen: 2027-02-03 is …")
    rows = [Refused(n, why, {}) for n, why in enumerate(whys, 1)]
    assert [*reasons(rows)] == ["seen: … is in the future", "seen: … is …"]


# --------------------------------------------------------- refused as file


def test_what_is_missing_is_named_at_once(take: Take) -> None:
    """Nothing is guessed; all that is needed is named, with the ways."""
    take("号码,备注\n13800138000,x\n").ended(
        2,
        "no option for kind, label, role, evidence",
        "--kind CODE --label CODE",
        "号码, 备注",
    )


def test_a_pipe_is_no_file(load: Take, tmp_path: Path) -> None:
    """It could not be gone on with."""
    os.mkfifo(path := tmp_path / "fifo.csv")
    for name in (path, "-"):
        load(name, *CONST, stdin=b"a.example\n").ended(
            2, f"{name}: is no file", "an import needs a file"
        )


def test_a_url_of_a_megabyte(take: Take, false: FalseApi) -> None:
    """Refused by its row, of which not all is kept; not sent."""
    url = f"http://{'a' * 1_000_000}.example/"
    take(f"value,x\n{url},1\nb.example,2\n", *CONST).ended(1)
    [(_, why, cells)] = refused_rows(false)
    assert "bytes long, above 65536" in why
    assert len(str(cells)) < 2000
    assert false.values == ["b.example"]
    assert false.largest < 10_000


def test_options_go_before_a_mapping_file(
    take: Take, false: FalseApi, tmp_path: Path
) -> None:
    mapping = tmp_path / "a.toml"
    mapping.write_text(
        "[file]\nformat = 'txt'\nheader = true\n[columns]\nvalue = 1\n"
        "[constants]\nlabel = 'other'\nconfidence = 7\n"
    )
    words = ["--map", mapping, "--no-header"]
    take("a.example\nb.example\n", *CONST, *words, name="a.txt").ended(0)
    assert {(r["label"], r["confidence"]) for r in false.reports} == {
        ("fake_shop", 7)
    }


# ------------------------------------------------------------------- stops


def long_list(place: Path, rows: int) -> Path:
    """Every seventh row is refused by the daemon, every eleventh by us."""
    path = place / "list.csv"
    with path.open("w") as file:
        file.write(HEAD)
        for n in range(rows):
            if n % 11 == 0:
                file.write(f"ragged{n}\n")
            else:
                file.write(row(f"{'bad' if n % 7 == 0 else 'n'}{n}.example"))
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list in steps of ten rows, and nobody waits for the daemon."""
    monkeypatch.setattr(table_input, "STEP", 10)
    for name in ("RESTART_S", "STALE_S"):
        monkeypatch.setattr(upload, name, 0)
    return long_list(tmp_path, 30)


@pytest.mark.usefixtures("path")
@given(
    st.lists(
        st.tuples(st.sampled_from(["before", "after"]), st.integers(0, 4)),
        max_size=4,
    ),
    st.integers(0, 45),
)
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_stops_leave_no_trace(
    load: Take,
    false: FalseApi,
    tmp_path_factory: pytest.TempPathFactory,
    stops: list[tuple[str, int]],
    rows: int,
) -> None:
    """However often it breaks: vault and refused rows are as without."""
    path = long_list(tmp_path_factory.mktemp("stops"), rows)
    false.vault.clear()
    false.imports.clear()
    for point, after in stops:
        false.fail = {point: after}
        ran = load(path)
        assert ran.code in (0, 1, 3)
        if ran.code == 3:
            assert "run the same command again" in ran.err
        else:
            break
    false.fail = {}
    ran = load(path, "--json")
    theirs = [n for n in range(rows) if n % 11 and n % 7 == 0]
    ours = [n for n in range(rows) if n % 11 == 0]
    good = [f"n{n}.example" for n in range(rows) if n % 11 and n % 7]
    assert false.values == good
    assert ran.json["refused"] == len(theirs) + len(ours)
    if rows and (ours or theirs):
        numbers = [row[0] for row in refused_rows(false)]
        assert numbers == sorted(n + 2 for n in (*ours, *theirs))
        assert all(row[2] for row in refused_rows(false))  # its cells


@pytest.mark.usefixtures("path")
def test_a_sheet(load: Take, false: FalseApi, tmp_path: Path) -> None:
    """Its offset counts rows; it goes on and ends like any other file."""
    urls = [f"{'bad' if n % 7 == 0 else 'n'}{n}.example" for n in range(30)]
    path = saved(tmp_path, [["网址", "备注"], *([url, "x"] for url in urls)])
    false.fail = {"after": 1}
    load(path, *CONST).ended(3)
    ran = load(path, *CONST, "--json")
    assert (ran.json["accepted"], ran.json["known"]) == (25, 0)
    numbers = [int(r[0]) for r in refused_rows(false)]
    assert numbers == [n + 2 for n in range(0, 30, 7)]


def test_a_changed_file_is_refused(
    load: Take, false: FalseApi, path: Path
) -> None:
    """Nor go other options on with it. Until it is put back, or begun anew: then nothing is doubled."""
    raw = path.read_bytes()
    false.fail = {"before": 1}
    load(path).ended(3)
    for changed in (raw + row("more.example").encode(), raw[:-1] + b" "):
        path.write_bytes(changed)
        load(path).ended(2, "its import 1 stopped")
    path.write_bytes(raw)
    load(path, "--confidence", 90).ended(2, "its import 1 stopped")
    count = len(false.vault)
    assert load(path, "--anew", "--json").json["known"] == count
    assert len(set(false.values)) == len(false.values)


def test_a_file_that_is_written_while_it_is_read(
    load: Take, path: Path, monkeypatch: Any
) -> None:
    """Its last line may be half there: nothing more is sent."""
    sent = Reports.send

    def grow(*rest: Any) -> Any:
        with path.open("a") as file:
            file.write("url,half")
        return sent(*rest)

    monkeypatch.setattr(Reports, "send", grow)
    load(path).ended(2, "has changed since its import stopped at row 11")


def test_a_file_changed_where_only_its_hash_tells(
    load: Take, false: FalseApi, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed is held against its hash, whatever the size."""
    monkeypatch.setattr(upload, "_HEAD", 16)
    false.fail = {"before": 1}
    load(path).ended(3)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"n1.", b"m1."))
    load(path).ended(2, "has changed")
    path.write_bytes(raw)
    load(path).ended(1)


def test_two_imports_of_one_file(
    load: Take, false: FalseApi, path: Path
) -> None:
    """The second does not begin; of two copies the second loses."""
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        load(path).ended(3, "another run imports it just now")
    assert not false.asked
    false.answers["/v1/reports"] = refused("no", 409, "stale")
    load(path).ended(3, "run the same command again")


# ----------------------------------------------------------------- waiting


@dataclass
class Clock:
    """Time that passes when somebody waits; what happens meanwhile."""

    waited: list[float] = field(default_factory=list)
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        if self.meanwhile:
            self.meanwhile.pop(0)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Steps of ten rows, and waiting takes no time."""
    monkeypatch.setattr(table_input, "STEP", 10)
    made = Clock()
    monkeypatch.setattr(time, "sleep", made.sleep)
    return made


@pytest.fixture
def go(load: Take, tmp_path: Path) -> Take:
    """Import a long list."""
    return partial(load, long_list(tmp_path, 60))


@tried("point, waits", [("before", [1, 2, 4]), ("after", [1, 1, 2])])
def test_a_daemon_that_is_restarted_is_waited_for(
    false: FalseApi, go: Take, clock: Clock, point: str, waits: list[int]
) -> None:
    """It goes on in the same run, with the counts of a quiet one."""
    false.fail = {point: 2}
    clock.meanwhile = [lambda: false.fail.update(before=0)] * 2
    ran = go("--json")
    good = [f"n{n}.example" for n in range(60) if n % 11 and n % 7]
    assert ran.ended(1).json["accepted"] == len(good)
    assert (ran.json["known"], ran.json["refused"]) == (0, 60 - len(good))
    assert false.values == good
    assert len(refused_rows(false)) == 60 - len(good)
    assert clock.waited == waits
    assert ran.err.count("tried again in 2 s") == 1
    assert "goes on behind row" in ran.err


def test_a_new_trouble_is_a_new_patience(
    false: FalseApi, go: Take, clock: Clock
) -> None:
    """What is waited for counts from the last row that went in."""
    false.fail = {"before": 1}
    clock.meanwhile = [lambda: false.fail.update(before=2)]
    go().ended(1)
    assert clock.waited == [1, 1]


def test_a_daemon_that_stays_away_is_given_up(
    false: FalseApi, go: Take, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some time later, with the way to go on; at once if it never answered."""
    monkeypatch.setattr(upload, "RESTART_S", 50)
    false.answers = away = {"/v1/imports": refused("starting", 503, "x")}
    assert (go().code, clock.waited) == (3, [])
    false.answers = {}
    false.fail = {"before": 2}
    clock.meanwhile = [lambda: false.answers.update(away)]
    go().ended(3, "starting", "run the same command again")
    assert clock.waited == [1, 2, 4, 8, 15, 15]
    false.answers.clear()
    assert "goes on behind row" in go().err


def test_a_daemon_that_asks_for_patience_gets_it(
    false: FalseApi, go: Take, clock: Clock
) -> None:
    """Retry-After is heeded, and told; the first answer may be one, too."""
    false.answers["/v1/imports"] = FULL

    def next_trouble() -> None:
        false.answers.clear()
        false.answers["/v1/reports"] = FULL

    clock.meanwhile = [next_trouble, false.answers.clear]
    ran = go().ended(1)
    assert clock.waited == [7, 7]
    assert ran.err.count("import: quota used up: tried again in 7 s") == 2


def test_patience_has_an_end(
    false: FalseApi, go: Take, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So long without a row: the operator is to look at it."""
    monkeypatch.setattr(upload, "QUOTA_S", 30)
    false.answers["/v1/reports"] = FULL
    go().ended(3, "come back in 7 s")
    assert clock.waited == [7] * 4


def test_interrupted_while_it_waits(
    false: FalseApi, go: Take, clock: Clock
) -> None:
    false.fail = {"before": 2}

    def stop() -> None:
        raise KeyboardInterrupt

    clock.meanwhile = [stop]
    go().ended(130, "stopped behind row 21; run the same command again")
    assert "goes on behind row 21" in go().err


def test_a_step_of_a_killed_run_that_comes_late(
    false: FalseApi, go: Take, clock: Clock
) -> None:
    """The daemon commits it after we asked how far it is: we ask again."""
    false.answers["/v1/reports"] = refused("no", 409, "stale")
    clock.meanwhile = [false.answers.clear]
    go().ended(1)
    assert clock.waited == [1]


def test_steps_fit_into_a_request(
    member: Node, take: Take, false: FalseApi
) -> None:
    """Long rows make short steps: no request is above the API's limit."""
    with (member.home / "config.toml").open("a") as file:
        file.write("max_request_bytes = 65536\n")
    text = "".join(f"{'网' * 900}{n}.example\n" for n in range(90))
    take(text, *CONST, name="list.txt").ended(0)
    assert len(false.vault) == 90
    assert 20_000 < false.largest < 65_536


def test_steps_have_at_most_2500_rows(take: Take, false: FalseApi) -> None:
    text = "".join(f"{n}.example\n" for n in range(12_000))
    take(text, *CONST, name="list.txt").ended(0)
    sizes = [len(b["reports"]) for _, p, b in false.asked if "reports" in p]
    assert sizes == [*[2500] * 4, 2000]
