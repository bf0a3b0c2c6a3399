"""Read how each member of the roster is doing, as seen from here."""

from collections.abc import Sequence

from syncd.messages import wire
from syncd.node.context import Context
from syncd.node.follow.peer_choice import SILENT, PeerState
from syncd.node.follow.rounds import Rounds
from syncd.node.serve.shown import shown
from syncd.roster import certificate
from syncd.roster.members import Member
from syncd.web.status_forms import MemberRow, Seen

DAY_S = 86_400


def rows(
    ctx: Context, rounds: Rounds, receipts: Sequence[Seen], size: int
) -> tuple[MemberRow, ...]:
    """Return a row for each member, also for those that were removed.

    Args:
        receipts: of our log, which has `size` entries.
    """
    merged = {receipt.member: receipt.size for receipt in receipts}
    return tuple(
        _row(ctx, rounds, m, max(size - merged.get(m.id, 0), 0))
        for m in ctx.roster.members
    )


def _row(
    ctx: Context, rounds: Rounds, member: Member, lacks: int
) -> MemberRow:
    mine = member.id == ctx.me
    peer = rounds.peer_choice.states.get(member.id) or PeerState()
    ends = certificate.expires(member.certificate) if member.active else None
    return shown(
        MemberRow,
        peer,
        member=member.id,
        sector=member.sector,
        state=_state(member, peer, mine=mine),
        holder=member.id in ctx.roster.holders,
        why=wire.of(peer.why) if peer.why else None,
        offset_s=rounds.our_clock.offset_s(member.id),
        certificate_ends=ends,
        certificate_days=None if ends is None else (ends - ctx.now()) // DAY_S,
        lacks=lacks if member.active and not mine else None,
    )


def _state(member: Member, peer: PeerState, *, mine: bool) -> str:
    if not member.active:
        return "removed"
    if mine:
        return "self"
    if peer.failures:
        return "silent" if peer.failures >= SILENT else "failing"
    return "ok" if peer.last_ok else "unheard"
