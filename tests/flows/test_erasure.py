"""What may not be erased is refused by name, and nothing is done by halves."""

import pytest

from syncd.errors import RefusedError
from syncd.flows import erasure
from syncd.indicator.absent import Range
from tests.cases import each
from tests.flows.growing import Log
from tests.sample_statements import dispute, erase, retract


@each("flows", "the_rules", "named, stand, gone, why")
def test_the_rules(
    named: list[int], stand: list[int], gone: list[Range], why: object
) -> None:
    log = Log().reports(3)
    log.say(dispute(), retract(0), erase((3, 4)))
    records = {i: log.close(3).records[i] for i in named}
    if isinstance(why, dict):
        found = erasure.checked(log.origin, records, stand, gone)
        assert {str(i): type_ for i, type_ in found.items()} == why
        return
    with pytest.raises(RefusedError, match=str(why)):
        erasure.checked(log.origin, records, stand, gone)
