"""Ask again what a look-up could not answer, and tell if it turns out bad.

A payment that was let through because holders were missing is worth a call
while it can be stopped. What was asked waits in memory alone, the newest
`lookups.UNANSWERED` of it for a day: a restart forgets it.
"""

from itertools import groupby
from operator import attrgetter

from syncd.errors import SyncdError
from syncd.flows.judge import HITS
from syncd.node.context import Context
from syncd.node.serve.lookups import Lookups

EVERY_S = 300
STEP = 256  # values asked for at once
TIMEOUT_S = 10.0


async def ask(ctx: Context, lookups: Lookups) -> None:
    """Ask for some of what waits, if it is time."""
    now, waiting, book = ctx.now(), lookups.unanswered, ctx.own.events
    turn = "asked_again", str(now // EVERY_S), ""
    if not (waiting and await book.now(*turn)):
        return
    some = [waiting.popleft() for _ in range(min(STEP, len(waiting)))]
    fresh = (one for one in some if one.until > now)
    for how, same in groupby(fresh, key=attrgetter("how")):
        group = [*same]
        try:
            done = await lookups.answers(
                [one.question for one in group],
                answered_only=True,
                timeout_s=TIMEOUT_S,
                **how,
            )
        except SyncdError:
            waiting.extend(group)
            raise
        for one, answer in zip(group, done.answers, strict=True):
            found = answer.verdict
            if found and found.verdict == "unknown":
                waiting.append(one)
            elif found and found.verdict in HITS:
                origin, index = found.positions[0]
                data = {
                    "access": one.record,
                    "index": index,
                    "origin": origin,
                    "purpose": how["purpose"],
                }
                await book.now("turned", str(one.record), "turned", data)
