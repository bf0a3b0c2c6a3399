"""Found an alliance: roster version 1, and shares of its token keys.

    founders' requests ── found ──> draft of version 1, sealed share files

Admins sign the draft where their keys are (`roster.drafts`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from syncd.flows import key_share
from syncd.flows.key_share import DEALT_KINDS
from syncd.oprf import threshold
from syncd.roster import drafts, membership
from syncd.roster.keys import Rng
from syncd.roster.membership import Founding
from syncd.roster.roster import Roster
from syncd.roster.terms import SUITE, Epoch, Kind, Share


class ShareFile(NamedTuple):
    """One share on its way to its holder, sealed to the holder's key."""

    member: str
    kind: str
    epoch: int
    raw: bytes


class Founded(NamedTuple):
    """A new alliance before its first signatures."""

    roster: Roster  # its hash is what members pin
    draft: bytes  # draft file of version 1, for the admins to sign
    shares: tuple[ShareFile, ...]


def found(
    plan: Founding, *, holders: Sequence[str], t: int, now: int, rng: Rng
) -> Founded:
    """Return version 1 and the sealed shares of its token keys, t of n.

    The keys of phone and account are drawn and shared out inside this call;
    only sealed shares and public values leave it, no key is ever returned,
    and the roster says `dealt`: for a moment one process could have known
    them. What Python cannot promise is that nothing is left in its memory:
    scalars are immutable bytes, copied by the interpreter and by libraries,
    and are freed, not overwritten. Run it in a process that ends right after,
    on a machine without swap and core dumps, or hold a ceremony instead.

    Raises:
        MalformedError: a draft that no reader would take: a holder is no
            founder, or there are too few of them.
    """
    draft = membership.found(plan, now=now)
    order = sorted(set(holders))
    dealt = [_deal(kind, order, t, rng) for kind in DEALT_KINDS]
    for epoch, _ in dealt:
        draft = drafts.add_epoch(draft, epoch)
    raw = drafts.write(draft)
    _, roster = drafts.read(raw)  # which now knows the alliance's id
    files = tuple(
        ShareFile(
            epoch.shares[index][0],
            epoch.kind,
            epoch.epoch,
            key_share.seal(roster, epoch, index, share),
        )
        for epoch, shares in dealt
        for index, share in shares.items()
    )
    return Founded(roster, raw, files)


def _deal(
    kind: Kind, holders: Sequence[str], t: int, rng: Rng
) -> tuple[Epoch, Mapping[int, bytes]]:
    """Return the first epoch of a kind, and its secret shares by index."""
    dealt = threshold.deal(t, len(holders), rng)
    epoch = Epoch(
        kind=kind,
        epoch=1,
        normal=1,
        t=t,
        public=dealt.public,
        held=tuple(
            Share(index, member, dealt.public_shares[index])
            for index, member in enumerate(holders, 1)
        ),
        generation=1,
        dealt=True,
        suite=SUITE,
    )
    return epoch, dealt.shares
