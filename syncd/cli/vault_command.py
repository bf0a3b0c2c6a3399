"""`syncd report list`: what is in our vault, newest first."""

from collections.abc import Mapping
from typing import Any

from syncd.cli import grid
from syncd.cli.command import option
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
            "list_", "import_", "state", "by", "scheme", "region", "type_"
        ),
        **args.given(accepted_from="from_", accepted_to="to"),
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
        cells = [[_cell(item, name) for name in head] for item in items]
        return grid.table("vault", cells, head)

    with args.api() as own:
        args.show_pages(page, args.before, lines, later("more: --before {id}"))


def _cell(item: Mapping[str, Any], name: str) -> str:
    name = "elsewhere" if name == OTHERS else name
    if name == "position" and item.get(name):
        return ":".join(str(part) for part in item[name])
    if name == "label" and item["type"] != "report":
        return str(item.get("reason", item.get("role", "")))
    return str(item.get(name, ""))
