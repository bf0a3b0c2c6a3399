"""`syncd own`: lists of our own, which no other member ever sees.

Exempt entries (not to be acted on here) and notes (remarks on an answer).
As in `syncd report`, values never stand on the command line.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli import api_client, grid, notices, terminal
from syncd.cli.api_client import ApiClient
from syncd.cli.command import Noun, argument, option
from syncd.cli.lookup_client import moment
from syncd.cli.options import (
    KINDS,
    ApiOptions,
    FormatOptions,
    KindOptions,
    OutputOptions,
    PageOptions,
    ValueOptions,
    batches,
    check_given,
    is_table,
    not_given,
)
from syncd.errors import RefusedError, SyncdError, UsageError
from syncd.messages import catalogue
from syncd.messages.catalogue import later, t

if TYPE_CHECKING:
    from syncd.cli.table_input import Entries
    from syncd.lists.rows import Row, Table

HEAD = (
    *("id", "type", "kind", "state", "by", "kept", "until"),
    *("what", "why", "value"),
)

SHOWN = 20  # rows of a file that are printed one by one
COUNTED = ("added", "known", "replaced", "refused")
OURS = {  # what a column may be called, beside those of an import
    "why": "why reason 原因 理由 事由",
    "code": "code 提示 提示类型",
    "text": "text remark note 备注 说明",
}

noun = Noun()


class EntryOptions(KindOptions, ApiOptions):
    """An entry of our own lists."""

    why: str = option("our reason; it is kept")
    until: str = option("first day on which it counts no more")


class _ExemptOptions(ValueOptions, EntryOptions):
    pass


@noun.verb(
    "exempt",
    "Exempt values from being acted on here: from standard input, one a line,"
    " from a file, or asked for.",
)
def _exempt(args: _ExemptOptions) -> int:
    return _keep(args, "exempt", {}, "kind")


class _NoteOptions(_ExemptOptions):
    code: str = option("shared_host, gateway, own_customer_line, other")
    text: str = option("what the note says")


@noun.verb(
    "note",
    "Keep a remark on values: from standard input, one a line, from a file, or"
    " asked for.",
)
def _note(args: _NoteOptions) -> int:
    code = args.code or (args.text and "other")
    remark = {"code": code, "text": args.text}
    more = {name: text for name, text in remark.items() if text}
    return _keep(args, "note", more, "kind", "code")


def _keep(
    args: _ExemptOptions, type_: str, more: Mapping[str, str], *needed: str
) -> int:
    """Keep values as entries of a type; return the exit code."""
    fields = {**args.named, **args.given("why", expires="until"), **more}
    check_given(fields, *needed)
    if args.file and is_table(args.file):
        way = f"syncd own load {args.file} --type {type_}"
        raise UsageError(
            "{path}: is a table, not values one a line",
            hint="say {ways}",
            path=args.file,
            ways=way,
        )
    raws = args.values()
    with args.api() as own:
        done = Kept(own, type=type_)
        rows = [{**fields, "value": raw} for raw in raws]
        for some in batches([*enumerate(rows, 1)]):
            done.take(some)
    return done.show(args, len(raws))


class Kept:
    """What became of the entries that were handed in."""

    path = "/v1/own/entries"
    name = "entries"  # of the items in the body
    counted: Sequence[str] = COUNTED
    total = later(
        "added {added}, already known {known}, replaced {replaced},"
        " refused {refused}"
    )

    def __init__(self, own: ApiClient, **fixed: str) -> None:
        self._own = own
        self._fixed = fixed  # beside the items
        self.items: list[Mapping[str, Any]] = []  # each with its `row`

    def take(
        self, rows: Sequence[tuple[int, Mapping[str, Any] | SyncdError]]
    ) -> None:
        """Hand in entries by their rows' numbers; those that read."""
        entries = [one for _, one in rows if not isinstance(one, SyncdError)]
        answers: Iterator[Mapping[str, Any]] = iter(())
        if entries:
            wanted = {**self._fixed, self.name: entries}
            done = self._own.post(self.path, wanted)
            answers = iter(done["items"])
        for number, one in rows:
            item = (
                _refused(one) if isinstance(one, SyncdError) else next(answers)
            )
            self.items.append({"row": number, **item})

    def load(
        self,
        args: OutputOptions,
        file: Path,
        rows: "Table",
        read: Callable[["Row"], Mapping[str, Any]],
    ) -> int:
        """Hand in the rows of a table; return the exit code."""
        from syncd.cli import table_input
        from syncd.cli.importing.meter import meter

        with meter(file.name, rows.span) as at:
            for some in table_input.steps(rows, read):
                given = [(o.row.number, o.problem or o.fields) for o in some]
                self.take(given)
                last = some[-1].row
                at(min(last.end, rows.span), last.number)
        table_input.tell_notes(file, rows.notes)
        return self.show(args, SHOWN)

    def show(self, args: OutputOptions, most: int) -> int:
        """Show what became of each, of `most` at most; then the counts.

        Returns the exit code.
        """
        states = [item["state"] for item in self.items]
        counts = {name: states.count(name) for name in self.counted}
        shown = {name: f"{n:,}" for name, n in counts.items()}
        total = t(self.total, **shown)
        value = {"items": self.items, **counts}
        args.show(value, chain(self._each(most), [total]))
        return 1 if counts["refused"] else 0

    def _each(self, most: int) -> Iterator[str]:
        """Yield all if they are few, else what a person must see."""
        few = len(self.items) <= most
        drafts = [
            item
            for item in self.items
            if few or item["state"] == "refused" or item.get("official")
        ]
        for item in drafts[:most]:
            if item["state"] == "refused":
                problem = api_client.problem(item["problem"])
                yield from notices.refused(item["row"], problem)
            elif "id" in item:
                yield _kept(item)
        if len(drafts) > most:
            more = len(drafts) - most
            yield t("{n} more rows: see --json", n=f"{more:,}")


def _refused(error: SyncdError) -> Mapping[str, Any]:
    """Return an outcome as the local API writes it."""
    problem = {"status": error.status, "detail": catalogue.of(error)}
    if hint := catalogue.hint_of(error):
        problem["hint"] = hint
    return {"state": "refused", "problem": problem}


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


class _LoadOptions(FormatOptions, EntryOptions):
    file: Path = argument()
    type_: str = option("exempt, note")
    kind: str = option("for rows that do not say it")
    code: str = option("shared_host, gateway, own_customer_line, other")
    text: str = option("what the note says")


@noun.verb(
    "load",
    "Keep all rows of a CSV, TSV, TXT, NDJSON or XLSX file as exempt entries or"
    " notes.",
)
def _load(args: _LoadOptions) -> int:
    if args.type_ not in ("exempt", "note"):
        raise not_given("type", "--type exempt, note")
    if args.type_ == "exempt" and (args.code or args.text):
        raise UsageError("--code and --text are a note's")
    rows, read = _entries(args)
    with args.api() as own:
        return Kept(own, type=args.type_).load(args, args.file, rows, read)


def _entries(args: _LoadOptions) -> "Entries":
    """Return a file as a table, and what reads an entry from its rows."""
    from syncd.cli import table_input

    names = OURS if args.type_ == "note" else {"why": OURS["why"]}
    return table_input.entries(
        args.file,
        args,
        constants={**args.named, **args.given(expires="until")},
        more=names,
        given=args.given("why", "code", "text"),
        means={"code": partial(code_of, "note")},
    )


def code_of(facet: str, word: str) -> str:
    """Return the code that a cell says, by itself or by a name."""
    from syncd.indicator import vocabulary

    folded = word.casefold()
    for one in vocabulary.FACETS[facet].values():
        if folded in (one.zh, one.en.casefold()):
            return one.code
    return folded


class _RemoveOptions(ValueOptions, KindOptions, ApiOptions):
    id_: list[int] = option("of the entry")
    kind: str = option("of values on standard input")
    list_: str = option("a local list, all of it")
    type_: str = option("exempt, note, local")
    why: str = option("our reason; it is kept")
    yes: bool = option("do not ask")


@noun.verb(
    "remove",
    "Remove entries of ours: by id, by value, or a local list whole; they stay"
    " as history.",
)
def _remove(args: _RemoveOptions) -> int:
    if sum(map(bool, (args.id_, args.kind, args.list_))) != 1:
        raise UsageError("name one of --id, --kind with values, --list")
    with args.api() as own:
        calls: list[dict[str, Any]]
        if args.id_:
            calls = [{"ids": args.id_}]
            question = t("Remove {n} entries? [y/N] ", n=len(args.id_))
        elif args.list_:
            calls = [{"list": args.list_}]
            there = own.post("/v1/own/loads", calls[0])["entries"]
            question = t(
                "Remove all {n} entries of the list {name}? [y/N] ",
                n=f"{there:,}",
                name=args.list_,
            )
        else:
            calls = [{**args.named, "value": v} for v in args.values()]
            question = t(
                "Remove what we keep on {n} values? [y/N] ", n=len(calls)
            )
        if not (args.yes or terminal.agreed(question)):
            raise RefusedError("nothing was removed")
        more = args.given("type_", "why")
        counts = [
            own.post("/v1/own/removals", {**more, **call})["removed"]
            for call in calls
        ]
    empty = [number for number, n in enumerate(counts, 1) if not n]
    lines = [t("removed {n} entries", n=f"{sum(counts):,}")]
    lines += [
        t("{n}: nothing of ours stands there", n=number)
        for number in empty
        if len(counts) > 1
    ]
    args.show({"removed": sum(counts), "nothing_on": empty}, lines)
    return 1 if empty else 0


class _ListOptions(PageOptions):
    type_: str = option("exempt, note, local")
    list_: str = option("of one local list")
    kind: str = option(KINDS)
    by: str = option("whose token kept it")
    ended: bool = option("also what was removed")
    after: int = option("a larger id only")


@noun.verb("list", "List what we keep for ourselves.")
def _list_entries(args: _ListOptions) -> None:
    query = args.given("type_", "list_", "kind", "by")
    if args.ended:
        query["ended"] = 1

    def lines(items: Sequence[Mapping[str, Any]]) -> list[str]:
        shown = len(HEAD) if args.show_values else -1
        return grid.table(HEAD[:shown], [_row(one)[:shown] for one in items])

    with args.api() as own:
        get = partial(own.get, "/v1/own/entries", **query)
        args.show_pages(
            lambda at, most: get(after=at, limit=most),
            args.after,
            lines,
            later("more: --after {id}"),
        )


def _row(item: Mapping[str, Any]) -> list[str]:
    """Return an entry as the cells of its row."""
    states = {name: t(name) for name in ("stands", "expired", "ended")}
    what = [item.get(name, "") for name in ("code", "text", "list", "label")]
    if item.get("official"):
        what.append(t("official report"))
    why = item.get("why", "")
    if "removed_at" in item:
        by, ended = item["removed_by"], item.get("removed_why", "")
        why += f" → {moment(item['removed_at'])} {by} {ended}"
    return [
        *(str(item["id"]), item["type"], item["kind"]),
        *(states.get(item["state"], item["state"]), item["by"]),
        *(moment(item["at"]), item.get("expires", "")),
        *(", ".join(filter(None, what)), why.strip()),
        item.get("value", ""),
    ]
