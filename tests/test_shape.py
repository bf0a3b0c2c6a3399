"""A complaint says where and why, and never what came in."""

import msgspec
import pytest

from syncd import shape


class Form(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    sizes: dict[str, int] = {}


@pytest.mark.parametrize(
    ("raw", "at", "what"),
    [
        (b"\xff", "items[3]", "not JSON in UTF-8"),
        (b"3", "items[3]", "expected object, got int"),
        (b'{"kind":1}', "items[3].kind", "expected str, got int"),
        (b"{}", "items[3]", "object missing required field kind"),
        (b'{"kind":"a","why":1}', "items[3]", "unknown field why"),
        (b'{"kind":"a","13800138000":1}', "items[3]", "an unknown field"),
        (b'{"kind":"a","sizes":{"":""}}', "items[3].sizes[...]", "expected "),
    ],
)
def test_fault(raw: bytes, at: str, what: str) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)) as caught:
        msgspec.json.decode(raw, type=Form)
    found = shape.fault(caught.value, "items[3]")
    assert found[0] == at
    assert found[1].startswith(what)
    assert shape.fault(caught.value)[0] == at.removeprefix("items[3]").lstrip(
        "."
    )
