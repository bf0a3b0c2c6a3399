"""The changes that a draft makes, for whoever signs it.

Every difference is named, down to the smallest part that differs, by the
path that `drafts.put` would take.
"""

from typing import Any, NamedTuple

from syncd.roster import row
from syncd.roster.roster import Roster


class Change(NamedTuple):
    """One difference between two versions: where, and both JSON values."""

    path: tuple[str, ...]  # names in JSON and labels of a list's rows
    old: Any  # None: was not there
    new: Any  # None: is not there any more


def between(current: Roster, draft: Roster) -> list[Change]:
    """Return what the draft changes."""
    return [
        change
        for change in _differences((), current, draft)
        if change.path[0] not in {"id", "version", "previous", "issued"}
    ]


def _differences(path: tuple[str, ...], old: Any, new: Any) -> list[Change]:
    if old == new:
        return []
    before, after = row.parts(old), row.parts(new)
    both = old is not None and new is not None
    if before == after or not (both or isinstance(old or new, tuple)):
        return [Change(path, row.plain(old), row.plain(new))]
    return [
        change
        for part in sorted({*before, *after})
        for change in _differences(
            (*path, part), before.get(part), after.get(part)
        )
    ]
