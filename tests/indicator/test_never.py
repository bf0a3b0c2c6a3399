"""What a row of the never-list protects, and what it leaves to be reported."""

from typing import Any

from syncd.indicator import never, services, suffixes
from syncd.indicator.identifier import Identifier, for_lookup, for_report
from syncd.indicator.never import Guard, Owner, Rule
from syncd.roster.terms import Kind, Never
from tests.cases import each, tried
from tests.refusals import failing

DEFAULT = Rule(
    [
        Never(x.kind, x.value, x.owner.category)  # type: ignore[arg-type]
        for x in never.default()
    ]
)


def rule(*rows: str) -> Rule:
    """Return what these values protect, as `roster never add` takes them."""
    found = []
    for text in rows:
        kind: Kind = "url" if "/" in text else "phone"
        found.append(Never(kind, never.row(kind, text).value, "bank"))
    return Rule(found)


def guards(of: Rule, kind: str, raw: str) -> str:
    """Return "site", "page" or "open": what a report of `raw` meets."""
    one = for_report(kind, raw, keep_query=True, allow_personal=True)
    guarded = of.of(kind, one.value)
    if guarded is None:
        return "open"
    return "page" if guarded.page else "site"


@each("identifiers/never", "reports")
def test_what_our_own_list_protects(one: Any) -> None:
    """However a host or number is spelt; what is a stranger's is not."""
    assert guards(DEFAULT, one["kind"], one["raw"]) == one["meets"]


@each("identifiers/never", "rules")
def test_what_a_row_protects(one: Any) -> None:
    found = guards(rule(*one["never"]), one["kind"], one["raw"])
    assert found == one["meets"], one["why"]


@tried("path", services.OF)
def test_a_page_that_its_query_names_is_a_strangers(path: str) -> None:
    """Whoever is told to keep the query is not refused for it then."""
    name = services.OF[path].parameters[0]
    assert guards(DEFAULT, "url", f"https://{path}?{name}=x1") == "open"


@each("identifiers/never", "rows")
def test_a_row_stands_for_its_site(one: Any) -> None:
    assert never.row("url", one["text"]).value == one["site"]


def test_what_rows_are_counted_up() -> None:
    of = rule("8.8.8.8/", "[2001:4860:4860::8888]/", "docs.qq.com/ours")
    assert len([*of.spellings()]) == 3
    of = rule("0591-96336")
    assert of.guard(for_lookup("phone", "0755-96336")) == Guard(frozenset({1}))
    assert len([*of.spellings()]) == 10  # Fujian has nine area codes


def test_numbers_abroad_and_accounts_are_themselves() -> None:
    of = Rule(
        [
            Never("phone", "hk:18222", "anti_fraud"),
            Never("phone", "+85228603012", "bank"),
            Never("account", "wechat:filehelper", "official"),
        ]
    )
    assert guards(of, "phone", "hk:18222") == "site"
    assert guards(of, "phone", "+852 2860 3012") == "site"
    assert guards(of, "phone", "+852 2860 3013") == "open"
    assert of.of("account", "wechat:filehelper")
    assert len([*of.spellings()]) == 3


@each("identifiers/never", "imitated")
def test_a_caller_id_that_imitates_a_service(one: Any) -> None:
    found = DEFAULT.imitated(one["raw"] or "")
    assert (found and found.value) == one["number"]


def test_a_plus_is_no_part_of_a_service_number() -> None:
    for raw in ("+96110", " 00 86 110", "0755-96110", "110"):
        assert never.faked(raw) == ("755" not in raw and raw != "110")


# ----------------------------------------------------------------- look-ups


def test_a_root_guards_the_levels_below_and_no_page_above_it() -> None:
    guard = DEFAULT.guard(for_lookup("url", "https://docs.qq.com/form/x"))
    assert guard.levels == {2, 3, 4, 5}
    assert guard.owner is None
    guard = DEFAULT.guard(for_lookup("url", "https://docs.qq.com/"))
    assert guard.levels == {0, 1}
    assert guard.owner
    guard = DEFAULT.guard(for_lookup("url", "https://www.beijing.gov.cn/a/b"))
    assert guard.pages == {0, 1, 3, 4, 6, 7}
    assert DEFAULT.guard(for_lookup("url", "hunt.example")) == never.NOBODY
    assert DEFAULT.guard(()) == never.NOBODY


def test_what_only_the_roster_knows_has_its_code() -> None:
    guarded = rule("hunt.example/").of("url", "www.hunt.example/")
    assert guarded
    assert guarded.owner == Owner("bank")


# ------------------------------------------------------------ our own list


def test_the_list_holds() -> None:
    """Each row is what it stands for, once, and protects itself."""
    values = [(x.kind, x.value) for x in never.default()]
    assert len(values) == len(set(values))
    for one in never.default():
        assert never.row(one.kind, one.value).value == one.value
        assert DEFAULT.of(one.kind, one.value), one.value
        for label in one.hosts:
            assert DEFAULT.of("url", f"{label}.{one.value}"), label


def test_every_spelling_is_protected() -> None:
    """What is an alarm by token is refused by value."""
    for one in DEFAULT.spellings():
        assert DEFAULT.of(one.kind, one.value), one


def test_a_host_in_a_roster_does_not_rename_its_site() -> None:
    guarded = Rule(
        [
            Never("url", "icbc.com.cn/", "bank"),
            Never("url", "www.icbc.com.cn/", "x"),
        ]
    ).of("url", "www.icbc.com.cn/")
    assert guarded is not None
    assert guarded.owner.en == "Industrial and Commercial Bank of China"


def test_the_spellings_fit_the_quota() -> None:
    """Phones are asked of holders; 50,000 evaluations are too many."""
    phones = [one for one in DEFAULT.spellings() if one.kind == "phone"]
    assert len(phones) == len(set(phones))
    assert len(phones) < 50_000


def test_every_area_code_and_every_usual_label_is_spelt_out() -> None:
    found = {one.value for one in DEFAULT.spellings()}
    assert sum(v[:4] == "cn:0" and v[-5:] == "96110" for v in found) > 300
    assert {f"{x}.icbc.com.cn/" for x in ("www", "login", "pay")} <= found


def test_suffixes() -> None:
    assert suffixes.registrable("a.b.com.cn") == "b.com.cn"
    for host, own in (("a.github.io", "github.io"), ("a.b.com", "")):
        assert suffixes.private(host) == own
    with failing("no top-level domain"):
        suffixes.check("a.notatld")
    for host in ("a.com", "a.example", "a.test", "8.8.8.8", "[::1]", "a.ck"):
        suffixes.check(host)


def test_a_rule_is_made_once() -> None:
    from tests.flows.test_report import ROSTER

    assert never.of(ROSTER) is never.of(ROSTER)
    assert Identifier("phone", "+12025550911") in [
        *never.of(ROSTER).spellings()
    ]
