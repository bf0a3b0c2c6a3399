"""`syncd own`: lists of our own, which no other member ever sees.

Exempt entries (not to be acted on here) and notes (remarks on an answer).
As in `syncd report`, values never stand on the command line.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from syncd.cli import grid, options
from syncd.cli.command import Command, argument, option
from syncd.cli.hand_in import HandIn
from syncd.cli.options import (
    ApiOptions,
    KindOptions,
    ValueOptions,
    values,
)
from syncd.errors import UsageError
from syncd.messages.catalogue import later, t

COUNTED = ("added", "known", "replaced", "refused")
TOTAL = later(
    "added {added}, already known {known}, replaced {replaced},"
    " refused {refused}"
)
# What a column may be called, beside those of an import.
WHY = "why reason 原因 理由 事由"
CODE = "code 提示 提示类型"
TEXT = "text remark note 备注 说明"

noun = Command()


class _ExemptOptions(ValueOptions, KindOptions, options.ListOptions):
    why: str = option("our reason; it is kept")
    until: str = option("first day on which it counts no more")
    file: Path | None = option("a list as imported")


@noun.verb(
    "exempt",
    "Exempt values from being acted on here: from standard input, one a line,"
    " from a list, or asked for.",
)
def _exempt(args: _ExemptOptions) -> int:
    return _keep(args, "exempt", {}, "kind")


class _NoteOptions(_ExemptOptions):
    code: str = option("shared_host, gateway, own_customer_line, other")
    text: str = option("what the note says")


@noun.verb(
    "note",
    "Keep a remark on values: from standard input, one a line, from a list, or"
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
    done = _hand_in(type_)
    if args.file:
        # Only a list is read as a table.
        from syncd.lists import words
        from syncd.lists.columns import Extra

        columns = {"why": Extra(WHY)}
        if type_ == "note":
            columns["code"] = Extra(CODE, words.meaning("note"))
            columns["text"] = Extra(TEXT)
        return done.load(args, fields, more=columns)
    options.check_given(fields, *needed)
    return done.values(args, values(), fields)


class _DistrustOptions(ApiOptions):
    member: str = argument()
    why: str = option("our reason; it is kept", needed=True)
    until: str = option("first day on which it counts no more")


@noun.verb(
    "distrust",
    "Have what a member says count as that of a forked log, here and at once;"
    " `own remove` ends it.",
)
def _distrust(args: _DistrustOptions) -> int:
    fields = args.given("why", expires="until")
    return _hand_in("distrust").values(args, [args.member], fields)


def _hand_in(type_: str) -> HandIn:
    named = "/v1/own/entries", "entries", TOTAL, COUNTED
    return HandIn(*named, fixed={"type": type_})


class _RemoveOptions(ValueOptions, KindOptions, ApiOptions):
    id_: list[int] = option("of the entry")
    kind: str = option("of values on standard input")
    list_: str = option("a local list, all of it")
    type_: str = option("exempt, note, local, distrust")
    why: str = option("our reason; it is kept")


@noun.verb(
    "remove",
    "Remove entries of ours: by id, by value, or a local list whole; they stay"
    " as history.",
)
def _remove(args: _RemoveOptions) -> int:
    if sum(map(bool, (args.id_, args.kind, args.list_))) != 1:
        raise UsageError("name one of --id, --kind with values, --list")
    calls = [args.given("list_", ids="id_")]
    if args.kind:
        calls = [{**args.named, "value": v} for v in values(args.file)]
    more = args.given("type_", "why")
    with args.api() as own:
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


class _ListOptions(options.PageOptions):
    type_: str = option("exempt, note, local, distrust")
    list_: str = option("of one local list")
    ended: bool = option("also what was removed")


@noun.verb("list", "List what we keep for ourselves.")
def _list_entries(args: _ListOptions) -> None:
    query = args.given("type_", "list_")
    if args.ended:
        query["ended"] = 1
    with args.api() as own:
        get = partial(own.get, "/v1/own/entries", **query)
        args.show_pages(get, "after", "own", _shown)


def _shown(item: grid.Item) -> grid.Item:
    what = [item.get(name, "") for name in ("code", "text", "list", "label")]
    if item.get("official"):
        what.append(t("official report"))
    why = item.get("why", "")
    if "removed_at" in item:
        by, ended = item["removed_by"], item.get("removed_why", "")
        why += f" → {grid.moment(item['removed_at'])} {by} {ended}"
    return {
        "state": t(item["state"]),
        "what": [*filter(None, what)],
        "why": why.strip(),
    }
