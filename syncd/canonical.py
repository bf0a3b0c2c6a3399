"""Canonical JSON (RFC 8785): one spelling for each value.

syncd's values are objects, lists, strings, integers 0..2^53-1 and booleans,
with ASCII object keys; within that subset sorting keys by code point equals
RFC 8785's sort by UTF-16 unit. Floats, nulls and negative numbers have no
place in anything we sign, so both directions refuse them.
"""

from typing import Any

import msgspec

from syncd.errors import MalformedError

MAX_INTEGER = 2**53 - 1

_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()


def dumps(value: object) -> bytes:
    """Return the one spelling of `value`, as UTF-8 bytes.

    Raises:
        MalformedError: `value` holds something that RFC 8785, or we, refuse.
    """
    _check(value)
    return _encoder.encode(value)


def loads(raw: bytes) -> Any:
    """Read one JSON value; `dumps(loads(raw)) == raw` for all accepted.

    Raises:
        MalformedError: not JSON, or another spelling than the canonical one.
    """
    try:
        value = _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as e:
        raise MalformedError(f"json: {e}") from e
    try:
        again = dumps(value)
    except RecursionError as e:
        raise MalformedError("json: nested too deeply") from e
    if again != raw:
        raise MalformedError("json: not in canonical form (RFC 8785)")
    return value


def _check(value: object) -> None:
    match value:
        case bool() | str():
            pass
        case int():
            if not 0 <= value <= MAX_INTEGER:
                raise MalformedError(f"json: integer {value} out of range")
        case dict():
            for key, item in value.items():
                if not (isinstance(key, str) and key.isascii()):
                    raise MalformedError(f"json: key {key!r} is not ASCII")
                _check(item)
        case list() | tuple():
            for item in value:
                _check(item)
        case _:
            kind = type(value).__name__
            raise MalformedError(f"json: {kind} has no place here")
