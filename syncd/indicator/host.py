"""Hosts: the name or address in a URL, in its one spelling.

    Evil.EXAMPLE:8080      evil.example
    例子.测试               xn--fsqu00a.xn--0zwm56d
    0x7f.1                 127.0.0.1, a literal
    [2001:DB8::0:7]        [2001:db8::7], a literal

Whether a host can exist is asked only of a strict reading: a canonical form
alone takes whatever Safe Browsing's documents take. `idna` maps a host that
holds other characters and is pinned to one release; the public suffix list
only decides what a report may name. No message repeats the host.
"""

import ipaddress
from re import ASCII
from re import compile as regex
from typing import NamedTuple

import idna

from syncd import tsv
from syncd.errors import MalformedError, RefusedError, becoming
from syncd.indicator import suffixes as suffix_list

MAX_HOST = 253  # bytes
MAX_LABEL = 63  # bytes
DEEP = 6  # labels from which on only the very host is looked up


# What separates text and is in no name that anybody can register: not the
# middle dots of Catalan and Japanese, and not 。．｡, which are dots of hosts.
PUNCTUATION = (
    "\u00a1\u00ab\u00bb\u00bf\u2010-\u2027\u2030-\u205e"
    "\u3001\u3003\u3008-\u3011\u3014-\u301f\u3030\u303d"
    "\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff0d\uff0f\uff1a-\uff20"
    "\uff3b-\uff40\uff5b-\uff60\uff62-\uff65"
)

_UNSAFE = regex(rb"[\x00-\x20\x7f-\xff#%]")
_ESCAPED = regex(rb"[0-9A-Fa-f]{2}", ASCII)
_PORT = regex(rb"[0-9]{0,5}", ASCII)
_DOTS = regex(r"\.\.+")
_NAME = regex(r"[a-z0-9_.-]+", ASCII)
_TOP = regex(r"[a-z]+|xn--[a-z0-9-]+", ASCII)
_NUMBER = regex(r"[0-9]+|0x[0-9a-f]*", ASCII)
_PUNCTUATED = regex(f"[{PUNCTUATION}]")

_LOCAL = tuple(  # someone else's machine in every network
    ipaddress.ip_network(row[0]) for row in tsv.rows("indicator/networks.tsv")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Host(NamedTuple):
    """A host in its one spelling: lower case ASCII; IPv6 in brackets."""

    name: str
    literal: bool  # an IP address


def parse(authority: bytes, *, strict: bool) -> Host:
    """Return the host of `host[:port]`, which holds no user info.

    Raises:
        MalformedError: no host, or one that cannot be; `strict` also refuses
            what no resolver can have: an empty label, a single label, a last
            label that no top-level domain is, other characters.
    """
    if authority.startswith(b"["):
        inside, bracket, port = authority[1:].partition(b"]")
        if not bracket or (port and not port.startswith(b":")):
            raise MalformedError("url: brackets of its IPv6 address are open")
        _check_port(port[1:])
        return Host(_ipv6(inside), literal=True)
    raw, _, port = authority.partition(b":")
    _check_port(port)
    raw = unescaped(raw)
    if any(c in raw for c in b"/\\?@:[]"):
        raise MalformedError("url: host holds an escaped delimiter")
    spelled = _spell(raw, strict=strict)
    name = _DOTS.sub(".", spelled.strip("."))
    if not name:
        raise MalformedError("url: no host")
    if (n := len(name)) > MAX_HOST:
        raise MalformedError(
            "url: host is {n} bytes, at most {most}", n=n, most=MAX_HOST
        )
    labels = name.split(".")
    longest = max(map(len, labels))
    if longest > MAX_LABEL:
        raise MalformedError(
            "url: a label of its host is {n} bytes, at most {most}",
            n=longest,
            most=MAX_LABEL,
        )
    if strict and spelled.removesuffix(".") != name:
        raise MalformedError("url: host has an empty label")
    if _NUMBER.fullmatch(labels[-1]):  # no top-level domain is a number
        return Host(_ipv4(labels), literal=True)
    if strict:
        _check_possible(name, labels)
    return Host(name, literal=False)


def _check_possible(name: str, labels: list[str]) -> None:
    if not _NAME.fullmatch(name):
        raise _strange()
    if len(labels) == 1:
        raise MalformedError(
            "url: host is a single label, which names no site"
        )
    if not _TOP.fullmatch(labels[-1]):
        raise MalformedError("url: host ends in what no top-level domain is")


def _strange() -> MalformedError:
    return MalformedError("url: host holds characters that no domain name has")


def suffixes(host: Host) -> list[str]:
    """Return the hosts to look up: it, then at most four of its suffixes.

    Counted in labels, as Safe Browsing's version 4 does: no list of public
    suffixes, and so no release of one, has a say in it.
    """
    hosts = [host.name]
    if not host.literal:
        labels = host.name.split(".")
        longest = min(DEEP, len(labels)) - 1
        hosts += (".".join(labels[-n:]) for n in range(longest, 1, -1))
    return hosts


def check_reportable(host: Host) -> None:
    """Pass a host that one party has to itself.

    Raises:
        RefusedError: a public suffix, or an address of a local network.
    """
    if host.literal:
        address = ipaddress.ip_address(host.name.strip("[]"))
        for network in _LOCAL:
            if address in network:
                raise RefusedError(
                    "url: address is in {network}: another machine in each"
                    " network",
                    network=network,
                )
    elif suffix_list.is_public(host.name):
        raise RefusedError(
            "url: host is a public suffix, under which strangers have their"
            " own sites"
        )


def _check_port(port: bytes) -> None:
    if not _PORT.fullmatch(port) or int(port or b"0") > 65535:
        raise MalformedError("url: port is no number from 0 to 65535")


def _spell(raw: bytes, *, strict: bool) -> str:
    """Return a name's lower-case ASCII spelling: as is, IDN, or escaped."""
    if raw.isascii():
        # Also what begins with xn--: the data of `idna` has no say in it.
        return escaped(raw.lower())
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return escaped(raw.lower())
    try:
        mapped = idna.uts46_remap(text, std3_rules=False)
        if strict and _PUNCTUATED.search(mapped):
            raise _strange()
        labels = [_label(label) for label in mapped.split(".")]
    except ValueError as e:  # idna's own errors, and some that are not
        raise _strange() from e
    return ".".join(labels)


def _label(label: str) -> str:
    """Return a mapped label's ASCII form (UTS 46 as browsers apply it).

    IDNA 2008's own list of letters is not asked: it excludes emoji, which
    browsers resolve and criminals register. A character that the running
    Python's Unicode does not know has no direction, so `check_bidi` refuses
    it: two Pythons never spell one host in two ways.
    """
    if label.isascii():
        if label and not _NAME.fullmatch(label):
            raise _strange()  # a delimiter came of the mapping
        return label
    idna.check_initial_combiner(label)
    idna.check_bidi(label)
    for position, character in enumerate(label):
        if character in "\u200c\u200d" and not idna.valid_contextj(
            label, position
        ):
            raise _strange()  # an invisible joiner that joins nothing
    encoded = label.encode("punycode").decode()
    if not _NAME.fullmatch(encoded):
        raise _strange()
    return f"xn--{encoded}"


def _ipv4(labels: list[str]) -> str:
    """Return four decimal numbers for what `inet_aton` would read."""
    try:
        *heads, last = map(_number, labels)
        raw = bytes(heads) + last.to_bytes(max(1, 5 - len(labels)))
        return str(ipaddress.IPv4Address(raw))
    except (ValueError, OverflowError):  # no number, or one too large
        raise MalformedError(
            "url: host ends in a number and is no IPv4 address"
        ) from None


def _number(label: str) -> int:
    if not _NUMBER.fullmatch(label):
        raise ValueError
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8 if label.startswith("0") else 10)


def _ipv6(inside: bytes) -> str:
    """Return the RFC 5952 form in brackets, or the IPv4 address it maps."""
    if b"%" in inside:
        raise MalformedError("url: IPv6 address has a zone or an escape")
    with becoming(
        "url: no IPv6 address in its brackets", MalformedError, ValueError
    ):
        address = ipaddress.IPv6Address(inside.decode("ascii"))
    # Both kinds reach an IPv4 machine, and Safe Browsing names it as such.
    if mapped := address.ipv4_mapped:
        return str(mapped)
    if address in _NAT64:
        return str(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return f"[{address}]"


def unescaped(raw: bytes) -> bytes:
    """Undo percent-escapes, as Safe Browsing does, until none is left.

    Two escapes never overlap, so every order of undoing them ends alike;
    but going pass by pass would let "%252525…" cost the square of its length.
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
            and _ESCAPED.fullmatch(done, len(done) - 2)
        ):
            done[-3:] = bytes((int(done[-2:], 16),))
    return bytes(done)


def escaped(raw: bytes) -> str:
    """Escape what a canonical URL bears only escaped, in upper-case hex."""
    return _UNSAFE.sub(lambda m: b"%%%02X" % m[0][0], raw).decode()
