"""Never: how a row of the never-list is read, and what it protects.

    phone  cn:96110         also with any area code before it
    phone  cn:059196336     a province's number: bare, and with its area codes
    url    icbc.com.cn/     the site: its hosts, their roots and paths
    url    gov.cn/          a public suffix: every site below it

The roster says *what* is protected, in normal forms; these rules say what
that means, and our own list (never.tsv) whose it is. Where strangers have
pages or hosts of their own on a protected site stands in strangers.tsv and
in the suffix list's private section: there the operator's own hosts and the
roots are protected, and what is a stranger's may be reported.

What is asked here has a value. By token only what can be counted up is known
(`spellings`), which is the smaller part of it.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from syncd import tsv
from syncd.errors import MalformedError
from syncd.indicator import numbering, services, suffixes
from syncd.indicator.identifier import Identifier, for_report, parse_normal
from syncd.roster.roster import Roster
from syncd.roster.terms import Never
from syncd.shape import Form

PLANTED = "compromised"  # technique: a page on somebody else's site
PLANTED_DAYS = 14  # after it was seen: by then it is taken down

_FIRST_PAGE = re.compile(
    r"/(?:(?:index|default|home)\.[a-z]{2,5})?(?:;[^/?]*)?(?:\?.*)?",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"[+0]*(?:86)?0?")
_NEITHER = re.compile(r"[^0-9+]")


class Owner(Form, omit_defaults=True, kw_only=False):
    """Whose a protected value is."""

    category: str  # code: the note of the roster's row
    zh: str = ""  # by our own list; "" if only the roster knows it
    en: str = ""


class GuardedValue(NamedTuple):
    """A protected value."""

    owner: Owner
    page: bool = False  # a page planted on it may be reported, as such


class Guard(NamedTuple):
    """Which forms of a value are protected, the most specific being 0."""

    levels: frozenset[int] = frozenset()
    pages: frozenset[int] = frozenset()  # of them, where a planted page counts
    owner: Owner | None = None  # of the value itself


class ListedValue(NamedTuple):
    """A line of our own list."""

    kind: str
    value: str  # normal form
    owner: Owner
    hosts: tuple[str, ...]  # of a site, beside the usual ones


class _Where(NamedTuple):
    """Where strangers have something of their own on a site."""

    paths: bool  # pages of the host itself
    hosts: bool  # hosts below it
    own: frozenset[str]  # labels below it that are the operator's


@functools.cache
def _provinces() -> Mapping[str, str]:
    """Return the province of each area code."""
    return {
        area: row[0]
        for row in tsv.rows("indicator/areas.tsv")
        for area in row[2].split()
    }


@functools.cache
def _strangers() -> tuple[
    frozenset[str],
    Mapping[str, _Where],
    tuple[tuple[re.Pattern[str], _Where], ...],
]:
    """Return labels that are an operator's anywhere, suffixes, patterns."""
    usual: frozenset[str] = frozenset()
    exact = dict[str, _Where]()
    wild = []
    for how, where, own, *_ in tsv.rows("indicator/strangers.tsv"):
        if how == "usual":
            usual = frozenset(own.split())
            continue
        labels = usual | frozenset(own.split())
        found = _Where(how != "host", how != "path", labels)
        if "*" in where:
            pattern = re.escape(where).replace(r"\*", "[^.]*")
            wild.append((re.compile(rf"(?:(.+)\.)?({pattern})"), found))
        else:
            exact[where] = found
    return usual, exact, tuple(wild)


@functools.cache
def default() -> tuple[ListedValue, ...]:
    """Return our own list, in the order of its file."""
    return tuple(
        ListedValue(
            *(kind, row(kind, value).value, Owner(category, zh, en)),
            tuple(hosts.split()),
        )
        for kind, value, category, zh, en, hosts, *_ in tsv.rows(
            "indicator/never.tsv"
        )
    )


def row(kind: str, value: str) -> Identifier:
    """Return the normal form under which a value is put on a never-list.

    A URL stands for its site, unless it is a stranger's host or page there.

    Raises:
        MalformedError: the value does not normalise.
        RefusedError: an address of a local network.
    """
    try:  # a public suffix is one, and no report may name it
        one = parse_normal(kind, value)
    except MalformedError:
        one = for_report(kind, value, keep_query=True, allow_personal=True)
    return Identifier(kind, _site(one.value)) if kind == "url" else one


def _split(form: str) -> tuple[str, str]:
    host, slash, path = form.partition("/")
    return host, slash + path


def _site(form: str) -> str:
    """Return what a row that names this expression protects."""
    key = suffixes.registrable(_split(form)[0])
    return _strangers_own(form, key) or f"{key}/"


def _strangers_own(form: str, key: str) -> str:
    """Return the host or page of a site that is a stranger's, or ""."""
    host, path = _split(form)
    base, where = _where(host, key)
    if not where:
        return ""
    if where.hosts and base != host:
        label = host[: -len(base) - 1].rpartition(".")[2]
        return "" if label in where.own else f"{label}.{base}/"
    return form if where.paths and _is_page(path) else ""


def _is_page(path: str) -> bool:
    """Tell whether a path is more than a host's first page."""
    return _FIRST_PAGE.fullmatch(path) is None


def _suffixes(host: str) -> Iterator[str]:
    """Yield a host and what it is below, the longest first."""
    yield host
    while "." in host:
        host = host.partition(".")[2]
        yield host


def _where(host: str, key: str) -> tuple[str, _Where | None]:
    """Return where strangers begin on a host's site, and what is theirs.

    The longest suffix of the host that has a rule, from the site's on.
    """
    usual, exact, wild = _strangers()
    for pattern, found in wild:
        match = pattern.fullmatch(host)
        if match and len(match[2]) >= len(key):
            return match[2], found
    for suffix in _suffixes(host):
        if suffix in exact and len(suffix) >= len(key):
            return suffix, exact[suffix]
    private = suffixes.private(host)
    if len(private) >= len(key):
        return private, _Where(False, True, usual)
    return host, None


class Rule:
    """What a roster's never-list protects."""

    def __init__(self, rows: Iterable[Never]) -> None:
        """Read the rows of a roster, each a kind, a normal form, a code."""
        self._exact = dict[tuple[str, str], Owner]()
        self._sites = dict[str, tuple[Owner, tuple[str, ...]]]()  # hosts
        self._pages = dict[str, Owner]()  # of strangers, by expression
        self._anywhere = dict[str, Owner]()  # service numbers, bare
        self._provincial = dict[tuple[str, str], Owner]()
        owners = {(one.kind, one.value): one for one in default()}
        for one in rows:
            known = owners.get((one.kind, one.value))
            owner = known.owner if known else Owner(one.note)
            if one.kind == "url":
                host, path = _split(_site(one.value))
                if path != "/":
                    self._pages[host + path] = owner
                elif known or host not in self._sites:
                    self._sites[host] = owner, known.hosts if known else ()
            elif one.kind == "phone":
                self._add_phone(one.value, owner)
            else:
                self._exact[one.kind, one.value] = owner

    def _add_phone(self, value: str, owner: Owner) -> None:
        area, number = numbering.area_service(value)
        if area:
            self._provincial[_provinces()[area], number] = owner
            self._exact.setdefault(("phone", f"cn:{number}"), owner)
            return
        self._exact["phone", value] = owner
        # An area code before it is kept: it is another office's.
        local, _ = numbering.area_service(f"cn:010{number}")
        if local and (number == "96110" or number[:2] != "96"):
            self._anywhere[number] = owner

    def of(self, kind: str, form: str) -> GuardedValue | None:
        """Return by whom a normal form is protected, or None."""
        if kind == "url":
            return self._url(form)
        owner = self._exact.get((kind, form))
        if not owner and form.startswith("cn:0"):
            area, number = numbering.area_service(form)
            owner = self._anywhere.get(number) or self._provincial.get(
                (_provinces().get(area, ""), number)
            )
        return GuardedValue(owner) if owner else None

    def _owner(self, host: str) -> tuple[str, Owner] | None:
        """Return the closest protected site that a host is of."""
        for site in _suffixes(host):
            if found := self._sites.get(site):
                return site, found[0]
        return None

    def _url(self, form: str) -> GuardedValue | None:
        host, path = _split(form)
        found = self._owner(host)
        bare, _, query = form.partition("?")
        service = services.OF.get(bare)
        strange = service and services.naming(service, query)
        if not found or strange:  # its query names a stranger's page
            return self._page(form)
        key, owner = found
        theirs = _strangers_own(form, key)
        if not theirs:
            return GuardedValue(owner, _is_page(path))
        return self._page(form) if theirs == form else None

    def _page(self, form: str) -> GuardedValue | None:
        """Return by whom a stranger's page is protected."""
        for part, owner in self._pages.items():
            if form == part or (part[-1] == "/" and form.startswith(part)):
                return GuardedValue(owner, page=True)
        return None

    def guard(self, forms: Sequence[Identifier]) -> Guard:
        """Return which forms of one value are protected."""
        if not forms:
            return NOBODY
        first = forms[0]
        if (
            first.kind == "url"
            and not self._pages
            and not self._owner(_split(first.value)[0])
        ):
            return NOBODY  # then none of the shorter ones is
        found = [self.of(form.kind, form.value) for form in forms]
        return Guard(
            frozenset(n for n, one in enumerate(found) if one),
            frozenset(n for n, one in enumerate(found) if one and one.page),
            found[0].owner if found[0] else None,
        )

    def imitated(self, raw: str) -> Identifier | None:
        """Return the service number that a caller id seems to show.

        `+96110` and `0086110` are no numbers that a phone could reach.
        """
        rest = _PREFIX.sub("", _digits(raw), count=1)
        for form in (f"cn:{rest}", f"cn:0{rest}"):
            if self.of("phone", form):
                return Identifier("phone", form)
        return None

    def spellings(self) -> Iterator[Identifier]:
        """Give every form that can be counted up, most of them phones."""
        for kind, value in self._exact:
            yield Identifier(kind, value)
        for area, province in _provinces().items():
            for number in self._anywhere:
                yield Identifier("phone", f"cn:0{area}{number}")
            for of, number in self._provincial:
                if of == province:
                    yield Identifier("phone", f"cn:0{area}{number}")
        usual, *_ = _strangers()
        for site, (_, hosts) in self._sites.items():
            yield Identifier("url", f"{site}/")
            if not suffixes.is_address(site):
                for label in sorted(usual.union(hosts)):
                    yield Identifier("url", f"{label}.{site}/")
        for form in self._pages:
            yield Identifier("url", form)


NOBODY = Guard()


_RULES: list[tuple[tuple[Never, ...], Rule]] = []


def of(roster: Roster) -> Rule:
    """Return the rule of a roster's never-list, made once for each.

    Known by the list itself, not by its content: hashing a thousand rows
    would cost as much as a look-up.
    """
    for rows, rule in _RULES:
        if rows is roster.never:
            return rule
    rule = Rule(roster.never)
    _RULES[:] = [(roster.never, rule), *_RULES[:3]]
    return rule


def faked(raw: str) -> bool:
    """Tell whether a caller id bears a prefix that no such number has."""
    return _digits(raw).startswith(("+", "00"))


def _digits(raw: str) -> str:
    return _NEITHER.sub("", unicodedata.normalize("NFKC", raw))
