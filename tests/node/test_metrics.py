"""Metrics: whoever asks gets all of them, whoever else asks just then."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import cast

from syncd.node.serve import status
from syncd.node.serve.metrics import Metrics
from syncd.store.vault import State
from syncd.web import forms

ORIGIN = "bank.example/syncd/txwz/1"


async def nothing() -> None:
    """Wait for nothing."""


class Board:
    """A board of one log, of one member that sent a receipt, or of none."""

    def __init__(
        self,
        *,
        before_logs: Callable[[], Awaitable[object]] = nothing,
        before_vault: Callable[[], Awaitable[object]] = nothing,
        seen: Sequence[forms.Seen] = (),
    ) -> None:
        self._before_logs = before_logs
        self._before_vault = before_vault
        self._seen = seen

    def roster_state(self) -> forms.RosterState:
        return forms.RosterState(version=3, hash="", expires=1, expired=False)

    async def logs(
        self, seen: Mapping[str, forms.Seen]
    ) -> Sequence[forms.LogState]:
        await self._before_logs()
        return [
            forms.LogState(
                member="bank",
                origin=ORIGIN,
                sector="bank",
                mirrored=7,
                merged=7,
                known=7,
                lag=0,
                contested=False,
                missing=0,
            )
        ]

    async def receipts(self) -> Sequence[forms.Seen]:
        return self._seen

    async def vault(self) -> Mapping[tuple[str, State], int]:
        await self._before_vault()
        return {}

    def holders(self) -> Sequence[forms.HolderState]:
        return ()

    def failures(self) -> Mapping[str, int]:
        return {}

    def appending(self) -> str:
        return ""

    def skew_s(self) -> int:
        return 0


async def scrape(metrics: Metrics, board: Board) -> str:
    return (await metrics.scrape(cast(status.Board, board))).decode()


async def test_two_ask_at_once() -> None:
    """Neither finds what the other has not yet written again."""
    metrics = Metrics()
    go = asyncio.Event()
    others: list[asyncio.Task[str]] = []

    async def begin() -> None:
        other = scrape(metrics, Board(before_logs=go.wait))
        others.append(asyncio.create_task(other))
        await asyncio.sleep(0)  # it is in the midst of it

    told = [await scrape(metrics, Board(before_vault=begin))]
    go.set()
    told += [await other for other in others]
    for text in told:
        want = f'syncd_log_entries{{origin="{ORIGIN}",state="merged"}} 7.0'
        assert want in text
    assert len(told) == 2


async def test_who_has_left_is_not_told_of() -> None:
    """A receipt of a member that was removed does not grow old for ever."""
    metrics = Metrics()
    seen = [forms.Seen(member="bank", size=7, at=1)]
    line = 'syncd_receipt_entries{member="bank"} 7.0'
    assert line in await scrape(metrics, Board(seen=seen))
    assert line not in await scrape(metrics, Board())
