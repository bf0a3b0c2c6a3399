"""Identifiers: kind and normal form of one raw value.

An identifier never leaves the member that has it: it stays in the vault, and
what travels is its token. Its value does not show in `repr`, so that no log
or traceback tells it. How each kind is read is `phone`'s, `url`'s and
`account`'s work; this module only asks the right one. What does not normalise
is a MalformedError, which says why and not what it is; a region that is none, a
UsageError; a URL that a report may not name, a RefusedError.
"""

import re
from dataclasses import dataclass, field

from syncd.errors import MalformedError
from syncd.indicator import account, phone, url

KINDS = ("phone", "url", "account")


@dataclass(frozen=True, slots=True)
class Identifier:
    """What a report or look-up is about; `value` is a secret of ours."""

    kind: str  # one of KINDS
    value: str = field(repr=False)  # normal form, 1 to 256 bytes of ASCII
    notices: tuple[str, ...] = field(default=(), compare=False)
    # codes: what its reader should be told of how it was read

    def __post_init__(self) -> None:
        check_kind(self.kind)
        value = self.value
        if not (
            value.isascii() and value.isprintable() and 0 < len(value) <= 256
        ):
            raise MalformedError(
                "{kind}: a normal form is 1 to {most} printable ASCII "
                "characters, here are {n}",
                self,
                most=256,
                n=len(value),
            )


def check_kind(kind: str) -> None:
    """Pass a kind; what else stands there is not repeated.

    Raises:
        MalformedError: a value that slipped into the wrong column, perhaps.
    """
    if kind not in KINDS:
        raise MalformedError(
            "kind: not one of {kinds}", kinds=", ".join(KINDS)
        )


def for_report(
    kind: str,
    raw: str,
    *,
    region: str = "CN",
    scheme: str = "",
    keep_query: bool = False,
    allow_personal: bool = False,
) -> Identifier:
    """Return the one identifier that a report of `raw` is about.

    `region` reads a phone without country code, `scheme` says what a bare
    account number is; the flags are `url.report_expression`'s.
    """
    check_kind(kind)
    if kind == "phone":
        return Identifier(kind, phone.normalise(raw, region))
    if kind == "account":
        return Identifier(kind, account.normalise(raw, scheme))
    read = url.report_expression(
        raw, keep_query=keep_query, allow_personal=allow_personal
    )
    return Identifier(kind, read.forms[0], read.notices)


def for_lookup(
    kind: str, raw: str, *, region: str = "CN", scheme: str = ""
) -> tuple[Identifier, ...]:
    """Return the identifiers to try for `raw`, most specific first."""
    check_kind(kind)
    notices: tuple[str, ...] = ()
    if kind == "phone":
        forms = phone.candidates(raw, region)
    elif kind == "account":
        forms = account.candidates(raw, scheme)
    else:
        forms, notices = url.expressions(raw)
    return tuple(Identifier(kind, form, notices) for form in forms)


def for_retract(
    kind: str, raw: str, *, region: str = "CN", scheme: str = ""
) -> tuple[Identifier, ...]:
    """Return what `raw` may have been reported as, the usual form first."""
    if kind == "url":
        return tuple(Identifier(kind, f) for f in url.reported_forms(raw))
    return (for_report(kind, raw, region=region, scheme=scheme),)


def parse_normal(kind: str, value: str) -> Identifier:
    """Read what is a normal form already: from a roster, a vault, a cache."""
    check_kind(kind)
    if kind == "phone":
        normal = phone.is_normal(value)
    elif kind == "account":
        normal = account.normalise(value) == value
    else:
        normal = url.is_normal(value)
    if not normal:
        raise MalformedError("{kind}: not in normal form", kind=kind)
    return Identifier(kind, value)


# Values that nobody has, and nobody will be given: a drill reports no other.
RESERVED = {
    # by the plan of North America for fiction, by Ofcom for drama
    "phone": re.compile(r"\+(?:1[2-7]\d\d55501\d\d|447700900\d{3})", re.ASCII),
    "url": re.compile(
        r"[^/?]+\.(?:example|test)/.*", re.ASCII
    ),  # RFC 2606, 6761
    # an issuer of a country 999, which is none's (ISO/IEC 7812-1, ISO 3166-1)
    "account": re.compile(r"card:9999\d{12,15}", re.ASCII),
}


def is_reserved(found: Identifier) -> bool:
    """Tell whether a value is nobody's, by its normal form."""
    return RESERVED[found.kind].fullmatch(found.value) is not None
