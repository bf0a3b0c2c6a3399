"""What people read of events: in which words, and told to whom outside."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from syncd.messages import catalogue, wire
from syncd.messages.catalogue import later

TEXTS: Mapping[str, Mapping[str, str]] = {  # by whom they are told outside
    "": {
        "changes": later("{n} statements came in from {origin}"),
        "log": later("{origin}: {merged} of {mirrored} entries merged"),
        "published": later("our log has {size} entries"),
        "receipt": later("{signer} has merged {size} entries of ours"),
    },
    "admin": {
        "roster": later("roster: version {version} is in force"),
        "draft": later("roster: version {version} lacks {n} signatures"),
        "expiry": later("{code} of {member}: ends in {days} days"),
    },
    "duty": {
        "todo": later("to do: {why}"),
        "done": later("no more to do: {why}"),
        "finding": later("finding {code} in {origin}: {why}"),
        "peer": later("member {member}: {state}"),
        "cut_off": later("cut off from the other members: {state}"),
        "urgent": later("urgent news in {origin}, from {index} on"),
        "turned": later("look-up {access} turned bad: {origin}:{index}"),
        "retract": later("{origin} took back {n} reports"),
    },
    "reviewer": {
        "waiting": later(
            "review: {n} values wait for a second person as {id}"
        ),
        "lapsing": later("review: {id} lapses within 4 hours: {n} values"),
    },
    "compliance": {
        "undo": later("measures to look at again: {n}"),
        "dispute": later("dispute {origin}:{index}: to be answered by {due}"),
        "answer": later("{origin} answered our dispute: {outcome}"),
        "lift": later("{origin}:{index} lifts of ours {reports}"),
        "screening": later("screening: {n} customers were {state}"),
    },
}
WORDS = {
    name: text for texts in TEXTS.values() for name, text in texts.items()
}
# Ids, codes, origins and days; of digits never as many as a number has.
_CODES = re.compile(r"(?!.*\d{9})[\w.,: /-]*", re.ASCII)


def said(name: str, data: Mapping[str, Any]) -> str:
    """Return an event's sentence, with no more than ids, counts and days."""
    shown = {n: value for n in data if (value := plain(data[n])) is not None}
    why = wire.read({**data, "quoted": {}})
    words = defaultdict(lambda: "…", shown, why=catalogue.say(why))
    return catalogue.t(WORDS.get(name, name)).format_map(words)


def plain(value: object) -> int | str | None:
    """Return a value as it may leave; positions as `origin:index`."""
    if isinstance(value, list):
        position = [*map(type, value)] == [str, int]
        value = (":" if position else ", ").join(str(plain(v)) for v in value)
    if isinstance(value, int) or (
        isinstance(value, str) and _CODES.fullmatch(value)
    ):
        return value
    return None
