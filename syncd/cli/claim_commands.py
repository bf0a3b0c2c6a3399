"""`syncd vouch`, `syncd reassigned`: whose a value is, row by row of a list."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli.command import Noun, argument, option
from syncd.cli.options import ApiOptions, FormatOptions, KindOptions
from syncd.cli.own_commands import Kept, code_of
from syncd.messages.catalogue import later

if TYPE_CHECKING:
    from syncd.lists.rows import Row

# What a column may be called, beside those of an import.
ROLE = "role purpose 角色 用途"
SINCE = "since day date 日期 过户日期 启用日期 开户日期"

noun = Noun()


class _Vouches(Kept):
    """What became of the rows that were handed in."""

    path = "/v1/vouches"
    name = "vouches"
    counted = ("accepted", "known", "refused")
    total = later(
        "accepted {accepted}, already known {known}, refused {refused}"
    )


class _Numbers(_Vouches):
    path = "/v1/reassignments"
    name = "numbers"


class _VouchOptions(KindOptions, FormatOptions, ApiOptions):
    file: Path = argument()
    role: str = option("hotline, service_account, website, verified_caller")
    expires: str = option("day; the roster's cap if not")


@noun.verb(
    "vouch",
    "Vouch for values in our own name, never a customer's: all rows of a CSV,"
    " TSV, TXT, NDJSON or XLSX file.",
)
def _vouch(args: _VouchOptions) -> int:
    from syncd.cli import table_input

    rows, read = table_input.entries(
        args.file,
        args,
        constants={**args.named, **args.given("expires")},
        more={"role": ROLE},
        given=args.given("role"),
        means={"role": partial(code_of, "vouch_role")},
    )
    with args.api() as own:
        return _Vouches(own).load(args, args.file, rows, read)


class _ReassignedOptions(FormatOptions, ApiOptions):
    file: Path = argument()
    since: str = option("day of the new owner, for rows that do not say it")
    region: str = option("country of a phone without one")


@noun.verb(
    "reassigned",
    "Say that numbers have a new owner: as a carrier, all rows of a CSV, TSV,"
    " TXT, NDJSON or XLSX file.",
)
def _reassigned(args: _ReassignedOptions) -> int:
    from syncd.cli import table_input
    from syncd.lists import days

    rows, read = table_input.entries(
        args.file,
        args,
        constants={"kind": "phone", **args.given("region")},
        fields=("kind", "value", "region", "place"),
        more={"since": SINCE},
        given=args.given("since"),
        means={"since": partial(days.day, zone=table_input.zone_of(args))},
    )

    def number(row: "Row") -> Mapping[str, Any]:
        return {k: v for k, v in read(row).items() if k != "kind"}

    with args.api() as own:
        return _Numbers(own).load(args, args.file, rows, number)
