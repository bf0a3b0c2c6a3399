"""Hand in values or a list, row by row, and show what became of each."""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

from msgspec import Struct

from syncd.cli.api_client import ApiClient, problem
from syncd.cli.grid import Item
from syncd.cli.options import MOST, ApiOptions, batches
from syncd.errors import PendingError, SyncdError
from syncd.messages import answers
from syncd.messages.catalogue import later, t

SHOWN = 20  # rows of a file that are printed one by one
KEPT = later("{n}: kept as {id}")
CAME_IN = {
    "pending": later("{n}: waits for a second person, as {id}"),
    "known": later("{n}: known as {id}"),
    "accepted": later("{n}: accepted as {id}"),
}


class HandIn(Struct):
    """Items for a path of the local API, and what became of them."""

    path: str
    name: str  # of the items in the body
    total: str  # template, of how many came to each of `counted`; or none
    counted: Sequence[str]
    most: int = MOST  # items in one call
    fixed: Item = {}  # beside the items
    items: list[Item] = []  # each with its `row`
    unread: dict[int, SyncdError] = {}  # by place

    def take(
        self, own: ApiClient, rows: Sequence[tuple[int, Item | SyncdError]]
    ) -> None:
        """Hand in items by their rows' numbers; those that read."""
        for some in batches([*rows], self.most):
            good = [one for _, one in some if not isinstance(one, SyncdError)]
            outcomes: Iterator[Item] = iter(())
            if good:
                call = {**self.fixed, self.name: good}
                try:
                    outcomes = iter(own.post(self.path, call)["items"])
                except PendingError as e:
                    outcomes = repeat({"state": "pending", "id": e.id})
            for number, one in some:
                if isinstance(one, SyncdError):
                    self.unread[len(self.items)] = one
                    why = {"status": one.status, "detail": str(one)}
                    why |= {"hint": one.hint} if one.hint else {}
                    item: Item = {"state": "refused", "problem": why}
                else:
                    item = next(outcomes)
                self.items.append({"row": number, **item})

    def values(self, args: ApiOptions, raws: list[str], fields: Item) -> int:
        """Hand in values of which all say the same; return the exit code."""
        rows = [{**fields, "value": raw} for raw in raws]
        with args.api() as own:
            self.take(own, [*enumerate(rows, 1)])
        return self.show(args, len(rows))

    def load(self, args: Any, constants: Item, **more: Any) -> int:
        """Hand in all rows of a list, `file` of the options; return the exit code.

        `more` goes to `table_input.understood`.
        """
        from syncd.cli import table_input

        file = args.file
        more = {"fields": (*table_input.VALUE, "expires"), **more}
        rows, plan = table_input.understood(file, args, constants, **more)
        table_input.tell_unused(file, plan.unused)
        with args.api() as own:
            for some in table_input.shown(file, rows, plan.report):
                read = [(o.row.number, o.problem or o.fields) for o in some]
                self.take(own, read)
        table_input.tell_notes(file, rows.notes)
        return self.show(args, SHOWN)

    def show(self, args: ApiOptions, most: int) -> int:
        """Show what became of each, of `most` at most; then the counts.

        Returns the exit code.
        """
        states = [item["state"] for item in self.items]
        counts = {name: states.count(name) for name in self.counted}
        lines = [*self._each(most)]
        if self.total:
            numbers = {name: f"{n:,}" for name, n in counts.items()}
            lines.append(t(self.total, **numbers))
        args.show({"items": self.items, **counts}, lines)
        if "pending" in states:
            return PendingError.exit_code
        return 1 if {"refused", "taken_back"} & {*states} else 0

    def _each(self, most: int) -> Iterator[str]:
        """Yield all if they are few, else what a person must see."""
        few = len(self.items) <= most
        drafts = [
            (at, item)
            for at, item in enumerate(self.items)
            if few or item["state"] == "refused" or item.get("official")
        ]
        for at, item in drafts[:most]:
            if item["state"] == "refused":
                error = self.unread.get(at) or problem(item["problem"])
                yield from answers.refused(item["row"], error)
            elif "id" in item:
                yield _came_in(item)
        if len(drafts) > most:
            yield t("{n} more rows: see --json", n=f"{len(drafts) - most:,}")


def _came_in(item: Item) -> str:
    row, id_ = item["row"], item["id"]
    if item["state"] == "taken_back":
        return t(
            "{n}: not accepted: we took it back as {reason} on {day}"
            " (--again REASON reports it all the same)",
            n=row,
            reason=item["reason"],
            day=item["on"],
        )
    line = t(CAME_IN.get(item["state"], KEPT), n=row, id=id_)
    if elsewhere := item.get("elsewhere", ""):
        member, _, reason = elsewhere.rpartition(" ")
        line += t(
            "; {member} took it back as {reason}", member=member, reason=reason
        )
    remarks = [answers.notices(item)]
    if item["state"] == "replaced":
        remarks.append(t("what stood before is history"))
    if item.get("official"):
        remarks.append(t("although an official report lists it"))
    remark = "; ".join(filter(None, remarks))
    return f"{line} ({remark})" if remark else line
