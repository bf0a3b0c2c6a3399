"""What is said of one value under several token keys, as of one.

While a key is being replaced, whoever has a value says of it again, under the
new key, what he said under the old one. That counts once: by where it was
said first, which is where disputes, answers and other reports name it.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from syncd import shape
from syncd.indicator import record
from syncd.indicator.claims import Claim
from syncd.indicator.notation import Position
from syncd.indicator.statement import type_of

Moved = Mapping[Position, Position | None]
"""where what is said at a position is said elsewhere, None if it is not"""

_NAMED = ("about", "basis")  # the fields that hold positions


def _said(claim: Claim) -> Hashable:
    """Return what is the same where a claim is said again."""
    kept = record.KEPT[type_of(claim.statement)]
    fields = shape.part(kept, claim.statement)
    nowhere = {name: () for name in _NAMED if hasattr(fields, name)}
    return claim.origin, replace(fields, **nowhere)


def moved(claims: Sequence[Claim], to: Sequence[Claim]) -> Moved:
    """Return where each of the claims is said among others."""
    at = {_said(claim): claim.position for claim in reversed(to)}
    return {claim.position: at.get(_said(claim)) for claim in claims}


def named(said: Struct) -> Iterator[Position]:
    """Yield the positions that a statement, or fields of one, name."""
    for name in _NAMED:
        yield from getattr(said, name, ())


def renamed(said: Any, to: Moved, **fields: object) -> Any:
    """Return a statement, or fields, with what is named where it moved to."""
    names = {
        name: tuple(sorted({to.get(p) or p for p in places}))
        for name in _NAMED
        if (places := getattr(said, name, ()))
    }
    return replace(said, **names, **fields)


def joined(older: Sequence[Claim], newer: Sequence[Claim]) -> Sequence[Claim]:
    """Return the claims on a value under two keys as if under the older."""
    if not (older and newer):
        return older or newer
    to, like = moved(newer, older), older[0].statement
    key = {"epoch": like.epoch, "token": like.token}
    return [
        *older,
        *(
            replace(claim, statement=renamed(claim.statement, to, **key))
            for claim in newer
            if not to[claim.position]
        ),
    ]
