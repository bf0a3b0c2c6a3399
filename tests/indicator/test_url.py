"""A URL has one form to report, and finds every report that covers it."""

import contextlib
import functools
import hashlib
import re
import time
import unicodedata
from collections.abc import Callable
from operator import add
from typing import Any
from unittest.mock import Mock

import idna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from idna import uts46data

from syncd import tsv
from syncd.errors import MalformedError, RefusedError, SyncdError
from syncd.indicator import link, services, url
from tests.cases import ROOT, cases, each, tried
from tests.indicator.texts import whole
from tests.refusals import malformed

UTS_46 = "3e29dca674f26989059f0ea505e66a83d364435fb8ef2845eb326ef1c74a6c04"

# Text made of what means something in a URL, so that it often is one.
pieces = st.sampled_from(cases("identifiers/url", "pieces"))
urls = st.lists(pieces, max_size=12).map("".join)
BEGIN = re.compile(r"(?:(?:https?|ftp|wss?):)?[/\\]*", re.IGNORECASE)
plain_hosts = whole(
    r"(https?://)?([A-Za-z0-9_-]{1,8}\.){1,7}[A-Za-z0-9][A-Za-z0-9-]{0,5}"
)
plain_paths = whole(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%?#-]{0,6}){0,7}")


def examples(section: str) -> Callable[[Any], Any]:
    """Return what adds the examples of a section to a test."""
    each = map(example, cases("identifiers/url", section))
    return lambda test: functools.reduce(lambda t, add: add(t), each, test)


def canonicalise(raw: str) -> str:
    """Safe Browsing's canonical URL: scheme, host, path, query."""
    found = url._parse(raw)  # noqa: SLF001
    query = "" if found.query is None else f"?{found.query}"
    return f"{found.scheme}://{found.host.name}{found.path}{query}"


@tried(
    "case",
    cases("safebrowsing", "canonicalize")
    + cases("identifiers/url", "canonical"),
    ids=lambda case: case["in"],
)
def test_canonical(case: Any) -> None:
    """Every case of Safe Browsing's documents, and of our own: each says why."""
    raw = case["in"].replace("\x80", "%80")  # see the file's note on it
    assert canonicalise(raw) == case["out"]


@each("safebrowsing", "chromium_extra", "case", "in")
def test_chromium_splits(case: Any) -> None:
    """Host, path and query are those of Chromium's own tests."""
    query = f"?{case['query']}" if case["query"] else ""
    scheme = case["in"].partition(":")[0]
    want = f"{scheme}://{case['host']}{case['path']}{query}"
    assert canonicalise(case["in"]) == want


@each("safebrowsing", "expressions", "case", "url")
def test_safe_browsing_expressions(case: Any) -> None:
    """Exactly Safe Browsing's expressions, each once."""
    found = url.expressions(case["url"]).forms
    if "expressions" in case:
        assert sorted(found) == sorted(case["expressions"])
    else:
        assert [form.removeprefix("a.b") for form in found] == case["paths"]


@each("identifiers/url", "report", "case", "why")
def test_report(case: Any) -> None:
    """A report is about one expression."""
    options = case.get("options", {})
    read = url.report_expression(case["in"], **options)
    assert read.forms == (case["out"],)
    assert list(read.notices) == case.get("notices", [])
    assert url.report_expression(case["out"], **options).forms == read.forms


@each("identifiers/url", "refused", "case", "why")
def test_refused(case: Any) -> None:
    """What is refused says why; a look-up refuses what nobody can open."""
    with pytest.raises((MalformedError, RefusedError)) as caught:
        url.report_expression(case["in"], **case.get("options", {}))
    assert str(caught.value).startswith(case["reason"])
    if "lookup" in case["by"]:
        with malformed() as caught_too:
            url.expressions(case["in"])
        assert str(caught_too.value).startswith(case["reason"])
    else:
        assert url.expressions(case["in"])


@each("identifiers/url", "expressions", "case", "why")
def test_expressions(case: Any) -> None:
    """In this order, and no others."""
    read = url.expressions(case["in"])
    assert list(read.forms) == case["out"]
    assert list(read.notices) == case.get("notices", [])


@given(urls | st.text())
@example("http://a%2541/")
def test_canonical_is_idempotent(raw: str) -> None:
    """Any input gives ASCII that is its own canonical form, or is refused."""
    with contextlib.suppress(MalformedError):
        canonical = canonicalise(raw)
        assert canonical.isascii()
        assert canonicalise(canonical) == canonical


@given(urls | st.text(), st.booleans())
@example("evil.example/pay%2C", False)
def test_what_is_reported_is_looked_up(raw: str, keep_query: bool) -> None:
    """A normal form is 1 to 256 ASCII bytes, and found as it stands.

    It may end in what a report of plain text is refused for.
    """
    with contextlib.suppress(MalformedError, RefusedError):
        [form] = url.report_expression(
            raw, keep_query=keep_query, allow_personal=True
        ).forms
        assert form.isascii()
        assert 1 <= len(form) <= url.MAX_FORM
        assert url.is_normal(form)
        assert url.expressions(form).forms[0] == form
        assert form in url.expressions(raw).forms


@each("identifiers/url", "normal")
def test_normal_is_judged_by_form_alone(one: Any) -> None:
    """No list that is released again and again has a say in it."""
    assert url.is_normal(one["form"]) is one["holds"]


@given(urls)
@example("%2580co.ukevil.example例")
def test_expressions_are_few_normal_and_distinct(raw: str) -> None:
    """At most 30, each once, and the host's own root always among them."""
    with contextlib.suppress(MalformedError):
        forms = url.expressions(raw).forms
        assert 1 <= len(forms) <= url.MAX_EXPRESSIONS
        assert len(set(forms)) == len(forms)
        assert all(map(url.is_normal, forms))
        assert forms[0].partition("/")[0] + "/" in forms


@given(st.builds(add, plain_hosts, plain_paths) | urls | st.text())
@examples("two_ways")
def test_two_ways_agree(raw: str) -> None:
    """The fast path takes a URL only where the long way ends alike.

    With a blank before it, a URL is read the long way.
    """
    for read in (
        *(canonicalise, url.expressions),
        functools.partial(
            url.report_expression, keep_query=True, allow_personal=True
        ),
    ):
        assert outcome(read, raw) == outcome(read, f" {raw}"), read


def outcome(read: Callable[[str], object], raw: str) -> object:
    try:
        return read(raw)
    except SyncdError as e:
        return str(e)


def test_fast_path_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The common shapes do take it, or the tests above prove nothing."""
    look = Mock(wraps=link.read)
    monkeypatch.setattr(link, "read", look)
    fast = ("evil.example", "https://a-b.c_d.example/x/y.html", "A.B/")
    slow = ["a.b/c/../d", "a.b/%41", "a.b:80", "1.2.3.4", "a.b/c,"]
    for raw in (*fast, "a.b/c?d=e&f=g/h", *slow):
        url.expressions(raw)
    assert [call.args[0] for call in look.call_args_list] == slow


@tried(
    "raw",
    [
        "http://evil.example/" + "a" * 1_000_000,
        "http://" + "a." * 500_000 + "example/",
        "%25" * 333_333,
    ],
    ids=map(str, range(3)),
)
def test_a_megabyte_is_refused_at_once(raw: str) -> None:
    """Its length is the reason: nothing else of it was looked at."""
    with malformed("characters, at most 8192"):
        url.report_expression(raw)


@tried(
    "raw",
    [
        "a.b/%" + "25" * 4000,
        "a.b/" + "%%32%35" * 1100,
        "a.b/" + "../" * 2700,
        "http://" + "例." * 4000,
        "http://" + "\u0301" * 8000,
        "a." * 4095 + "/",
        "a.b/" + "a/" * 4000 + "%",
        "a.b/" + "a例" * 4000 + "/",
        "a.b/" + ")" * 8000,
        "a.b/?" + "http:/" * 1300,
        "http://" + "[." * 4000,
        "http://" + "a例" * 4000 + ".",
        "a.b/" + ",a.a" * 2000,
    ],
    ids=map(str, range(13)),
)
def test_the_longest_inputs_cost_little(raw: str) -> None:
    """No input that is read costs more than its length."""
    begin = time.thread_time()
    with contextlib.suppress(SyncdError):
        url.expressions(raw)
    assert time.thread_time() - begin < 0.2


@given(st.text(alphabet="abcXYZ019", min_size=6), urls)
def test_messages_do_not_repeat_the_value(secret: str, rest: str) -> None:
    """A refusal names the rule, never what was given."""
    for raw in (f"{secret}:{secret}@{rest}", f"http://{secret}@{rest}:x"):
        message = ""
        try:
            url.report_expression(raw)
        except SyncdError as e:
            message = f"{e} {e.hint}"
        assert secret not in message


@each("identifiers/url", "reported")
def test_what_may_have_been_reported(one: Any) -> None:
    """Whatever a report is refused for today; what a dispute is about last."""
    assert [*url.reported_forms(one["raw"])] == one["forms"]


def test_a_service_is_named_by_rows_that_can_be_met() -> None:
    """Each is a normal form without its query, from a source, dated."""
    rows = [*tsv.rows("indicator/services.tsv")]
    assert all(len(row) == 7 and all(row) for row in rows)
    assert len(services.OF) == sum(len(row[0].split()) for row in rows)
    assert all(map(url.is_normal, services.OF))


def test_the_table_that_maps_hosts_is_one_release() -> None:
    """Another one may give another form: a new version of the normal form.

    All ranges of code points with status and mapping, as `idna` ships them.
    """
    table = hashlib.sha256(
        repr(
            [
                [*uts46data.uts46_starts],
                [*uts46data.uts46_statuses],
                [*uts46data.uts46_replacements],
            ]
        ).encode()
    )
    pinned = (idna.__version__, uts46data.__version__, table.hexdigest())
    assert pinned == ("3.20", "18.0.0", UTS_46)
    wanted = (ROOT / "pyproject.toml").read_text()
    assert f'"idna=={idna.__version__}"' in wanted


@tried("character", ["\U000105c0", "\ua7dc"])
def test_two_pythons_never_spell_one_host_in_two_ways(character: str) -> None:
    """What a Python's Unicode does not know has no form there."""
    raw = f"http://{character}.example/"
    try:
        [form, *_] = url.expressions(raw).forms
    except MalformedError:
        assert not unicodedata.bidirectional(character)
    else:
        assert form == {
            "\U000105c0": "xn--4u8c.example/",
            "\ua7dc": "xn--dia.example/",
        }.get(character)


@given(urls | st.text(alphabet="ah.t:/?#%@ps,例。", max_size=20))
@examples("no_look")
def test_what_needs_no_look_is_what_a_look_passes(raw: str) -> None:
    """The short way of reading a link takes it only where the long way does.

    A "!" before the host is never taken the short way, and changes nothing.
    """
    try:
        text, cut, _ = link.read(raw)
    except MalformedError:
        return
    if BEGIN.sub("", text, count=1) and not cut:
        marked = BEGIN.sub(r"\g<0>!", text, count=1)
        assert link.read(marked) == (marked, "", False)
