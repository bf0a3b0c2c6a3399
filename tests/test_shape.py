"""A complaint says where and why, and never what came in."""

from typing import Literal

import msgspec
import pytest

from syncd import shape
from tests.cases import each, tried


class Form(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    sizes: dict[str, int] = {}


@each("shape", "fault", "raw, at, what")
def test_fault(raw: str, at: str, what: str) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)) as caught:
        msgspec.json.decode(raw.encode("latin-1"), type=Form)
    found = shape.fault(caught.value, "items[3]")
    assert found[0] == at
    assert found[1].startswith(what)
    assert shape.fault(caught.value)[0] == at.removeprefix("items[3]").lstrip(
        "."
    )


class Coded(msgspec.Struct):
    code: Literal["a", 1]


@tried("value", ["138", "'138", "'138\"", "a'138'c", 1380])
def test_no_value_is_quoted(value: str | int) -> None:
    """Whatever quotes there are in it, and if it is a number."""
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"code": value}, Coded)
    assert "138" in str(caught.value)
    for said in (shape.fault(caught.value)[1], shape.complaint(caught.value)):
        assert "138" not in said
