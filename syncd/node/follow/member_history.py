"""Keep how each member was seen on each day, as the rounds have seen it.

    heard    it told its heads, or asked us something
    lag      and entries of its were not merged, for a reason
    silent   it did not answer three times in a row; we: nobody answered us
    forked   its log has two histories

A day is as the worst that was seen of it; nobody asked on one that is not
there. What is known of it already is not written.
"""

from collections.abc import Iterator

from syncd.errors import NOTHING, Message
from syncd.node.context import Context
from syncd.node.follow.peer_choice import SILENT
from syncd.node.follow.rounds import Rounds
from syncd.store.history import STATES

HEARD, LAG, NO_ANSWER, FORKED = range(len(STATES))
Seen = tuple[str, int, Message]  # member, its state, and why


async def keep(ctx: Context, rounds: Rounds) -> None:
    """Keep what is news of this day, in one transaction."""
    day = ctx.day
    contested, sizes = await ctx.mirror.contested(), await ctx.mirror.sizes()
    known = {m: state for m, _, state, _ in await ctx.own.history.since(day)}
    news = [
        (member, state, why)
        for member, state, why in _seen(ctx, rounds, contested, sizes)
        if state > known.get(member, -1)
    ]
    if news:
        await ctx.own.history.add(day, news)


def _seen(
    ctx: Context,
    rounds: Rounds,
    contested: frozenset[str],
    sizes: dict[str, tuple[int, int]],
) -> Iterator[Seen]:
    today = ctx.today()
    for member in ctx.roster.active():
        log = rounds.logs.state(member.origin)
        peer = rounds.peer_choice.states.get(member.id)
        if member.origin in contested:
            yield member.id, FORKED, log.why
        elif member.id == ctx.me:
            alone = rounds.contact.cut_off()
            yield member.id, NO_ANSWER if alone else HEARD, alone
        elif peer and peer.failures >= SILENT:
            yield member.id, NO_ANSWER, peer.why
        elif peer and ctx.day_of(peer.heard_at) == today:
            _, merged = sizes.get(member.origin, (0, 0))
            why = log.why if log.known > merged else NOTHING
            yield member.id, LAG if why else HEARD, why
