"""Entries of our own lists on their way in: from values, or from a file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli import api_client, notices
from syncd.cli.api_client import ApiClient
from syncd.cli.options import Json
from syncd.errors import SyncdError
from syncd.messages import catalogue
from syncd.messages.catalogue import t

if TYPE_CHECKING:
    from syncd.lists.rows import Row, Table, Told

SHOWN = 20  # rows of a file that are told one by one
COUNTED = ("added", "known", "replaced", "refused")
OURS = {  # what a column may be called, beside those of an import
    "why": "why reason 原因 理由 事由",
    "code": "code 提示 提示类型",
    "text": "text remark note 备注 说明",
}


class Kept:
    """What became of the entries that were handed in."""

    def __init__(self, own: ApiClient, type_: str) -> None:
        self._own = own
        self._type = type_
        self.items: list[Mapping[str, Any]] = []  # each with its `row`

    def take(
        self, rows: Sequence[tuple[int, Mapping[str, Any] | SyncdError]]
    ) -> None:
        """Hand in entries by their rows' numbers; those that read."""
        entries = [one for _, one in rows if not isinstance(one, SyncdError)]
        answers: Iterator[Mapping[str, Any]] = iter(())
        if entries:
            wanted = {"type": self._type, "entries": entries}
            done = self._own.post("/v1/own/entries", wanted)
            answers = iter(done["items"])
        for number, one in rows:
            item = (
                _refused(one) if isinstance(one, SyncdError) else next(answers)
            )
            self.items.append({"row": number, **item})

    def show(self, said: Json, most: int) -> int:
        """Show what became of each, of `most` at most; then the counts.

        Returns the exit code.
        """
        states = [item["state"] for item in self.items]
        counts = {name: states.count(name) for name in COUNTED}
        total = t(
            "added {added}, already known {known}, replaced {replaced},"
            " refused {refused}",
            **{name: f"{n:,}" for name, n in counts.items()},
        )
        value = {"items": self.items, **counts}
        said.show(value, chain(self._each(most), [total]))
        return 1 if counts["refused"] else 0

    def _each(self, most: int) -> Iterator[str]:
        """Yield all if they are few, else what a person must see."""
        few = len(self.items) <= most
        told = [
            item
            for item in self.items
            if few or item["state"] == "refused" or item.get("official")
        ]
        for item in told[:most]:
            if item["state"] == "refused":
                problem = api_client.problem(item["problem"])
                yield from notices.refused(item["row"], problem)
            else:
                yield _kept(item)
        if len(told) > most:
            more = len(told) - most
            yield t("{n} more rows: see --json", n=f"{more:,}")


def _refused(error: SyncdError) -> Mapping[str, Any]:
    """Return an outcome as the local API writes it."""
    said = {"status": error.status, "detail": catalogue.of(error)}
    if hint := catalogue.hint_of(error):
        said["hint"] = hint
    return {"state": "refused", "problem": said}


def _kept(item: Mapping[str, Any]) -> str:
    row, id_ = item["row"], item["id"]
    if item["state"] == "known":
        line = t("{n}: known as {id}", n=row, id=id_)
    else:
        line = t("{n}: kept as {id}", n=row, id=id_)
    remarks = []
    if item["state"] == "replaced":
        remarks.append(t("what stood before is history"))
    if item.get("official"):
        remarks.append(t("although an official report lists it"))
    return f"{line} ({'; '.join(remarks)})" if remarks else line


def entries(
    file: Path,
    said: "Told",
    maps: Sequence[str],
    names: Mapping[str, str],
    fields: Mapping[str, Any],
    ours: Mapping[str, Any],
) -> tuple["Table", Callable[["Row"], Mapping[str, Any]]]:
    """Return a file as a table, and what reads an entry from its rows."""
    from syncd.cli import tables

    rows, plan = tables.understood(
        file,
        said,
        maps=[m for m in maps if m.partition("=")[0] not in names],
        constants=fields,
        fields=(*tables.VALUE, "expires"),
    )
    more = tables.named(rows, names, maps)
    header = rows.header or ()
    picked = [header[at] for at in more.values() if isinstance(at, int)]
    unused = [name for name in plan.unused if name not in picked]
    tables.tell_unused(file, unused)

    def read(row: "Row") -> Mapping[str, Any]:
        cells = {n: tables.cell(row, at).strip() for n, at in more.items()}
        if cells.get("code"):
            cells["code"] = _code(cells["code"])
        told = {name: cell for name, cell in cells.items() if cell}
        return {**plan.report(row), **ours, **told}

    return rows, read


def _code(word: str) -> str:
    """Return the code of a note that a cell says, by itself or by a name."""
    from syncd.indicator import vocabulary

    said = word.casefold()
    for one in vocabulary.FACETS["note"].values():
        if said in (one.zh, one.en.casefold()):
            return one.code
    return said
