"""`syncd dispute list`: what is disputed, and what waits for an answer."""

from syncd.cli import grid
from syncd.cli.command import Command, option
from syncd.cli.options import ApiOptions

noun = Command()


class _ListOptions(ApiOptions):
    side: str = option("against_us, by_us")
    state: str = option("open, overdue, answered, ended")
    limit: int = option("rows at most", default=100, min=1, max=1000)


@noun.verb("list", "List disputes against us and ours, the first due first.")
def _list_disputes(args: _ListOptions) -> None:
    query = {**args.given("side", "state"), "limit": args.limit}
    with args.api() as own:
        found = own.get("/v1/disputes", **query)
    rows = [
        [
            *(one["due"], one["state"], one["side"], one["member"]),
            *(one["kind"], one["reason"]),
            " ".join("{}:{}".format(*r["position"]) for r in one["reports"]),
            ", ".join(
                dict.fromkeys(
                    r["outcome"] for r in one["reports"] if "outcome" in r
                )
            ),
            "{}:{}".format(*one["position"]),
        ]
        for one in found["items"]
    ]
    args.show(found, grid.table("disputes", rows))
