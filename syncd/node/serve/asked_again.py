"""Ask again what a look-up could not answer, and tell if it turns out bad.

A payment that was let through because holders were missing is worth a call
while it can be stopped. What was asked waits in memory alone, the newest
`lookups.UNANSWERED` of it for a day: a restart forgets it.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from syncd.errors import SyncdError
from syncd.flows.judge import HITS
from syncd.node.context import Context
from syncd.node.serve.lookups import Lookups, Unanswered

EVERY_S = 300
STEP = 256  # values asked for at once
TIMEOUT_S = 10.0


@dataclass(kw_only=True, eq=False)
class AskedAgain:
    """Goes through what waits."""

    ctx: Context
    lookups: Lookups
    wake: Callable[[], None]  # lets who follows the events look

    def __post_init__(self) -> None:
        self._next = 0  # unix seconds

    async def ask(self) -> None:
        """Ask for some of what waits, if it is time."""
        now, waiting = self.ctx.now(), self.lookups.unanswered
        if now < self._next:
            return
        self._next = now + EVERY_S
        groups: dict[tuple[str, str, str], list[Unanswered]]
        groups = defaultdict(list)
        for _ in range(min(STEP, len(waiting))):
            one = waiting.popleft()
            if one.until > now:
                groups[one.caller, one.purpose, one.reference].append(one)
        for (caller, purpose, reference), some in groups.items():
            try:
                done = await self.lookups.answers(
                    [one.question for one in some],
                    answered_only=True,
                    purpose=purpose,
                    caller=caller,
                    reference=reference,
                    timeout_s=TIMEOUT_S,
                )
            except SyncdError:
                waiting.extend(some)
                raise
            for one, answer in zip(some, done.answers, strict=True):
                found = answer.verdict
                if found and found.verdict == "unknown":
                    waiting.append(one)
                elif found and found.verdict in HITS:
                    origin, index = found.positions[0]
                    data = {
                        "access": one.record,
                        "index": index,
                        "origin": origin,
                        "purpose": purpose,
                    }
                    record = str(one.record)
                    book = self.ctx.own.events
                    await book.now("turned", record, "turned", data)
                    self.wake()
