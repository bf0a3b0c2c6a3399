"""A member that hears of nobody appends by its operator's word alone."""

import pytest

from syncd.node.publish import append_guard
from tests.alliance import Alliance, as_founded, shared

pytestmark = pytest.mark.slow
alliance = shared(as_founded, scope="function", start=False)


async def test_a_lone_operator_says_so_in_words(alliance: Alliance) -> None:
    """With nobody to be reached nobody's clock is waited for either."""
    police = alliance.police
    await police.start()
    await police.report("url", "http://one.example/")
    head = await police.own.log.head()
    (police.home / append_guard.FILE).write_text(append_guard.words(head))
    await police.grown(2)
    police.node.guard.may_append()
    (found,) = await police.findings("override")
    assert "0 of 3" in str(found.finding.detail)
