"""Seal a holder's share of a token key, and accept it when it arrives.

founding ── seal ──> share file ── accept ──> a share that fits the roster
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from msgspec import Meta

from syncd.errors import MalformedError, UntrustedError
from syncd.oprf import group, threshold
from syncd.roster import row, sealed
from syncd.roster.roster import Roster
from syncd.roster.row import Id, Positive, Row
from syncd.roster.terms import Epoch

SHARE = "share"
DealtKind = Literal["account", "phone"]
DEALT_KINDS = get_args(DealtKind)


class ShareHeader(Row, frozen=True):
    """What a share file says in clear."""

    epoch: Positive
    generation: Positive
    index: Annotated[int, Meta(ge=1, le=255)]
    kind: DealtKind
    member: Id


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a token key that fits the one that the roster pins."""

    kind: str
    epoch: int
    generation: int
    index: int
    secret: bytes = field(repr=False)  # 32 bytes, little-endian


def seal(roster: Roster, epoch: Epoch, index: int, secret: bytes) -> bytes:
    """Return the file that only the holder of that index can open."""
    holder, _ = epoch.shares[index]
    header = ShareHeader(
        *(epoch.epoch, epoch.generation, index),
        epoch.kind,  # type: ignore[arg-type]
        holder,
    )
    to = roster.known(holder).keys.seal
    return sealed.seal(SHARE, roster.id, header.to_json(), secret, to)


def accept(
    raw: bytes, roster: Roster, member: str, seal_private: bytes
) -> Share:
    """Open a share file and check what is in it.

    Raises:
        MalformedError: not a share file.
        UntrustedError: sealed to another key, of another alliance, for
            another member, not of the roster's key, or not the share that
            the roster pins.
    """
    opened, secret = sealed.open_(raw, SHARE, seal_private)
    if opened.alliance != roster.id:
        raise UntrustedError(
            "share: of alliance {alliance}…, not ours",
            alliance=opened.alliance[:16],
        )
    header = row.read(ShareHeader, opened.value, SHARE)
    key = header.kind, header.epoch, header.generation
    epoch = roster.epoch(header.kind, header.epoch)
    if epoch is None or epoch.generation != header.generation:
        raise UntrustedError(
            "share: of {kind} epoch {epoch}, generation {generation}, "
            "which the roster does not have",
            header,
        )
    if (header.member, epoch.index(member)) != (member, header.index):
        raise UntrustedError(
            "share: index {index} for {holder} is not {member}'s",
            header,
            holder=header.member,
            member=member,
        )
    check_epoch(epoch)
    check_share(epoch, header.index, secret)
    return Share(*key, header.index, secret)


def check_epoch(epoch: Epoch) -> None:
    """Check that an epoch's public shares are those of its public key.

    Raises:
        UntrustedError: they are not.
    """
    publics = {index: key for index, (_, key) in epoch.shares.items()}
    try:
        threshold.check_shares(epoch.public, epoch.t, publics)
    except MalformedError as e:
        raise UntrustedError(
            "share: {kind} epoch {epoch} has no proper key", epoch
        ) from e


def check_share(epoch: Epoch, index: int, secret: bytes) -> None:
    """Check that a share is the one that the roster pins at `index`.

    Raises:
        UntrustedError: it is not.
    """
    try:
        public = group.multiply_base(secret)
    except MalformedError as e:
        raise UntrustedError("share: not a scalar") from e
    if public != epoch.shares[index][1]:
        raise UntrustedError(
            "share: {index} of {kind} epoch {epoch} does not fit the "
            "public share in the roster",
            epoch,
            index=index,
        )
