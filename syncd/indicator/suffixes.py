"""Suffixes: which part of a host somebody registered, and what exists at all.

All of it is read from the installed public suffix list, and a newer one is
welcome: it decides what is refused and protected, never a token.
"""

import functools

from publicsuffixlist import PublicSuffixList

from syncd.errors import MalformedError

# Names that stand in examples, tests and drills (RFC 2606, RFC 6761): no
# resolver answers for them, and a report about one harms nobody. The others
# of these RFCs (.invalid, .localhost) and .local name no site of anybody's.
DOCUMENTATION = frozenset({"example", "test"})


_list = functools.cache(PublicSuffixList)  # read when it is asked


def is_address(host: str) -> bool:
    """Tell whether a canonical host is an IP address."""
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


def registrable(host: str) -> str:
    """Return what was registered with a registry: the site of a host.

    A public suffix of the ICANN section and an address are their own.
    """
    if is_address(host):
        return host
    return _list(only_icann=True).privatesuffix(host) or host


def private(host: str) -> str:
    """Return the host's suffix by the list's private section, or "".

    It is whatever the owner of a registrable domain lets strangers have
    names under: github.io, s3.amazonaws.com.
    """
    suffix: str = _list().publicsuffix(host) or ""
    return (
        "" if suffix == _list(only_icann=True).publicsuffix(host) else suffix
    )


def is_public(host: str) -> bool:
    """Tell whether strangers register names directly under a host.

    By both sections; so they do under a top-level domain that neither knows.
    """
    return _list().privatesuffix(host) is None


def check(host: str) -> None:
    """Pass a host that a resolver may know; its end is not repeated.

    Raises:
        MalformedError: no top-level domain of the list, so no site at all.
    """
    if not (is_address(host) or _top_level(host.rpartition(".")[2])):
        raise MalformedError(
            "url: its host ends in no top-level domain that exists"
        )


@functools.lru_cache(4096)
def _top_level(label: str) -> bool:
    if label in DOCUMENTATION:
        return True
    # Asked of a name below it: a wildcard rule (*.ck) has no rule for itself.
    return (
        _list(only_icann=True).publicsuffix(f"x.{label}", accept_unknown=False)
        is not None
    )
