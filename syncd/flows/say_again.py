"""Say again, under the newest token key, what of ours stands under an older.

    rows ─ what each said ─ outputs (t holders) ─ the same, under the new key

It is the same statement, written today; reports that it names are named where
they were said again. Both stand until the older epoch is retired, and count
once (`indicator.joined`). A row moves in the append that says it again, so
whatever fails on the way leaves it for the next run.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec.structs import replace

from syncd.errors import SyncdError
from syncd.flows.basis import ClaimSource, claims_on
from syncd.flows.ports import Published, VaultRow
from syncd.flows.publish import Writer
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import token
from syncd.indicator.claims import Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.joined import named, renamed, said
from syncd.indicator.statement import Answer, Dispute
from syncd.roster.terms import ROTATE


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
    epoch = tokeniser.epoch(rows[0].kind)
    stand = await claims.claims_at([r.position for r in rows if r.position])
    work: list[tuple[VaultRow, Claim, Identifier]] = []
    for row in rows:
        claim = stand.get(row.position or ("", 0))
        if claim is None or getattr(claim.statement, "test", False):
            continue  # it has ended, or has done its work
        of = row if row.value else await by_index(*next(named(claim)))
        if of is not None:  # an answer is about a report of ours
            work.append((row, claim, Identifier(row.kind, of.value)))
    outputs, failed = dict[Identifier, bytes](), None
    try:
        await tokeniser.outputs(
            [value for *_, value in work],
            purpose=ROTATE,
            timeout_s=timeout_s,
            done=outputs,
            epoch=epoch.epoch,
        )
    except SyncdError as e:
        failed = e
    shorts = {value: token.token(out) for value, out in outputs.items()}
    keys = [(epoch.kind, epoch.epoch, short) for short in shorts.values()]
    there = {
        (short, said(claim)): claim.position
        for (*_, short), some in (await claims_on(keys, claims)).items()
        for claim in some
    }
    at = await claims.claims_at([p for _, c, _ in work for p in named(c)])
    entries = []  # in no order that tells which is which
    for row, claim, value in sorted(work, key=lambda w: shorts.get(w[2], b"")):
        short = shorts.get(value, b"")
        moved = {  # of what is about another value nobody can tell
            p: there.get((short, said(was)))
            for p in named(claim)
            if (was := at.get(p)) and was.token == claim.token
        }
        if not short or None in moved.values():
            continue
        fields: dict[str, Any] = renamed(claim, moved)
        if getattr(claim.statement, "know", ""):
            know = token.know(outputs[value], writer.key.name)
            fields["know"] = know.hex()
        if not isinstance(claim.statement, Dispute | Answer):
            fields["on"] = today  # of those, the day decides
        fields |= {"epoch": epoch.epoch, "token": token.encode(short)}
        done = Published(row.id, 0, short, epoch.epoch, again=True)
        entries.append((replace(claim.statement, **fields), done))
    if entries:
        await writer.append(entries)
    if failed:
        raise failed
