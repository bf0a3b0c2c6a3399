"""A member's own lists by command, before a real daemon."""

from pathlib import Path
from typing import Any

from tests.cases import each
from tests.cli.conftest import Node, Real, lookup

PHONE = ("--kind", "phone")
REPORT = ["--label", "fake_invest", "--role", "caller", *PHONE, "--evidence"]


def listed(member: Node, *words: object) -> Any:
    return list(member("own", "list", *words, "--json").json["items"])


def test_exempt_is_printed_with_who_when_and_why(bank: Node) -> None:
    number = "+12025558001"
    words = ("own", "exempt", *PHONE, "--why", "our own switchboard")
    ran = bank(*words, "--until", "2099-01-01", stdin=number)
    assert ran.ended(0).err == ""
    first, last = ran.out.splitlines()
    assert first.startswith("1: kept as ")
    assert last == "added 1, already known 0, replaced 0, refused 0"
    ours = lookup(bank, number)["ours"]["exempt"]
    assert (ours["by"], ours["why"]) == ("cli", "our own switchboard")
    assert ours["expires"] == "2099-01-01"
    [item] = [i for i in listed(bank, "--values") if i["value"] == number]
    expected = {"state": "stands", "by": "cli", "type": "exempt"}
    assert item == {**item, **expected}
    again = bank(*words, "--until", "2099-01-01", stdin=number)
    assert "known as" in again.out
    other = bank("own", "exempt", *PHONE, stdin=number)
    assert "(what stood before is history)" in other.out


def test_a_note_with_a_text_alone_is_of_the_code_other(bank: Node) -> None:
    number = "+12025558002"
    words = ("own", "note", *PHONE, "--text", "rented to a shop")
    bank(*words, stdin=number).ended(0)
    [note] = lookup(bank, number)["ours"]["notes"]
    assert (note["code"], note["text"]) == ("other", "rented to a shop")
    ran = bank("own", "note", *PHONE, "--code", "网关", stdin=number).ended(1)
    assert "code: 网关 is not in the vocabulary" in ran.out
    assert "gateway 网关" in ran.out
    assert number not in ran.out + ran.err


def test_what_an_official_report_lists_asks_for_a_reason(
    real: Real, bank: Node, police: Node
) -> None:
    number = b"+12025558003"
    police("report", "add", *REPORT, "police_case", stdin=number).ended(0)
    real.settle()
    ran = bank("own", "exempt", *PHONE, stdin=number).ended(1)
    assert "an official report lists it, so why is needed" in ran.out
    assert "it is kept, and shown with every answer" in ran.out
    zh = bank("own", "exempt", *PHONE, stdin=number, lang="zh")
    assert "有权机关已上报，须说明理由" in zh.out
    assert "新增 0" in zh.out
    bank("own", "exempt", *PHONE, "--why", "court 17", stdin=number).printed(
        "(although an official report lists it)"
    )
    assert "official report" in bank("own", "list").out


def test_a_value_on_the_command_line_is_refused(bank: Node) -> None:
    for verb in ("exempt", "note", "remove"):
        ran = bank("own", verb, "+12025558004").ended(2)
        assert "8004" not in ran.out + ran.err


@each("cli", "what_is_missing_is_named", "words, expected")
def test_what_is_missing_is_named(
    bank: Node, words: tuple[str, ...], expected: str
) -> None:
    bank("own", *words, stdin=b"1\n").ended(2, expected)


# ----------------------------------------------------------------- remove


def test_what_was_removed_is_history(bank: Node) -> None:
    """By id, or by value and type."""
    number = "+12025558011"
    bank("own", "exempt", *PHONE, "--why", "x", stdin=number)
    [item] = [i for i in listed(bank, "--values") if i["value"] == number]
    bank("own", "note", *PHONE, "--code", "gateway", stdin=number)
    words = ("own", "remove", *PHONE, "--why", "no customer now")
    ran = bank(*words, "--type", "note", stdin=number)
    assert ran.ended(0).out == "removed 1 entries\n"
    assert "exempt" in lookup(bank, number)["ours"]
    bank("own", "remove", "--id", item["id"]).ended(0)
    assert "ours" not in lookup(bank, number)
    assert item["id"] not in {i["id"] for i in listed(bank)}
    [gone] = [i for i in listed(bank, "--ended") if i["id"] == item["id"]]
    assert (gone["state"], gone["removed_by"]) == ("ended", "cli")
    bank("own", "exempt", *PHONE, "--why", "x", stdin=number)
    two = f"{number}\n+12025558012\n"
    ran = bank(*words, "--json", stdin=two).ended(1)
    assert ran.json == {"removed": 1, "nothing_on": [2]}
    ran = bank(*words, stdin=two)
    assert "2: nothing of ours stands there" in ran.out
    assert "no customer now" in bank("own", "list", "--ended").out


# ------------------------------------------------------------------- list


def test_lists_are_filtered_and_values_shown_when_asked(bank: Node) -> None:
    number = "+12025558030"
    bank("own", "note", *PHONE, "--code", "gateway", stdin=number)
    assert number not in bank("own", "list").out
    assert number in bank("own", "list", "--values").out
    assert {i["type"] for i in listed(bank, "--type", "note")} == {"note"}
    assert len(listed(bank, "--limit", 1)) == 1
    assert "there are more" in bank("own", "list", "--limit", 1).err


# ------------------------------------------------------------------- load


def test_a_file_of_exempt_entries(bank: Node, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "手机号,理由,有效期至,备注\n"
        "+12025558040,our hot line,2099-01-01,z\n"
        "+12025558041,,,\n"
        "nonsense,x,,\n"
        "+12025558042,x,2001-01-01,\n"
    )
    words = ("own", "exempt", "--file", file, *PHONE)
    ran = bank(*words, "--why", "list 7 of the board").ended(1)
    assert "added 2, already known 0, replaced 0, refused 2" in ran.out
    assert ran.out.count(": refused: ") == 2
    assert "columns that are not stored: 备注" in ran.err
    assert "4: refused: " in ran.out
    assert "nonsense" not in ran.out + ran.err
    ours = lookup(bank, "+12025558040")["ours"]["exempt"]
    assert ours["why"] == "our hot line"  # the row's own goes first
    assert ours["expires"] == "2099-01-01"
    ours = lookup(bank, "+12025558041")["ours"]["exempt"]
    assert ours["why"] == "list 7 of the board"
    again = bank(*words, "--why", "list 7 of the board", "--json")
    assert (again.json["known"], again.json["refused"]) == (2, 2)
    assert [i["row"] for i in again.json["items"]] == [2, 3, 4, 5]
    zh = bank(*words, "--why", "list 7 of the board", "--json", lang="zh")
    assert zh.json == again.json


def test_a_file_of_notes_in_our_own_words(bank: Node, tmp_path: Path) -> None:
    file = tmp_path / "list.ndjson"
    file.write_text(
        '{"phone": "+12025558050", "code": "网关或中转号码"}\n'
        '{"phone": "+12025558051", "code": "other", "text": "shared"}\n'
        '{"phone": "+12025558052", "code": "冰箱"}\n'
    )
    ran = bank("own", "note", "--file", file, *PHONE, "--json")
    assert [i["state"] for i in ran.json["items"]] == [
        *("added", "added", "refused")
    ]
    [note] = lookup(bank, "+12025558051")["ours"]["notes"]
    assert note["text"] == "shared"
    file = tmp_path / "notes.csv"
    file.write_text("no,who\n1,+12025558053\n2,+12025558054\n")
    words = ("own", "note", "--file", file, *PHONE)
    mapped = (*words, "--map", "value=who", "--map")
    coded = (*mapped, "text=no", "--code")
    bank(*coded, "x").ended(2, "x is not in the vocabulary")
    ran = bank(*coded, "other")
    assert ran.out.splitlines()[-1].startswith("added 2,")
    bank(*mapped, "text=nothing").ended(
        2, "no column 'nothing'", "columns: no, who"
    )
    file.write_text("phone,备注（内部）\n+12025558055,shop\n")
    bank(*words, "--code", "other").ended(0)
    [note] = lookup(bank, "+12025558055")["ours"]["notes"]
    assert note["text"] == "shop"
