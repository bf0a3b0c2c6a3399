"""The never-list by token: each report on it is an alarm, once."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from syncd.errors import UnavailableError
from syncd.flows.ports import Finding
from syncd.indicator.claims import Claim
from syncd.node.never import NeverList

TOKEN = b"t" * 16
ORIGIN = "bank.example/syncd/txwz/1"


class Mirror:
    """One token, with some claims on it."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._claims = claims

    async def claims(
        self, tokens: Sequence[bytes], kind: int, epoch: int
    ) -> Mapping[bytes, Sequence[Claim]]:
        return {TOKEN: self._claims}


def claim(index: int, **other: Any) -> Claim:
    return Claim(
        origin=ORIGIN,
        index=index,
        type=1,
        kind=1,
        epoch=1,
        token=TOKEN,
        on=20_000,
        **other,
    )


async def test_many_reports_are_one_alarm() -> None:
    """One write, not one for each; and again if it could not be written."""
    told: list[tuple[Finding, ...]] = []
    full = True

    async def report(*findings: Finding) -> None:
        if full:
            raise UnavailableError("own.db: database or disk is full")
        told.append(findings)

    never = NeverList(
        roster=cast(Any, None),
        tokeniser=cast(Any, None),
        mirror=cast(Any, Mirror([claim(1), claim(2), claim(3, test=True)])),
        report=report,
    )
    never.listed = frozenset({("phone", 1, TOKEN)})
    with pytest.raises(UnavailableError):
        await never.check()
    full = False
    await never.check()
    await never.check()
    (findings,) = told
    assert [found.index for found in findings] == [1, 2]
