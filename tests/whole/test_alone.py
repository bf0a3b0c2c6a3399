"""A member that hears of nobody appends by its operator's word alone."""

from pathlib import Path

import pytest

from syncd.node.publish import override
from tests.alliance import Alliance, until

pytestmark = pytest.mark.slow


async def test_a_lone_operator_says_so_in_words(tmp_path: Path) -> None:
    """With nobody to be reached nobody's clock is waited for either."""
    async with Alliance.found(tmp_path, start=False) as alliance:
        police = alliance.police
        await police.start()
        await police.report("url", "http://one.example/")
        head = await police.node.home.own.log.head()
        (police.home / override.FILE).write_text(override.words(head))

        async def published() -> bool:
            return await police.size() > 1

        await until(published)
        police.node.guard.may_append()
        (found,) = await police.findings("override")
        assert "0 of 3" in str(found.finding.detail)
