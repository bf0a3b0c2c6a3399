"""Note on our reports that another member took the same value back.

It binds nobody, but who reports should know. A URL's token needs no holder,
so of URLs it is known at once; of phones and accounts once their tokens are.
"""

from collections.abc import Mapping, Sequence

from syncd.flows.ports import VaultRow
from syncd.indicator.claims import REPORT
from syncd.indicator.token import KIND_CODES
from syncd.indicator.vocabulary import ABOUT_THE_VALUE
from syncd.node.context import Context


async def published(ctx: Context, rows: Sequence[VaultRow]) -> None:
    """Note it on phones and accounts that were published just now."""
    keys = dict[tuple[str, int], dict[int, bytes]]()
    for row in rows:
        if row.type == REPORT and row.kind != "url":
            keys.setdefault((row.kind, row.epoch), {})[row.id] = row.token
    for (kind, epoch), tokens in keys.items():
        await note(ctx, kind, epoch, tokens)


async def note(
    ctx: Context, kind: str, epoch: int, tokens: Mapping[int, bytes]
) -> Mapping[int, str]:
    """Return `MEMBER REASON` by row, and keep it: of those that have one.

    `tokens` are of one kind and epoch, by row of the vault.
    """
    found = await ctx.mirror.taken_back(
        [*tokens.values()],
        (KIND_CODES[kind], epoch),
        ABOUT_THE_VALUE,
        ctx.own_origins,
    )
    owner, noted = ctx.roster.owner, dict[int, str]()
    for id_, token in tokens.items():
        if token in found:
            origin, reason = found[token]
            noted[id_] = f"{owner(origin) or origin} {reason}"
    await ctx.own.vault.note_elsewhere(noted)
    return noted
