"""Ask other members for payloads that a log's source did not give."""

from msgspec.structs import replace

from syncd.errors import (
    BrokenSourceError,
    MalformedError,
    Message,
    StaleError,
    UnavailableError,
)
from syncd.flows import held, merge
from syncd.flows.ports import MirrorHead, Source
from syncd.flows.pull_context import PullContext
from syncd.flows.stretch import open_
from syncd.indicator import absent, codec
from syncd.tlog import tiles
from syncd.tlog.merkle import BUNDLE

FILLED = 16  # bundles whose withheld payloads one pull asks for
FILL_FROM = 4  # sources that it asks for each


async def fill(head: MirrorHead, context: PullContext) -> str:
    """Merge what is mirrored already, asking others for what is withheld.

    Return the name of the last source that had some. With `excuse`, what
    nobody opens counts as erased with a retired epoch: no leaf tells of which
    epoch it is, and those who could tell have erased it themselves.
    """
    named = ""
    while True:
        for n in sorted({index // BUNDLE for index in head.missing})[:FILLED]:
            named = await _bundle(head, n, context) or named
        while context.budget.left:
            old = await context.mirror.head(head.origin)
            if not await merge.stored(old, context):
                break
        before, head = head, await context.mirror.head(head.origin)
        if not context.excuse or head.missing in ((), before.missing):
            return named


async def _bundle(head: MirrorHead, n: int, context: PullContext) -> str:
    """Fill one bundle; return who completed it, "" if nobody could."""
    asked = context.sources[:FILL_FROM]
    answers: list[list[int]] = []
    for source in asked:
        left = await _complete(head, n, source, context)
        if left == []:
            return source.name
        if left:
            answers.append(left)
    if context.excuse and answers and len(answers) == len(asked):
        gone = absent.gone_with_epoch(answers[-1])
        await context.mirror.erase(head.origin, gone)
    return ""


async def _complete(
    head: MirrorHead, n: int, source: Source, context: PullContext
) -> list[int] | None:
    """Take payloads that we lack from a source; return what is left to have.

    None: it had no right answer.
    """
    origin, mirror = head.origin, context.mirror
    mine = await held.copy(mirror, head).stored(n)
    try:
        path = f"payload/{tiles.path(n, mine.width)}"
        (gz,) = await source.files(origin, [path])
        theirs = open_(origin, codec.inflate(gz), mine)
    except (MalformedError, BrokenSourceError) as e:
        why = Message("{member}: {why}", member=source.name, why=e)
        await context.wrong(origin, source, n * BUNDLE, why)
        return None
    except (UnavailableError, ValueError):
        return None
    ours = codec.records(origin, mine)
    joined = [a if a[1] else b for a, b in zip(ours, theirs, strict=True)]
    if joined != ours:
        gz = codec.deflate(joined)
        try:
            await mirror.replace_bundle(origin, replace(mine, gz=gz))
        except StaleError:
            return None
    erased = await mirror.erased(origin)
    return absent.complete(n * BUNDLE, joined, erased=erased)
