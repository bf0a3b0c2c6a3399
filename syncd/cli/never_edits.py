"""`syncd roster never`: the values that are never listed."""

from pathlib import Path

from syncd.cli.command import option
from syncd.cli.drafting import EditOptions
from syncd.cli.options import KINDS, values
from syncd.cli.roster_commands import noun
from syncd.errors import SyncdError, UsageError
from syncd.indicator import never as protected
from syncd.messages.catalogue import t
from syncd.roster import drafts
from syncd.roster.roster import Roster
from syncd.roster.terms import Never

never = noun.noun("never", "Values that are never listed.")


class NeverOptions(EditOptions):
    """Values, which stand on no command line."""

    kind: str = option(KINDS, needed=True)
    file: Path | None = option("values, one a line; else stdin")

    def rows(self, why: str) -> list[Never]:
        """Read values as `report add` does."""
        found = []
        for number, value in enumerate(values(self.file), 1):
            try:
                one = protected.row(self.kind, value)
            except SyncdError as e:
                raise UsageError(
                    "{where}: line {n}: {why}",
                    hint=e.way_out,
                    where=self.file or t("standard input"),
                    n=number,
                    why=e,
                ) from e
            found.append(Never(one.kind, one.value, why))  # type: ignore[arg-type]
        return found


@never.verb("add", "Draft a version in which more is never listed.")
class _Add(NeverOptions):
    why: str = option("emergency, official, …", default="official")

    def change(self, draft: Roster) -> Roster:
        return drafts.put(draft, ("never",), *self.rows(self.why))


@never.verb("default", "Draft a version that has all of our own list.")
class _AddDefault(EditOptions):
    def change(self, draft: Roster) -> Roster:
        there = {n.label for n in draft.never}
        fresh = [row for row in ours() if row.label not in there]
        return drafts.put(draft, ("never",), *fresh)


@never.verb(
    "remove", "Draft a version in which something may be listed again."
)
class _Remove(NeverOptions):
    def change(self, draft: Roster) -> Roster:
        there = {n.label for n in draft.never}
        for number, row in enumerate(self.rows(""), 1):
            if row.label not in there:
                raise UsageError(
                    "line {n}: is not on the never-list", n=number
                )
            draft = drafts.drop(draft, ("never", row.label))
        return draft


def ours() -> list[Never]:
    """Return emergency, official and clearing numbers, big hosts, shorteners."""
    return [
        Never(one.kind, one.value, one.owner.category)  # type: ignore[arg-type]
        for one in protected.default()
    ]
