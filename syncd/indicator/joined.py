"""What is said of one value under several token keys, as of one.

While a key is being replaced, whoever has a value says of it again, under the
new key, what he said under the old one. That counts once: by where it was
said first, which is where disputes, answers and other reports name it.
"""

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from syncd.indicator.claims import Claim
from syncd.indicator.notation import Position

_NAMED = ("about", "basis")  # the fields that hold positions


def said(claim: Claim) -> Hashable:
    """Return what is the same where a claim is said again."""
    content = claim.statement
    bare = {"epoch": 1, "token": "", "know": "", "on": ""} | dict.fromkeys(
        _NAMED, ()
    )
    fields = {n: bare[n] for n in bare if hasattr(content, n)}
    return claim.origin, replace(content, **fields)


def named(claim: Claim) -> Iterator[Position]:
    """Yield the positions that a claim names."""
    for name in _NAMED:
        yield from getattr(claim.statement, name, ())


def renamed(claim: Claim, moved: Mapping[Position, Any]) -> dict[str, Any]:
    """Return the fields of a claim that name positions, with the new ones."""
    return {
        name: tuple(sorted({moved.get(p, p) for p in places}))
        for name in _NAMED
        if (places := getattr(claim.statement, name, ()))
    }


def joined(groups: Sequence[Sequence[Claim]]) -> Sequence[Claim]:
    """Return the claims on a value under each key, the oldest first, as one.

    What was said under a newer key is as if it had been under the oldest that
    there is anything under, and names what was said there.
    """
    first, *newer = [group for group in groups if group] or [()]
    if not newer:
        return first
    at = {said(claim): claim.position for claim in reversed(first)}
    again = [*itertools.chain.from_iterable(newer)]
    moved = {
        claim.position: at.setdefault(said(claim), claim.position)
        for claim in again
    }
    like, found = first[0].statement, [*first]
    for claim in (c for c in again if moved[c.position] == c.position):
        as_if = renamed(claim, moved)
        as_if |= {"epoch": like.epoch, "token": like.token}
        found.append(
            replace(claim, statement=replace(claim.statement, **as_if))
        )
    return found
