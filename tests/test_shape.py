"""A complaint says where and why, and never what came in."""

import msgspec
import pytest

from syncd import shape
from tests.cases import each


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
