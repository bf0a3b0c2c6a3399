"""What a row of the never-list protects, and what it leaves to be reported."""

import pytest

from syncd.errors import SyncdError
from syncd.indicator import never, services, suffixes
from syncd.indicator.identifier import Identifier, for_lookup, for_report
from syncd.indicator.never import Guard, Owner, Rule
from syncd.roster.terms import Never

DEFAULT = Rule(
    [Never(x.kind, x.value, x.owner.category) for x in never.default()]
)


def rule(*rows: str) -> Rule:
    """Return what these values protect, as `roster never add` takes them."""
    found = []
    for text in rows:
        kind = "url" if "/" in text else "phone"
        found.append(Never(kind, never.row(kind, text).value, "bank"))
    return Rule(found)


def guards(of: Rule, kind: str, raw: str) -> str:
    """Return "site", "page" or "open": what a report of `raw` meets."""
    one = for_report(kind, raw, keep_query=True, allow_personal=True)
    guarded = of.of(kind, one.value)
    if guarded is None:
        return "open"
    return "page" if guarded.page else "site"


# -------------------------------------------------------------------- sites

SITE = [
    "https://www.google.com/",
    "https://www.12306.cn/",
    "https://mp.weixin.qq.com/",
    "https://www.bit.ly/",
    "https://login.taobao.com/",
    "https://www.icbc.com.cn/",
    "https://mybank.icbc.com.cn/",
    "icbc.com.cn",
    "icbc.com.cn.",
    "http://WWW.ICBC.com.CN:8080/",
    "https://user:password@www.icbc.com.cn/",
    "https://www.icbc.com.cn//",
    "https://www.icbc.com.cn/index.html",
    "https://www.icbc.com.cn/?from=sms",
    "https://www.icbc.com.cn/#/login",
    "https://ｉｃｂｃ.com.cn/",
    "https://icbc。com。cn/",
    "https://%77ww.icbc.com.cn/",
    "https://a.b.c.d.e.f.icbc.com.cn/",
    "https://www.gov.cn/",
    "https://www.beijing.gov.cn/",
    "https://beijing.gov.cn/",
    "https://www.pku.edu.cn/",
    "https://docs.qq.com/",
    "https://www.docs.qq.com/",
    "https://play.google.com/",
    "https://docs.google.com/?usp=x",
    "https://t.cn/",
    "https://taobao.com/",
    "https://www.taobao.com/",
    "https://feishu.cn/",
    "https://www.feishu.cn/",
    "https://passport.feishu.cn/",
    "https://h5.m.taobao.com/",
    "https://www.abchina.com.cn/",
    "https://ebank.95559.com.cn/",
    "https://www.hfbank.com.cn/",
    "https://www.adbc.com.cn/",
    "https://www.nucc.com/",
    "https://www.tccb.com.cn/",
    "https://bj.58.com/",
    "https://www.icbc.com.cn/;jsessionid=1",
    "https://www.icbc.com.cn/index.jsp;jsessionid=1?x=2",
    "https://world.taobao.com/",
    "https://surl.amap.com/",
    "http://党建.政务/",
    "http://www.81.mil.cn/",
    "https://chatgpt.com/",
]


@pytest.mark.parametrize("raw", SITE)
def test_a_protected_site_is_a_site(raw: str) -> None:
    """Its hosts and roots cannot be reported, however they are spelt."""
    assert guards(DEFAULT, "url", raw) == "site"


PAGE = [
    "https://www.icbc.com.cn/a/b.html",
    "https://www.beijing.gov.cn/wp-content/x/",
    "https://login.taobao.com/x",
    "https://taobao.com/x",
    "https://icbc.com.cn/index.html/x",
    "https://mybank.icbc.com.cn/x?id=1",
]


@pytest.mark.parametrize("raw", PAGE)
def test_a_page_of_it_may_be_planted(raw: str) -> None:
    assert guards(DEFAULT, "url", raw) == "page"


OPEN = [
    "https://hunt.example/",
    "https://icbc.com.cn.hunt.example/",
    "https://icbc-com-cn.hunt.example/",
    "https://xicbc.com.cn/",
    "https://gov.cn.hunt.example/",
    "https://docs.qq.com/form/page/x",
    "https://mp.weixin.qq.com/s/x",
    "https://play.google.com/store/apps/details?id=x",
    "https://bit.ly/x",
    "https://www.bit.ly/x",
    "https://t.me/x",
    "https://shop1.taobao.com/",
    "https://shop1.taobao.com/x",
    "https://hunt.feishu.cn/",
    "https://hunt.feishu.cn/docx/x",
    "https://bj.58.com/zufang/1.html",
    "https://www.zhipin.com/job_detail/x.html",
    "https://chatgpt.com/share/x",
    "https://shop1.world.taobao.com/",
    "https://surl.amap.com/x",
    "https://ipfs.io/ipfs/x",
]


@pytest.mark.parametrize("raw", OPEN)
def test_what_is_a_strangers_is_not_protected(raw: str) -> None:
    assert guards(DEFAULT, "url", raw) == "open"


@pytest.mark.parametrize("path", services.OF)
def test_a_page_that_its_query_names_is_a_strangers(path: str) -> None:
    """Whoever is told to keep the query is not refused for it then."""
    name = services.OF[path].parameters[0]
    raw = f"https://{path}?{name}=x1"
    assert guards(DEFAULT, "url", raw) == "open"


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("https://www.icbc.com.cn/x", "icbc.com.cn/"),
        ("gov.cn/", "gov.cn/"),
        ("docs.qq.com/", "qq.com/"),
        ("mp.weixin.qq.com/s/ours", "mp.weixin.qq.com/s/ours"),
        ("www.bit.ly/ours", "www.bit.ly/ours"),
        ("login.taobao.com/", "taobao.com/"),
        ("ours.taobao.com/x", "ours.taobao.com/"),
        ("a.ours.feishu.cn/", "ours.feishu.cn/"),
        ("ours.github.io/x", "ours.github.io/"),
        ("github.io/", "github.io/"),
        ("oss-cn-x.aliyuncs.com/", "aliyuncs.com/"),
        ("ours.oss-cn-x.aliyuncs.com/", "ours.oss-cn-x.aliyuncs.com/"),
        ("8.8.8.8/x", "8.8.8.8/"),
    ],
)
def test_a_row_stands_for_its_site(text: str, site: str) -> None:
    assert never.row("url", text).value == site


def test_a_strangers_host_or_page_can_be_put_on_the_list() -> None:
    """A bank's own shop, tenant or article, and nobody else's."""
    of = rule(
        "taobao.com/",
        "bank.taobao.com/",
        "mp.weixin.qq.com/s/ours",
        "qq.com/",
        "docs.qq.com/ours/",
        "bank.github.io/",
    )
    assert guards(of, "url", "https://bank.taobao.com/") == "site"
    assert guards(of, "url", "https://m.bank.taobao.com/x") == "page"
    assert guards(of, "url", "https://other.taobao.com/") == "open"
    assert guards(of, "url", "https://mp.weixin.qq.com/s/ours") == "page"
    assert guards(of, "url", "https://docs.qq.com/ours/x") == "page"
    assert guards(of, "url", "https://docs.qq.com/ours2") == "open"
    assert guards(of, "url", "https://bank.github.io/") == "site"
    assert guards(of, "url", "https://hunt.github.io/") == "open"


def test_hosts_of_the_suffix_lists_private_section() -> None:
    """Strangers have names below them; the operator keeps some."""
    of = rule("github.io/", "myshopify.com/", "amazonaws.com/", "qq.com/")
    assert guards(of, "url", "https://www.github.io/") == "site"
    assert guards(of, "url", "https://hunt.github.io/") == "open"
    assert guards(of, "url", "https://login.myshopify.com/") == "site"
    assert guards(of, "url", "https://hunt.myshopify.com/") == "open"
    assert guards(of, "url", "https://x.s3.amazonaws.com/") == "open"
    assert guards(of, "url", "https://im.qq.com/") == "site"


def test_storage_has_paths_and_hosts_of_strangers() -> None:
    of = rule("myqcloud.com/", "aliyuncs.com/")
    end = "https://cos.ap-beijing.myqcloud.com"
    assert guards(of, "url", f"{end}/") == "site"
    assert guards(of, "url", f"{end}/x-1/a.html") == "open"
    assert guards(of, "url", "https://x-1.cos.ap-beijing.myqcloud.com/") == (
        "open"
    )
    assert guards(of, "url", "https://oss-cn-x.aliyuncs.com/") == "site"
    assert guards(of, "url", "https://b.oss-cn-x.aliyuncs.com/") == "open"
    assert guards(of, "url", "https://www.aliyuncs.com/") == "site"
    assert guards(of, "url", "https://aliyuncs.com/") == "site"


def test_an_address_is_a_site_of_its_own() -> None:
    of = rule("8.8.8.8/", "http://[2001:4860:4860::8888]/")
    assert guards(of, "url", "http://8.8.8.8:53/") == "site"
    assert guards(of, "url", "http://0x08080808/x") == "page"
    assert guards(of, "url", "http://[2001:4860:4860:0::8888]/") == "site"
    assert guards(of, "url", "http://8.8.8.4/") == "open"
    assert len([*of.spellings()]) == 2


# ------------------------------------------------------------------- phones

NUMBERS = [
    "110",
    "96110",
    "025-96110",
    "0755-96110",
    "010110",
    "021-12345",
    "0571-12333",
    "(0571) 12333",
    "0755 9611 0",
    "+86110",
    "0086110",
    "+86 96110",
    "+8675596110",
    "86-0755-96110",
    "+86 (0755) 96110",
    "17951075596110",
    "０７５５－９６１１０",
    "tel:+8695588",
    "95588",
    "0755-95588",
    "010-10086",
    "cn:95588",
    "112",
    "12122",
    "020-12381",
    "10099",
    "95395",
    "400-619-5599",
    "+86 400 800 9888",
    "010-12359",
]


@pytest.mark.parametrize("raw", NUMBERS)
def test_a_protected_number_is_protected_however_it_is_shown(raw: str) -> None:
    assert guards(DEFAULT, "phone", raw) == "site"


@pytest.mark.parametrize(
    "raw", ["13800138000", "0755-12345678"[:4] + "-82345678", "95133", "96111"]
)
def test_other_numbers_are_not(raw: str) -> None:
    assert guards(DEFAULT, "phone", raw) == "open"


def test_a_96_number_is_its_provinces() -> None:
    """With the area codes of its province; bare, as it is dialled there."""
    of = rule("0591-96336")
    assert guards(of, "phone", "0591-96336") == "site"
    assert guards(of, "phone", "0592-96336") == "site"
    assert guards(of, "phone", "96336") == "site"
    assert guards(of, "phone", "0755-96336") == "open"
    guard = of.guard(for_lookup("phone", "0755-96336"))
    assert guard == Guard(frozenset({1}))
    assert len([*of.spellings()]) == 10  # Fujian has nine area codes


def test_a_96_number_without_its_province_is_itself() -> None:
    of = rule("96336")
    assert guards(of, "phone", "96336") == "site"
    assert guards(of, "phone", "0591-96336") == "open"


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


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("+96110", "cn:96110"),
        ("0096110", "cn:96110"),
        ("+86110", "cn:110"),
        ("00110", "cn:110"),
        ("0110", "cn:110"),
        ("86110", "cn:110"),
        ("+0755 96110", "cn:075596110"),
        ("００９６１１０", "cn:96110"),
        ("+961100", None),
        ("13800138000", None),
        ("", None),
    ],
)
def test_a_caller_id_that_imitates_a_service(
    raw: str, number: str | None
) -> None:
    found = DEFAULT.imitated(raw)
    assert (found and found.value) == number


def test_a_plus_is_no_part_of_a_service_number() -> None:
    assert never.faked("+96110")
    assert never.faked(" 00 86 110")
    assert not never.faked("0755-96110")
    assert not never.faked("110")


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
    of = rule("hunt.example/")
    guarded = of.of("url", "www.hunt.example/")
    assert guarded
    assert guarded.owner == Owner("bank")


def test_a_list_of_hosts_is_counted_up() -> None:
    of = rule("icbc.com.cn/", "taobao.com/", "docs.qq.com/ours")
    values = {one.value for one in of.spellings()}
    assert {"icbc.com.cn/", "www.icbc.com.cn/", "docs.qq.com/ours"} <= values
    assert all(of.of(one.kind, one.value) for one in of.spellings())


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
    of = Rule(
        [
            Never("url", "icbc.com.cn/", "bank"),
            Never("url", "www.icbc.com.cn/", "x"),
        ]
    )
    guarded = of.of("url", "www.icbc.com.cn/")
    assert guarded is not None
    assert guarded.owner.en == "Industrial and Commercial Bank of China"


def test_the_spellings_fit_the_quota() -> None:
    """Phones are asked of holders; 50,000 evaluations are too many."""
    phones = [one for one in DEFAULT.spellings() if one.kind == "phone"]
    assert len(phones) == len(set(phones))
    assert len(phones) < 50_000


def test_the_tables_hold() -> None:
    assert len(never._provinces()) > 300
    usual, exact, wild = never._strangers()
    assert {"www", "login", "pay"} <= usual
    assert len(exact) > 100
    assert wild


def test_suffixes() -> None:
    assert suffixes.registrable("a.b.com.cn") == "b.com.cn"
    assert suffixes.private("a.github.io") == "github.io"
    assert suffixes.private("a.b.com") == ""
    assert not suffixes.exists("a.notatld")
    for host in ("a.com", "a.example", "a.test", "8.8.8.8", "[::1]", "a.ck"):
        assert suffixes.exists(host)


def test_what_does_not_normalise_is_no_row() -> None:
    with pytest.raises(SyncdError):
        never.row("phone", "12x")


def test_a_rule_is_made_once() -> None:
    from tests.flows.test_report import ROSTER

    assert never.of(ROSTER) is never.of(ROSTER)
    assert Identifier("phone", "+12025550911") in [
        *never.of(ROSTER).spellings()
    ]
