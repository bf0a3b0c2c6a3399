"""Statements of evidence (type 20): made, tried, and what came of them.

`origin` is a log that forked, `notes` are two checkpoints that it signed:
two of one size, or the larger does not extend the smaller, as the nodes in
`proof` show. Whoever has the roster tries it, and need not trust the accuser.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise

from syncd.errors import ForkError, Message, UnavailableError, UntrustedError
from syncd.flows import pull
from syncd.flows.ports import Source
from syncd.indicator.statement import Evidence
from syncd.roster.roster import Roster
from syncd.tlog import checkpoint, growth

FORK = "fork"


def judge(said: Evidence, roster: Roster) -> Message:
    """Return what a statement proves, and what the roster made of it.

    That is its `code`: cut or ended, so that it moves nothing; or else the state
    of whose log it is: active, until the roster decides.

    Raises:
        SyncdError: it proves nothing.
    """
    found = roster.by_origin(said.origin)
    if said.what != FORK or found is None:
        raise UntrustedError("evidence: {what} of {origin} is no charge", said)
    member, log = found
    signed = [checkpoint.open_(n.encode(), log.log)[0] for n in said.notes]
    old, new = min(signed), max(signed)
    try:
        growth.hold(old, new, [*map(b64decode, said.proof)])
    except ForkError as e:
        cut = any(cut.size >= old.size for cut in log.cuts)
        how = "cut" if cut else member.status
        return Message(
            "{why}: proven; by roster {version} its log is {code}",
            roster,
            why=e,
            code="ended" if member.end(log) else how,
        )
    raise UntrustedError("evidence: proves nothing: one may extend the other")


async def prove(
    origin: str, notes: Iterable[bytes], sources: Sequence[Source]
) -> Evidence | None:
    """Return what convicts a log, None if nobody shows it now.

    If each of its `notes` extends the next smaller one, all are one history.
    """
    found = {checkpoint.read(n): n.decode() for n in notes}
    for old, new in pairwise(sorted(found)):
        plan = growth.compare_plan(old.size, new.size)
        for source in sources:
            try:
                with suppress(UnavailableError):
                    tiles = await pull.hash_tiles(source, origin, plan)
                    growth.compare(old, new, tiles)
                    break
            except ForkError as e:
                return Evidence(
                    what=FORK,
                    origin=origin,
                    notes=(found[old], found[new]),
                    proof=tuple(b64encode(one).decode() for one in e.proof),
                )
    return None
