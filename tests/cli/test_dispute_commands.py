"""Disputes, answers, vouches and reassigned numbers, from the command line."""

from pathlib import Path

from tests.cases import each
from tests.cli.conftest import CONST, FalseApi, Node, Real, Run

URL = b"http://bank.example/"
AT = "police.example/syncd/txwz/1"


def taken(*states: str) -> dict[str, object]:
    names = ("accepted", "known", "taken_back", "refused")
    return {
        "items": [{"state": s, "id": n} for n, s in enumerate(states, 1)],
        **{name: states.count(name) for name in names},
    }


def _answer(outcome: str) -> tuple[str, ...]:
    return "--outcome", outcome, "--reason", "case_open"


def test_disputes_are_listed(member: Node, false: FalseApi) -> None:
    item = {
        "position": [AT, 7],
        "side": "against_us",
        "state": "answered",
        "member": "police",
        "kind": "phone",
        "reason": "stale",
        "on": "2026-11-20",
        "due": "2026-11-23",
        "expires": "2027-05-20",
        "reports": [
            {
                "position": ["bank.example/syncd/txwz/1", 3],
                "member": "bank",
                "outcome": "report_stands",
            }
        ],
    }
    false.answers["/v1/disputes"] = {"items": [item]}
    ran = member(
        "dispute", "list", "--side", "against_us", "--limit", 5
    ).ended(0)
    assert ran.out.splitlines()[-1].split() == [
        *("2026-11-23", "answered", "against_us", "police", "phone", "stale"),
        *("bank.example/syncd/txwz/1:3", "report_stands", f"{AT}:7"),
    ]
    [(_, path, _)] = false.asked
    assert path.endswith("?side=against_us&limit=5")


def test_an_answer_names_a_dispute(member: Node, false: FalseApi) -> None:
    false.answers["/v1/answers"] = {"id": 1, "reports": 1, "retracting": 1}
    how = _answer("report_withdrawn")
    assert member("report", "answer", "--dispute", f"{AT}:7", *how).out == (
        "the answer on 1 reports is kept; 1 of them are being retracted\n"
    )
    assert false.calls[0]["dispute"] == [AT, 7]
    member("report", "answer", *how).ended(2)


def test_values_are_vouched_for(
    member: Node, false: FalseApi, tmp_path: Path
) -> None:
    """One a line, or with a role in each row; no value is repeated."""
    false.answers["/v1/vouches"] = taken("accepted", "known")
    lines = tmp_path / "ours.txt"
    lines.write_text("95588\n4008123123\n")
    ran = member("vouch", lines, "--kind", "phone", "--role", "hotline").ended(
        0
    )
    assert ran.out.splitlines() == [
        "1: accepted as 1",
        "2: known as 2",
        "accepted 1, already known 1, refused 0",
    ]
    table = tmp_path / "ours.csv"
    table.write_text("号码,角色\n95588,官方热线\n4008123123,verified_caller\n")
    member("vouch", table, "--kind", "phone").ended(0)
    sent = [body["vouches"] for body in false.calls]
    assert sent[0][0] == {"kind": "phone", "value": "95588", "role": "hotline"}
    assert [one["role"] for one in sent[1]] == ["hotline", "verified_caller"]


@each("cli", "a_list_of_numbers_with_new_owners", "text, options")
def test_a_list_of_numbers_with_new_owners(
    member: Node,
    false: FalseApi,
    tmp_path: Path,
    text: str,
    options: tuple[str, ...],
) -> None:
    false.answers["/v1/reassignments"] = taken("accepted")
    file = tmp_path / "moved.csv"
    file.write_text(text)
    member("reassigned", file, *options).printed("accepted 1")
    number = {"value": "13800138000", "since": "2026-11-03"}
    assert false.calls == [{"numbers": [number]}]


def test_the_way_of_an_appeal(
    real: Real, bank: Node, run: Run, tmp_path: Path
) -> None:
    """Dispute, list, answer; vouch and take it back; reassign."""
    carrier = real.member("carrier", run)
    url = b"http://shop.example/x"
    carrier("report", "add", *CONST, stdin=url).ended(0)
    real.settle()
    words = ("report", "dispute", "--kind", "url", "--reason", "official")
    bank(*words, stdin=url).ended(0)
    real.settle()
    [item] = carrier("dispute", "list", "--json").json["items"]
    dispute = f"{item['position'][0]}:{item['position'][1]}"
    how = _answer("report_stands")
    carrier("report", "answer", "--dispute", dispute, *how).ended(0)
    real.settle()
    [ours] = bank("dispute", "list", "--json").json["items"]
    assert (ours["side"], ours["state"]) == ("by_us", "answered")

    sites = tmp_path / "sites.txt"
    sites.write_bytes(URL)
    of_url = ("--kind", "url")
    bank("vouch", sites, *of_url, "--role", "website").ended(0)
    real.settle()
    assert "published" in bank("report", "list", "--type", "vouch").out
    words = ("report", "retract", "--type", "vouch", *of_url)
    bank(*words, "--reason", "entry_error", stdin=URL).ended(0)
    real.settle()
    assert "ended" in bank("report", "list", "--type", "vouch").out

    file = tmp_path / "moved.csv"
    file.write_text("phone,since\n+8613800138000,2026-11-03\n")
    bank("reassigned", file).ended(1)
    carrier("reassigned", file).ended(0)
