"""What is handed in keeps to its form."""

from typing import Any

import msgspec
import pytest

from syncd.flows import submission

MARK = {"id": 1, "old_offset": 0, "offset": 9, "row": 1, "prefix": "ab" * 32}
BEGIN = {"name": "a.csv", "size": 9, "file": "ab" * 32}


@pytest.mark.parametrize(
    ("form", "good", "wrong"),
    [
        (submission.ImportMark, MARK, {"offset": -1}),
        (submission.ImportMark, MARK, {"prefix": "ab"}),
        (submission.ImportBegin, BEGIN, {"name": "x" * 257}),
        (submission.ImportBegin, BEGIN, {"path": "/home"}),
        (submission.ImportEnd, {}, {"gone": "drop"}),
    ],
)
def test_a_step_of_an_import(
    form: Any, good: dict[str, Any], wrong: dict[str, Any]
) -> None:
    msgspec.convert(good, form)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**good, **wrong}, form)
