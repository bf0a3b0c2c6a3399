"""`syncd report list`: what is in our vault, newest first."""

from typing import Any

from syncd.cli import grid
from syncd.cli.command import option
from syncd.cli.grid import Item
from syncd.cli.options import KindOptions, PageOptions, among, one_value
from syncd.cli.report_commands import noun
from syncd.cli.retract import TYPES
from syncd.messages.catalogue import later

OTHERS = "taken back by others"
STATES = ("waiting", "published", "ending", "ended")


class _ListOptions(KindOptions, PageOptions):
    label: str = option("kind of fraud")
    type_: str = option("report, dispute, reassigned, answer, vouch")
    from_: str = option("day of acceptance")
    to: str = option("likewise; included")
    list_: str = option("name of a list")
    import_: int = option("all that an import brought")
    state: str = option("waiting, published, ending, ended")
    by: str = option("whose token")
    value: bool = option("of one value: on standard input, or asked for")
    before: int = option("a smaller id only")


@noun.verb("list", "List what is in our vault.")
def _list_vault(args: _ListOptions) -> None:
    from syncd.lists import words  # no other verb of these reads them

    among("--state", args.state, ("", *STATES))
    among("--type", args.type_, ("", *TYPES))
    wanted = {
        **args.given(
            *("list_", "import_", "state", "by", "scheme", "region", "type_"),
            accepted_from="from_",
            accepted_to="to",
        ),
        **{
            name: words.meaning(name)(word)
            for name, word in args.given("kind", "label").items()
        },
    }
    if args.value:
        args.check_kind()
        wanted["value"] = one_value()

    def page(at: int, most: int) -> Any:
        asked = {**wanted, "before": at, "limit": most}
        if "value" in asked:  # it stands in no address
            return own.post("/v1/reports/search", asked)
        return own.get("/v1/reports", **asked)

    def lines(items: list[dict[str, Any]]) -> list[str]:
        others = any(item.get("elsewhere") for item in items)
        there = {OTHERS: others, "value": args.show_values}
        head = [n for n in grid.HEADS["vault"] if there.get(n, True)]
        return grid.items("vault", items, _shown, head)

    with args.api() as own:
        args.show_pages(page, args.before, lines, later("more: --before {id}"))


def _shown(item: Item) -> Item:
    there = {"taken_back_by_others": item.get("elsewhere", "")}
    if item.get("position"):
        there["position"] = "{}:{}".format(*item["position"])
    if item["type"] != "report":
        there["label"] = item.get("reason", item.get("role", ""))
    return there
