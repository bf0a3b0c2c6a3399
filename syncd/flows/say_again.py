"""Say again, under the newest token key, what of ours stands under an older.

    rows ─ what each said ─ outputs (t holders) ─ the same, under the new key

It is the same statement, written today; reports that it names are named where
they were said again. Both stand until the older epoch is retired, and count
once (`indicator.joined`). A row moves in the append that says it again, so
whatever fails on the way leaves it for the next run.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from syncd.errors import SyncdError
from syncd.flows.basis import ClaimSource, claims_on
from syncd.flows.ports import Position, Published, VaultRow
from syncd.flows.publish import Writer
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import token
from syncd.indicator.claims import Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.joined import named, renamed, said
from syncd.indicator.statement import Answer, Dispute, Statement
from syncd.roster.terms import ROTATE

_Work = tuple[int, Claim, Identifier]  # row, what it says, of which value


async def say_again(
    rows: Sequence[VaultRow],
    claims: ClaimSource,
    by_index: Callable[[str, int], Awaitable[VaultRow | None]],
    tokeniser: Tokeniser,
    writer: Writer,
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
    stand = await claims.claims_at([r.position for r in rows if r.position])
    work: list[_Work] = []
    for row in rows:
        if claim := stand.get(row.position or ("", 0)):
            # An answer is about a report of ours.
            of = row if row.value else await by_index(*next(named(claim)))
            if of is not None:
                work.append((row.id, claim, Identifier(kind, of.value)))
    outputs, failed = dict[Identifier, bytes](), None
    how: dict[str, Any] = {"epochs": {kind: number}, "timeout_s": timeout_s}
    values = [value for *_, value in work]
    try:
        await tokeniser.outputs(values, purpose=ROTATE, done=outputs, **how)
    except SyncdError as e:
        failed = e
    entries: list[tuple[Statement, Published]] = []
    ready = await _ready(work, outputs, claims, number)
    for id_, claim, moved, output in ready:
        short, fields = token.token(output), renamed(claim, moved)
        if getattr(claim.statement, "know", ""):
            fields["know"] = token.know(output, writer.key.name).hex()
        if not isinstance(claim.statement, Dispute | Answer):
            fields["on"] = today  # of those, the day decides
        fields |= {"epoch": number, "token": token.encode(short)}
        done = Published(id_, 0, short, number, again=True)
        entries.append((replace(claim.statement, **fields), done))
    if entries:
        await writer.append(entries)
    if failed:
        raise failed


async def _ready(
    work: Sequence[_Work],
    outputs: Mapping[Identifier, bytes],
    claims: ClaimSource,
    number: int,
) -> Iterator[tuple[int, Claim, dict[Position, Any], bytes]]:
    """Return what can be said now, and where reports that it names are.

    By token: their order does not tell which is which.
    """
    shorts = {value: token.token(out) for value, out in outputs.items()}
    keys = [(value.kind, number, short) for value, short in shorts.items()]
    there = {
        (short, said(claim)): claim.position
        for (*_, short), some in (await claims_on(keys, claims)).items()
        for claim in some
    }
    at = await claims.claims_at([p for _, c, _ in work for p in named(c)])
    found = (
        (
            *(id_, claim),
            {  # of what is about another value nobody can tell
                p: there.get((shorts[value], said(was)))
                for p in named(claim)
                if (was := at.get(p)) and was.token == claim.token
            },
            outputs[value],
        )
        for id_, claim, value in sorted(
            work, key=lambda w: shorts.get(w[2], b"")
        )
        if value in shorts
    )
    return (one for one in found if None not in one[2].values())
