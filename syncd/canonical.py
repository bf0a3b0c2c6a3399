"""Canonical JSON (RFC 8785): one spelling for each value.

syncd's values are objects, lists, strings, integers 0..2^53-1 and booleans,
with ASCII object keys; within that subset sorting keys by code point equals
RFC 8785's sort by UTF-16 unit. Floats, nulls and negative numbers have no
place in anything we sign, so both directions refuse them, as they do what is
nested more than 32 deep: how deep a stack goes differs between machines, and
all must agree. No message holds a value: it may be somebody's number.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar

import msgspec

from syncd.errors import MalformedError

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32  # lists and objects inside one another

_encoder = msgspec.json.Encoder(order="sorted")

S = TypeVar("S")


def dumps(value: object) -> bytes:
    """Return the one spelling of `value`, as UTF-8 bytes.

    Raises:
        MalformedError: `value` holds something that RFC 8785, or we, refuse.
    """
    _check(value, MAX_DEPTH)
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError as e:
        raise MalformedError("json: text holds a lone surrogate") from e
    except TypeError as e:  # a subclass of str or int
        raise MalformedError("json: {why}", why=e) from e


def loads(raw: bytes) -> Any:
    """Read one JSON value; `dumps(loads(raw)) == raw` for all accepted.

    Raises:
        MalformedError: not JSON, or another spelling than the canonical one.
    """
    return _read(raw, Any, dumps)


def load(raw: bytes, form: type[S]) -> S:
    """Read a value of a form; another shape is refused before it is walked.

    The form's own types bound its integers and keys.

    Raises:
        MalformedError: not JSON, not canonical, or of another shape.
    """
    found: S = _read(raw, form, _encoder.encode)
    return found


def _read(raw: bytes, form: Any, spell: Callable[[Any], bytes]) -> Any:
    try:
        value = _decoder_of(form).decode(raw)
        spelling = spell(value)
    except msgspec.ValidationError as e:  # its words quote the value
        raise MalformedError("json: has another shape") from e
    except (msgspec.DecodeError, RecursionError, UnicodeError) as e:
        raise MalformedError("json: {why}", why=e) from e
    if spelling != raw:
        raise MalformedError("json: not in canonical form (RFC 8785)")
    return value


@cache
def _decoder_of(form: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(form)


def _check(value: object, depth: int) -> None:
    match value:
        case bool() | str():
            pass
        case int():
            if not 0 <= value <= MAX_INTEGER:
                raise MalformedError("json: an integer is not in 0..2^53-1")
        case dict() | list() | tuple():
            if not depth:
                raise MalformedError(
                    "json: nested over {most} deep", most=MAX_DEPTH
                )
            items: Iterable[object] = value
            if isinstance(value, dict):
                if not all(isinstance(k, str) and k.isascii() for k in value):
                    raise MalformedError("json: a key is not ASCII text")
                items = value.values()
            for item in items:
                _check(item, depth - 1)
        case _:
            kind = type(value).__name__
            raise MalformedError("json: {kind} has no place here", kind=kind)
