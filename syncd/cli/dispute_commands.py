"""`syncd dispute list`: what is disputed, and what waits for an answer."""

from syncd.cli.command import Command, option
from syncd.cli.grid import Item
from syncd.cli.options import ApiOptions

noun = Command()


class _ListOptions(ApiOptions):
    side: str = option("against_us, by_us")
    state: str = option("open, overdue, answered, ended")
    limit: int = option("rows at most", default=100, min=1, max=1000)


@noun.verb("list", "List disputes against us and ours, the first due first.")
def _list_disputes(args: _ListOptions) -> None:
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
