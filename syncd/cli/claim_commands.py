"""`syncd vouch`, `reassigned`: whose a value is; `dispute list`: what is not.

The first two by the rows of a list.
"""

from functools import partial
from pathlib import Path

from syncd.cli.command import Command, argument, option
from syncd.cli.grid import Item
from syncd.cli.hand_in import HandIn
from syncd.cli.options import ApiOptions, KindOptions, ListOptions
from syncd.messages.catalogue import later

# What a column may be called, beside those of an import.
ROLE = "role purpose 角色 用途"
SINCE = "since day date 日期 过户日期 启用日期 开户日期"

COUNTED = ("accepted", "known", "refused")
TOTAL = later("accepted {accepted}, already known {known}, refused {refused}")

noun = Command()
dispute = noun.noun("dispute", "")


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
        args,
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
        args,
        args.given("region", "since"),
        fields=("value", "region", "place"),
        more={"since": Extra(SINCE, partial(days.day, zone=zone))},
    )


class _DisputesOptions(ApiOptions):
    side: str = option("against_us, by_us")
    state: str = option("open, overdue, answered, ended")
    limit: int = option("rows at most", default=100, min=1, max=1000)


@dispute.verb(
    "list", "List disputes against us and ours, the first due first."
)
def _list_disputes(args: _DisputesOptions) -> None:
    asked = args.given("side", "state")
    found = args.ask("/v1/disputes", **asked, limit=args.limit)
    args.table("disputes", found, _shown)


def _shown(one: Item) -> Item:
    reports = one["reports"]
    answers = [r["outcome"] for r in reports if "outcome" in r]
    return {
        "reports": [r["position"] for r in reports],
        "answer": [*dict.fromkeys(answers)],
    }
