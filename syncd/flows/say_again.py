"""Say again, under the newest token key, what of ours stands under an older.

    rows ─ what each said ─ outputs (t holders) ─ the same, under the new key

It is the same statement, written today; reports that it names are named where
they were said again. Both stand until the older epoch is retired, and count
once (`indicator.joined`). A row moves in the append that says it again, so
whatever fails on the way leaves it for the next run.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from msgspec.structs import replace

from syncd.flows import publish
from syncd.flows.basis import ClaimSource, claims_on
from syncd.flows.ports import VaultRow
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import token
from syncd.indicator.claims import Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.joined import moved, named, renamed
from syncd.indicator.statement import Answer, Dispute
from syncd.roster.terms import ROTATE

ByIndex = Callable[[str, int], Awaitable[VaultRow | None]]
_Work = tuple[Identifier, VaultRow, Claim, Sequence[Claim]]
"""a value, its row, what that says, and what is said beside it"""


async def say_again(
    rows: Sequence[VaultRow],
    claims: ClaimSource,
    by_index: ByIndex,
    tokeniser: Tokeniser,
    writer: publish.Writer,
    *,
    today: str,
    timeout_s: float,
) -> None:
    """Append what published rows of one kind say.

    What names a report that its author has not said again yet waits for that.

    Raises:
        UnavailableError: too few holders, or no more quota: the rest waits.
        RefusedError: we must not append just now; likewise.
    """
    kind, number = rows[0].kind, tokeniser.epoch(rows[0].kind).epoch
    work = [one async for one in _work(rows, claims, by_index)]
    outputs, failed = await tokeniser.came(
        [value for value, *_ in work],
        purpose=ROTATE,
        timeout_s=timeout_s,
        epochs={kind: number},
    )
    keys = {v: (kind, number, token.token(out)) for v, out in outputs.items()}
    there = await claims_on(keys.values(), claims)
    entries = []
    # By token: their order does not tell which is which.
    ready = (one for one in work if one[0] in keys)
    for value, old, claim, beside in sorted(ready, key=lambda w: keys[w[0]]):
        # Of what is about another value nobody can tell where it is.
        to = moved(beside, there.get(keys[value], ()))
        if not all(to.get(place, place) for place in named(old.fields)):
            continue
        said, fields = claim.statement, renamed(old.fields, to)
        row = replace(old, fields=fields, epoch=number, token=keys[value][2])
        # By the day of a dispute or an answer others are judged.
        on = said.on if isinstance(said, Dispute | Answer) else today
        entries.append(publish.entry(row, outputs[value], writer, on))
    if entries:
        await writer.append(entries)
    if failed:
        raise failed


async def _work(
    rows: Sequence[VaultRow], claims: ClaimSource, by_index: ByIndex
) -> AsyncIterator[_Work]:
    """Yield what is to be said again, as far as we have its value."""
    stood = await claims_on([(r.kind, r.epoch, r.token) for r in rows], claims)
    at = {c.position: (c, some) for some in stood.values() for c in some}
    for row in rows:
        claim, beside = at.get(row.position or ("", 0), (None, ()))
        if claim is None:  # it has ended
            continue
        # An answer is about a report of ours.
        of = row if row.value else await by_index(*next(named(row.fields)))
        if of is not None:
            yield Identifier(row.kind, of.value), row, claim, beside
