"""Rows: what a roster is made of, each a msgspec struct with constraints.

The struct says what a field may be, msgspec reads it; `check` then asks each
row what holds between its fields, and that sets are sorted. What is empty is
left out, so each value has one spelling: `read(form, row.to_json()) == row`.
A field or code that this build does not know was written by a newer syncd
(NewerError). Errors name the path: `roster.members[2].keys.tls`.
"""

import re
from abc import ABC
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

import msgspec
from msgspec import Meta

from syncd import shape
from syncd.errors import MalformedError, Message, NewerError
from syncd.tlog import note, strict
from syncd.tlog.key import is_ours
from syncd.tlog.note import VerifierKey

R = TypeVar("R", bound="Row")

HEX32 = re.compile(r"[0-9a-f]{64}", re.ASCII)
# `str.isprintable` would be shorter, but asks the interpreter's Unicode
# tables: two members would take, and refuse, the same roster.
_WORDS = (
    r"^(?! )[^\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb]+(?<! )\Z"
)

Natural = Annotated[int, Meta(ge=0)]  # the largest is canonical JSON's
Positive = Annotated[int, Meta(ge=1)]
Code = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,32}\Z")]
Id = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}\Z")]
AnyCode = Annotated[str, Meta(pattern=r"^[a-z0-9_]{0,32}\Z")]  # "" is none
AnyId = Annotated[str, Meta(pattern=r"^[a-z0-9-]{0,32}\Z")]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Hash = Annotated[str, Meta(pattern=rf"^{HEX32.pattern}\Z")]
Hex64 = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]  # a signature
Words = Annotated[str, Meta(max_length=256, pattern=_WORDS)]  # for people
Name = Annotated[str, Meta(max_length=64, pattern=_WORDS)]
Origin = Annotated[
    str, Meta(max_length=100, pattern=r"^[a-z0-9.-]+(/[a-z0-9._-]+)+\Z")
]


class Base64(bytes):
    """Bytes that JSON has as base64: a certificate, a signature."""


if TYPE_CHECKING:
    Vkey = VerifierKey
    Hex32 = bytes
else:

    class Vkey(ABC):  # noqa: B024  msgspec reads dataclasses as objects
        """A verifier key; in JSON its vkey."""

    Vkey.register(VerifierKey)

    class Hex32(bytes):
        """32 bytes; in JSON hex digits."""


class Row(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One object of a roster."""

    KEY: ClassVar[tuple[str, ...]] = ()  # fields that a set is sorted by
    LISTS: ClassVar[frozenset[str]] = frozenset()  # fields that are no sets

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from the others of its set, which is sorted by it."""
        return tuple(getattr(self, name) for name in self.KEY)

    @property
    def label(self) -> str:
        """What people call it by in its set."""
        return " ".join(str(part) for part in self.key if part != "")

    def flaws(self) -> Iterator[tuple[str, Message]]:
        """Yield a field, and what is wrong with it beside the others."""
        yield from ()

    def to_json(self) -> Any:
        """Return JSON's own values."""
        return plain(self)


def read(form: type[R], value: object, path: str) -> R:
    """Read a row, strictly.

    Raises:
        MalformedError, NewerError: it is none; the message names the path.
    """
    if isinstance(value, Mapping):  # so that a newer form shows as a whole
        for name in value:
            if name not in _fields(form):
                raise newer(f"{path}.{name}", Message("unknown field"))
    try:
        found = msgspec.convert(value, form, dec_hook=_special)
    except msgspec.ValidationError as e:
        raise _error(e, path) from None
    check(found, path)
    if (again := plain(found)) != value:
        at = path + _difference(value, again)
        raise MalformedError(
            "{at}: empty or a default, which is left out", at=at
        )
    return found


def check(row: Row, path: str) -> None:
    """Check what holds inside a row, and inside the rows in it.

    Raises:
        MalformedError: names the path, and what is wrong there.
    """
    for name, (field, _) in _fields(type(row)).items():
        part, at = getattr(row, field), f"{path}.{name}"
        items = part if isinstance(part, tuple) else ()
        if field not in row.LISTS and any(
            not key(before) < key(after) for before, after in pairwise(items)
        ):
            raise MalformedError("{at}: not sorted, or with a repeat", at=at)
        for n, item in enumerate(items):
            if isinstance(item, Row):
                check(item, f"{at}[{n}]")
        if isinstance(part, Row):
            check(part, at)
    for name, fact in row.flaws():
        raise MalformedError(
            "{path}.{name}: {fact}", path=path, name=name, fact=fact
        )


def key(item: Any) -> Any:
    """Return what a set's item is sorted by, and known by."""
    if isinstance(item, Row):
        return item.key
    return str(item) if isinstance(item, VerifierKey) else item


def label(item: Any) -> str:
    """Return what people call a list's item by."""
    if isinstance(item, Row):
        return item.label
    return item.name if isinstance(item, VerifierKey) else str(item)


def parts(value: Any) -> Mapping[str, Any]:
    """Return what stands in a value, by the next word of its path."""
    match value:
        case Row():
            return {
                name: part
                for name, (field, empty) in _fields(type(value)).items()
                if (part := getattr(value, field)) != empty
            }
        case tuple():
            return {label(item): item for item in value}
        case dict():
            return value
        case _:
            return {}


def field(form: type[Row], name: str) -> str:
    """Return the field that JSON calls `name`; KeyError if there is none."""
    return _fields(form)[name][0]


def key_type(
    field: str, key: VerifierKey, *algorithms: int
) -> Iterator[tuple[str, Message]]:
    """Yield that a key is of another type, as `flaws` does."""
    if key.algorithm not in algorithms:
        yield (
            field,
            Message("key type {algorithm:#04x}", key),
        )


def plain(value: Any) -> Any:
    """Return JSON's own values; what is empty is left out."""
    match value:
        case Row() if value.__struct_config__.array_like:
            return [plain(getattr(value, n)) for n in value.__struct_fields__]
        case Row():
            return {name: plain(part) for name, part in parts(value).items()}
        case tuple():
            return [plain(item) for item in value]
        case VerifierKey():
            return str(value)
        case Base64():
            return strict.encode(value)
        case bytes():
            return value.hex()
        case dict():
            return dict(value)
        case _:
            return value


def newer(path: str, fact: Message) -> NewerError:
    """Return the error for what only a newer syncd understands."""
    return NewerError(
        "{path}: {fact}, newer software needed", path=path, fact=fact
    )


@cache
def _fields(form: type[Row]) -> dict[str, tuple[str, Any]]:
    """Return each name in JSON, its field, and what is left out."""
    return {
        f.encode_name: (
            f.name,
            f.default
            if f.default_factory is msgspec.NODEFAULT
            else f.default_factory(),
        )
        for f in msgspec.structs.fields(form)
    }


def _special(form: type, value: object) -> object:
    """Read what msgspec does not know."""
    if not isinstance(value, str):
        raise ValueError("expected str")  # noqa: TRY004  msgspec's protocol
    try:
        return _READERS[form](value)
    except MalformedError as e:
        raise ValueError(str(e).partition(": ")[2]) from e


def _vkey(text: str) -> VerifierKey:
    found = note.parse_vkey(text)
    if not is_ours(found.name):
        raise ValueError(f"no name of ours: {found.name[:100]}")
    return found


def _hex32(text: str) -> bytes:
    if not HEX32.fullmatch(text):
        raise ValueError("expected 64 hex digits in lower case")
    return Hex32.fromhex(text)


_READERS: Mapping[Any, Any] = {
    Vkey: _vkey,
    Hex32: _hex32,
    Base64: lambda text: Base64(strict.decode(text, "base64")),
}

_COMPLAINT = re.compile(
    r"Object contains unknown field `(?P<unknown>.*)`"
    r"|Object missing required field `(?P<missing>.*)`"
    r"|Invalid enum value '(?P<code>[A-Za-z0-9_-]{1,32})'"
    r"|Expected `str` matching regex '(?P<pattern>.*)'"
)


def _error(
    error: msgspec.ValidationError, path: str
) -> MalformedError | NewerError:
    at, what = shape.split(error)
    found = _COMPLAINT.fullmatch(what)
    match found.groupdict() if found else {}:
        case {"unknown": str(name)}:
            return newer(f"{path}{at}.{name}", Message("unknown field"))
        case {"code": str(code)}:
            return newer(path + at, Message("unknown code {code}", code=code))
        case {"missing": str(name)}:
            return MalformedError(
                "{path}{at}.{name}: missing", path=path, at=at, name=name
            )
        case {"pattern": str(pattern)}:
            fact = Message("does not match {pattern}", pattern=pattern)
            if pattern in repr(_WORDS):
                fact = Message("not printable, or not trimmed")
            return MalformedError(
                "{path}{at}: {fact}", path=path, at=at, fact=fact
            )
    return MalformedError(": ".join(shape.fault(error, path)))


def _difference(one: Any, other: Any) -> str:
    """Return the path to what is in one JSON value and not in the other."""
    match one, other:
        case dict(), dict():
            for name in one:
                if name not in other:
                    return f".{name}"
                if found := _difference(one[name], other[name]):
                    return f".{name}{found}"
        case list(), list():
            for n, (a, b) in enumerate(zip(one, other, strict=True)):
                if found := _difference(a, b):
                    return f"[{n}]{found}"
    return ""
