"""`syncd vouch`: what is officially ours.

As in `syncd report`, values never stand on the command line.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli import grid
from syncd.cli.command import Noun, option
from syncd.cli.options import (
    ApiOptions,
    FormatOptions,
    KindOptions,
    PageOptions,
    ValueOptions,
    batches,
    check_given,
    is_table,
)
from syncd.cli.own_commands import SHOWN, Kept, code_of
from syncd.messages.catalogue import later, t

if TYPE_CHECKING:
    from syncd.lists.rows import Row, Table

HEAD = (
    *map(later, ("id", "kind", "state", "role", "expires", "by")),
    *map(later, ("position", "value")),
)
# What a column may be called, beside those of an import.
ROLE = "role purpose 角色 用途"

noun = Noun()


class Vouches(Kept):
    """What became of the vouches that were handed in."""

    path = "/v1/vouches"
    name = "vouches"
    counted = ("accepted", "known", "refused")
    total = later(
        "accepted {accepted}, already known {known}, refused {refused}"
    )


class _AddOptions(ValueOptions, KindOptions, FormatOptions, ApiOptions):
    role: str = option("hotline, service_account, website, verified_caller")
    expires: str = option("day; the roster's cap if not")


@noun.verb(
    "add",
    "Vouch for values in our own name, never a customer's: from standard"
    " input, one a line, from a file, or asked for.",
)
def _add(args: _AddOptions) -> int:
    fields = {**args.named, **args.given("expires")}
    role = args.given("role")
    with args.api() as own:
        done = Vouches(own)
        if args.file is not None and is_table(args.file):
            from syncd.cli import table_input

            rows, read = table_input.entries(
                args.file,
                args.file_options(),
                maps=args.map_,
                constants=fields,
                fields=(*table_input.VALUE, "expires"),
                more={"role": ROLE},
                given=role,
                means={"role": partial(code_of, "vouch_role")},
            )
            return take(args, args.file, done, rows, read)
        fields |= role
        check_given(fields, "kind", "role")
        raws = args.values()
        items = [{**fields, "value": raw} for raw in raws]
        for some in batches([*enumerate(items, 1)]):
            done.take(some)
    return done.show(args, len(raws))


class _EndOptions(ValueOptions, KindOptions, ApiOptions):
    reason: str = option("entry_error, reassigned, …")
    id_: list[int] = option("in the vault")


@noun.verb("end", "Take vouches of ours back: by id, or by value.")
def _end(args: _EndOptions) -> None:
    call = {**args.given("reason"), "type": "vouch"}
    check_given(call, "reason")
    calls: list[dict[str, Any]] = [{**call, "ids": args.id_}]
    if not args.id_:
        args.check_kind()
        calls = [{**call, **args.named, "value": v} for v in args.values()]
    with args.api() as own:
        done = [own.post("/v1/retractions", one) for one in calls]
    ending = sum(one["retracting"] for one in done)
    lines = [t("{n} vouches are being retracted", n=ending)]
    args.show({"retracting": ending}, lines)


class _ListOptions(PageOptions):
    state: str = option("waiting, published, ending, ended")
    before: int = option("a smaller id only")


@noun.verb("list", "List our vouches, newest first.")
def _list_vouches(args: _ListOptions) -> None:
    def lines(items: list[dict[str, Any]]) -> list[str]:
        head = HEAD if args.show_values else HEAD[:-1]
        return grid.table(
            head, [[_cell(item, name) for name in head] for item in items]
        )

    with args.api() as own:
        get = partial(
            own.get, "/v1/reports", type="vouch", **args.given("state")
        )
        args.show_pages(
            lambda at, most: get(before=at, limit=most),
            args.before,
            lines,
            later("more: --before {id}"),
        )


def _cell(item: Mapping[str, Any], name: str) -> str:
    found = item.get(name, "")
    if name == "position" and found:
        return f"{found[0]}:{found[1]}"
    return str(found)


def take(
    args: ApiOptions,
    file: Path,
    done: Kept,
    rows: "Table",
    read: Callable[["Row"], Mapping[str, Any]],
) -> int:
    """Hand in all rows of a table; return the exit code."""
    from syncd.cli import table_input
    from syncd.cli.importing.meter import meter

    with meter(file.name, rows.span) as at:
        done.take_all(table_input.steps(rows, read), at, rows.span)
    table_input.tell_notes(file, rows.notes)
    return done.show(args, SHOWN)
