"""Switch our mirror of a forked log to the branch that the roster chose.

A roster pins points (size, root) that a log goes through: cuts, and its end.
The last of them says it all. Who holds that branch goes on with it; who holds
another one drops what is beyond the common prefix and fetches the chosen
one, once a source has shown that there is one. Beyond the end nobody holds
anything. No signature is needed for a pin: a stolen key can neither choose
nor prolong nor freeze.

    ours goes through the pin       uncontested, if that settles the fork
    ours is shorter                 pulled up to the pin, then on as usual
    ours is another branch          contested, a finding; cut back, pulled
"""

from collections import Counter
from collections.abc import Sequence

from syncd.errors import (
    NOTHING,
    BrokenSourceError,
    ForkError,
    MalformedError,
    Message,
    UnavailableError,
)
from syncd.flows import held, pull
from syncd.flows.merge import PullContext
from syncd.flows.ports import Finding, Mirror, MirrorHead, Source
from syncd.roster.members import Cut
from syncd.tlog import checkpoint, growth, merkle
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE, Frontier


async def decide(
    origin: str,
    pin: Cut,
    context: PullContext,
    *,
    ended: bool,
    signed: Sequence[bytes],
) -> Message:
    """Hold the branch that goes through the pin; return why not, or "".

    `pin` is the last of the roster's cuts, or its end if it has `ended`:
    then nothing after it counts. `signed` is what our own keys cosigned of
    this log: evidence, if it is of another branch.

    Raises:
        UnavailableError: no source has the chosen branch.
        StaleError: the mirror moved meanwhile.
    """
    mirror = context.mirror
    chosen = Checkpoint(origin, pin.size, pin.root)
    head = await mirror.head(origin)
    astray = head.contested
    if pin.size <= head.mirrored:
        astray = await held.copy(mirror, head).root_at(pin.size) != pin.root
        if astray and not head.contested:
            head = await _contest(mirror, head, pin)
    common = most = min(head.mirrored, pin.size)
    if astray:
        common = await _common(chosen, head, context.sources, mirror)
    ours = common == most  # is the chosen branch
    keep = common
    if ours and not ended:
        keep = head.mirrored
        if why := await _undecided(mirror, head, pin):
            return why
    if keep < head.mirrored or head.contested:
        rejected = await _rejected(mirror, head, keep, signed, ours=ours)
        await mirror.decide(head, keep, rejected)
    try:
        await pull.pull_to(chosen, b"", context)
    except ForkError:  # of a pin that is ahead of us: ours is not its branch
        await _contest(mirror, await mirror.head(origin), pin)
        return Message("the roster cuts it at {size}, on another branch", pin)
    return NOTHING


async def _contest(mirror: Mirror, head: MirrorHead, pin: Cut) -> MirrorHead:
    """Say that we hold what the roster does not count."""
    notes = [head.note, *(await mirror.notes(head.origin)).values()]
    await mirror.contest(
        head.origin,
        [raw for raw in notes if raw],
        Finding(
            "cut",
            head.origin,
            None,
            Message("the roster has another root at size {size} than we", pin),
        ),
    )
    return await mirror.head(head.origin)


async def _undecided(mirror: Mirror, head: MirrorHead, pin: Cut) -> Message:
    """Return why the pin does not decide our fork, if there is one."""
    at = await _contradicted(mirror, head) if head.contested else 0
    if at <= pin.size:
        return NOTHING
    return Message(
        "the roster's cut at {size} does not decide: two histories are proven"
        " at {index}",
        pin,
        index=at,
    )


async def _contradicted(mirror: Mirror, head: MirrorHead) -> int:
    """Return the size at which a fork is proven, at most; 0 if none is.

    A note above what we mirror was found not to extend it; two of one size
    contradict each other there, and perhaps not before.
    """
    found = {
        checkpoint.read(raw) for raw in await mirror.evidence(head.origin)
    }
    same = Counter(one.size for one in found)
    ours = held.copy(mirror, head)
    at = 0
    for one in found:
        if one.size > head.mirrored:
            at = max(at, one.size if same[one.size] > 1 else head.mirrored)
        elif await ours.root_at(one.size) != one.root:
            at = max(at, one.size)
    return at


async def _rejected(
    mirror: Mirror,
    head: MirrorHead,
    keep: int,
    signed: Sequence[bytes],
    *,
    ours: bool,
) -> list[bytes]:
    """Return the notes that are not of the branch that is left.

    If `ours` is the chosen branch those of others, else those of ours; and
    all beyond its end. What is above both of them nobody has shown yet.
    """
    kept = (await mirror.notes(head.origin)).values()
    root_at = held.copy(mirror, head).root_at
    found = []
    evidence = await mirror.evidence(head.origin)
    for raw in dict.fromkeys([head.note, *kept, *signed, *evidence]):
        if not raw:
            continue
        one = checkpoint.read(raw)
        is_ours = one.size <= head.mirrored and (
            await root_at(one.size) == one.root
        )
        if one.size > keep if is_ours else ours:
            found.append(raw)
    return found


async def _common(
    chosen: Checkpoint,
    head: MirrorHead,
    sources: Sequence[Source],
    mirror: Mirror,
) -> int:
    """Return how many of our entries the chosen branch begins with.

    Raises:
        UnavailableError: no source has that branch.
    """
    why = UnavailableError(
        "log: {origin}: nobody has shown the branch of size {size} "
        "that the roster chose",
        chosen,
    )
    for source in sources:
        try:
            return await _shown(chosen, head, source, mirror)
        except (UnavailableError, MalformedError) as e:
            # It may hold the other branch, as we do: that is no lie.
            why.__cause__ = e
    raise why


async def _shown(
    chosen: Checkpoint, head: MirrorHead, source: Source, mirror: Mirror
) -> int:
    origin, size = chosen.origin, chosen.size
    tail = await pull.leaves(source, origin, *divmod(size, BUNDLE))
    fetched = await pull.hash_tiles(source, origin, growth.plan(0, size).tiles)
    theirs = growth.bundle_roots(Frontier.EMPTY, chosen, fetched, tail)
    both = min(len(theirs), head.mirrored // BUNDLE)
    ours = await mirror.roots(origin, 0, both)
    n = next((i for i in range(both) if ours[i] != theirs[i]), both)
    if n < len(theirs):
        tail = await pull.leaves(source, origin, n, BUNDLE)
        if merkle.root(tail) != theirs[n]:
            raise BrokenSourceError(
                "{member}: bundle {n} has no root", member=source.name, n=n
            )
    mine = await held.copy(mirror, head).leaf_hashes(n)
    for i, (a, b) in enumerate(zip(mine, tail, strict=False)):
        if a != b:
            return n * BUNDLE + i
    return n * BUNDLE + min(len(mine), len(tail))
