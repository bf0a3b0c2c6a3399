"""`syncd roster never`: the values that are never listed."""

from collections.abc import Iterable
from pathlib import Path

from syncd.cli import terminal
from syncd.cli.command import option
from syncd.cli.drafting import EditOptions
from syncd.cli.options import KINDS, among, values
from syncd.cli.roster_commands import noun
from syncd.errors import Message, SyncdError, UsageError
from syncd.indicator import identifier
from syncd.indicator import never as protected
from syncd.messages.catalogue import t
from syncd.roster import drafts
from syncd.roster.roster import Roster
from syncd.roster.terms import Never

never = noun.noun("never", "Values that are never listed.")


class NeverOptions(EditOptions):
    """Values, which stand on no command line."""

    kind: str = option(KINDS)
    file: Path | None = option(
        "lines of value, or KIND TAB value TAB why; else stdin"
    )

    def rows(self, why: str) -> list[Never]:
        """Read values as `report add` does."""
        lines = values(self.file)
        if self.kind:
            among("--kind", self.kind, identifier.KINDS)
            lines = [f"{self.kind}\t{value}\t{why}" for value in lines]
        return parsed(lines, str(self.file or t("standard input")), why)


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


def parsed(
    lines: Iterable[str], where: str, why: str = "official"
) -> list[Never]:
    """Read `kind TAB value [TAB why [TAB …]]` lines; # begins a comment."""
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        kind, value, reason, *_ = [*line.split("\t"), "", ""]
        try:
            one = protected.row(kind.strip(), value.strip())
        except SyncdError as e:
            raise UsageError(
                "{where}: line {n}: {why}",
                hint=e.way_out
                or Message("say --kind, or write KIND TAB value"),
                where=where,
                n=number,
                why=e,
            ) from e
        reason = reason.strip() or why
        found.append(Never(one.kind, one.value, reason))  # type: ignore[arg-type]
    return found


def read(path: Path) -> list[Never]:
    """Read a file of such lines."""
    lines = terminal.read_file(path).decode("utf-8", "replace").split("\n")
    return parsed(lines, str(path))
