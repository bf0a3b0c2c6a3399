"""Strict reading of JSON objects: every member known, typed and non-empty.

A reader names the fields that it knows. One that it does not know was
written by a newer syncd (NewerError); one that is missing, of another type or
out of range is malformed (MalformedError). Both name the path: `members[2]
.keys.tls`. What is false or empty is left out, so a spelled-out default is
refused: each value has one spelling.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from syncd.canonical import MAX_INTEGER
from syncd.errors import MalformedError, NewerError
from syncd.tlog import note, strict
from syncd.tlog.key import is_ours
from syncd.tlog.note import VerifierKey

T = TypeVar("T")

CODE = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
HEX32 = re.compile(r"[0-9a-f]{64}", re.ASCII)
# `str.isprintable` would be shorter, but asks the interpreter's Unicode
# tables: two members would take, and refuse, the same roster.
WORDS = re.compile(
    r"(?! )[^\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb]+(?<! )"
)


class Fields:
    """One JSON object being read, and the path that led to it."""

    def __init__(self, value: object, path: str, known: Collection[str]):
        if not isinstance(value, dict):
            raise MalformedError(f"{path}: not an object")
        self._value: dict[str, Any] = value
        self.path = path
        for name in value:
            if name not in known:
                raise newer(self.at(name), "unknown field")

    def __contains__(self, name: str) -> bool:
        return name in self._value

    def at(self, name: str) -> str:
        """Return the path of a field, for messages."""
        return f"{self.path}.{name}"

    def bad(self, name: str, fact: str) -> MalformedError:
        """Return the error that says what is wrong with a field."""
        return MalformedError(f"{self.at(name)}: {fact}")

    def value(self, name: str) -> object:
        """Return a field that must be there."""
        try:
            return self._value[name]
        except KeyError:
            raise self.bad(name, "missing") from None

    def text(self, name: str, pattern: re.Pattern[str]) -> str:
        """Return a string that matches `pattern` from end to end."""
        return text(self.value(name), self.at(name), pattern)

    def text_or_empty(self, name: str, pattern: re.Pattern[str]) -> str:
        """Return a string, or "" if the field is left out."""
        return self.text(name, pattern) if name in self else ""

    def words(self, name: str, most: int = 256) -> str:
        """Return words for people: 1..most printable characters."""
        return words(self.value(name), self.at(name), most)

    def integer(self, name: str, low: int = 0, high: int = MAX_INTEGER) -> int:
        """Return an integer from low to high."""
        return integer(self.value(name), self.at(name), low, high)

    def flag(self, name: str) -> bool:
        """Return whether the field is there; it can only be true."""
        if name not in self:
            return False
        if self.value(name) is not True:
            raise self.bad(name, "must be true, or left out")
        return True

    def choice(self, name: str, among: Collection[str]) -> str:
        """Return one of the codes that this build acts on.

        Raises:
            NewerError: a code, and none that this build knows.
        """
        code = self.text(name, CODE)
        if code not in among:
            raise newer(self.at(name), f"unknown code {code}")
        return code

    def raw32(self, name: str) -> bytes:
        """Return 32 bytes written as hex."""
        return bytes.fromhex(self.text(name, HEX32))

    def base64(self, name: str) -> bytes:
        """Return bytes written as padded base64, in its one spelling."""
        found = self.value(name)
        if not isinstance(found, str):
            raise self.bad(name, "not a string")
        return strict.decode(found, self.at(name))

    def key_name(self, name: str) -> str:
        """Return a name that a key or an origin of ours may bear."""
        found = self.value(name)
        if not isinstance(found, str) or not is_ours(found):
            raise self.bad(name, "not the name of a key or log")
        return found

    def key(self, name: str, algorithms: Collection[int]) -> VerifierKey:
        """Return a verifier key of one of the given types."""
        return vkey(self.value(name), self.at(name), algorithms)

    def fields(self, name: str, known: Collection[str]) -> "Fields":
        """Return the object in a field."""
        return Fields(self.value(name), self.at(name), known)

    def items(
        self,
        name: str,
        read: Callable[[object, str], T],
        *,
        order: Callable[[T], Any] | None = None,
        needed: bool = False,
    ) -> tuple[T, ...]:
        """Return a list's values; `order` makes it a set, sorted by it."""
        if name not in self and not needed:
            return ()
        found = self.value(name)
        if not isinstance(found, list) or not found:
            raise self.bad(name, "not a list with something in it")
        values = tuple(
            read(item, f"{self.at(name)}[{n}]") for n, item in enumerate(found)
        )
        if order is not None:
            _check_sorted([order(v) for v in values], self.at(name))
        return values

    def mapping(self, name: str) -> dict[str, object]:
        """Return an object whose keys are codes, or {} if left out."""
        if name not in self:
            return {}
        found = self.value(name)
        if not isinstance(found, dict) or not found:
            raise self.bad(name, "not an object with something in it")
        for key in found:
            text(key, self.at(name), CODE)
        return found


def filled(**values: Any) -> dict[str, Any]:
    """Return the fields that are neither false nor empty nor zero."""
    return {name: value for name, value in values.items() if value}


def _check_sorted(keys: Iterable[Any], path: str) -> None:
    last: Any = None
    for key in keys:
        if last is not None and not last < key:
            raise MalformedError(f"{path}: not sorted, or with a repeat")
        last = key


def text(value: object, path: str, pattern: re.Pattern[str]) -> str:
    """Return a string that matches `pattern` from end to end."""
    if not isinstance(value, str):
        raise MalformedError(f"{path}: not a string")
    if not pattern.fullmatch(value):
        raise MalformedError(f"{path}: does not match {pattern.pattern}")
    return value


def words(value: object, path: str, most: int = 256) -> str:
    """Return words for people: 1..most visible characters, trimmed."""
    if not isinstance(value, str):
        raise MalformedError(f"{path}: not a string")
    if not 1 <= len(value) <= most:
        raise MalformedError(
            f"{path}: {len(value)} characters, want 1..{most}"
        )
    if not WORDS.fullmatch(value):
        raise MalformedError(f"{path}: not printable, or not trimmed")
    return value


def integer(
    value: object, path: str, low: int = 0, high: int = MAX_INTEGER
) -> int:
    """Return an integer from low to high; true and false are none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedError(f"{path}: not an integer")
    if not low <= value <= high:
        raise MalformedError(f"{path}: {value} is not in {low}..{high}")
    return value


def vkey(value: object, path: str, algorithms: Collection[int]) -> VerifierKey:
    """Return a verifier key whose name and type are ours to use."""
    if not isinstance(value, str):
        raise MalformedError(f"{path}: not a string")
    try:
        key = note.parse_vkey(value)
    except MalformedError as e:
        raise MalformedError(f"{path}: {e}") from e
    if key.algorithm not in algorithms:
        raise MalformedError(f"{path}: key type {key.algorithm:#04x}")
    if not is_ours(key.name):
        raise MalformedError(f"{path}: {key.name[:100]!r} is no name of ours")
    return key


def newer(path: str, fact: str) -> NewerError:
    """Return the error for what only a newer syncd understands."""
    return NewerError(
        f"{path}: {fact}, newer software needed",
        hint="update syncd on this machine",
    )
