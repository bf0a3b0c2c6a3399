"""`syncd vouch`, `syncd reassigned`: whose a value is, row by row of a list."""

from functools import partial
from pathlib import Path

from syncd.cli.command import Command, argument, option
from syncd.cli.hand_in import HandIn
from syncd.cli.options import KindOptions, ListOptions
from syncd.messages.catalogue import later

# What a column may be called, beside those of an import.
ROLE = "role purpose 角色 用途"
SINCE = "since day date 日期 过户日期 启用日期 开户日期"

COUNTED = ("accepted", "known", "refused")
TOTAL = later("accepted {accepted}, already known {known}, refused {refused}")

noun = Command()


class _VouchOptions(KindOptions, ListOptions):
    file: Path = argument()
    role: str = option("hotline, service_account, website, verified_caller")
    expires: str = option("day; the roster's cap if not")


@noun.verb(
    "vouch",
    "Vouch for values in our own name, never a customer's: all rows of a CSV,"
    " TSV, TXT, NDJSON or XLSX file.",
)
def _vouch(args: _VouchOptions) -> int:
    from syncd.lists import words
    from syncd.lists.columns import Extra

    return HandIn("/v1/vouches", "vouches", TOTAL, COUNTED).load(
        *(args, args.file),
        {**args.named, **args.given("expires", "role")},
        more={"role": Extra(ROLE, words.meaning("vouch_role"))},
    )


class _ReassignedOptions(ListOptions):
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
    from syncd.lists.columns import Extra

    zone = table_input.zone_of(args)
    return HandIn("/v1/reassignments", "numbers", TOTAL, COUNTED).load(
        *(args, args.file),
        args.given("region", "since"),
        fields=("value", "region", "place"),
        more={"since": Extra(SINCE, partial(days.day, zone=zone))},
    )
