"""What may not be erased is refused by name, and nothing is done by halves."""

import pytest

from syncd.errors import RefusedError
from syncd.flows import erasure
from syncd.indicator.absent import Range
from tests.flows.growing import Log
from tests.sample_statements import dispute, erase, retract


@pytest.mark.parametrize(
    ("named", "stand", "gone", "why"),
    [
        ([0, 4], [], [], {0: 1, 4: 2}),
        ([4], [], [(0, 1, 9)], {4: 2}),  # what it ended went before
        ([4], [], [], "entry 4 took back entry 0, which is still there"),
        ([1, 2], [1, 2], [], "2 of them stand, such as .*:1"),
        ([5], [], [], "entry 5 is of type 18"),
        ([2, 3], [], [], {2: 1}),  # 3 is closed
    ],
)
def test_the_rules(
    named: list[int], stand: list[int], gone: list[Range], why: object
) -> None:
    log = Log().reports(3)
    log.say(dispute(), retract(0), erase((3, 4)))
    records = {i: log.close(3).records[i] for i in named}
    if isinstance(why, dict):
        assert erasure.checked(log.origin, records, stand, gone) == why
        return
    with pytest.raises(RefusedError, match=str(why)):
        erasure.checked(log.origin, records, stand, gone)
