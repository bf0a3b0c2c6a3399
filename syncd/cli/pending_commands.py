"""`syncd pending`: what one person handed in and a second one looks at."""

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.cli import grid
from syncd.cli.api_client import problem
from syncd.cli.command import Command, argument, option
from syncd.cli.lookup_client import moment
from syncd.cli.options import ApiOptions, among
from syncd.messages import answers, catalogue
from syncd.messages.answers import HELD
from syncd.messages.catalogue import t

HEAD = ("id", "state", "call", "by", "handed in", "until", "changes")
Item = Mapping[str, Any]

noun = Command()


class _ListOptions(ApiOptions):
    state: str = option("waiting, after, decided; all if not")


@noun.verb("list", "List what waits for a second person, and what went.")
def _list(args: _ListOptions) -> None:
    among("--state", args.state, ("", "waiting", "after", "decided"))
    with args.api() as own:
        found = own.get("/v1/pending", limit=1000, state=args.state)
    rows = [
        [
            *(str(one["id"]), t(HELD[one["state"]]), one["call"]),
            *(_who(one["by"]), moment(one["at"]), moment(one["until"])),
            f"{sum(c['n'] for c in one.get('changes', ())):+,}",
        ]
        for one in found["items"]
    ]
    args.show(found, grid.table(HEAD, rows))


class _ShowOptions(ApiOptions):
    id_: int = argument()


@noun.verb("show", "Show what would change.")
def _show(args: _ShowOptions) -> None:
    with args.api() as own:
        found = own.get(f"/v1/pending/{args.id_}")
    args.show(found, _shown(found["items"][0]))


class _DecideOptions(_ShowOptions):
    why: str = option("our reason; it is kept")


@noun.verb("confirm", "Confirm it as a second person: then it is done.")
def _confirm(args: _DecideOptions) -> int:
    return _decide(args, "confirm")


@noun.verb("refuse", "Refuse it as a second person, and say why.")
def _refuse(args: _DecideOptions) -> int:
    return _decide(args, "refuse")


def _decide(args: _DecideOptions, what: str) -> int:
    with args.api() as own:
        found = own.post(f"/v1/pending/{args.id_}/{what}", args.given("why"))
    args.show(found, _shown(found["items"][0]))
    return int(found["items"][0]["state"] == "failed")


def _who(by: Item) -> str:
    whose = (by["name"], by.get("staff"), by.get("person"))
    return " ".join(filter(None, whose))


def _shown(item: Item) -> Iterator[str]:
    yield f"{item['id']}: {t(HELD[item['state']])}: {item['call']}"
    yield t(
        "handed in by {who}, {at}", who=_who(item["by"]), at=moment(item["at"])
    )
    for one in item.get("changes", ()):
        label = answers.name("label", one["label"])
        words = (f"{one['n']:+,}", one["what"], one["kind"], label)
        yield "  " + " ".join(filter(None, words))
    for member, n in item.get("stays", {}).items():
        yield t("{member} lists {n} of the values still", member=member, n=n)
    if by := item.get("decided"):
        why, at = item.get("why", ""), moment(item["decided_at"])
        yield t("decided by {who}, {at}: {why}", who=_who(by), at=at, why=why)
    if item.get("problem"):
        yield catalogue.of(problem(item["problem"]))
