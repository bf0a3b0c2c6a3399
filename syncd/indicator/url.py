"""URLs: Safe Browsing's canonical form, and expressions of host and path.

    HTTP://Evil.EXAMPLE:8080/a/./b%2Fc?x=1#top    what came in
    http://evil.example/a/b/c?x=1                 the canonical form
    evil.example/a/b/c                            report_expression
    evil.example/a/b/c?x=1, evil.example/a/b/c,   expressions, the most
      evil.example/a/b/, evil.example/a/, …         specific one first

The rules are those of "URLs and Hashing" in Google's Safe Browsing
documents; docs/normal-forms-url.md says where those leave a choice and what
we chose. What of a text is the URL is `link`'s work, what of it is the host
is `host`'s. A report and a look-up read strictly: what no browser opens as
one URL on a host that can exist has no expression.

This module checks form, and what must not be reported; what is worth
reporting is `verdict`'s work. Whatever is no one web address on a possible host
is a MalformedError; no message repeats the URL.
"""

from contextlib import suppress
from re import ASCII
from re import compile as regex
from typing import NamedTuple

from syncd import tsv
from syncd.errors import MalformedError, RefusedError
from syncd.indicator import host, link, services, spelling
from syncd.indicator.host import Host

MAX_FORM = 256  # bytes of a normal form
MAX_EXPRESSIONS = 30  # 5 hosts x 6 paths

_SCHEMES = frozenset({"http", "https", "ftp", "ws", "wss"})
# Named in messages: any other word before a colon may be a user's name.
_OTHER_SCHEMES = {row[0] for row in tsv.rows("indicator/other_schemes.tsv")}
# The shapes of nearly every URL in real lists. What matches here needs no
# unescaping, no IDN, no address parsing, and is one URL on a possible host:
# a top-level domain of letters, no dots that lead a path segment, and nothing
# behind it that may part two URLs or end a sentence.
_PLAIN = regex(
    r"(?:(https?)://)?"
    r"((?:[A-Za-z0-9_-]{1,63}\.)+(?:[A-Za-z]{1,63}|xn--[A-Za-z0-9-]{1,59}))"
    r"((?:/(?!\.)[A-Za-z0-9._~$&+=@-]+)*/?)"
    r"(?:\?([A-Za-z0-9._~$&+=@/-]+))?(?<!\.)",
    ASCII,
)
_SCHEME = regex(rb"([A-Za-z][A-Za-z0-9+.-]*):", ASCII)
_PORT_FOLLOWS = regex(rb"[0-9]+(?:[/\\?]|\Z)", ASCII)
_AUTHORITY_END = regex(rb"[/\\?]")
_SLASHES = regex(rb"//+")
_PERSONAL = regex(r"\d{7}|[@＠]")  # digits of any script


class Reading(NamedTuple):
    """What a text was read as, and what its reader should be told."""

    forms: tuple[str, ...]  # expressions, the most specific one first
    notices: tuple[str, ...] = ()  # codes


class _Url(NamedTuple):
    """A canonical URL in its parts, each an ASCII string."""

    scheme: str
    host: Host
    path: str  # begins with "/"
    query: str | None  # None without a "?", "" for a bare one

    def form(self, query: str = "") -> str:
        """Return host and path, and the part of a query that is to be kept."""
        bare = f"{self.host.name}{self.path}"
        return f"{bare}?{query}" if query else bare


def report_expression(
    raw: str, *, keep_query: bool = False, allow_personal: bool = False
) -> Reading:
    """Return the one expression that a report of `raw` is about.

    It is host and path, and the query where `keep_query` says so: 1 to 256
    bytes, ASCII. What is behind a URL is never cut off for a report, where
    it would list another page than the one that was meant. Notices:
    `query_dropped`, `query_reduced` to what names the page of a service, and
    `this_host_only`, as a host so deep is not tried for hosts below it.

    Raises:
        MalformedError: not one web address, no possible host, too long, or
            something is behind it.
        RefusedError: its host is a public suffix or an address of a local
            network; its path names a service alone; or it may name a person
            (seven digits in a row, or "@") and `allow_personal` does not say
            that this is right.
    """
    url = _parse_plain(raw) or _read_alone(raw, keep_query=keep_query)
    host.check_reportable(url.host)
    kept = _kept(url) if keep_query else ""
    service = services.OF.get(url.form())
    if service and not kept:
        raise RefusedError(
            "url: host and path name a service, and of its query {names} the"
            " page",
            names=", ".join(service.parameters),
        )
    form, path = url.form(kept), url.path
    numbered = service and not service.person  # its own number, nobody's
    if (n := len(form)) > MAX_FORM:
        raise MalformedError(
            "url: normal form is {n} bytes, at most {most}", n=n, most=MAX_FORM
        )
    shown = "" if allow_personal else path if numbered else f"{path}?{kept}"
    plain = host.unescaped(shown.encode()).decode(errors="replace")
    if _PERSONAL.search(plain):
        raise RefusedError(
            "url: path holds seven digits in a row or an @, as a phone"
            " number or an e-mail address does"
        )
    notices = []
    if (url.query or "") != kept:
        notices.append("query_reduced" if kept else "query_dropped")
    if url.host.name.count(".") >= host.DEEP - 1:
        notices.append("this_host_only")
    return Reading((form,), tuple(notices))


def reported_forms(raw: str) -> tuple[str, ...]:
    """Return what `raw` may have been reported as, the usual form first.

    The last one is what a dispute is about. What a report is refused for
    does not matter: a normal form of ours is one of them.
    """
    whole, cut, _ = _read(raw)
    url = whole or cut
    return tuple(dict.fromkeys((url.form(), url.form(_kept(url)))))


def is_normal(form: str) -> bool:
    """Say whether `form` is an expression as it stands.

    By form alone: also one that no report may name, such as a public suffix
    on a never-list, so that no two members judge a roster differently.
    """
    try:
        url = _parse(form)
    except MalformedError:
        return False
    return url.form(url.query or "") == form and len(form) <= MAX_FORM


def expressions(raw: str) -> Reading:
    """Return the at most 30 expressions to look up, most specific first.

    The order: by host, the full one first, then by path, the longest first.
    Where something is behind the URL, it is tried with and without that, and
    `tried_cut` says so. Expressions beyond 256 bytes are left out, as no
    report can bear them.
    """
    if url := _parse_plain(raw):
        return Reading(_expressions(url.host, _paths(url)))
    whole, cut, _ = _read(raw)
    url = whole or cut
    paths = _paths(url)
    if whole is None or whole is cut:
        notices = () if whole else ("tried_cut",)
        return Reading(_expressions(url.host, paths), notices)
    tried = dict.fromkeys((*_exact(whole), *_exact(cut), *paths))
    notices = ("tried_cut",) if len(tried) > len(paths) else ()
    return Reading(_expressions(url.host, [*tried]), notices)


def _expressions(of: Host, paths: list[str]) -> tuple[str, ...]:
    """Return hosts times paths; of too many, the first path goes.

    There are too many only where text may be behind a URL that is deep in
    host and path: what goes is the query together with that text.
    """
    hosts = host.suffixes(of)
    del paths[: max(0, len(paths) - MAX_EXPRESSIONS // len(hosts))]
    return tuple(
        form
        for name in hosts
        for path in paths
        if len(form := f"{name}{path}") <= MAX_FORM
    )


def _exact(url: _Url) -> list[str]:
    if not url.query:
        return [url.path]
    queries = dict.fromkeys((url.query, _kept(url)))
    return [*(f"{url.path}?{q}" for q in queries if q), url.path]


def _kept(url: _Url) -> str:
    """Return what a report keeps of a query if it is to keep it."""
    service = services.OF.get(url.form())
    query = url.query or ""
    return services.naming(service, query) if service else query


def _paths(url: _Url) -> list[str]:
    path = url.path
    paths = _exact(url)
    directories = path.split("/")[1:-1]
    for n in range(min(3, len(directories)), -1, -1):
        prefix = "/".join(["", *directories[:n], ""])
        if prefix != path:
            paths.append(prefix)
    return paths


def _read_alone(raw: str, *, keep_query: bool) -> _Url:
    """Return the URL of a report, with nothing behind it that counts."""
    whole, cut, certain = _read(raw)
    paths = [
        u and (u.path, _kept(u) if keep_query else "") for u in (whole, cut)
    ]
    if certain or whole is None or paths[0] != paths[1]:
        raise MalformedError("url: text or punctuation stands behind it")
    return whole


def _read(raw: str) -> tuple[_Url | None, _Url, bool]:
    """Return the URL as it stands, and without what is behind it.

    The first is None if it can be none so; the third says whether what is
    behind it is certainly text.
    """
    found = link.read(raw)
    if not found.cut:
        url = _parse_any(found.whole, strict=True)
        return url, url, found.certain
    try:
        cut = _parse_any(found.cut, strict=True)
    except MalformedError:
        if found.whole:  # then its own reason is the better one
            _parse_any(found.whole, strict=True)
        raise
    with suppress(MalformedError):
        if found.whole:
            return _parse_any(found.whole, strict=True), cut, found.certain
    return None, cut, found.certain


def _parse(raw: str) -> _Url:
    """Return the canonical URL of any input, as Safe Browsing reads it."""
    spelling.check_size(raw, link.MAX_RAW)
    return _parse_plain(raw) or _parse_any(raw, strict=False)


def _parse_plain(raw: str) -> _Url | None:
    """Return what `_parse_any` would, for the common shapes; else None."""
    match = _PLAIN.fullmatch(raw) if len(raw) <= link.MAX_RAW else None
    if not match or len(match[2]) > host.MAX_HOST:
        return None
    scheme, name, path, query = match.groups()
    named = Host(name.lower(), literal=False)
    return _Url(scheme or "http", named, path or "/", query)


def _parse_any(raw: str, *, strict: bool) -> _Url:
    """Take any input through all of Safe Browsing's steps."""
    try:
        given = raw.strip(link.BLANK).encode()
    except UnicodeEncodeError as e:
        raise MalformedError("url: not Unicode text") from e
    given = given.translate(None, b"\t\r\n").partition(b"#")[0]
    if not given:
        raise MalformedError("value: empty")
    scheme, rest, explicit = _split_scheme(given)
    # The authority ends before anything is unescaped: a browser goes where
    # the unescaped text says, so "good.example%2F@evil.example" is evil's.
    end = _AUTHORITY_END.search(rest)
    cut = end.start() if end else len(rest)
    authority, rest = rest[:cut], rest[cut:]
    _, at, authority = authority.rpartition(b"@")
    if at and not explicit:
        raise MalformedError("url: an e-mail address is no URL")
    if given.isdigit() and not explicit:
        raise MalformedError("url: a bare number is no URL")
    named = host.parse(authority, strict=strict)
    # Path and query are unescaped together, as an escaped "?" cannot be told
    # from a plain one in the canonical form.
    path, mark, query = host.unescaped(rest).partition(b"?")
    return _Url(
        scheme,
        named,
        host.escaped(_resolve(path)),
        host.escaped(query) if mark else None,
    )


def _split_scheme(given: bytes) -> tuple[str, bytes, bool]:
    """Return the scheme, what follows its slashes, and if it was written."""
    match = _SCHEME.match(given)
    if not match:
        return "http", given.removeprefix(b"//"), False
    scheme = match[1].decode().lower()
    rest = given[match.end() :]
    if scheme in _SCHEMES:
        # Browsers take any number of slashes here, of either kind.
        return scheme, rest.lstrip(b"/\\"), True
    if "." in scheme and _PORT_FOLLOWS.match(rest):
        return "http", given, False
    if scheme in _OTHER_SCHEMES:
        raise MalformedError(
            "url: scheme {scheme}: is none of a web address", scheme=scheme
        )
    raise MalformedError("url: its scheme is none of a web address")


def _resolve(path: bytes) -> bytes:
    """Return an absolute path without dot segments and doubled slashes."""
    path = path.replace(b"\\", b"/")
    segments = list[bytes]()
    parts = path.split(b"/")
    for part in parts[1:]:
        if part == b"..":
            del segments[-1:]
        elif part != b".":
            segments.append(part)
    if parts[-1] in {b".", b".."}:
        segments.append(b"")
    return _SLASHES.sub(b"/", b"/" + b"/".join(segments))
