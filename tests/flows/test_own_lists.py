"""A member's own lists lie over an answer, and never enter a verdict."""

from typing import Any

from syncd.flows import own_lists, report
from syncd.flows.draft import Draft
from syncd.flows.entry import Entry, EntryFields, OwnDraft
from syncd.indicator import statement, verdict
from syncd.indicator.identifier import Identifier
from syncd.indicator.verdict import Verdict
from syncd.roster import terms
from tests.cases import each, tried
from tests.flows.test_report import ROSTER
from tests.refusals import failing, malformed

PAGE = Identifier("url", "evil.example/a")
HOST = Identifier("url", "evil.example/")
PHONE = (Identifier("phone", "+12025550123"),)
POLICY = ROSTER.policy
SUSPECTED = Verdict("suspected", "warn", "warn", ("one_group",))
OFFICIAL = Verdict("confirmed", "hold", "delay", ("official_report",))
NONE = Verdict("none", "", "", ("no_report",))
PROTECTED = Verdict("protected", "", "", ("never_listed",))
RULES = report.Rules(ROSTER, "2026-11-20", "US")


def entry(type_: str, id_: int = 1, **given: Any) -> Entry:
    return Entry(
        id_, type_, "url", "", EntryFields(**given), "", None, "chen", 1
    )


def over(
    found: Verdict,
    *entries: Entry,
    level: int | None = None,
    on: Identifier = PHONE[0],
) -> own_lists.OwnOpinion:
    forms = PHONE if on == PHONE[0] else (PAGE, HOST)
    ours = own_lists.over(found, level, forms, {on: entries}, POLICY)
    assert ours is not None
    return ours


def test_without_entries_of_ours_there_is_no_opinion() -> None:
    assert own_lists.over(OFFICIAL, 0, PHONE, {}, POLICY) is None
    other = {HOST: [entry("note")]}
    assert own_lists.over(OFFICIAL, 0, PHONE, other, POLICY) is None


def test_an_exempt_value_is_not_acted_on() -> None:
    ours = over(SUSPECTED, entry("exempt"), level=0)
    assert (ours.action, ours.unattended) == ("", "")
    assert ours.reasons == ("exempt",)
    assert ours.exempt is not None
    assert ours.exempt.by == "chen"


def test_an_official_report_is_answered_only_in_view_of_it() -> None:
    """One that came later stands, until somebody says so anew."""
    ours = over(OFFICIAL, entry("exempt"), level=0)
    assert (ours.action, ours.unattended) == ("hold", "delay")
    assert ours.reasons == ("exempt_before_official",)
    assert ours.exempt is not None
    ours = over(OFFICIAL, entry("exempt", official=True), level=0)
    assert (ours.action, ours.reasons) == ("", ("exempt",))


@tried(
    "on, level, action",
    [(HOST, 0, "warn"), (HOST, 1, ""), (PAGE, 0, ""), (PAGE, 1, "")],
)
def test_it_answers_its_own_form_and_less_specific_ones(
    on: Identifier, level: int, action: str
) -> None:
    """A page that is planted on an exempt host is acted on."""
    ours = over(SUSPECTED, entry("exempt"), level=level, on=on)
    assert ours.action == action
    assert ("exempt_too_general" in ours.reasons) == bool(action)


def test_a_note_changes_nothing() -> None:
    ours = over(SUSPECTED, entry("note"), entry("note", 2), level=0)
    assert (ours.action, ours.reasons) == ("warn", ())
    assert [n.id for n in ours.notes] == [1, 2]


@tried(
    "given, found, action",
    [
        ({"evidence": "user_tag"}, NONE, "warn"),
        ({"evidence": "police_case"}, NONE, "hold"),
        ({"evidence": "police_case", "spoofed": True}, NONE, "warn"),
        ({"evidence": "police_case", "test": True}, NONE, ""),
        ({"evidence": "user_tag"}, OFFICIAL, "hold"),
        ({"evidence": "police_case"}, PROTECTED, ""),
        ({"evidence": "official_list"}, verdict.unknown("x"), "hold"),
    ],
)
def test_a_local_entry_is_acted_on_like_one_report(
    given: Any, found: Verdict, action: str
) -> None:
    """Also where the alliance could not be asked; not where it protects."""
    ours = over(found, entry("local", **given))
    assert ours.action == action
    assert ours.unattended == terms.lower(action, POLICY.ceiling)
    assert ("local" in ours.reasons) == ("test" not in given)
    assert len(ours.local) == 1


def test_exempt_goes_before_local_unless_that_is_official() -> None:
    plain, police = (
        entry("local", 2, evidence=e) for e in ("user_tag", "police_case")
    )
    ours = over(NONE, entry("exempt"), plain)
    assert (ours.action, ours.reasons) == ("", ("exempt", "local"))
    ours = over(NONE, entry("exempt"), police)
    assert ours.action == "hold"
    assert ours.reasons == ("exempt_before_official", "local")
    ours = over(NONE, entry("exempt", official=True), police)
    assert ours.action == ""


# ------------------------------------------------------------------ entries


def draft(**fields: str) -> OwnDraft:
    return OwnDraft(**{"kind": "phone", "value": "(202) 555-0123", **fields})


def test_an_entry_is_of_the_normal_form_and_keeps_why() -> None:
    kept = own_lists.entry("exempt", draft(why=" our own line "), RULES)
    assert (kept.kind, kept.value) == ("phone", "+12025550123")
    assert (kept.fields, kept.until) == (EntryFields(why="our own line"), None)
    kept = own_lists.entry(
        "note",
        draft(code="gateway", text="PBX", expires="2026-12-01", why="asked"),
        RULES,
    )
    assert kept.fields == EntryFields(code="gateway", text="PBX", why="asked")
    assert kept.until == statement.day("2026-12-01")
    assert own_lists.entry(
        "note", draft(code="gateway"), RULES
    ).fields == EntryFields(code="gateway")
    assert "555" not in repr(kept)
    assert "PBX" not in repr(kept)
    kept = own_lists.entry("distrust", draft(value="bank", why="x"), RULES)
    assert (kept.kind, kept.fields.text) == ("member", "bank")


@each("flows", "what_cannot_be_is_refused_by_name", "type_, fields, why")
def test_what_cannot_be_is_refused_by_name(
    type_: str, fields: Any, why: str
) -> None:
    with failing(why) as caught:
        own_lists.entry(type_, draft(**fields), RULES)
    assert "13800138000" not in str(caught.value)
    assert "5550123" not in str(caught.value)


def test_a_local_entry_is_a_report_that_stays_here() -> None:
    kept = report.prepare(
        Draft(
            kind="phone",
            value="(202) 555-0123",
            label="other",
            role="caller",
            evidence="official_list",
            seen="2026-11-19",
            expires="2026-12-19",
        ),
        RULES,
    )
    made = own_lists.local(kept, "case list")
    assert (made.type, made.name) == ("local", "case list")
    assert made.until == statement.day("2026-12-19")
    assert made.fields.evidence == "official_list"
    assert b"case list" not in made.content


@tried("name", ["", "  ", "x" * 101, "a\tb"])
def test_a_list_has_a_name(name: str) -> None:
    assert own_lists.list_name(" 公安 1 ") == "公安 1"
    with malformed("list: "):
        own_lists.list_name(name)
