"""Shape: what is wrong where JSON has not the form of a struct.

Every form of syncd is a msgspec struct, which reads, checks and writes it.
What msgspec lacks is here: its complaints quote the input, which may be
somebody's number, and it stops at the first; nor does it, or tomllib, know the
lines of TOML.
"""

import re
from typing import Any, TypeVar, dataclass_transform

import msgspec
from msgspec import Struct, ValidationError, field

S = TypeVar("S", bound=Struct)

_AT = re.compile(r"(.*) - at (?:`key` in )?`\$(.*)`", re.DOTALL)
_QUOTED = re.compile(r"(?s)(?<=Invalid value ).*|(?<=enum value ).*|'[^']*'")
_UNKNOWN = re.compile(
    r"Object contains unknown field `([a-z_]{1,32})`", re.ASCII
)


class _Frozen(msgspec.StructMeta):
    def __new__(cls, *made: Any, **how: Any) -> Any:
        how = {"frozen": True, "kw_only": True} | how
        return super().__new__(cls, *made, **how)


@dataclass_transform(
    frozen_default=True,
    kw_only_default=True,
    field_specifiers=(field,),
)
class Frozen(Struct, metaclass=_Frozen, frozen=True):
    """A struct that stays as it is, made by the names of its fields."""


class Form(Frozen, forbid_unknown_fields=True):
    """Such a one that is read of nothing with other fields."""


class Secret(Struct, frozen=True):
    """A struct of which no log and no traceback tells what is in it."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


EMPTY: Any = field(default_factory=dict)


def part(form: type[S], of: Struct) -> S:
    """Return what a form has of the fields of a wider one."""
    return form(**{n: getattr(of, n) for n in form.__struct_fields__})


def split(error: ValidationError) -> tuple[str, str]:
    """Return where a form does not fit, as `.a[0].b`, and msgspec's words."""
    match = _AT.fullmatch(str(error))
    return (match[2], match[1]) if match else ("", str(error))


def fault(error: Exception, root: str = "") -> tuple[str, str]:
    """Return where a form does not fit, and why, quoting nothing of it."""
    if not isinstance(error, ValidationError):
        return root, "not JSON in UTF-8"
    at, what = split(error)
    if "unknown field" in what:
        # A name is shown only if it can be none of somebody's.
        named = _UNKNOWN.match(what)
        what = f"unknown field {named[1]}" if named else "an unknown field"
    what = _QUOTED.sub("…", what).replace("`", "")
    what = re.sub(r"\s+", " ", what)[:200]
    return (root + at).lstrip("."), what[:1].lower() + what[1:]


def complaint(error: Exception) -> str:
    """Return a parser's complaint without what it quotes from the payload.

    Whoever writes a raw value where it does not belong must not see it
    copied into other members' findings.
    """
    at, what = fault(error)
    what = "an unknown field" if "unknown field" in what else what
    return f"{what} at {at}" if at else what


def line_of(text: str, section: str, key: str) -> int:
    """Return the line of TOML in which a key or section is, from 1; or 0."""
    here = ""
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(r"\s*\[([^]]*)\]", line):
            here = re.sub("[\"' []", "", header[1])
            if here == ".".join(filter(None, (section, key))):
                return number
        name = line.partition("=")[0].strip().strip("\"'")
        wanted = [key] if here == section else []
        if not here:
            wanted += section, f"{section}.{key}"
        if name and name in wanted:
            return number
    return 0
