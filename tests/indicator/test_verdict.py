"""The verdict is what docs/verdict.md says, row by row."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from syncd.indicator.active import World
from syncd.indicator.claims import Claim
from syncd.indicator.never import Guard
from syncd.indicator.notation import Position, day_text
from syncd.indicator.statement import (
    Answer,
    ClaimStatement,
    Dispute,
    Reassigned,
    Vouch,
)
from syncd.indicator.token import KIND_CODES, encode
from syncd.indicator.verdict import REASONS, Verdict, verdict
from syncd.roster import terms
from tests.cases import ROOT, each, tried
from tests.cost import calls
from tests.flows.founders import writing
from tests.sample_statements import REPORT, report

DOCUMENT = ROOT / "docs" / "verdict.md"
TODAY = 20_000  # days since 1970
KNOW = REPORT.know


def table(*head: str) -> list[list[str]]:
    """Return the rows below the header `head` in the document."""
    lines = DOCUMENT.read_text("utf-8").splitlines()
    start = lines.index("| " + " | ".join(head) + " |") + 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line[1:-1].split("|")])
    return rows


def origin(name: str) -> str:
    return f"{name.lower()}.example/syncd/t/1"


_AUTHORS = {
    origin(name): (member, sector, group)
    for name, member, sector, group in table(
        "name", "member", "sector", "group"
    )
}
ROSTER = writing({**_AUTHORS, origin("B2"): _AUTHORS[origin("B")]})
# and X, whose past is annulled, is nowhere


@dataclass(frozen=True)
class Case:
    """One row: its claims by form, and everything else that goes in."""

    forms: tuple[tuple[Claim, ...], ...]
    in_force: tuple[Claim, ...]
    world: World
    never: Guard

    def run(self, *forms: tuple[Claim, ...]) -> Verdict:
        """Judge it, or other claims in its place."""
        return verdict(
            forms or self.forms,
            self.world,
            never=self.never,
            in_force=self.in_force,
        )


def read_case(claims: str, setting: str) -> Case:
    given = dict(item.split("=") for item in setting.split())
    texts = [text.split() for text in claims.split(";") if text.strip()]
    names = {str(n): words[0] for n, words in enumerate(texts, 1)}
    forms: list[list[Claim]] = [[], [], []]
    elsewhere = []
    for n, words in enumerate(texts, 1):
        options = {
            name: value or "yes"
            for name, _, value in (word.partition("=") for word in words[2:])
        }
        claim = read_claim(
            n, words, options, names, given.get("kind", "phone")
        )
        if "elsewhere" in options:
            elsewhere.append(claim)
        else:
            forms[int(options.get("at", 0))].append(claim)
    caps: dict[Any, int] = {
        (cap.kind, cap.evidence): cap.days for cap in ROSTER.caps
    }
    for name, value in given.items():
        match name.split(":"):
            case ["cap", kind, evidence]:
                caps[kind, evidence] = int(value)
            case ["cap", word] if word in KIND_CODES:
                caps[word, ""] = int(value)
            case ["cap", word]:
                caps["", word] = int(value)
    fields = ROSTER.policy.__struct_fields__
    changed: Any = {k: v for k, v in given.items() if k in fields}
    return Case(
        forms=tuple(map(tuple, forms)),
        in_force=tuple(elsewhere),
        world=World(
            replace(
                ROSTER,
                caps=tuple(terms.Cap(days, *of) for of, days in caps.items()),
                policy=replace(ROSTER.policy, **changed),
            ),
            TODAY + int(given.get("day", 0)),
            {origin(name) for name in given.get("contested", "").split(",")},
            {*positions(given.get("bad_know", ""), names)},
        ),
        never=Guard(
            frozenset(map(int, given.get("never", ""))),
            frozenset(map(int, given.get("page", ""))),
        ),
    )


def positions(numbers: str, names: Mapping[str, str]) -> list[Position]:
    return sorted(
        (origin(names.get(n, "nobody")), int(n))
        for n in numbers.split(",")
        if n
    )


def read_claim(
    n: int,
    words: list[str],
    options: dict[str, str],
    names: Mapping[str, str],
    kind: str,
) -> Claim:
    what = words[1]
    code = words[2] if len(words) > 2 and "=" not in words[2] else ""
    place = options.get("elsewhere") or options.get("at", "0")

    def day(name: str, usual: int) -> str:
        return day_text(TODAY + int(options.get(name, usual)))

    head: Any = {
        "on": day("on", -10),
        "kind": kind,
        "epoch": 1,
        "token": encode(place.encode().rjust(16)),
    }
    about = tuple(positions(options.get("about", ""), names))
    content: ClaimStatement
    match what:
        case "report":
            content = report(
                **head,
                seen=day("seen", -10),
                expires=day("expires", 100),
                evidence=code,
                basis=tuple(positions(options.get("basis", ""), names)),
                technique=("compromised",) if "compromised" in options else (),
                spoofed="spoofed" in options,
                test="test" in options,
                confidence=0,
            )
        case "dispute":
            content = Dispute(
                **head,
                reason=code,
                due=day("due", 3),
                expires=day("expires", 30),
                about=about,
                know="" if about or "blind" in options else KNOW,
            )
        case "reassigned":
            content = Reassigned(**head, since=day("since", 0), know=KNOW)
        case "answer":
            content = Answer(**head, outcome=code, reason="", about=about)
        case _:
            ends = day("expires", 30)
            content = Vouch(**head, role="hotline", expires=ends, know=KNOW)
    return Claim(origin(words[0]), n, content)


CASES = table(
    "n", "rule", "claims", "setting", "verdict", "action", "alone", "reasons"
)


@tried("row", CASES, ids=lambda r: f"{r[0]}: {r[2]}")
def test_case(row: list[str]) -> None:
    """Each row of the table holds, reasons and all."""
    _, _, claims, setting, *expected = row
    found = read_case(claims, setting).run()
    assert [
        found.verdict,
        found.action or "–",
        found.unattended or "–",
        " ".join(found.reasons),
    ] == expected


def test_the_table_is_whole() -> None:
    """Rows are numbered; every verdict, reason and claim type occurs."""
    assert [row[0] for row in CASES] == [
        str(n) for n in range(1, len(CASES) + 1)
    ]
    assert len(CASES) >= 60
    found = {row[4] for row in CASES}
    assert found == {"confirmed", "suspected", "disputed", "protected", "none"}
    assert {code for row in CASES for code in row[7].split()} == set(REASONS)
    for word in ("report", "dispute", "reassigned", "answer", "vouch"):
        assert any(f" {word} " in row[2] for row in CASES)


def test_reasons_are_documented() -> None:
    """The document lists every reason with both of its labels."""
    assert table("code", "中文", "English") == [
        [f"`{code}`", one.zh, one.en] for code, one in REASONS.items()
    ]


@settings(max_examples=50)
@given(st.sampled_from(CASES), st.randoms(use_true_random=False))
def test_order_is_nothing(row: list[str], shuffle: Random) -> None:
    """Claims in any order, and given twice, make the same verdict."""
    case = read_case(row[2], row[3])
    forms = []
    for form in case.forms:
        mixed = [*form, *form]
        shuffle.shuffle(mixed)
        forms.append(tuple(mixed))
    rest = [*case.in_force]
    shuffle.shuffle(rest)
    other = dataclasses.replace(case, forms=tuple(forms), in_force=tuple(rest))
    assert other.run() == case.run()


@each("verdict", "floods")
def test_nobody_can_make_a_verdict_dear(one: Any) -> None:
    """Twice as many claims on a token cost twice as much, not four times."""

    def cost(times: int) -> int:
        flood = one["claims"]
        width = flood.count(";") + 1
        case = read_case(
            " ; ".join(
                flood.format(this=n * width + 1, next=(n + 1) * width + 1)
                for n in range(times)
            )
            + " ; B report user_tag",
            "",
        )
        return calls(case.run)

    assert cost(80) < 3 * cost(40)


def changed(claim: Claim, **fields: str) -> Claim:
    return replace(claim, statement=replace(claim.statement, **fields))


def answer(claims: str, setting: str = "") -> Verdict:
    return read_case(claims, setting).run()


@each("verdict", "rests_on")
def test_it_rests_on(one: Any) -> None:
    wanted = [(origin(at[0]), int(at[1])) for at in one["named"].split()]
    assert [*answer(one["claims"]).positions] == wanted


def test_days_are_of_the_reports_that_count() -> None:
    """First, last and expiry leave out what expired; caps are in."""
    found = answer(
        "B report bank_detection seen=-50 expires=500 ;"
        " F report platform_detection seen=-20 expires=7 ;"
        " D report bank_detection seen=-99 expires=0"
    )
    assert found.first_seen == TODAY - 50
    assert found.last_seen == TODAY - 20
    assert found.expires == TODAY - 50 + 180


def test_members_are_counted_once() -> None:
    """Sectors count reporting members, not their reports."""
    assert answer(
        "B report bank_detection ; B2 report user_tag ;"
        " D report bank_detection ; F report user_tag ;"
        " P report police_case expires=0"
    ).sectors == {"bank": 2, "platform": 1}


def test_the_strongest_report_names_the_label() -> None:
    """Official before strong before weak; unknown labels read as other."""
    case = read_case(
        "A report user_tag ; B report bank_detection ; P report police_case",
        "",
    )
    a, b, p = case.forms[0]
    labelled = (
        changed(a, label="prize", role="caller"),
        changed(b, label="new_trick", role="sms_sender"),
        changed(p, label="romance", role="caller"),
    )
    found = case.run(labelled)
    assert found.labels == ("romance", "other", "prize")
    assert found.roles == ("caller", "sms_sender")


@tried(
    "handling, quiet",
    [("open", "open"), ("no_tip_off", "no_tip_off"), ("hush", "no_tip_off")],
)
def test_one_report_can_ask_for_silence(handling: str, quiet: str) -> None:
    """It hides no measure; an unknown handling code reads as no_tip_off."""
    case = read_case("P report police_case ; B report bank_detection", "")
    p, b = case.forms[0]
    found = case.run((changed(p, handling=handling), b))
    assert found == replace(case.run(), handling=quiet)


@tried("seen, quiet", [(-89, "no_tip_off"), (-90, "open")])
def test_silence_ends_after_ninety_days(seen: int, quiet: str) -> None:
    """Of the report that asked for it; a later one renews it."""
    case = read_case(
        f"P report police_alert seen={seen} ; P report police_alert", ""
    )
    (first, later) = case.forms[0]
    old = changed(first, handling="no_tip_off")
    found = case.run((old, later))
    assert found.handling == quiet
    found = case.run((old, changed(later, handling="no_tip_off")))
    assert found.handling == "no_tip_off"


def test_nothing_has_no_days() -> None:
    """A value without reports has neither days, labels nor positions."""
    found = answer("")
    assert (found.first_seen, found.last_seen, found.expires) == (None,) * 3
    assert (found.labels, found.positions, found.sectors) == ((), (), {})


def test_actions_have_an_order() -> None:
    """The milder of two; nothing at all is the mildest."""
    for n, mild in enumerate(terms.ACTIONS):
        assert terms.lower(mild, "") == ""
        for strong in terms.ACTIONS[n:]:
            assert terms.lower(strong, mild) == mild
