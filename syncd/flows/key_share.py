"""A holder's share of a token key, and whether the roster pins it."""

from dataclasses import dataclass, field

from syncd.errors import MalformedError, UntrustedError
from syncd.oprf import group
from syncd.roster.terms import Epoch


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a token key that fits the one that the roster pins."""

    kind: str
    epoch: int
    generation: int
    index: int
    secret: bytes = field(repr=False)  # 32 bytes, little-endian


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
