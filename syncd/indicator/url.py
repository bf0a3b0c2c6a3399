"""URLs: Safe Browsing's canonical form, and expressions of host and path.

    HTTP://Evil.EXAMPLE:8080/a/./b%2Fc?x=1#top    what came in
    http://evil.example/a/b/c?x=1                 canonicalise
    evil.example/a/b/c                            report_expression
    evil.example/a/b/c?x=1, evil.example/a/b/c,   expressions, the most
      evil.example/a/b/, evil.example/a/, …         specific one first

The rules are those of "URLs and Hashing" in Google's Safe Browsing
documents; docs/normal-forms-url.md says where those leave a choice and what
we chose. Two libraries hold data that is released again and again, and
neither decides a normal form of ASCII input: `idna` maps a host that holds
other characters, the public suffix list only decides what is refused.

This module checks form, and what must not be reported; what is worth
reporting is `verdict`'s work. No message repeats the URL.
"""

import functools
import ipaddress
import re
from typing import Final, NamedTuple

import idna
from publicsuffixlist import PublicSuffixList

from syncd.errors import MalformedError, RefusedError

MAX_RAW: Final = 8192  # characters read at all; web servers stop here too
MAX_FORM: Final = 256  # bytes of a normal form
MAX_HOST: Final = 253  # bytes
MAX_LABEL: Final = 63  # bytes
MAX_EXPRESSIONS: Final = 30  # 5 hosts x 6 paths

_HOSTS = 5  # the host itself, and at most four of its suffixes
_SUFFIX_LABELS = 5  # the longest suffix has so many labels
_PREFIXES = 4  # the root, and at most three directories below it

# What copying out of a document, a sheet or a message leaves at the ends.
_BLANK = " \t\n\v\f\r\u00a0\u200b\u3000\ufeff"
_SCHEMES = frozenset({"http", "https", "ftp", "ws", "wss"})
# Named in messages: any other word before a colon may be a user's name.
_OTHER_SCHEMES = frozenset(
    {"about", "alipays", "blob", "chrome", "data", "file", "geo", "hxxp"}
    | {"hxxps", "intent", "javascript", "mailto", "market", "sip", "sms"}
    | {"smsto", "tel", "vbscript", "view-source", "weixin"}
)

# The shapes of nearly every URL in real lists. What matches here needs no
# unescaping, no IDN, no address parsing: a last label that begins with a
# letter is no number, and dots may lead no path segment.
_PLAIN = re.compile(
    r"(?:(https?)://)?"
    r"((?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z][A-Za-z0-9_-]{0,62})"
    r"((?:/(?!\.)[A-Za-z0-9._~!$&'()*+,;=@:-]+)*/?)",
    re.ASCII,
)
_SCHEME = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_PORT_FOLLOWS = re.compile(rb"[0-9]+(?:[/\\?]|\Z)", re.ASCII)
_AUTHORITY_END = re.compile(rb"[/\\?]")
_PORT = re.compile(rb"[0-9]{0,5}", re.ASCII)
_DOTS = re.compile(r"\.\.+")
_SLASHES = re.compile(rb"//+")
_HOST_NAME = re.compile(r"[a-z0-9_.-]+", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_UNSAFE = re.compile(rb"[\x00-\x20\x7f-\xff#%]")
_HEX = re.compile(rb"[0-9A-Fa-f]{2}", re.ASCII)
_PERSONAL = re.compile(r"\d{7}|[@＠]")  # digits of any script

# What is someone else's machine in every network. Written out, because the
# standard library's own idea of "private" has changed between releases.
# Documentation networks are not here: they stand in examples and tests.
_LOCAL_4 = tuple(
    ipaddress.IPv4Network(n)
    for n in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8"),
        *("169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
        *("224.0.0.0/4", "240.0.0.0/4"),
    )
)
_LOCAL_6 = tuple(
    ipaddress.IPv6Network(n)
    for n in ("::/127", "fc00::/7", "fe80::/10", "ff00::/8")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class _Url(NamedTuple):
    """A canonical URL in its parts, each an ASCII string."""

    scheme: str
    host: str  # lower case; IPv6 in brackets
    path: str  # begins with "/"
    query: str | None  # None without a "?", "" for a bare one
    literal: bool  # the host is an IP address


def canonicalise(raw: str | bytes) -> str:
    """Return Safe Browsing's canonical URL: scheme, host, path, query.

    A bare host, or host and path, is read as `http`. Idempotent. Text goes
    by its UTF-8; bytes that are no UTF-8 are escaped one by one.

    Raises:
        MalformedError: no web address, or its host cannot exist.
    """
    url = _parse(raw)
    query = "" if url.query is None else f"?{url.query}"
    return f"{url.scheme}://{url.host}{url.path}{query}"


def report_expression(
    raw: str, *, keep_query: bool = False, allow_personal: bool = False
) -> str:
    """Return the one expression that a report of `raw` is about.

    It is host and path, and the query where `keep_query` says so: 1 to 256
    bytes, ASCII, and itself accepted as input.

    Raises:
        MalformedError: no web address, no possible host, or too long.
        RefusedError: its host is a public suffix or an address of a local
            network, or its path may name a person (seven digits in a row,
            or "@") and `allow_personal` does not say that this is right.
    """
    url = _parse(raw)
    tail = f"?{url.query}" if keep_query and url.query else ""
    _check_reportable_host(url)
    path = url.path + tail
    form = url.host + path
    if len(form) > MAX_FORM:
        raise MalformedError(
            f"url: normal form is {len(form)} bytes, at most {MAX_FORM}",
            hint="report a directory above it, ending in a slash",
        )
    if not allow_personal and _is_personal(path):
        raise RefusedError(
            "url: path holds seven digits in a row or an @, as a phone"
            " number or an e-mail address does",
            hint="report a directory above it, or allow personal paths",
        )
    return form


def is_normal(form: str) -> bool:
    """Say whether `form` is an expression as it stands.

    By form alone: also one that no report may name, such as a public suffix
    on a never-list, so that no two members judge a roster differently.
    """
    try:
        url = _parse(form)
    except MalformedError:
        return False
    tail = f"?{url.query}" if url.query else ""
    return url.host + url.path + tail == form and len(form) <= MAX_FORM


def expressions(raw: str) -> tuple[str, ...]:
    """Return the at most 30 expressions to look up, most specific first.

    The order: by host, the full one first, then by path, the longest first.
    Expressions beyond 256 bytes are left out, as no report can bear them, and
    so are those whose bytes turn out to be UTF-8 once a label before is gone.

    Raises:
        MalformedError: no web address, or its host cannot exist.
    """
    url = _parse(raw)
    paths = _paths(url.path, url.query)
    return tuple(
        form
        for host in _hosts(url.host, literal=url.literal)
        for path in paths
        if len(form := host + path) <= MAX_FORM
    )


def _hosts(host: str, *, literal: bool) -> list[str]:
    hosts = [host]
    if not literal:
        labels = host.split(".")
        longest = min(_SUFFIX_LABELS, len(labels) - 1)
        shorter = (".".join(labels[-n:]) for n in range(longest, 1, -1))
        hosts += (h for h in shorter if "%" not in h or is_normal(h + "/"))
    return hosts[:_HOSTS]


def _paths(path: str, query: str | None) -> list[str]:
    paths = [f"{path}?{query}", path] if query else [path]
    directories = path.split("/")[1:-1]
    for n in range(min(_PREFIXES - 1, len(directories)), -1, -1):
        prefix = "/".join(["", *directories[:n], ""])
        if prefix != path:
            paths.append(prefix)
    return paths


def _parse(raw: str | bytes) -> _Url:
    if len(raw) > MAX_RAW:
        raise MalformedError(
            f"url: {len(raw)} characters, at most {MAX_RAW}",
        )
    if isinstance(raw, str):
        plain = _parse_plain(raw)
        if plain is not None:
            return plain
    return _parse_any(raw)


def _parse_plain(raw: str) -> _Url | None:
    """Return what `_parse_any` would, for the common shapes; else None."""
    match = _PLAIN.fullmatch(raw)
    if match is None:
        return None
    scheme, host, path = match.groups()
    if len(host) > MAX_HOST:
        return None
    return _Url(scheme or "http", host.lower(), path or "/", None, False)


def _parse_any(raw: str | bytes) -> _Url:
    """Take any input through all of Safe Browsing's steps."""
    if isinstance(raw, str):
        try:
            given = raw.strip(_BLANK).encode()
        except UnicodeEncodeError as e:
            raise MalformedError("url: not Unicode text") from e
    else:
        given = raw.strip(b" \t\n\v\f\r")
    given = given.translate(None, b"\t\r\n").partition(b"#")[0]
    if not given:
        raise MalformedError("url: empty")
    scheme, rest, explicit = _split_scheme(given)
    # The authority ends before anything is unescaped: a browser goes where
    # the unescaped text says, so "good.example%2F@evil.example" is evil's.
    end = _AUTHORITY_END.search(rest)
    cut = end.start() if end else len(rest)
    authority, rest = rest[:cut], rest[cut:]
    _, at, authority = authority.rpartition(b"@")
    if at and not explicit:
        raise MalformedError(
            "url: an e-mail address is no URL",
            hint="write http:// before it if it is a URL with user info",
        )
    if given.isdigit() and not explicit:
        raise MalformedError(
            "url: a bare number is no URL",
            hint="write http:// before it if it is an IPv4 address",
        )
    host, literal = _host(authority)
    # Path and query are unescaped together, as an escaped "?" cannot be told
    # from a plain one in the canonical form.
    path, mark, query = _unescape(rest).partition(b"?")
    return _Url(
        scheme,
        host,
        _escape(_resolve(path)),
        _escape(query) if mark else None,
        literal,
    )


def _split_scheme(given: bytes) -> tuple[str, bytes, bool]:
    """Return the scheme, what follows its slashes, and if it was written."""
    match = _SCHEME.match(given)
    if match is None:
        return "http", given.removeprefix(b"//"), False
    scheme = match[1].decode().lower()
    rest = given[match.end() :]
    if scheme in _SCHEMES:
        # Browsers take any number of slashes here, of either kind.
        return scheme, rest.lstrip(b"/\\"), True
    if "." in scheme and _PORT_FOLLOWS.match(rest):
        return "http", given, False
    named = f"scheme {scheme}:" if scheme in _OTHER_SCHEMES else "its scheme"
    raise MalformedError(f"url: {named} is none of a web address")


def _host(authority: bytes) -> tuple[str, bool]:
    """Return the canonical host, and whether it is an IP address."""
    if authority.startswith(b"["):
        inside, bracket, port = authority[1:].partition(b"]")
        if not bracket or (port and not port.startswith(b":")):
            raise MalformedError("url: brackets of its IPv6 address are open")
        _check_port(port[1:])
        return _ipv6(inside), True
    name, _, port = authority.partition(b":")
    _check_port(port)
    name = _unescape(name)
    if any(c in name for c in b"/\\?@:[]"):
        raise MalformedError("url: host holds an escaped delimiter")
    host = _name(name)
    host = _DOTS.sub(".", host.strip("."))
    if not host:
        raise MalformedError("url: no host")
    if len(host) > MAX_HOST:
        raise MalformedError(
            f"url: host is {len(host)} bytes, at most {MAX_HOST}"
        )
    labels = host.split(".")
    longest = max(map(len, labels))
    if longest > MAX_LABEL:
        raise MalformedError(
            f"url: a label of its host is {longest} bytes, at most {MAX_LABEL}"
        )
    if _NUMBER.fullmatch(labels[-1]):  # no top-level domain is a number
        return _ipv4(labels), True
    return host, False


def _check_port(port: bytes) -> None:
    if not _PORT.fullmatch(port) or int(port or b"0") > 65535:
        raise MalformedError("url: port is no number from 0 to 65535")


def _name(name: bytes) -> str:
    """Return a host's lower-case ASCII spelling: as is, IDN, or escaped."""
    if name.isascii():
        # Also what begins with xn--: the data of `idna` has no say in it.
        return _escape(name.lower())
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return _escape(name.lower())
    try:
        mapped = idna.uts46_remap(text, std3_rules=False)
        labels = [_label(label) for label in mapped.split(".")]
    except ValueError as e:  # idna's own errors, and some that are not
        raise MalformedError(
            "url: host holds characters that no domain name has"
        ) from e
    return ".".join(labels)


def _label(label: str) -> str:
    """Return a mapped label's ASCII form (UTS 46 as browsers apply it).

    IDNA 2008's own list of letters is not asked: it excludes emoji, which
    browsers resolve and criminals register.
    """
    if label.isascii():
        if label and not _HOST_NAME.fullmatch(label):
            raise ValueError("a mapped character is a delimiter")
        return label
    idna.check_initial_combiner(label)
    idna.check_bidi(label)
    for position, character in enumerate(label):
        if character in "\u200c\u200d" and not idna.valid_contextj(
            label, position
        ):
            raise ValueError("an invisible joiner that joins nothing")
    encoded = label.encode("punycode").decode("ascii")
    if not _HOST_NAME.fullmatch(encoded):
        raise ValueError("a mapped character is a delimiter")
    return f"xn--{encoded}"


def _ipv4(labels: list[str]) -> str:
    """Return four decimal numbers for what `inet_aton` would read."""
    value = 0
    fault = MalformedError("url: host ends in a number and is no IPv4 address")
    if len(labels) > 4:
        raise fault
    for position, label in enumerate(labels, start=1):
        if not _NUMBER.fullmatch(label):
            raise fault
        try:
            number = _number(label)
        except ValueError:  # an 8 or 9 in an octal number
            raise fault from None
        last = position == len(labels)
        size = 8 * (5 - position) if last else 8  # bits
        if number >> size:
            raise fault
        value = value << size | number
    return str(ipaddress.IPv4Address(value))


def _number(label: str) -> int:
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    if label.startswith("0"):
        return int(label, 8)
    return int(label)


def _ipv6(inside: bytes) -> str:
    """Return the RFC 5952 form in brackets, or the IPv4 address it maps."""
    if b"%" in inside:
        raise MalformedError("url: IPv6 address has a zone or an escape")
    try:
        address = ipaddress.IPv6Address(inside.decode("ascii"))
    except ValueError as e:
        raise MalformedError("url: no IPv6 address in its brackets") from e
    # Both kinds reach an IPv4 machine, and Safe Browsing names it as such.
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address in _NAT64:
        return str(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return f"[{address}]"


def _unescape(raw: bytes) -> bytes:
    """Undo percent-escapes until none is left, in linear time.

    Two escapes never overlap, so every order of undoing them ends alike;
    going pass by pass would let "%252525…" cost the square of its length.
    """
    start = raw.find(b"%")
    if start < 0:
        return raw
    done = bytearray(raw[:start])
    for byte in raw[start:]:
        done.append(byte)
        # An undone byte may itself end an escape that began before it.
        while (
            len(done) > 2
            and done[-3] == 0x25
            and _HEX.fullmatch(done, len(done) - 2)
        ):
            done[-3:] = bytes((int(done[-2:], 16),))
    return bytes(done)


def _escape(raw: bytes) -> str:
    return _UNSAFE.sub(lambda m: b"%%%02X" % m[0][0], raw).decode("ascii")


def _resolve(path: bytes) -> bytes:
    """Return an absolute path without dot segments and doubled slashes."""
    path = path.replace(b"\\", b"/")
    segments: list[bytes] = []
    parts = path.split(b"/")
    for part in parts[1:]:
        if part == b"..":
            del segments[-1:]
        elif part != b".":
            segments.append(part)
    if parts[-1] in {b".", b".."}:
        segments.append(b"")
    return _SLASHES.sub(b"/", b"/" + b"/".join(segments))


def _check_reportable_host(url: _Url) -> None:
    if url.literal:
        _check_address(url.host)
        return
    if not _HOST_NAME.fullmatch(url.host):
        raise MalformedError(
            "url: host holds characters that no domain name has"
        )
    if _is_public_suffix(url.host):
        raise RefusedError(
            "url: host is a public suffix, under which strangers have their"
            " own sites",
            hint="report the site's own host below it",
        )


def _check_address(host: str) -> None:
    address = ipaddress.ip_address(host.strip("[]"))
    local = _LOCAL_4 if address.version == 4 else _LOCAL_6
    for network in local:
        if address in network:
            raise RefusedError(
                f"url: address is in {network}: another machine in each"
                " network",
            )


@functools.cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _is_public_suffix(host: str) -> bool:
    """Say whether strangers register names directly under `host`.

    Both sections of the list count; a top-level domain that it does not
    know, and so any single label, counts as a suffix.
    """
    return _suffixes().privatesuffix(host) is None


def _is_personal(path: str) -> bool:
    if path == "/":
        return False
    text = _unescape(path.encode()).decode(errors="replace")
    return _PERSONAL.search(text) is not None
