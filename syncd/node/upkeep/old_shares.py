"""Shares of token keys that newer ones took the place of, and their end.

Whoever has t old shares has the key: they go once the new ones are known to
answer.
"""

from asyncio import to_thread

from syncd.errors import Message, UntrustedError
from syncd.flows.tokenise import Tokeniser
from syncd.indicator.identifier import Identifier
from syncd.node.ceremonies import DIRECTORY, Folder
from syncd.node.context import Context
from syncd.roster.terms import Epoch

LEFT_OUT = Message("left out of a canary")
CANARY = "canary"  # no normal form of anything


async def drop(ctx: Context, tokeniser: Tokeniser) -> None:
    """Drop our shares of older generations and retired keys, and old notes.

    Raises:
        HoldersError: the newest shares do not answer: the older ones stay.
        UntrustedError: they do, but not alike.
    """
    ring, home = ctx.home.ring, ctx.home.path
    await to_thread(Folder(home / DIRECTORY).prune, ctx.now())
    names = await to_thread(ring.names)
    for epoch in sorted(ctx.roster.epochs, key=lambda e: not e.retired):
        ours = f"share-{epoch.kind}-{epoch.epoch}-"
        old = [
            name
            for name in names
            if name.startswith(ours)
            and (int(name.split("-")[3]) < epoch.generation or epoch.retired)
        ]
        if old and not epoch.retired:
            await _try(epoch, tokeniser)
        for name in old:
            await to_thread(ring.drop, name)


async def _try(epoch: Epoch, tokeniser: Tokeniser) -> None:
    """Have the first t holders, and the last, say one canary's output."""
    canary, holders = Identifier(epoch.kind, CANARY), [*epoch.shares]
    said = set[bytes]()
    for quorum in (holders[: epoch.t], holders[-epoch.t :]):
        others = dict.fromkeys({*holders} - {*quorum}, LEFT_OUT)
        until = tokeniser.clock() + 30  # seconds
        outputs, _ = await tokeniser.batch(
            epoch, [canary], "test", until, others
        )
        said.add(outputs[canary])
    if len(said) > 1:
        raise UntrustedError(
            "oprf: {keys}: two quorums answer differently", keys=epoch.label
        )
