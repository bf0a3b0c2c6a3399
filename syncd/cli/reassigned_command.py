"""`syncd reassigned`: what a carrier says of numbers with a new owner."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli.command import Noun, argument, option
from syncd.cli.options import ApiOptions, FormatOptions
from syncd.cli.vouch_commands import Vouches, take

if TYPE_CHECKING:
    from syncd.lists.rows import Row

# What a column may be called, beside those of an import.
SINCE = "since day date 日期 过户日期 启用日期 开户日期"

noun = Noun()


class _Numbers(Vouches):
    path = "/v1/reassignments"
    name = "numbers"


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
        args.file_options(),
        maps=args.map_,
        constants={"kind": "phone", **args.given("region")},
        fields=("kind", "value", "region", "place"),
        more={"since": SINCE},
        given=args.given("since"),
        means={"since": partial(days.day, zone=table_input.zone_of(args))},
    )

    def number(row: "Row") -> Mapping[str, Any]:
        return {k: v for k, v in read(row).items() if k != "kind"}

    with args.api() as own:
        return take(args, args.file, _Numbers(own), rows, number)
