"""`syncd pending`: what one person handed in and a second one looks at."""

from collections.abc import Iterator
from itertools import chain

from syncd.cli import grid
from syncd.cli.api_client import problem
from syncd.cli.command import Command, argument, option
from syncd.cli.grid import Item
from syncd.cli.lookup_client import moment
from syncd.cli.options import ApiOptions
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import t

noun = Command()


class _ListOptions(ApiOptions):
    state: str = option("waiting, after, decided; all if not")


@noun.verb("list", "List what waits for a second person, and what went.")
def _list(args: _ListOptions) -> None:
    found = args.ask("/v1/pending", limit=1000, state=args.state)
    args.show(found, grid.items("pending", found["items"], _row))


def _row(one: Item) -> Item:
    return {
        "state": catalogue.phrase("review", one["state"]),
        "by": who(one["by"]),
        "handed_in": moment(one["at"]),
        "until": moment(one["until"]),
        "changes": f"{sum(c['n'] for c in one.get('changes', ())):+,}",
    }


class _ShowOptions(ApiOptions):
    id_: int = argument()


class _DecideOptions(_ShowOptions):
    why: str = option("our reason; it is kept")


@noun.verb("show", "Show what would change.")
def _show(args: _ShowOptions) -> None:
    found = args.ask(f"/v1/pending/{args.id_}")
    rows = [{"row": row["n"], **row} for row in found["rows"]]
    table = grid.items("pending row", rows) if rows else ()
    args.show(found, chain(_shown(found["item"]), table))


@noun.verb("confirm", "Confirm it as a second person: then it is done.")
def _confirm(args: _DecideOptions) -> int:
    return _do(args, "confirm")


@noun.verb("refuse", "Refuse it as a second person, and say why.")
def _refuse(args: _DecideOptions) -> int:
    return _do(args, "refuse")


def _do(args: _DecideOptions, what: str) -> int:
    found = args.ask(f"/v1/pending/{args.id_}/{what}", args.given("why"))
    [item] = found["items"]
    args.show(found, _shown(item))
    return int(item["state"] == "failed")


def who(by: Item) -> str:
    """Return whose token that is, with staff number and name."""
    whose = (by["name"], by.get("staff"), by.get("person"))
    return " ".join(filter(None, whose))


def _shown(item: Item) -> Iterator[str]:
    yield f"{item['id']}: {catalogue.phrase('review', item['state'])}: {item['call']}"
    yield t("handed in by {who}", who=who(item["by"]))
    for one in item.get("changes", ()):
        label = answers.name("label", one["label"])
        yield f"{one['n']:+9,} {one['what']} {one['kind']} {label}".rstrip()
    if by := item.get("decided"):
        why = item.get("why", "")
        yield t("decided by {who}: {why}", who=who(by), why=why)
    if item.get("problem"):
        yield catalogue.of(problem(item["problem"]))
